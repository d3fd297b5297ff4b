import { beforeEach, describe, expect, test } from 'vitest';
import type { Flow } from '../src/core/limits.ts';
import { Feed } from '../src/core/log/feed.ts';
import { makeEntry } from '../src/core/log/store.ts';
import { Readers } from '../src/core/room/readers.ts';
import { MemoryStore } from '../src/history/memory.ts';

const flow: Flow = { windowEntries: 6, batchEntries: 4, batchBytes: 10_000 };
let store: MemoryStore;
let feed: Feed;
let readers: Readers;
beforeEach(() => {
  store = new MemoryStore('log');
  feed = new Feed(store);
  readers = new Readers(feed, flow);
});
const append = (count: number, more = {}) => {
  for (let i = 0; i < count; i++) {
    const seq = store.head + 1;
    const message = { kind: 'message', name: 'x', text: `${seq}`, ...more } as const;
    store.apply({ entries: [makeEntry(message, seq, `h${seq}`, 0)] });
  }
};
const announce = (text: string) => feed.announce({ kind: 'notice', name: 'server', text, notice: 'leave' }, store.head);
/** What a pump sends, to whom: the seqs, or the words of notices. */
const pump = (nowMs = 0) =>
  readers
    .pump(nowMs)
    .map(({ to, data }) => [to.join(), [JSON.parse(data)].flat().map(({ seq, text }) => seq ?? text.trim())]);
const open = (...ids: string[]) => {
  for (const id of ids) readers.open(id, 0, id.startsWith('old'));
};

describe('readers', () => {
  test('at one place share one batch, at another they get their own', () => {
    open('a', 'b');
    append(2);
    expect(pump()).toEqual([['a,b', [1, 2]]]);
    open('c');
    append(1);
    expect(pump()).toEqual([
      ['a,b', [3]],
      ['c', [1, 2, 3]],
    ]);
    expect(pump()).toEqual([]);
  });

  test('with different room are not held to the smaller one', () => {
    open('a', 'b');
    append(4);
    pump();
    readers.acknowledge('a', 4);
    append(4);
    expect(pump()).toEqual([
      ['a', [5, 6, 7, 8]],
      ['b', [5, 6]],
    ]);
  });

  test('are sent as much as their window holds; notices do not count', () => {
    open('a');
    append(10);
    announce('first');
    expect([pump(), pump(), pump()]).toEqual([[['a', [1, 2, 3, 4]]], [['a', [5, 6]]], []]);
    expect(readers.nextPumpMs(0)).toBeUndefined();
    readers.acknowledge('a', 6);
    expect(readers.nextPumpMs(0)).toBe(0);
    expect([pump(), pump()]).toEqual([[['a', [7, 8, 9, 10]]], [['a', ['first']]]]);
  });

  test('that are closed are sent nothing, and unknown ones are no harm', () => {
    open('a');
    readers.close('a');
    readers.acknowledge('a', 1);
    readers.holdBack('a', 0);
    readers.wrote('a', 1);
    append(1);
    expect(pump()).toEqual([]);
    expect([readers.sentTo('a'), readers.nextPumpMs(0)]).toEqual([0, undefined]);
  });

  test.each([7, 1])('acknowledge nothing they were not sent, and never less: %i', (seq) => {
    open('a');
    append(10);
    pump();
    pump();
    readers.acknowledge('a', 3);
    readers.acknowledge('a', seq);
    expect(pump()).toEqual([['a', [7, 8, 9]]]);
  });
});

describe('a full queue', () => {
  test('gets the same batch again, 30 ms later and not before', () => {
    open('a', 'b');
    append(2);
    pump(100);
    expect(readers.sentTo('a')).toBe(2);
    readers.holdBack('a', 100);
    expect(readers.sentTo('a')).toBe(0);
    append(1);
    expect(pump(129)).toEqual([['b', [3]]]);
    expect(readers.nextPumpMs(110)).toBe(20);
    expect(pump(130)).toEqual([['a', [1, 2, 3]]]);
    expect(readers.nextPumpMs(130)).toBeUndefined();
  });

  test('of an original client loses the batch: nothing may be sent twice', () => {
    open('old');
    append(1);
    pump();
    readers.holdBack('old', 0);
    append(1);
    expect(pump(1_000)).toEqual([['old', ['2']]]);
  });
});

describe('an original client', () => {
  test('is sent one frame for each entry, name and text', () => {
    open('old');
    append(2);
    expect(readers.pump(0)).toEqual([
      { to: ['old'], data: '{"name":"x","text":"1\\n"}' },
      { to: ['old'], data: '{"name":"x","text":"2\\n"}' },
    ]);
  });

  test('is not sent its own, nor what is void, and others are', () => {
    open('old', 'old2', 'a');
    append(1);
    readers.wrote('old', 1);
    append(1, { void: true });
    append(1);
    readers.wrote('old2', 3);
    expect(pump()).toEqual([
      ['old2', ['1']],
      ['old', ['3']],
      ['a', [1, 2, 3]],
    ]);
  });

  test('reads of who lost the connection that they left', () => {
    open('old', 'a');
    announce('Bo lost the connection. 1 online.');
    expect(pump()).toEqual([
      ['old', ['Bo left the room. 1 online.']],
      ['a', ['Bo lost the connection. 1 online.']],
    ]);
  });

  test('is read no notice into a message of somebody', () => {
    open('old');
    append(1, { text: 'Bo lost the connection. 1 online.' });
    expect(pump()).toEqual([['old', ['Bo lost the connection. 1 online.']]]);
  });

  test('has no window: it acknowledges nothing', () => {
    open('old');
    append(20);
    for (let i = 0; i < 5; i++) expect(pump()).toHaveLength(4);
    expect(pump()).toEqual([]);
  });
});
