import { describe, expect, test } from 'vitest';
import { Queue } from '../src/queue.ts';

const filled = (...items: number[]) => {
  const queue = new Queue<number>();
  for (const item of items) queue.push(item);
  return queue;
};
/** Everything that waits. */
const taken = async (queue: Queue<number>) => (await queue.batches().next()).value;
/** Lets everything run that is ready to run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
/** Whether a promise has resolved yet. */
const watch = (promise: Promise<unknown>) => {
  const seen = { done: false };
  void promise.then(() => (seen.done = true));
  return seen;
};

describe('a reader', () => {
  test('gets what was pushed before, in order, one by one', async () => {
    const queue = filled(1, 2, 3);
    queue.close();
    const items: number[] = [];
    for await (const item of queue) items.push(item);
    expect(items).toEqual([1, 2, 3]);
  });

  test('waits for what is pushed later', async () => {
    const queue = new Queue<string>();
    const reader = queue[Symbol.asyncIterator]();
    const next = reader.next();
    const seen = watch(next);
    await settle();
    expect(seen.done).toBe(false);
    queue.push('late');
    expect(await next).toEqual({ done: false, value: 'late' });
  });

  test('gets everything that waits as one batch', async () => {
    const queue = filled(1, 2);
    const batches = queue.batches();
    expect((await batches.next()).value).toEqual([1, 2]);
    const next = batches.next();
    queue.push(3);
    queue.push(4);
    expect((await next).value).toEqual([3, 4]);
    queue.close();
    expect(await batches.next()).toEqual({ done: true, value: undefined });
  });

  test('that waits is told of the end', async () => {
    const queue = new Queue<number>();
    const next = queue[Symbol.asyncIterator]().next();
    await settle();
    queue.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('reads on what was pushed while it was busy', async () => {
    const queue = filled(1);
    const seen: number[] = [];
    for await (const item of queue) {
      seen.push(item);
      if (item < 5) queue.push(item + 1);
      else queue.close();
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});

test('what is pushed after the end is dropped', async () => {
  const queue = filled(1);
  queue.close();
  queue.push(2);
  expect(await taken(queue)).toEqual([1]);
});

test('what waits is taken once', async () => {
  const queue = filled(1, 2);
  expect(await taken(queue)).toEqual([1, 2]);
  queue.push(3);
  expect(await taken(queue)).toEqual([3]);
});

describe('a writer', () => {
  test('has room below the limit', async () => {
    const room = watch(filled(1).room(2));
    await settle();
    expect(room.done).toBe(true);
  });

  test('waits at the limit until somebody reads', async () => {
    const queue = filled(1, 2);
    const rooms = [watch(queue.room(2)), watch(queue.room(2))];
    await settle();
    expect(rooms.map(({ done }) => done)).toEqual([false, false]);
    await taken(queue);
    await settle();
    expect(rooms.map(({ done }) => done)).toEqual([true, true]);
  });

  test('goes on waiting when the room is taken again at once', async () => {
    const queue = filled(1, 2);
    const room = watch(queue.room(2));
    void taken(queue);
    queue.push(3);
    queue.push(4);
    await settle();
    expect(room.done).toBe(false);
    await taken(queue);
    await settle();
    expect(room.done).toBe(true);
  });

  test('that waits is let go at the end', async () => {
    const queue = filled(1, 2);
    const room = watch(queue.room(1));
    queue.close();
    await settle();
    expect(room.done).toBe(true);
  });

  test('never waits after the end', async () => {
    const queue = filled(1, 2);
    queue.close();
    const room = watch(queue.room(1));
    await settle();
    expect(room.done).toBe(true);
  });
});
