import assert from 'node:assert/strict';
import { test } from 'node:test';

import { calls, isSettled, nextSize, verdict } from '../src/settled.ts';

const size = (name: string, memory: number, grow_to: string | null = null) => ({
  name,
  display_name: name.toUpperCase(),
  description: '',
  cpu: '1',
  memory: `${memory} GiB`,
  memory_bytes: memory,
  price_per_hour: 1,
  grow_to,
  live: true,
  why: ''
});

const answer = (state: string, message = '', instance_type = 'small') => ({
  instance_type,
  running: true,
  currency: '$',
  sizes: [size('large', 16), size('small', 4, 'large'), size('medium', 8)],
  resize: { state, reason: '', message } as never,
  will_stop_at: null,
  idle_timeout: null,
  keep_until: null,
  keep_at_most: 0
});

test('only a verdict is the last word', () => {
  assert.equal(isSettled(answer('Applied').resize), true);
  assert.equal(isSettled(answer('Deferred').resize), true);
  assert.equal(isSettled(answer('InProgress').resize), false);
  assert.equal(isSettled(answer('Pending').resize), false);
  assert.equal(isSettled(null), true);
});

test('an answer from before the wish settles nothing at first', () => {
  const before = answer('Applied', 'Small now.').resize;
  const waiting = { sentence: 'Changing to MEDIUM…', outcome: null };
  assert.deepEqual(verdict(before, answer('Applied', 'Small now.', 'medium'), 100), waiting);
  assert.equal(verdict(before, answer('Applied', 'Small now.', 'medium'), 6000).outcome, 'Applied');
});

test('an answer that differs is believed, and its sentence is told', () => {
  const before = answer('Applied', 'Small now.').resize;
  const told = (state: string, message: string) => verdict(before, answer(state, message), 100);
  assert.deepEqual(told('Applied', 'Medium.'), { sentence: 'Medium.', outcome: 'Applied' });
  assert.deepEqual(told('Infeasible', 'No room.'), { sentence: 'No room.', outcome: 'Infeasible' });
  assert.deepEqual(told('InProgress', 'Soon.'), { sentence: 'Soon.', outcome: null });
  assert.equal(verdict(null, answer('Applied', 'Small.'), 100).outcome, 'Applied');
});

test('the next size is the one that the administrator named, else the next that applies live', () => {
  assert.equal(nextSize(answer('Applied'))?.name, 'large');
  assert.equal(nextSize(answer('Applied', '', 'medium'))?.name, 'large');
  assert.equal(nextSize(answer('Applied', '', 'large')), null);
  assert.equal(nextSize(answer('Applied', '', 'unknown')), null);
  assert.equal(nextSize(null), null);
  const restarting = answer('Applied', '', 'medium');
  restarting.sizes = restarting.sizes.map(each => ({ ...each, live: false }));
  assert.equal(nextSize(restarting), null);
});

test('a size nobody knows any more is called by its name', () => {
  assert.equal(calls(answer('Applied'), 'small'), 'SMALL');
  assert.equal(calls(answer('Applied'), 'gone'), 'gone');
});
