import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bytes, level, points, price, usedOf, withSample } from '../src/format.ts';

const GIB = 1024 ** 3;

test('memory is told in the unit of its limit', () => {
  assert.equal(usedOf(1.2 * GIB, 4 * GIB), '1.2 of 4 GiB');
  assert.equal(usedOf(0.26 * GIB, 4 * GIB), '0.3 of 4 GiB');
  assert.equal(usedOf(11.6 * GIB, 16 * GIB), '12 of 16 GiB');
  assert.equal(usedOf(100 * 1024 ** 2, 512 * 1024 ** 2), '100 of 512 MiB');
  assert.equal(usedOf(0, 0), '0 of 0 B');
  assert.equal(bytes(1.5 * GIB), '1.5 GiB');
});

test('prices have two decimals or as many as they need', () => {
  assert.equal(price(0.05, '$'), '$0.05');
  assert.equal(price(0.1, '$'), '$0.10');
  assert.equal(price(0.004, '$'), '$0.004');
  assert.equal(price(0, '€'), '€0.00');
  assert.equal(price(null, '$'), '');
});

test('the colour changes at 80 and at 92 percent', () => {
  assert.equal(level(79.9, 100), 'calm');
  assert.equal(level(80, 100), 'tight');
  assert.equal(level(91.9, 100), 'tight');
  assert.equal(level(92, 100), 'critical');
  assert.equal(level(1, 0), 'calm');
});

test('the graph ends at the right and stays inside its box', () => {
  assert.equal(points([0, 50, 100], 100, 60, 10, 61), '58,10 59,5 60,0');
  assert.equal(points([500, -1], 100, 60, 10, 61), '59,0 60,10');
  assert.equal(points([5], 0, 60, 10, 61), '60,10');
  assert.equal(points([], 100, 60, 10, 61), '');
});

test('old samples are forgotten', () => {
  assert.deepEqual(withSample([1, 2, 3], 4, 3), [2, 3, 4]);
  assert.deepEqual(withSample([], 4, 3), [4]);
});
