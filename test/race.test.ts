import { describe, expect, test } from 'vitest';
import { race } from '../src/loop/race.ts';

/** A source that a test fills by hand, and that counts how often it was asked and closed. */
class Source<T> implements AsyncIterable<T>, AsyncIterator<T> {
  asked = 0;
  returned = 0;
  #waiting: ((answer: Promise<IteratorResult<T>>) => void)[] = [];
  #answers: Promise<IteratorResult<T>>[] = [];

  [Symbol.asyncIterator]() {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    this.asked++;
    const answer = this.#answers.shift();
    if (answer) return answer;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return() {
    this.returned++;
    return Promise.resolve({ done: true as const, value: undefined });
  }

  give(value: T): void {
    this.#answer(Promise.resolve({ done: false, value }));
  }

  end(): void {
    this.#answer(Promise.resolve({ done: true, value: undefined }));
  }

  fail(error: Error): void {
    const failure = Promise.reject(error);
    failure.catch(() => {});
    this.#answer(failure);
  }

  #answer(answer: Promise<IteratorResult<T>>): void {
    const asker = this.#waiting.shift();
    if (asker) asker(answer);
    else this.#answers.push(answer);
  }
}

const never = new AbortController().signal;
const two = (wants?: (source: 'a' | 'b') => boolean, signal = never) => {
  const a = new Source<number>();
  const b = new Source<string>();
  return { a, b, events: race({ a, b }, signal, wants) };
};
const value = (source: string, what: unknown) => ({ done: false, value: { source, done: false, value: what } });
const ended = (source: string) => ({ done: false, value: { source, done: true } });
const over = { done: true, value: undefined };
/** Lets everything run that is ready to run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('whatever comes first is yielded first', () => {
  test.each(['a', 'b'] as const)('from %s', async (first) => {
    const { a, b, events } = two();
    const next = events.next();
    if (first === 'a') a.give(1);
    else b.give('x');
    expect(await next).toEqual(value(first, first === 'a' ? 1 : 'x'));
  });

  test('and as often as something comes', async () => {
    const { a, events } = two();
    for (const n of [1, 2, 3]) {
      const next = events.next();
      a.give(n);
      expect(await next).toEqual(value('a', n));
    }
  });
});

describe('nothing is lost', () => {
  test('when both arrive at once', async () => {
    const { a, b, events } = two();
    const first = events.next();
    a.give(1);
    b.give('x');
    a.give(2);
    const got = [await first, await events.next(), await events.next()];
    expect(got).toEqual([value('a', 1), value('b', 'x'), value('a', 2)]);
  });

  test('of thousands of values on two sources, and each source keeps its order', async () => {
    async function* count(name: string) {
      for (let n = 0; n < 2_000; n++) {
        if (n % 7 === (name === 'a' ? 0 : 3)) await null;
        yield n;
      }
    }
    const seen: Record<string, number[]> = { a: [], b: [] };
    for await (const event of race({ a: count('a'), b: count('b') }, never))
      if (!event.done) seen[event.source]?.push(event.value);
    const all = Array.from({ length: 2_000 }, (_, n) => n);
    expect(seen).toEqual({ a: all, b: all });
  });

  test('and a fast source does not shut out a slow one', async () => {
    async function* fast() {
      for (let n = 0; ; n++) yield n;
    }
    const b = new Source<string>();
    let before = 0;
    for await (const event of race({ a: fast(), b }, never)) {
      if (event.source === 'b') break;
      if (++before === 10) b.give('now');
      expect(before).toBeLessThan(20);
    }
  });
});

describe('a source is asked', () => {
  test('for one value at a time', async () => {
    const { a, b, events } = two();
    const next = events.next();
    await settle();
    expect([a.asked, b.asked]).toEqual([1, 1]);
    b.give('x');
    await next;
    const later = events.next();
    await settle();
    expect([a.asked, b.asked]).toEqual([1, 2]);
    a.give(1);
    expect(await later).toEqual(value('a', 1));
  });

  test('not again before its value is taken', async () => {
    const { a, events } = two();
    const next = events.next();
    a.give(1);
    a.give(2);
    await next;
    await settle();
    expect(a.asked).toBe(1);
  });

  test('only while it is wanted', async () => {
    let wanted = false;
    const { a, b, events } = two((source) => source === 'b' || wanted);
    a.give(1);
    const next = events.next();
    b.give('x');
    expect(await next).toEqual(value('b', 'x'));
    const second = events.next();
    await settle();
    expect(a.asked).toBe(0);
    wanted = true;
    b.give('y');
    expect(await second).toEqual(value('b', 'y'));
    expect(await events.next()).toEqual(value('a', 1));
  });
});

describe('the end', () => {
  test('of each source is told once, and of all of them ends the race', async () => {
    const { a, b, events } = two();
    const next = events.next();
    a.end();
    expect(await next).toEqual(ended('a'));
    const then = events.next();
    b.give('x');
    expect(await then).toEqual(value('b', 'x'));
    b.end();
    expect(await events.next()).toEqual(ended('b'));
    expect(await events.next()).toEqual(over);
    expect([a.asked, b.asked]).toEqual([1, 2]);
  });

  test('of no sources is at once', async () => expect(await race({}, never).next()).toEqual(over));

  test('comes at once when the signal aborts, and closes the sources', async () => {
    const stop = new AbortController();
    const { a, b, events } = two(undefined, stop.signal);
    const next = events.next();
    await settle();
    stop.abort();
    expect(await next).toEqual(over);
    expect([a.returned, b.returned]).toEqual([1, 1]);
  });

  test('comes when the signal has aborted before', async () => {
    const { a, events } = two(undefined, AbortSignal.abort());
    a.give(1);
    expect(await events.next()).toEqual(over);
    expect(a.asked).toBe(0);
  });

  test('by the reader closes every source that has not ended', async () => {
    const { a, b, events } = two();
    const next = events.next();
    a.end();
    await next;
    await events.return(undefined);
    expect([a.returned, b.returned]).toEqual([0, 1]);
  });
});

describe('a source that throws', () => {
  test('ends the race with its error, and the other source is closed', async () => {
    const { a, b, events } = two();
    const next = events.next();
    a.fail(new Error('broken'));
    await expect(next).rejects.toThrow('broken');
    expect([a.returned, b.returned]).toEqual([0, 1]);
    expect(await events.next()).toEqual(over);
  });

  test('does not take back what came before', async () => {
    const { a, b, events } = two();
    const next = events.next();
    b.give('x');
    a.fail(new Error('broken'));
    expect(await next).toEqual(value('b', 'x'));
    await expect(events.next()).rejects.toThrow('broken');
  });
});
