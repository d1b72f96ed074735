/** What is known of the person's queries. At rest it asks nothing: only while somebody looks, and only for a reason. */

import { VDomModel } from '@jupyterlab/ui-components';

import type { Api } from './api';
import { type IQueries, type IQuery, isOpen } from './queries';

const TICK = 1000;
/** While one runs, in ticks. */
const BETWEEN_LOOKS = 2;

export class QueriesModel extends VDomModel {
  constructor(private readonly api: Api) {
    super();
    document.addEventListener('visibilitychange', this.onVisibility);
  }

  answer: IQueries | null = null;
  /** Why nothing newer is shown; empty when all is well. */
  complaint = '';
  isAsking = false;

  override dispose(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    this.hidden();
    super.dispose();
  }

  /** The time by the clock that dates the queries. */
  get now(): number {
    return Date.now() + this.ahead;
  }

  /** The panel has come into view. */
  shown(): void {
    this.isShown = true;
    void this.refresh();
  }

  /** Nobody sees the panel. */
  hidden(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
  }

  /** Something may have changed; ask if anybody looks. */
  stir(): void {
    if (this.isWatched) {
      void this.refresh();
    }
  }

  /** Ask now. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    this.isAsking = true;
    this.stateChanged.emit();
    let complaint = '';
    let answer = this.answer;
    try {
      answer = await this.api.queries();
    } catch (error) {
      complaint = (error as Error).message;
    }
    if (turn !== this.turn) {
      return; // a later question has taken its place
    }
    this.complaint = complaint;
    if (answer && answer !== this.answer) {
      this.ahead = answer.now - Date.now();
    }
    this.answer = answer;
    this.isAsking = false;
    this.stateChanged.emit();
    this.wait(0);
  }

  /** Whether its end was asked for, and has not come yet. */
  isEnding(query: IQuery): boolean {
    return isOpen(query) && this.ending.has(query.id);
  }

  async cancel(query: IQuery): Promise<void> {
    this.ending.add(query.id);
    this.stateChanged.emit();
    try {
      await this.api.cancelQuery(query);
      await this.refresh();
    } catch (error) {
      this.ending.delete(query.id);
      this.complaint = (error as Error).message;
      this.stateChanged.emit();
    }
  }

  private get isWatched(): boolean {
    return this.isShown && !document.hidden;
  }

  /** Count the seconds of what runs, and look how it is each two. */
  private wait(ticks: number): void {
    window.clearTimeout(this.timer);
    if (!this.isWatched || !this.answer?.queries.some(isOpen)) {
      return;
    }
    this.timer = window.setTimeout(() => {
      if (ticks + 1 >= BETWEEN_LOOKS) {
        void this.refresh();
      } else {
        this.stateChanged.emit();
        this.wait(ticks + 1);
      }
    }, TICK);
  }

  private readonly onVisibility = (): void => this.stir();

  private readonly ending = new Set<string>();
  private isShown = false;
  private ahead = 0;
  private timer = 0;
  private turn = 0;
}
