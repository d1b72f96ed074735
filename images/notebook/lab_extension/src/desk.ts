/** What is known of this server: what it uses, its size, and what becomes of a wish for another. */

import { VDomModel } from '@jupyterlab/ui-components';

import type { Api, IResize, ISize, ISizes, IUsage } from './api';
import { withSample } from './format';
import type { IStop, IWish as IKeepWish } from './stop';
import { calls, isSettled, type IVerdict, sizeNamed, verdict } from './settled';

/** Two minutes, a sample each two seconds. */
export const SAMPLES = 60;
const OFTEN = 500;
const SELDOM = 2000;
const EAGER_FOR = 10_000;

/** A wish for another size. */
export interface IWish {
  size: string;
  sentence: string;
  outcome: IVerdict['outcome'] | 'Failed';
}

export class Desk extends VDomModel {
  constructor(private readonly api: Api) {
    super();
  }

  usage: IUsage | null = null;
  samples: number[] = [];
  isLive = false;
  sizes: ISizes | null = null;
  wish: IWish | null = null;
  stop: IStop | null = null;

  /** Take in a measurement; another limit means another size, whoever asked for it. */
  measure(usage: IUsage): void {
    const isNewLimit = this.usage !== null && usage.memory.limit !== this.usage.memory.limit;
    this.usage = usage;
    this.stop = usage.stop;
    this.samples = withSample(this.samples, usage.memory.used, SAMPLES);
    this.isLive = true;
    this.stateChanged.emit();
    if (isNewLimit && !this.isChanging) {
      void this.refresh();
    }
  }

  /** Whether measurements arrive; when they do again, the size may have changed meanwhile. */
  connected(isLive: boolean): void {
    this.isLive = isLive;
    this.stateChanged.emit();
    if (isLive && !this.isChanging) {
      void this.refresh();
    }
  }

  /** Whether a change is on its way. */
  get isChanging(): boolean {
    return this.wish !== null && this.wish.outcome === null;
  }

  /** The size that the server has or is changing to; null while the hub has not answered. */
  get size(): ISize | null {
    return sizeNamed(this.sizes, this.sizes?.instance_type);
  }

  /** Ask for the size; null when that failed, and then what was known before stays. */
  async refresh(): Promise<ISizes | null> {
    try {
      this.took(await this.api.sizes());
    } catch (error) {
      console.warn('Carrel: the size is not known.', error);
      return null;
    }
    if (!isSettled(this.sizes?.resize) && !this.isChanging) {
      void this.follow(null);
    }
    return this.sizes;
  }

  /** Ask for another size and follow what becomes of it. */
  async change(size: string): Promise<IWish> {
    const before = this.sizes?.resize ?? null;
    this.turn += 1; // whatever was followed until now is no longer what the person wants
    this.tell({ size, sentence: `Changing to ${calls(this.sizes, size)}…`, outcome: null });
    try {
      this.sizes = await this.api.change(size);
    } catch (error) {
      return this.tell({ size, sentence: (error as Error).message, outcome: 'Failed' });
    }
    return this.follow(before);
  }

  /** Have the server kept for a while, or no longer; fails with a sentence for the person. */
  async keep(wish: IKeepWish): Promise<void> {
    this.took(await this.api.keep(wish));
  }

  /** Forget a wish that is settled. */
  forget(): void {
    if (this.wish && !this.isChanging) {
      this.wish = null;
      this.stateChanged.emit();
    }
  }

  /** Ask again and again until the change has come to an end, or until another takes its place. */
  private async follow(before: IResize | null): Promise<IWish> {
    const turn = ++this.turn;
    const start = Date.now();
    let wish = this.read(before, 0);
    while (wish.outcome === null && turn === this.turn && !this.isDisposed) {
      const waited = Date.now() - start;
      await new Promise(resolve => window.setTimeout(resolve, waited < EAGER_FOR ? OFTEN : SELDOM));
      // The hub may be away for a moment, and nobody looks at a hidden page: the change goes on without us.
      const sizes = document.hidden ? null : await this.api.sizes().catch(() => null);
      if (sizes && turn === this.turn) {
        this.sizes = sizes;
        wish = this.read(before, Date.now() - start);
      }
    }
    return wish;
  }

  private took(sizes: ISizes): void {
    this.sizes = sizes;
    const { will_stop_at, idle_timeout, keep_until, keep_at_most } = sizes;
    this.stop = { running: this.stop?.running ?? [], will_stop_at, idle_timeout, keep_until, keep_at_most };
    this.stateChanged.emit();
  }

  private read(before: IResize | null, waited: number): IWish {
    const sizes = this.sizes as ISizes;
    return this.tell({ size: sizes.instance_type, ...verdict(before, sizes, waited) });
  }

  private tell(wish: IWish): IWish {
    this.wish = wish;
    this.stateChanged.emit();
    return wish;
  }

  private turn = 0;
}
