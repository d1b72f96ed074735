/** The item in the status bar that says when the server stops by itself, and the menu to have it kept. */

import { type Popup, showPopup } from '@jupyterlab/statusbar';
import { ReactWidget, VDomRenderer } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { Desk } from './desk';
import { choices, clock, explained, type IChoice, label } from './stop';

export class StopItem extends VDomRenderer<Desk> {
  constructor(desk: Desk) {
    super(desk);
    this.addClass('carrel-Status');
    this.addClass('jp-mod-highlighted');
  }

  /** Open the menu; close it when it is open. */
  toggle(): void {
    if (this.popup && !this.popup.isDisposed) {
      this.popup.dispose();
      return;
    }
    void this.model.refresh();
    const body = new KeepMenu(this.model, () => this.popup?.dispose());
    this.popup = showPopup({ body, anchor: this, align: 'right', hasDynamicSize: true });
    this.popup.disposed.connect(() => this.node.querySelector('button')?.focus());
  }

  protected override render(): React.ReactElement | null {
    const { stop } = this.model;
    const now = new Date();
    const text = label(stop, now);
    if (!stop || !text) {
      return null;
    }
    return (
      <button
        className="carrel-Status-button"
        type="button"
        aria-haspopup="menu"
        aria-label={`${text}. Have the server kept`}
        title={explained(stop, now)}
        onClick={() => this.toggle()}
      >
        <span className="carrel-Status-part">
          {text}
          <span className="carrel-Status-mark" aria-hidden="true">
            {' ▸'}
          </span>
        </span>
      </button>
    );
  }

  private popup: Popup | null = null;
}

class KeepMenu extends ReactWidget {
  constructor(
    private readonly desk: Desk,
    private readonly done: () => void
  ) {
    super();
    this.addClass('carrel-Sizes');
    this.node.addEventListener('keydown', this.onKey);
    desk.stateChanged.connect(this.update, this);
  }

  override dispose(): void {
    this.desk.stateChanged.disconnect(this.update, this);
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    void this.renderPromise?.then(() => this.items()[0]?.focus());
  }

  protected override render(): React.ReactElement | null {
    const { stop } = this.desk;
    if (!stop) {
      return null;
    }
    const now = new Date();
    const offered = choices(stop, now);
    return (
      <div className="carrel-Sizes-body">
        <h2 className="carrel-Sizes-title">When this server stops</h2>
        <div role="menu" aria-label="Have the server kept">
          {offered.map(choice => (
            <button
              key={choice.label}
              type="button"
              role="menuitem"
              className="carrel-Size carrel-Keep"
              onClick={() => void this.choose(choice)}
            >
              <span className="carrel-Size-name">{choice.label}</span>
              <span className="carrel-Size-how">{choice.until ? `until ${clock(choice.until, now)}` : ''}</span>
            </button>
          ))}
        </div>
        <div
          className={`carrel-Sizes-sentence${this.complaint ? ' carrel-mod-complaint' : ''}`}
          role="status"
          aria-live="polite"
        >
          {this.complaint || explained(stop, now)}
          {!offered.length && ' Your administrator has set no time for which it can be kept.'}
        </div>
      </div>
    );
  }

  private async choose(choice: IChoice): Promise<void> {
    try {
      await this.desk.keep(choice.wish);
      this.done();
    } catch (error) {
      this.complaint = (error as Error).message;
      this.update();
    }
  }

  private items(): HTMLButtonElement[] {
    return Array.from(this.node.querySelectorAll<HTMLButtonElement>('[role=menuitem]'));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const items = this.items();
      const index = items.indexOf(document.activeElement as HTMLButtonElement);
      items[(index + step + items.length) % items.length]?.focus();
      event.preventDefault();
    }
  };

  private complaint = '';
}
