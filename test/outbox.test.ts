import { beforeEach, describe, expect, test } from 'vitest';
import { maxWaiting, Outbox } from '../src/core/outbox.ts';

let outbox: Outbox;
beforeEach(() => {
  outbox = new Outbox('dev');
});
const add = (...texts: string[]) => {
  for (const text of texts) outbox.add('ann', text, 5);
};
const numbered = (count: number) => add(...Array.from({ length: count }, (_, i) => `text ${i + 1}`));
const sent = () => outbox.takeUnsent().map((message) => message.id?.n);
const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('a message gets the next number of its device, the name and the time', () => {
  add('a', 'b');
  expect(outbox.takeUnsent()).toEqual([
    { kind: 'message', name: 'ann', text: 'a', id: { dev: 'dev', n: 1 }, ts: 5 },
    { kind: 'message', name: 'ann', text: 'b', id: { dev: 'dev', n: 2 }, ts: 5 },
  ]);
});

describe('what is sent', () => {
  test('is sent once on a connection', () => {
    add('a');
    expect(sent()).toEqual([1]);
    expect(sent()).toEqual([]);
    add('b');
    expect(sent()).toEqual([2]);
  });

  test('is sent again on the next connection, in order', () => {
    add('a', 'b', 'c');
    sent();
    outbox.restart();
    expect(sent()).toEqual([1, 2, 3]);
  });

  test('stays until it is accepted', () => {
    add('a', 'b');
    sent();
    expect(outbox.texts).toEqual(['a', 'b']);
    expect(outbox.accept(1).map(({ text }) => text)).toEqual(['a']);
    expect(outbox.texts).toEqual(['b']);
    expect(sent()).toEqual([]);
    outbox.restart();
    expect(sent()).toEqual([2]);
  });

  test('is at most 256 under way', () => {
    numbered(600);
    expect(sent()).toEqual(upTo(1, 256));
    expect(sent()).toEqual([]);
    outbox.accept(100);
    expect(sent()).toEqual(upTo(257, 356));
    outbox.accept(356);
    expect(sent()).toEqual(upTo(357, 600));
  });
});

describe('accepting', () => {
  test('takes everything up to n', () => {
    numbered(5);
    sent();
    expect(outbox.accept(3)).toHaveLength(3);
    expect(outbox.texts).toEqual(['text 4', 'text 5']);
  });

  test('the same n twice does nothing the second time', () => {
    numbered(3);
    sent();
    outbox.accept(2);
    expect(outbox.accept(2)).toEqual([]);
    expect(outbox.size).toBe(1);
  });

  test('more than was ever added takes everything, and numbers go on', () => {
    numbered(2);
    expect(outbox.accept(Number.POSITIVE_INFINITY)).toHaveLength(2);
    expect(outbox.size).toBe(0);
    add('c');
    expect(sent()).toEqual([3]);
  });

  test('what was not sent yet does not skip what comes after', () => {
    numbered(3);
    outbox.accept(1);
    expect(sent()).toEqual([2, 3]);
  });
});

test('is full at its limit and not before', () => {
  numbered(maxWaiting - 1);
  expect(outbox.isFull).toBe(false);
  add('one more');
  expect(outbox.isFull).toBe(true);
  outbox.accept(1);
  expect(outbox.isFull).toBe(false);
});
