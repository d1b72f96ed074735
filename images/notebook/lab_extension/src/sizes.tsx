/** The popup with the sizes this person may have, and what becomes of choosing one. */

import { Notification } from '@jupyterlab/apputils';
import { type Popup, showPopup } from '@jupyterlab/statusbar';
import { VDomRenderer } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { ISize, ISizes } from './api';
import type { Desk, IWish } from './desk';
import { price } from './format';
import { calls, sizeNamed } from './settled';

/** How long the good news stays before the popup makes room again. */
const READING_TIME = 2500;

/** Opens and closes the popup, and tells by a notification what came to an end after it was closed. */
export class SizePicker {
  constructor(
    private readonly desk: Desk,
    private readonly anchor: Widget,
    private readonly restart: (size: ISize) => Promise<void>
  ) {}

  /** Open the popup; close it when it is open. */
  toggle(): void {
    if (this.isOpen) {
      this.popup?.dispose();
    } else {
      this.open();
    }
  }

  open(): void {
    if (this.isOpen) {
      return;
    }
    this.desk.forget();
    void this.desk.refresh();
    const body = new SizeList(this.desk, size => void this.choose(size), size => this.ask(size));
    this.popup = showPopup({ body, anchor: this.anchor, align: 'right', hasDynamicSize: true });
    this.popup.disposed.connect(() => this.anchor.node.querySelector('button')?.focus());
  }

  /** Change to the size, after a question when that needs a restart. */
  async choose(size: ISize): Promise<void> {
    if (!size.live) {
      this.ask(size);
      return;
    }
    this.open();
    const popup = this.popup;
    const wish = await this.desk.change(size.name);
    if (wish.size !== size.name || this.desk.wish !== wish) {
      return; // another wish has taken its place, and is told by whoever follows that one
    }
    if (!this.isOpen) {
      this.announce(wish);
    } else if (wish.outcome === 'Applied') {
      window.setTimeout(() => popup?.dispose(), READING_TIME);
    }
  }

  private get isOpen(): boolean {
    return this.popup !== null && !this.popup.isDisposed;
  }

  private ask(size: ISize): void {
    this.popup?.dispose();
    void this.restart(size);
  }

  private announce(wish: IWish): void {
    const size = sizeNamed(this.desk.sizes, wish.size);
    if (wish.outcome === 'Applied') {
      Notification.success(wish.sentence, { autoClose: 5000 });
    } else if (wish.outcome === 'Infeasible' && size) {
      const actions = [{ label: 'Restart now…', callback: () => void this.restart(size) }];
      Notification.warning(wish.sentence, { autoClose: false, actions });
    } else if (wish.outcome) {
      Notification.warning(wish.sentence, { autoClose: false });
    }
  }

  private popup: Popup | null = null;
}

class SizeList extends VDomRenderer<Desk> {
  constructor(
    desk: Desk,
    private readonly choose: (size: ISize) => void,
    private readonly restart: (size: ISize) => void
  ) {
    super(desk);
    this.addClass('carrel-Sizes');
    this.node.addEventListener('keydown', this.onKey);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    void this.renderPromise?.then(() => this.focusFirst());
  }

  protected override render(): React.ReactElement {
    const { sizes, wish, isChanging } = this.model;
    if (!sizes) {
      return <p className="carrel-Sizes-body">The hub has not told the sizes yet.</p>;
    }
    return (
      <div className="carrel-Sizes-body">
        <h2 className="carrel-Sizes-title">Size of this server</h2>
        <div role="menu" aria-label="Sizes" className="carrel-Sizes-list">
          {sizes.sizes.map(size => (
            <Row
              key={size.name}
              size={size}
              sizes={sizes}
              isBusy={isChanging && wish?.size === size.name}
              onChoose={() => this.choose(size)}
            />
          ))}
        </div>
        <Sentence desk={this.model} onRestart={this.restart} />
      </div>
    );
  }

  private focusFirst(): void {
    const rows = this.rows();
    (rows.find(row => row.getAttribute('aria-checked') === 'true') ?? rows[0])?.focus();
  }

  private rows(): HTMLButtonElement[] {
    return Array.from(this.node.querySelectorAll<HTMLButtonElement>('[role=menuitemradio]'));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const rows = this.rows();
      const index = rows.indexOf(document.activeElement as HTMLButtonElement);
      rows[(index + step + rows.length) % rows.length]?.focus();
      event.preventDefault();
    }
  };
}

function Row(props: {
  size: ISize;
  sizes: ISizes;
  isBusy: boolean;
  onChoose: () => void;
}): React.ReactElement {
  const { size, sizes, isBusy } = props;
  const isCurrent = size.name === sizes.instance_type;
  const cost = price(size.price_per_hour, sizes.currency);
  return (
    <button
      type="button"
      role="menuitemradio"
      aria-checked={isCurrent}
      className={`carrel-Size${isCurrent ? ' carrel-mod-current' : ''}${isBusy ? ' carrel-mod-busy' : ''}`}
      title={size.description}
      onClick={isCurrent ? undefined : props.onChoose}
    >
      <span className="carrel-Size-dot" aria-hidden="true" />
      <span className="carrel-Size-name">{size.display_name}</span>
      <span className="carrel-Size-price">{cost && `${cost}/h`}</span>
      <span className="carrel-Size-figures">
        {size.cpu} CPU · {size.memory}
      </span>
      <span className="carrel-Size-how">{isCurrent ? current(sizes, isBusy) : offer(size)}</span>
      {!isCurrent && !size.live && size.why && <span className="carrel-Size-why">{size.why}</span>}
    </button>
  );
}

function current(sizes: ISizes, isBusy: boolean): string {
  if (isBusy) {
    return 'changing…';
  }
  return sizes.resize && sizes.resize.state !== 'Applied' ? 'wanted' : 'now';
}

function offer(size: ISize): string {
  return size.live ? 'applies live' : `needs a restart${size.why ? ':' : ''}`;
}

function Sentence(props: { desk: Desk; onRestart: (size: ISize) => void }): React.ReactElement {
  const { sizes, size, wish } = props.desk;
  const wished = sizeNamed(sizes, wish?.size) ?? size;
  const state = wish ? wish.outcome : sizes?.resize?.state;
  const isCalm = !wish && (!state || state === 'Applied');
  const sentence = wish ? wish.sentence : sizes?.resize?.message;
  const mood = state && state !== 'Applied' && state !== 'InProgress' ? ' carrel-mod-complaint' : '';
  return (
    <div className={`carrel-Sizes-sentence${mood}`} role="status" aria-live="polite">
      {isCalm ? 'Variables stay when the size changes live.' : sentence}
      {state === 'Infeasible' && wished && (
        <button type="button" className="carrel-Sizes-restart" onClick={() => props.onRestart(wished)}>
          Restart with {calls(sizes, wished.name)}…
        </button>
      )}
    </div>
  );
}
