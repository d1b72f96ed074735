import assert from 'node:assert/strict';
import { test } from 'node:test';

import { leftToday } from '../src/format.ts';
import { age, cost, documentName, duration, type IQuery, isCell, isOpen, oneLine, outcome, terms } from '../src/queries.ts';

const NOW = 1_800_000_000_000;
const query = (more: Partial<IQuery>): IQuery => ({
  id: 'q',
  location: null,
  state: 'done',
  error: null,
  statement: '',
  bytes_processed: null,
  bytes_billed: null,
  cost: null,
  cache_hit: false,
  created: NOW,
  started: NOW,
  ended: NOW,
  cell: null,
  document: null,
  ...more
});

test('a query says what has become of it', () => {
  assert.equal(outcome(query({ state: 'pending' }), NOW), 'Waiting for its turn');
  assert.equal(outcome(query({ state: 'running' }), NOW + 12_000), 'Running 12 s');
  assert.equal(outcome(query({ state: 'running', started: null }), NOW + 3000), 'Running 3 s');
  assert.equal(outcome(query({ ended: NOW + 2140 }), NOW), 'Done in 2.1 s');
  assert.equal(outcome(query({ ended: null }), NOW), 'Done');
  assert.equal(outcome(query({ state: 'cancelled' }), NOW), 'Cancelled');
  assert.equal(outcome(query({ state: 'failed' }), NOW), 'Failed');
  assert.deepEqual([isOpen(query({ state: 'pending' })), isOpen(query({}))], [true, false]);
});

test('times are as long as they need to be', () => {
  assert.deepEqual([-5, 400, 9960, 59_400].map(duration), ['0 s', '0.4 s', '10 s', '59 s']);
  assert.deepEqual([59_600, 65_000, 7_800_000].map(duration), ['1 min 0 s', '1 min 5 s', '2 h 10 min']);
});

test('an age is a word or a number and a unit', () => {
  const ages = [-3000, 59_000, 61_000, 3_600_000, 86_400_000, 3 * 86_400_000].map(gone => age(query({}), NOW + gone));
  assert.deepEqual(ages, ['just now', 'just now', '1 min ago', '1 h ago', 'yesterday', '3 days ago']);
  assert.equal(age(query({ created: null }), NOW), '');
});

test('a statement is one line and begins after its comments', () => {
  assert.equal(oneLine('-- how many\n  # by origin\nSELECT a,\n\n  b -- c\nFROM t\n'), 'SELECT a, b -- c FROM t');
  assert.equal(oneLine('-- nothing but this'), '-- nothing but this');
});

test('what costs nothing is free and what costs little is told so', () => {
  assert.deepEqual([null, 0, 0.00006, 0.0051, 12.345].map(each => cost(each, '$')), [
    '',
    'free',
    'under $0.01',
    '$0.01',
    '$12.35'
  ]);
});

test('the budget says what is left, and who pays', () => {
  const GIB = 1024 ** 3;
  assert.equal(leftToday(8.8 * GIB, 10 * GIB), "8.8 GiB of today's 10 GiB left");
  assert.equal(leftToday(0, 10 * GIB), "0 B of today's 10 GiB left");
  const budget = {
    payer: 'project risk',
    bytes_per_query: 5,
    bytes_per_day: 10,
    spent_today: 0,
    left_today: 10,
    currency: '$',
    resets_at: '',
    raised_by: 'an administrator can raise it'
  };
  assert.equal(
    terms(budget, each => `${each} B`, '01:00'),
    'Your queries are paid for by project risk. One query may read 5 B. A new day begins at 01:00; an administrator can raise it.'
  );
  const free = { ...budget, payer: 'ada', bytes_per_query: null, bytes_per_day: null };
  assert.equal(terms(free, String, ''), 'Your queries are paid for by ada.');
});

test('a cell is known by its label', () => {
  assert.equal(isCell('a1b2-c3', 'a1b2-c3'), true);
  assert.equal(isCell('a1b2-c3', 'a1b2-c4'), false);
  assert.equal(isCell('Cell One', 'cell-one-0123abcd'), true);
  assert.equal(isCell('Cell One', 'cell-one-more-0123abcd'), false);
  assert.equal(isCell('x'.repeat(64), `${'x'.repeat(54)}-0123abcd`), true);
  assert.equal(isCell('a', null), false);
});

test('a notebook is called by its name', () => {
  assert.equal(documentName(query({ document: 'work/a b.ipynb' })), 'a b.ipynb');
  assert.equal(documentName(query({})), '');
});
