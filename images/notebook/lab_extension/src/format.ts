/** Figures as people read them, and what colour they have. Imports nothing, so that the tests need no browser. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Calm at rest, amber when it gets tight, red when something is about to happen. */
export type Level = 'calm' | 'tight' | 'critical';

const TIGHT = 0.8;
const CRITICAL = 0.92;

/** The level of a share of the limit. */
export function level(used: number, limit: number): Level {
  const share = limit > 0 ? used / limit : 0;
  return share >= CRITICAL ? 'critical' : share >= TIGHT ? 'tight' : 'calm';
}

/** `1.2 of 4 GiB`: both in the unit of the limit, so that they can be compared at a glance. */
export function usedOf(used: number, limit: number): string {
  const power = powerOf(limit);
  return `${figure(used / 1024 ** power)} of ${figure(limit / 1024 ** power)} ${UNITS[power]}`;
}

/** `4 GiB`, `1.5 GiB`, `300 MiB`. */
export function bytes(amount: number): string {
  const power = powerOf(amount);
  return `${figure(amount / 1024 ** power)} ${UNITS[power]}`;
}

/** `8.8 GiB of today's 10 GiB left`. */
export function leftToday(left: number, perDay: number): string {
  return `${bytes(left)} of today's ${bytes(perDay)} left`;
}

/** `$0.05`, `$1.50`, `$0.004`: two decimals, or as many as a small price needs; nothing when nobody set one. */
export function price(amount: number | null | undefined, currency: string): string {
  if (amount === null || amount === undefined) {
    return '';
  }
  const cents = amount.toFixed(2);
  return `${currency}${Number(cents) === amount ? cents : String(amount)}`;
}

/** The points of an SVG polyline for samples between nothing and the limit; the newest is at the right edge. */
export function points(
  samples: readonly number[],
  limit: number,
  width: number,
  height: number,
  most: number
): string {
  const step = width / Math.max(1, most - 1);
  const left = width - step * (samples.length - 1);
  return samples
    .map((used, index) => {
      const share = limit > 0 ? Math.min(1, Math.max(0, used / limit)) : 0;
      return `${rounded(left + step * index)},${rounded(height - share * height)}`;
    })
    .join(' ');
}

/** The same list with one more sample, and never more than `most`. */
export function withSample(samples: readonly number[], used: number, most: number): number[] {
  return [...samples, used].slice(-most);
}

function powerOf(amount: number): number {
  const power = amount >= 1 ? Math.floor(Math.log(amount) / Math.log(1024)) : 0;
  return Math.min(UNITS.length - 1, power);
}

/** One decimal below ten, none above, and none that is zero. */
function figure(amount: number): string {
  const text = amount.toFixed(amount < 9.95 ? 1 : 0);
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

function rounded(coordinate: number): number {
  return Math.round(coordinate * 10) / 10;
}
