/** What the server's agent answers below `carrel/`, and how it is asked. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IQueries, IQuery } from './queries';
import type { IStop, IWish } from './stop';

export interface IMemory {
  used: number;
  limit: number;
  peak: number;
}

/** A kernel's or a server's end for lack of memory. */
export interface IKill {
  at: string;
  action: 'Interrupted' | 'KernelKilled' | 'ServerKilled';
  kernel?: string | null;
  notebook?: string | null;
  cell?: string | null;
  peak?: number | null;
  limit?: number | null;
  message: string;
}

export interface IUsage {
  memory: IMemory;
  kernels: { id: string; name: string; notebook?: string | null; memory: number }[];
  home?: { used: number; size: number } | null;
  last_kill: IKill | null;
  stop: IStop;
}

export interface INotice {
  id: string;
  kind: 'warning' | 'growing' | 'grown' | 'interrupted' | 'killed' | 'disk' | 'stopping' | 'identity';
  message: string;
  notebook?: string | null;
  cell?: string | null;
  at: string;
  will_stop_at?: string | null;
}

export interface ISize {
  name: string;
  display_name: string;
  description: string;
  cpu: string;
  memory: string;
  memory_bytes: number;
  price_per_hour: number | null;
  grow_to: string | null;
  live: boolean;
  why: string;
}

export interface IResize {
  state: 'Applied' | 'InProgress' | 'Deferred' | 'Infeasible' | 'Refused' | 'Pending';
  reason: string;
  message: string;
}

export interface ISizes {
  instance_type: string;
  running: boolean;
  currency: string;
  sizes: ISize[];
  resize?: IResize | null;
  will_stop_at: string | null;
  idle_timeout: number | null;
  keep_until: string | null;
  keep_at_most: number;
}

/** The requests; each fails with an Error whose message is a sentence for the person. */
export class Api {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** Where the stream of usage and notices is; an EventSource can't send the header by which JupyterHub knows a page of ours. */
  get events(): string {
    const token = /\b_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? '';
    return `${this.url('events')}?_xsrf=${token}`;
  }

  usage(): Promise<IUsage> {
    return this.ask<IUsage>('usage', 'GET');
  }

  sizes(): Promise<ISizes> {
    return this.ask<ISizes>('size', 'GET');
  }

  change(size: string): Promise<ISizes> {
    return this.ask<ISizes>('size', 'PATCH', { instance_type: size });
  }

  /** Have the server kept for a while, or no longer. */
  keep(wish: IWish): Promise<ISizes> {
    return this.ask<ISizes>('keep', 'PATCH', wish);
  }

  async restart(size: string): Promise<void> {
    await this.ask<unknown>('restart', 'POST', { instance_type: size });
  }

  /** What the person has asked the warehouse lately, and what is left of the budget. */
  queries(): Promise<IQueries> {
    return this.ask<IQueries>('queries', 'GET');
  }

  /** Ask for a query's end, which may come a moment later. */
  async cancelQuery(query: IQuery): Promise<void> {
    const place = query.location ? `?location=${encodeURIComponent(query.location)}` : '';
    await this.ask<unknown>(`queries/${query.id}/cancel${place}`, 'POST');
  }

  /** Whether this server itself still answers, rather than the hub in its place. */
  async isHere(): Promise<boolean> {
    const url = URLExt.join(this.settings.baseUrl, 'api/status');
    try {
      return (await ServerConnection.makeRequest(url, {}, this.settings)).ok;
    } catch {
      return false;
    }
  }

  private url(path: string): string {
    return URLExt.join(this.settings.baseUrl, 'carrel', path);
  }

  private async ask<T>(path: string, method: string, body?: object): Promise<T> {
    const init: RequestInit = body ? { method, body: JSON.stringify(body) } : { method };
    let answer: Response;
    try {
      answer = await ServerConnection.makeRequest(this.url(path), init, this.settings);
    } catch {
      throw new Error('The server could not be reached. Look at your connection and try again.');
    }
    if (!answer.ok) {
      throw new Error(await complaint(answer));
    }
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }
}

/** The sentence of a refusal: the hub's own when it has one. */
async function complaint(answer: Response): Promise<string> {
  try {
    const content = await answer.json();
    if (typeof content.message === 'string' && content.message) {
      return content.message;
    }
  } catch {
    // Not JSON, so not from the hub's API: a proxy between here and there answered.
  }
  return `The hub did not answer (${answer.status}). Try again in a moment; if it lasts, tell your administrator.`;
}
