/** When this server stops by itself, by the clock on the person's wall. Imports nothing, so that the tests need no browser. */

/** What the server's agent knows of it; times in UTC, durations in seconds. */
export interface IStop {
  will_stop_at: string | null;
  idle_timeout: number | null;
  keep_until: string | null;
  keep_at_most: number;
  running: string[];
}

/** One way to have the server kept; null for no longer. */
export interface IChoice {
  label: string;
  until: Date | null;
  wish: IWish;
}

/** As the hub's API wants it. */
export type IWish = { keep_for: string | null } | { keep_until: string };

const HOUR = 3_600_000;
const MORNING = 8;
/** Who works at four means the morning that comes when they have slept. */
const NIGHT_ENDS = 5;

/** What stands in the status bar; nothing where servers never stop by themselves. */
export function label(stop: IStop | null | undefined, now: Date): string {
  if (stop?.will_stop_at) {
    return `Stops ${clock(new Date(stop.will_stop_at), now)}`;
  }
  if (stop?.keep_until) {
    return `Kept until ${clock(new Date(stop.keep_until), now)}`;
  }
  return stop?.idle_timeout ? 'Stops when idle' : '';
}

/** The same in a sentence. */
export function explained(stop: IStop, now: Date): string {
  const idle = stop.idle_timeout ? ` when nothing has run in it for ${duration(stop.idle_timeout)}` : '';
  if (stop.will_stop_at) {
    return `The server stops at ${clock(new Date(stop.will_stop_at), now)} if nothing runs in it before.`;
  }
  if (stop.keep_until) {
    return `The server is kept until ${clock(new Date(stop.keep_until), now)}; later it stops${idle}.`;
  }
  return `The server stops${idle}. A cell, a program in a terminal and a query count; an open page does not.`;
}

/** What may be chosen at the moment: never longer than the administrator allows. */
export function choices(stop: IStop, now: Date): IChoice[] {
  const most = stop.keep_at_most * 1000;
  const found: IChoice[] = [1, 4]
    .filter(hours => hours * HOUR <= most)
    .map(hours => {
      const until = new Date(now.getTime() + hours * HOUR);
      return { label: `Keep ${hours} h`, until, wish: { keep_for: `${hours}h` } };
    });
  const until = morning(now);
  const lasts = until.getTime() - now.getTime();
  if (lasts <= most && lasts > HOUR) {
    const label = until.getDate() === now.getDate() ? 'Keep until morning' : 'Keep until tomorrow morning';
    found.push({ label, until, wish: { keep_until: until.toISOString() } });
  }
  if (stop.keep_until) {
    found.push({ label: 'Stop as usual', until: null, wish: { keep_for: null } });
  }
  return found;
}

/** Eight o'clock on the wall of the next morning, on whatever day clocks change. */
export function morning(now: Date): Date {
  const day = now.getHours() < NIGHT_ENDS ? now.getDate() : now.getDate() + 1;
  return new Date(now.getFullYear(), now.getMonth(), day, MORNING);
}

/** `14:05`, or with the day when it is another one. */
export function clock(time: Date, now: Date): string {
  const figures: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  const isToday = time.toDateString() === now.toDateString();
  return time.toLocaleString([], isToday ? figures : { weekday: 'short', ...figures });
}

function duration(seconds: number): string {
  if (seconds < 120) {
    return `${Math.round(seconds)} seconds`;
  }
  return seconds % 3600 ? `${Math.round(seconds / 60)} minutes` : `${seconds / 3600} h`;
}
