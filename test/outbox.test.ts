import { beforeEach, describe, expect, test } from 'vitest';
import { maxWaiting } from '../src/core/limits.ts';
import { Outbox } from '../src/core/log/outbox.ts';
import type { Message } from '../src/protocol/frames.ts';

let outbox: Outbox;
beforeEach(() => {
  outbox = new Outbox();
});
const message = (n: number, dev = 'dev', lc = n): Message => ({
  kind: 'message',
  name: 'ann',
  text: `text ${n}`,
  id: { dev, n },
  lc,
});
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const add = (...numbers: number[]) => {
  for (const n of numbers) outbox.add(message(n), true);
};
const numbers = (messages: Message[]) => messages.map(({ id }) => id?.n);
const ids = (messages: Message[]) => messages.map(({ id }) => `${id?.dev}${id?.n}`);
const sent = () => numbers(outbox.takeUnsent());
const accept = (n: number, dev = 'dev') => numbers(outbox.accept({ dev, n }));

describe('what is sent', () => {
  test('is sent once on a connection', () => {
    add(1);
    expect(sent()).toEqual([1]);
    expect(sent()).toEqual([]);
    add(2);
    expect(sent()).toEqual([2]);
    expect(outbox.underWay).toBe(2);
  });

  test('is sent again on the next connection, in order', () => {
    add(1, 2, 3);
    sent();
    outbox.restart();
    expect(outbox.underWay).toBe(0);
    expect(sent()).toEqual([1, 2, 3]);
  });

  test('stays until it is accepted', () => {
    add(1, 2);
    sent();
    expect(numbers(outbox.messages)).toEqual([1, 2]);
    expect(accept(1)).toEqual([1]);
    expect(numbers(outbox.messages)).toEqual([2]);
    expect(sent()).toEqual([]);
    outbox.restart();
    expect(sent()).toEqual([2]);
  });

  test('is at most 256 under way', () => {
    add(...upTo(1, 600));
    expect(sent()).toEqual(upTo(1, 256));
    expect(sent()).toEqual([]);
    accept(100);
    expect(outbox.underWay).toBe(156);
    expect(sent()).toEqual(upTo(257, 356));
    accept(356);
    expect(sent()).toEqual(upTo(357, 600));
  });
});

describe('what is not on disk', () => {
  test('is not sent, but waits', () => {
    outbox.add(message(1), false);
    expect(sent()).toEqual([]);
    expect(outbox.size).toBe(1);
    outbox.settle([message(1)]);
    expect(sent()).toEqual([1]);
  });

  test('holds up what comes behind it', () => {
    outbox.add(message(1), false);
    outbox.add(message(2), false);
    outbox.settle([message(2)]);
    expect(sent()).toEqual([]);
    outbox.settle([message(1)]);
    expect(sent()).toEqual([1, 2]);
  });

  test('is told apart by device and number', () => {
    outbox.add(message(1), false);
    outbox.settle([message(2), message(1, 'other')]);
    outbox.settle([]);
    expect(sent()).toEqual([]);
  });

  test('may be accepted all the same', () => {
    outbox.add(message(1), false);
    expect(accept(1)).toEqual([1]);
    expect(outbox.size).toBe(0);
  });
});

describe('accepting', () => {
  test('takes everything of the device up to n', () => {
    add(...upTo(1, 5));
    sent();
    expect(accept(3)).toEqual([1, 2, 3]);
    expect(numbers(outbox.messages)).toEqual([4, 5]);
  });

  test('the same n twice does nothing the second time', () => {
    add(1, 2, 3);
    sent();
    accept(2);
    expect(accept(2)).toEqual([]);
    expect(outbox.size).toBe(1);
  });

  test('of another device leaves all', () => {
    add(1, 2);
    expect(accept(9, 'other')).toEqual([]);
    expect(outbox.size).toBe(2);
    outbox.adopt([message(1, 'other', 3)]);
    expect(accept(9, 'other')).toEqual([1]);
    expect(ids(outbox.messages)).toEqual(['dev1', 'dev2']);
  });

  test('what was not sent yet does not skip what comes after', () => {
    add(1, 2, 3);
    accept(1);
    expect(sent()).toEqual([2, 3]);
  });

  test('what others had under way keeps the count right', () => {
    outbox.adopt([message(1, 'a', 1), message(1, 'b', 2), message(2, 'a', 3), message(2, 'b', 4)]);
    expect(outbox.takeUnsent()).toHaveLength(4);
    accept(2, 'a');
    expect(outbox.underWay).toBe(2);
    add(5);
    expect(sent()).toEqual([5]);
  });
});

describe('adopting', () => {
  test('puts older messages before younger ones, by lc, then device, then number', () => {
    outbox.add(message(7, 'me', 5), true);
    outbox.adopt([message(2, 'b', 4), message(3, 'a', 5), message(2, 'a', 5), message(1, 'b', 3), message(1, 'z', 9)]);
    expect(ids(outbox.messages)).toEqual(['b1', 'b2', 'a2', 'a3', 'me7', 'z1']);
  });

  test('sends them first, and at once: they are on disk', () => {
    outbox.add(message(7, 'me', 5), true);
    outbox.adopt([message(1, 'b', 1)]);
    expect(ids(outbox.takeUnsent())).toEqual(['b1', 'me7']);
  });

  test('is what a new outbox does with what it is given', () => {
    outbox = new Outbox([message(2), message(1, 'a', 7), message(1)]);
    expect(ids(outbox.takeUnsent())).toEqual(['dev1', 'dev2', 'a1']);
  });

  test('takes messages without a counter or an id', () => {
    outbox.adopt([{ kind: 'message', name: 'x', text: 'b' }, message(1), { kind: 'message', name: 'x', text: 'c' }]);
    expect(outbox.messages.map(({ text }) => text)).toEqual(['b', 'c', 'text 1']);
  });
});

describe('removing', () => {
  test('takes out what is unwanted and gives it back; the rest goes on', () => {
    add(...upTo(1, 5));
    sent();
    add(6, 7);
    expect(numbers(outbox.remove(({ id }) => (id?.n ?? 0) % 2 === 0))).toEqual([2, 4, 6]);
    expect(numbers(outbox.messages)).toEqual([1, 3, 5, 7]);
    expect(outbox.underWay).toBe(3);
    expect(sent()).toEqual([7]);
  });

  test('of nothing changes nothing', () => {
    add(1, 2);
    sent();
    expect(outbox.remove(() => false)).toEqual([]);
    expect([outbox.size, outbox.underWay]).toEqual([2, 2]);
  });

  test('of the last message of a device forgets the device', () => {
    add(1);
    outbox.remove(() => true);
    expect(accept(9)).toEqual([]);
    add(2);
    expect(accept(2)).toEqual([2]);
  });
});

test('is full at its limit and not before', () => {
  add(...upTo(1, maxWaiting - 1));
  expect(outbox.isFull).toBe(false);
  add(maxWaiting);
  expect(outbox.isFull).toBe(true);
  accept(1);
  expect(outbox.isFull).toBe(false);
});
