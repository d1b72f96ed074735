/** The person's queries as they are read in the panel. Imports nothing, so that the tests need no browser. */

export interface IQuery {
  id: string;
  location: string | null;
  state: 'pending' | 'running' | 'done' | 'failed' | 'cancelled';
  error: string | null;
  statement: string;
  bytes_processed: number | null;
  bytes_billed: number | null;
  cost: number | null;
  cache_hit: boolean;
  created: number | null;
  started: number | null;
  ended: number | null;
  cell: string | null;
  document: string | null;
}

export interface IBudget {
  payer: string;
  bytes_per_query: number | null;
  bytes_per_day: number | null;
  spent_today: number;
  left_today: number | null;
  currency: string;
  resets_at: string;
  raised_by: string;
}

export interface IQueries {
  queries: IQuery[];
  budget: IBudget | null;
  /** The server's clock, by which the times are to be read. */
  now: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The part of a label that is the text's own where the text did not fit; the rest is a digest. */
const KEPT = 54;

/** Whether the query has not come to its end. */
export function isOpen(query: IQuery): boolean {
  return query.state === 'pending' || query.state === 'running';
}

/** What has become of it: `Running 12 s`, `Done in 3 s`. */
export function outcome(query: IQuery, now: number): string {
  const { state, created, started, ended } = query;
  if (state === 'pending') {
    return 'Waiting for its turn';
  }
  if (state === 'running') {
    const since = started ?? created;
    return since === null ? 'Running' : `Running ${duration(now - since)}`;
  }
  if (state === 'done') {
    return started === null || ended === null ? 'Done' : `Done in ${duration(ended - started)}`;
  }
  return state === 'cancelled' ? 'Cancelled' : 'Failed';
}

/** `0.4 s`, `12 s`, `1 min 5 s`, `2 h 10 min`. */
export function duration(time: number): string {
  const spent = Math.max(0, time);
  if (spent < 9950) {
    const seconds = (spent / SECOND).toFixed(1);
    return `${seconds.endsWith('.0') ? seconds.slice(0, -2) : seconds} s`;
  }
  const seconds = Math.round(spent / SECOND);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago it was begun: `just now`, `3 min ago`, `yesterday`. */
export function age(query: IQuery, now: number): string {
  if (query.created === null) {
    return '';
  }
  const gone = now - query.created;
  if (gone < MINUTE) {
    return 'just now';
  }
  if (gone < HOUR) {
    return `${Math.floor(gone / MINUTE)} min ago`;
  }
  if (gone < DAY) {
    return `${Math.floor(gone / HOUR)} h ago`;
  }
  const days = Math.floor(gone / DAY);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** The statement in one line, without what a comment says before it. */
export function oneLine(statement: string): string {
  const text = statement.replace(/^(\s*(--|#)[^\n]*\n)+/, '').replace(/\s+/g, ' ').trim();
  return text || statement.trim();
}

/** `$0.01`; what is less than half a cent is no sum that anybody pays. */
export function cost(amount: number | null, currency: string): string {
  if (amount === null) {
    return '';
  }
  if (amount === 0) {
    return 'free';
  }
  return amount < 0.005 ? `under ${currency}0.01` : `${currency}${amount.toFixed(2)}`;
}

/** The name of the notebook that began it; nothing when it is not there any more. */
export function documentName(query: IQuery): string {
  return query.document?.split('/').pop() ?? '';
}

/** Whether a job's label means the cell of that id: a label holds an id that BigQuery would not take in part. */
export function isCell(id: string, label: string | null): boolean {
  if (!label || id === label) {
    return id === label;
  }
  const fit = id.toLowerCase().replace(/[^a-z0-9_-]/g, '-').slice(0, KEPT);
  return label.length === fit.length + 9 && label.startsWith(`${fit}-`) && /-[0-9a-f]{8}$/.test(label);
}

/** What the bar of the budget cannot say; `readable` makes text of bytes, and `clock` is when the day begins anew. */
export function terms(budget: IBudget, readable: (amount: number) => string, clock: string): string {
  const parts = [`Your queries are paid for by ${budget.payer}.`];
  if (budget.bytes_per_query !== null) {
    parts.push(`One query may read ${readable(budget.bytes_per_query)}.`);
  }
  if (budget.bytes_per_day !== null) {
    parts.push(`A new day begins at ${clock}; ${budget.raised_by}.`);
  }
  return parts.join(' ');
}
