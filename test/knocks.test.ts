import { expect, test } from 'vitest';
import { Knocks } from '../src/transport/knocks.ts';

let opened = 0;
const knocks = () => {
  opened = 0;
  return new Knocks(() => opened++);
};
const times = (count: number, take: (i: number) => boolean) =>
  Array.from({ length: count }, (_, i) => take(i)).filter(Boolean).length;

test('of one member 16 come in at once, and one more each 4 s; others are not counted with it', () => {
  const all = knocks();
  expect(times(100, () => all.take('a', 0))).toBe(16);
  expect(times(100, () => all.take('a', 8_000))).toBe(2);
  expect(times(3, () => all.take('b', 8_000))).toBe(3);
});

test('after 256 all that are left over end, and it begins anew', () => {
  const all = knocks();
  expect(times(255, (i) => all.take(`${i % 20}`, 0))).toBe(255);
  expect(opened).toBe(0);
  expect([all.take('x', 0), opened]).toEqual([true, 1]);
  expect(times(16, () => all.take('0', 0))).toBe(16);
});
