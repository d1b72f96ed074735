/** One query of the panel. */

import { checkIcon, closeIcon, copyIcon, errorIcon, launchIcon, type LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { bytes } from './format';
import { age, cost, documentName, type IQuery, isOpen, oneLine, outcome } from './queries';
import type { QueryActions } from './queriesActions';

const ICONS: Partial<Record<IQuery['state'], LabIcon>> = {
  done: checkIcon,
  failed: errorIcon,
  cancelled: closeIcon
};

interface IProps {
  query: IQuery;
  now: number;
  currency: string;
  /** Whether the Tab key leads to it; from there the arrow keys lead to the others. */
  isCurrent: boolean;
  isEnding: boolean;
  actions: QueryActions;
  onCancel: () => void;
  onFocus: () => void;
}

export function QueryEntry(props: IProps): React.ReactElement {
  const { query, now, isEnding } = props;
  const state = isEnding ? 'Being cancelled…' : outcome(query, now);
  const figures = facts(query, props.currency);
  const statement = oneLine(query.statement);
  const when = query.created === null ? '' : new Date(query.created).toLocaleString();
  return (
    <li
      className={`carrel-Query carrel-mod-${query.state}`}
      tabIndex={props.isCurrent ? 0 : -1}
      aria-label={[state, age(query, now), statement, ...figures].filter(text => text).join(', ')}
      onFocus={props.onFocus}
    >
      <div className="carrel-Query-head">
        <StateIcon state={query.state} />
        <span className="carrel-Query-state">{state}</span>
        <span className="carrel-Query-end">
          {!isOpen(query) && (
            <span className="carrel-Query-age" title={when}>
              {age(query, now)}
            </span>
          )}
          <Actions {...props} />
        </span>
      </div>
      <code className="carrel-Query-statement" title={query.statement}>
        {statement}
      </code>
      {query.state === 'failed' && query.error && <p className="carrel-Query-error">{query.error}</p>}
      {figures.length > 0 && <p className="carrel-Query-facts">{figures.join(' · ')}</p>}
    </li>
  );
}

function StateIcon({ state }: { state: IQuery['state'] }): React.ReactElement {
  const Icon = ICONS[state];
  return Icon ? (
    <Icon.react tag="span" className="carrel-Query-mark" width="14px" />
  ) : (
    <span className="carrel-Query-mark carrel-Query-spinner" />
  );
}

function Actions(props: IProps): React.ReactElement {
  const { query, actions, isCurrent, isEnding } = props;
  const reach = isCurrent ? 0 : -1;
  return (
    <span className="carrel-Query-actions">
      {isOpen(query) && (
        <button
          type="button"
          tabIndex={reach}
          className="carrel-Query-button carrel-Query-cancel"
          disabled={isEnding}
          onClick={props.onCancel}
        >
          Cancel
        </button>
      )}
      {query.state === 'done' && (
        <button
          type="button"
          tabIndex={reach}
          className="carrel-Query-button"
          title="Get it into a new cell, without paying again"
          onClick={() => void actions.attach(query)}
        >
          Get the result
        </button>
      )}
      {query.document && query.cell && (
        <IconButton icon={launchIcon} label="Show the cell" reach={reach} onClick={() => void actions.show(query)} />
      )}
      <IconButton icon={copyIcon} label="Copy the job id" reach={reach} onClick={() => actions.copy(query)} />
    </span>
  );
}

function IconButton(props: { icon: LabIcon; label: string; reach: number; onClick: () => void }): React.ReactElement {
  return (
    <button
      type="button"
      tabIndex={props.reach}
      className="carrel-Query-icon"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" width="14px" />
    </button>
  );
}

/** What it read, what that costs, and where it was begun. */
function facts(query: IQuery, currency: string): string[] {
  const { bytes_processed: read, cache_hit } = query;
  const isPaid = query.state !== 'failed';
  return [
    cache_hit ? 'from the cache' : read !== null && isPaid ? bytes(read) : '',
    isPaid && !cache_hit ? cost(query.cost, currency) : '',
    documentName(query)
  ].filter(text => text);
}
