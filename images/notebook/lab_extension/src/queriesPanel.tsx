/** The panel: what is left of the day, and the queries with what can be done about each. */

import { LabIcon, refreshIcon, VDomRenderer } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { bytes, leftToday, level } from './format';
import { type IBudget, isOpen, terms } from './queries';
import type { QueryActions } from './queriesActions';
import { QueryEntry } from './queriesEntry';
import type { QueriesModel } from './queriesModel';

const icon = new LabIcon({
  name: 'carrel:queries',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<g class="jp-icon3 jp-icon-selectable" fill="#616161">' +
    '<path d="M11 2C6.6 2 3 3.6 3 5.5S6.6 9 11 9s8-1.6 8-3.5S15.4 2 11 2z"/>' +
    '<path d="M3 8v4c0 1.8 3.1 3.3 7 3.5a6 6 0 0 1 9-4.5V8c-1.5 1.8-4.5 2.8-8 2.8S4.5 9.8 3 8z"/>' +
    '<path d="M3 14.5v4C3 20.4 6.6 22 11 22l.8 0A6 6 0 0 1 10 17.3C6.9 17.2 4.3 16.1 3 14.5z"/>' +
    '<path d="M16 12a4.5 4.5 0 1 0 2.5 8.2l2.6 2.6 1.3-1.3-2.6-2.6A4.5 4.5 0 0 0 16 12zm0 1.8a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4z"/>' +
    '</g></svg>'
});

export class QueriesPanel extends VDomRenderer<QueriesModel> {
  constructor(
    model: QueriesModel,
    private readonly actions: QueryActions
  ) {
    super(model);
    this.id = 'carrel-queries';
    this.addClass('carrel-Queries');
    this.title.icon = icon;
    this.title.caption = 'My queries';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'My queries');
    this.node.addEventListener('keydown', this.onKey);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.model.shown();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.shown();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.hidden();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[tabindex="0"], button')?.focus();
  }

  protected override render(): React.ReactElement {
    const { answer, complaint, isAsking } = this.model;
    return (
      <>
        <div className="carrel-Queries-head">
          <h2 className="carrel-Queries-title">My queries</h2>
          <button
            type="button"
            className="carrel-Query-icon"
            aria-busy={isAsking}
            aria-label="Refresh"
            title="Refresh"
            onClick={() => void this.model.refresh()}
          >
            <refreshIcon.react tag="span" width="16px" />
          </button>
          {answer?.budget && <Budget budget={answer.budget} />}
        </div>
        {complaint && (
          <p className="carrel-Queries-complaint" role="alert">
            {complaint}
          </p>
        )}
        {this.renderList()}
        <span className="carrel-Queries-spoken" role="status" aria-live="polite">
          {spoken(answer?.queries.filter(isOpen).length)}
        </span>
      </>
    );
  }

  private renderList(): React.ReactElement | null {
    const { answer } = this.model;
    if (!answer) {
      return this.model.isAsking ? <p className="carrel-Queries-empty">Asking the warehouse…</p> : null;
    }
    const { queries, budget } = answer;
    if (!queries.length) {
      return (
        <p className="carrel-Queries-empty">
          Nothing asked yet: run a cell with <code>%%bigquery</code>, and your query appears here.
        </p>
      );
    }
    const current = queries.find(query => query.id === this.current) ?? queries[0];
    return (
      <ul className="carrel-Queries-list" role="list" aria-label="My last queries">
        {queries.map(query => (
          <QueryEntry
            key={query.id}
            query={query}
            now={this.model.now}
            currency={budget?.currency ?? ''}
            isCurrent={query === current}
            isEnding={this.model.isEnding(query)}
            actions={this.actions}
            onCancel={() => void this.model.cancel(query)}
            onFocus={() => this.turnTo(query.id)}
          />
        ))}
      </ul>
    );
  }

  private turnTo(id: string): void {
    if (this.current !== id) {
      this.current = id;
      this.update();
    }
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const entries = Array.from(this.node.querySelectorAll<HTMLElement>('.carrel-Query'));
    const index = entries.findIndex(entry => entry.contains(document.activeElement));
    if (step && index >= 0) {
      entries[index + step]?.focus();
      event.preventDefault();
    }
  };

  private current = '';
}

function Budget({ budget }: { budget: IBudget }): React.ReactElement {
  const { bytes_per_day: perDay, left_today: left, spent_today: spent } = budget;
  const clock = new Date(budget.resets_at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });
  if (perDay === null || left === null) {
    return (
      <p className="carrel-Budget" title={terms(budget, bytes, clock)}>
        {bytes(spent)} read today
      </p>
    );
  }
  const text = leftToday(left, perDay);
  const share = perDay > 0 ? Math.max(0, Math.min(1, left / perDay)) : 0;
  return (
    <div className={`carrel-Budget carrel-mod-${level(perDay - left, perDay)}`} title={terms(budget, bytes, clock)}>
      {text}
      <div
        className="carrel-Budget-bar"
        role="meter"
        aria-label="What is left of today's budget"
        aria-valuemin={0}
        aria-valuemax={perDay}
        aria-valuenow={left}
        aria-valuetext={text}
      >
        <div className="carrel-Budget-left" style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}

function spoken(running: number | undefined): string {
  return running ? `${running === 1 ? 'One query runs' : `${running} queries run`}.` : '';
}
