/** The stream of what the server uses: opened again when it breaks, closed while nobody looks. */

import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { INotice, IUsage } from './api';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
/** A hidden page keeps one of the few connections that a browser has per address; after this long it lets go. */
const HIDDEN_FOR = 3 * 60_000;

export class UsageStream implements IDisposable {
  constructor(private readonly url: () => string) {
    document.addEventListener('visibilitychange', this.onVisibility);
    this.open();
  }

  /** Each new measurement. */
  get measured(): ISignal<this, IUsage> {
    return this._measured;
  }

  /** Each notice; those from before the page was opened come again. */
  get noticed(): ISignal<this, INotice> {
    return this._noticed;
  }

  /** Whether measurements arrive. */
  get connection(): ISignal<this, boolean> {
    return this._connection;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.clearTimeout(this.hidden);
    this.close();
    Signal.clearData(this);
  }

  private open(): void {
    this.close();
    const source = (this.source = new EventSource(this.url(), { withCredentials: true }));
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      this._connection.emit(true);
    };
    source.onerror = () => this.retry();
    source.addEventListener('usage', event => this.pass(event, this._measured));
    source.addEventListener('notice', event => this.pass(event, this._noticed));
  }

  private close(): void {
    window.clearTimeout(this.reopening);
    this.source?.close();
    this.source = null;
  }

  private retry(): void {
    this.close();
    this._connection.emit(false);
    // Not all pages at once when a server has been away.
    this.reopening = window.setTimeout(() => this.open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }

  private pass<T>(event: Event, signal: Signal<this, T>): void {
    signal.emit(JSON.parse((event as MessageEvent<string>).data) as T);
  }

  private readonly onVisibility = (): void => {
    window.clearTimeout(this.hidden);
    if (document.hidden) {
      this.hidden = window.setTimeout(() => this.close(), HIDDEN_FOR);
    } else if (!this.source) {
      this.wait = FIRST_WAIT;
      this.open();
    }
  };

  private source: EventSource | null = null;
  private wait = FIRST_WAIT;
  private reopening = 0;
  private hidden = 0;
  private _isDisposed = false;
  private readonly _measured = new Signal<this, IUsage>(this);
  private readonly _noticed = new Signal<this, INotice>(this);
  private readonly _connection = new Signal<this, boolean>(this);
}
