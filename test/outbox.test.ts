import { beforeEach, describe, expect, test } from 'vitest';
import { maxAdopted, maxWaiting, uploadWindow } from '../src/core/limits.ts';
import { Outbox } from '../src/core/log/outbox.ts';
import type { Message } from '../src/protocol/frames.ts';

/** Of the device `me`. */
let outbox: Outbox;
beforeEach(() => {
  outbox = new Outbox('me');
});
const message = (n: number, dev = 'me', lc = n): Message => ({
  kind: 'message',
  name: 'ann',
  text: `text ${n}`,
  id: { dev, n },
  lc,
});
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const add = (...numbers: number[]) => {
  for (const n of numbers) outbox.add(message(n));
};
const numbers = (messages: readonly Message[]) => messages.map(({ id }) => id?.n);
const ids = (messages: readonly Message[]) => messages.map(({ id }) => `${id?.dev}${id?.n}`);
const sent = () => numbers(outbox.takeUnsent());
const accept = (n: number, dev = 'me') => numbers(outbox.accept({ dev, n }));

describe('what is sent', () => {
  test('is sent once on a connection', () => {
    add(1);
    expect([sent(), sent()]).toEqual([[1], []]);
    add(2);
    expect(sent()).toEqual([2]);
    expect(outbox.underWay).toBe(2);
  });

  test('stays until it is accepted, and is sent again on the next connection, in order', () => {
    add(1, 2, 3);
    sent();
    expect(accept(1)).toEqual([1]);
    expect([numbers(outbox.own), sent()]).toEqual([[2, 3], []]);
    outbox.restart();
    expect(outbox.underWay).toBe(0);
    expect(sent()).toEqual([2, 3]);
  });

  test('is at most 256 under way', () => {
    add(...upTo(1, 600));
    expect(sent()).toEqual(upTo(1, uploadWindow));
    expect(sent()).toEqual([]);
    accept(100);
    expect(outbox.underWay).toBe(156);
    expect(sent()).toEqual(upTo(257, 356));
    accept(356);
    expect(sent()).toEqual(upTo(357, 600));
  });

  test('is in one order with what was said near here, in no log yet, and behind what blocks nothing', () => {
    outbox.adopt([message(1, 'a', 1), message(2, 'b', 8), { ...message(1, 'c', 2), at: 5 }]);
    add(5, 9);
    const isOfB = ({ id }: Message) => id?.dev === 'b';
    expect(ids(outbox.takeUnsent((one) => !isOfB(one), isOfB))).toEqual(['a1', 'me5']);
    expect(ids(outbox.takeUnsent())).toEqual(['b2', 'me9', 'c1']);
  });

  test('is what is mine, then what others wrote; of that only what can follow', () => {
    const lost = [message(1, 'a', 1), message(2, 'b', 2), message(3, 'a', 3)];
    outbox.adopt(lost.map((one) => ({ ...one, at: 5 })));
    add(7);
    expect(ids(outbox.takeUnsent(({ id }) => id?.dev !== 'b'))).toEqual(['me7', 'a1', 'a3']);
    expect(ids(outbox.takeUnsent())).toEqual(['b2']);
  });

  test('what cannot follow takes no room in the window', () => {
    outbox.adopt(upTo(1, 600).map((n) => message(n, 'a')));
    expect(outbox.takeUnsent(({ id }) => (id?.n ?? 0) > 590)).toHaveLength(10);
    expect(outbox.underWay).toBe(10);
  });
});

describe('accepting', () => {
  test('takes everything of the device up to n, once', () => {
    add(...upTo(1, 5));
    sent();
    expect(accept(3)).toEqual([1, 2, 3]);
    expect([accept(3), numbers(outbox.own)]).toEqual([[], [4, 5]]);
  });

  test('of another device leaves all of mine, and so the other way round', () => {
    add(1, 2);
    outbox.adopt([message(1, 'other', 3)]);
    expect(accept(9, 'other')).toEqual([1]);
    expect(ids(outbox.own)).toEqual(['me1', 'me2']);
    outbox.adopt([message(1, 'other', 3)]);
    expect(accept(9)).toEqual([1, 2]);
    expect(ids(outbox.others)).toEqual(['other1']);
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
  });
});

describe('adopting', () => {
  test('puts older messages before younger ones, by lc, then device, then number', () => {
    add(9);
    outbox.adopt([message(2, 'b', 4), message(3, 'a', 5), message(2, 'a', 5), message(1, 'b', 3), message(7, 'me', 5)]);
    expect([ids(outbox.own), ids(outbox.others)]).toEqual([
      ['me7', 'me9'],
      ['b1', 'b2', 'a2', 'a3'],
    ]);
  });

  test('is what a new outbox does with what it is given: all of it is on disk', () => {
    outbox = new Outbox('me', [message(2), message(1, 'a', 7), message(1)]);
    expect(ids(outbox.takeUnsent())).toEqual(['me1', 'me2', 'a1']);
  });

  test('takes each message once, and says which', () => {
    add(1);
    outbox.adopt([message(1, 'a')]);
    expect(ids(outbox.adopt([message(1), message(1, 'a'), message(2, 'a')]))).toEqual(['a2']);
  });

  test('takes messages without a counter or an id', () => {
    outbox.adopt([{ kind: 'message', name: 'x', text: 'b' }, message(1, 'a')]);
    expect(outbox.others.map(({ text }) => text)).toEqual(['b', 'text 1']);
  });

  test('takes no more of others than its limit, and what is mine beyond it', () => {
    const taken = outbox.adopt([...upTo(1, maxAdopted + 1).map((n) => message(n, 'a')), message(1)]);
    expect([taken.length, outbox.others.length, outbox.own.length]).toEqual([maxAdopted + 1, maxAdopted, 1]);
  });

  test('takes what a log has lost beside all that was said near, and the other way round', () => {
    const near = upTo(1, maxAdopted).map((n) => message(n, 'a'));
    const lost = near.map((one) => ({ ...one, id: { dev: 'b', n: one.id?.n ?? 0 }, at: 1 }));
    expect([outbox.adopt(near).length, outbox.adopt(lost).length]).toEqual([maxAdopted, maxAdopted]);
  });
});

test('removing takes out what is unwanted, of mine and of others, and gives it back; the rest goes on', () => {
  add(...upTo(1, 4));
  outbox.adopt([message(6, 'a'), message(7, 'a')]);
  outbox.takeUnsent();
  expect(numbers(outbox.remove(({ id }) => (id?.n ?? 0) % 2 === 0))).toEqual([2, 4, 6]);
  expect([ids(outbox.own), ids(outbox.others), outbox.underWay]).toEqual([['me1', 'me3'], ['a7'], 3]);
  expect([outbox.remove(() => false), outbox.underWay]).toEqual([[], 3]);
});

test('is full at its limit and not before; what others wrote does not count', () => {
  outbox.adopt(upTo(1, maxAdopted).map((n) => message(n, 'a')));
  add(...upTo(1, maxWaiting - 1));
  expect(outbox.isFull).toBe(false);
  add(maxWaiting);
  expect(outbox.isFull).toBe(true);
  accept(1);
  expect(outbox.isFull).toBe(false);
});
