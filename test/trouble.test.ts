import { describe, expect, test } from 'vitest';
import { Trouble } from '../src/loop/trouble.ts';
import type { LinkEvent } from '../src/transport/link.ts';

const nobody = { code: 'NOBODY_LISTENING', message: 'nobody is listening on localhost:9999 yet; trying again' };
const notChat = { code: 'NOT_A_CHAT', message: 'something answers on port 9999, but it is not a chat server.' };

/** A trouble that noted these events at these times. */
const troubleAfter = (...events: [type: Exclude<LinkEvent['type'], 'frame'>, atMs: number][]) => {
  const trouble = new Trouble('localhost', 9999);
  for (const [type, atMs] of events) trouble.note({ type }, atMs);
  return trouble;
};

test('nothing happened, nothing is said', () => {
  const trouble = troubleAfter();
  expect(trouble.diagnose(60_000)).toBeUndefined();
  expect(trouble.reason).toBeUndefined();
});

describe('nobody listens', () => {
  test('is said a second after the first refusal, however many follow', () => {
    const trouble = troubleAfter(['refused', 100], ['refused', 300], ['refused', 700]);
    expect(trouble.diagnose(1_099)).toBeUndefined();
    expect(trouble.diagnose(1_100)).toEqual(nobody);
  });

  test('is said once, and stays the reason', () => {
    const trouble = troubleAfter(['refused', 0]);
    trouble.diagnose(1_000);
    expect(trouble.diagnose(2_000)).toBeUndefined();
    expect(trouble.reason).toBe('nobody is listening on localhost:9999.');
  });

  test('is not said while a connection is open', () =>
    expect(troubleAfter(['refused', 0], ['opened', 500]).diagnose(2_000)).toBeUndefined());
});

describe('no chat', () => {
  test('is said when a connection stays open for five seconds', () => {
    const trouble = troubleAfter(['opened', 0]);
    expect(trouble.diagnose(4_999)).toBeUndefined();
    expect(trouble.diagnose(5_000)).toEqual(notChat);
    expect(trouble.reason).toBe(notChat.message);
  });

  test('is counted from the first opening', () =>
    expect(troubleAfter(['opened', 0], ['opened', 4_000]).diagnose(5_000)).toEqual(notChat));

  test('is not said when the connection was refused in between', () => {
    const trouble = troubleAfter(['opened', 0], ['refused', 4_000]);
    expect(trouble.diagnose(5_000)).toEqual(nobody);
    trouble.note({ type: 'opened' }, 6_000);
    expect(trouble.diagnose(10_999)).toBeUndefined();
    expect(trouble.diagnose(11_000)).toEqual(notChat);
  });

  test('is not said of whoever shook hands', () =>
    expect(troubleAfter(['opened', 0], ['connected', 10]).diagnose(60_000)).toBeUndefined());

  test('is said at once when the other side does not speak ZeroMQ, and once', () => {
    const trouble = troubleAfter(['opened', 0], ['mismatch', 10]);
    expect(trouble.diagnose(10)).toEqual(notChat);
    expect(trouble.diagnose(20)).toBeUndefined();
  });
});

test('each reason is told once, and the newest is the reason', () => {
  const trouble = troubleAfter(['refused', 0]);
  expect(trouble.diagnose(1_000)).toEqual(nobody);
  trouble.note({ type: 'mismatch' }, 1_500);
  expect(trouble.diagnose(2_000)).toEqual(notChat);
  expect(trouble.reason).toBe(notChat.message);
});

test('connections that work are no trouble', () =>
  expect(troubleAfter(['connected', 0], ['disconnected', 10]).diagnose(60_000)).toBeUndefined());
