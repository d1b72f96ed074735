/** What has become of a wish for another size, read from the hub's answers. Imports nothing but types. */

import type { IResize, ISize, ISizes } from './api';

/** How long an unchanged answer may be one from before the wish. */
const STALE_FOR = 5000;

const SETTLED: readonly IResize['state'][] = ['Applied', 'Deferred', 'Infeasible', 'Refused'];

/** A sentence about a change, and how it ended; null while it goes on. */
export interface IVerdict {
  sentence: string;
  outcome: IResize['state'] | null;
}

/** Whether an answer says the last word about a change: nothing is worth asking again. */
export function isSettled(resize: IResize | null | undefined): boolean {
  return !resize?.state || SETTLED.includes(resize.state);
}

/**
 * What an answer says about a wish.
 *
 * The operator may not have seen the wish yet; then the answer still tells what became of the one before.
 * An answer that differs from the one before the wish is news. An equal one is believed after a while.
 */
export function verdict(before: IResize | null, now: ISizes, waited: number): IVerdict {
  const changing = `Changing to ${calls(now, now.instance_type)}…`;
  const isNews = before?.state !== now.resize?.state || before?.message !== now.resize?.message;
  if (!isNews && waited <= STALE_FOR) {
    return { sentence: changing, outcome: null };
  }
  const outcome = isSettled(now.resize) ? (now.resize?.state ?? 'Applied') : null;
  return { sentence: now.resize?.message || changing, outcome };
}

/** The size of that name. */
export function sizeNamed(sizes: ISizes | null, name: string | null | undefined): ISize | null {
  return sizes?.sizes.find(size => size.name === name) ?? null;
}

/** What a size is called; its name when it is none of those this person may have. */
export function calls(sizes: ISizes | null, name: string): string {
  return sizeNamed(sizes, name)?.display_name || name;
}

/** What to offer to somebody who runs out of memory: the size the administrator named, else the next that applies live. */
export function nextSize(sizes: ISizes | null): ISize | null {
  const current = sizeNamed(sizes, sizes?.instance_type);
  if (!sizes || !current) {
    return null;
  }
  const bigger = sizes.sizes
    .filter(size => size.memory_bytes > current.memory_bytes)
    .sort((one, other) => one.memory_bytes - other.memory_bytes);
  return bigger.find(size => size.name === current.grow_to) ?? bigger.find(size => size.live) ?? null;
}
