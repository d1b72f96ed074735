import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choices, clock, explained, label, morning } from '../src/stop.ts';

const usual = { will_stop_at: null, idle_timeout: 3600, keep_until: null, keep_at_most: 86_400, running: [] };

function at(zone: string, time: string): Date {
  process.env.TZ = zone;
  return new Date(time);
}

test('the status bar says when it stops, by the clock on the wall', () => {
  const now = at('Europe/Berlin', '2026-11-27T12:00:00Z');
  assert.match(label({ ...usual, will_stop_at: '2026-11-27T13:05:00Z' }, now), /^Stops 0?2:05 PM$|^Stops 14:05$/);
  assert.match(label({ ...usual, will_stop_at: '2026-11-28T07:00:00Z' }, now), /^Stops \S+ 0?8:00/);
  assert.match(label({ ...usual, keep_until: '2026-11-28T07:00:00Z' }, now), /^Kept until \S+ 0?8:00/);
  assert.equal(label(usual, now), 'Stops when idle');
  assert.equal(label({ ...usual, idle_timeout: null }, now), '');
  assert.equal(label(null, now), '');
});

test('tomorrow morning is eight on the wall in the nights in which clocks change', () => {
  const hours = (zone: string, now: string): number => {
    const from = at(zone, now);
    return (morning(from).getTime() - from.getTime()) / 3_600_000;
  };
  assert.equal(morning(at('Europe/Berlin', '2026-11-27T17:00:00Z')).toISOString(), '2026-11-28T07:00:00.000Z');
  assert.equal(hours('Europe/Berlin', '2026-11-27T17:00:00Z'), 14);
  assert.equal(hours('Europe/Berlin', '2026-10-24T16:00:00Z'), 15, 'the night that has 25 hours a day');
  assert.equal(hours('Europe/Berlin', '2026-03-28T17:00:00Z'), 13, 'and the one that lacks one');
  assert.equal(hours('America/New_York', '2026-10-31T22:00:00Z'), 15);
  assert.equal(hours('Australia/Lord_Howe', '2026-04-04T07:00:00Z'), 14.5, 'half an hour is changed there');
  assert.equal(hours('Asia/Kolkata', '2026-03-28T12:30:00Z'), 14);
  for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
    for (let day = 0; day < 366; day++) {
      const now = new Date(at(zone, '2026-01-01T20:15:00Z').getTime() + day * 86_400_000);
      assert.equal(morning(now).getHours(), 8, `${zone} ${now}`);
      assert.ok(morning(now) > now);
    }
  }
});

test('who works at night means the morning after the night', () => {
  const now = at('Europe/Berlin', '2026-11-28T01:30:00Z');
  assert.equal(morning(now).toISOString(), '2026-11-28T07:00:00.000Z');
  assert.equal(choices(usual, now).map(each => each.label).join(), 'Keep 1 h,Keep 4 h,Keep until morning');
});

test('nothing is offered for longer than one may', () => {
  const now = at('Europe/Berlin', '2026-11-27T17:00:00Z');
  const offered = (keep_at_most: number) => choices({ ...usual, keep_at_most }, now).map(each => each.label);
  assert.deepEqual(offered(86_400), ['Keep 1 h', 'Keep 4 h', 'Keep until tomorrow morning']);
  assert.deepEqual(offered(4 * 3600), ['Keep 1 h', 'Keep 4 h']);
  assert.deepEqual(offered(0), []);
});

test('a wish is a duration, or a moment in UTC', () => {
  const now = at('Europe/Berlin', '2026-11-27T17:00:00Z');
  const kept = { ...usual, keep_until: '2026-11-28T07:00:00Z' };
  assert.deepEqual(
    choices(kept, now).map(each => each.wish),
    [{ keep_for: '1h' }, { keep_for: '4h' }, { keep_until: '2026-11-28T07:00:00.000Z' }, { keep_for: null }]
  );
});

test('a sentence says what counts', () => {
  const now = at('UTC', '2026-11-27T12:00:00Z');
  assert.match(explained(usual, now), /^The server stops when nothing has run in it for 1 h\. A cell, /);
  assert.match(explained({ ...usual, idle_timeout: 600 }, now), /for 10 minutes\./);
  assert.match(explained({ ...usual, will_stop_at: '2026-11-27T12:30:00Z' }, now), /stops at .*30.* if nothing runs/);
  assert.match(explained({ ...usual, keep_until: '2026-11-27T12:30:00Z' }, now), /is kept until .*30.*; later it/);
  assert.match(clock(now, now), /12:00/);
});
