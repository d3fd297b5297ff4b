import { beforeEach, expect, test } from 'vitest';
import { heartbeatIntervalMs, missedMs } from '../src/core/limits.ts';
import { Watch } from '../src/core/peers/watch.ts';
import type { Message } from '../src/protocol/frames.ts';

let watch: Watch;
beforeEach(() => {
  watch = new Watch();
});
const line: Message = { kind: 'message', name: 'ann', text: 'x', id: { dev: 'A', n: 1 } };
const look = (ms: number, heardAtMs: number | undefined, awaited?: Message) => {
  watch.look({ heardAtMs, awaited }, ms);
  return watch.isMissed;
};

test('a server is missed when its heartbeat is a second late, and is found when it is heard', () => {
  expect(look(0, 0)).toBe(false);
  expect(look(heartbeatIntervalMs + missedMs - 1, 0)).toBe(false);
  expect(look(heartbeatIntervalMs + missedMs, 0)).toBe(true);
  expect(look(9_000, 9_000)).toBe(false);
  expect(watch.backForMs(9_500)).toBe(500);
});

test('it is missed when what was said is not answered for a second, although it is heard', () => {
  look(0, 0);
  expect(look(500, 500, line)).toBe(false);
  expect(look(1_499, 1_400, line)).toBe(false);
  expect(look(1_500, 1_400, line)).toBe(true);
  expect(look(1_600, 1_600)).toBe(false);
});

test('another line that waits begins anew', () => {
  look(0, 0, line);
  expect(look(900, 900, { ...line })).toBe(false);
  expect(look(1_500, 1_500)).toBe(false);
});

test('without a session it is missed after a second, but not at once', () => {
  expect(look(0, undefined)).toBe(false);
  expect(look(missedMs - 1, undefined)).toBe(false);
  expect(look(missedMs, undefined)).toBe(true);
  expect(watch.backForMs(missedMs)).toBe(0);
});

test('a span in which the program stood still says nothing', () => {
  look(0, 0, line);
  watch.stoodStill(60_000);
  expect(look(60_000, 0, line)).toBe(false);
  expect(look(60_000 + missedMs, 0, line)).toBe(true);
});
