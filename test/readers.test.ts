import { beforeEach, describe, expect, test } from 'vitest';
import { type Flow, maxRelayed } from '../src/core/limits.ts';
import { Feed, type Position } from '../src/core/log/feed.ts';
import { sentence } from '../src/core/narrate.ts';
import { Readers } from '../src/core/room/readers.ts';
import { Sessions } from '../src/core/room/sessions.ts';
import { seqsOf } from './support/people.ts';
import { Written } from './support/places.ts';

const flow: Flow = { windowEntries: 6, batchEntries: 4, batchBytes: 10_000, signatures: 4 };
let written: Written;
let feed: Feed;
let sessions: Sessions;
let readers: Readers;
beforeEach(() => {
  written = new Written();
  feed = new Feed(written.log);
  sessions = new Sessions();
  const signer = {
    get head() {
      return { head: written.log.head, sig: `s${written.log.head}` };
    },
    lost: () => 'sig',
  };
  readers = new Readers(feed, flow, sessions, signer);
});
const append = (count: number, more = {}) => written.append(count, more);
const announce = (who: string, reason: 'left' | 'lost' = 'left') => {
  const facts = { notice: 'leave', who, online: 1, reason } as const;
  feed.announce({ kind: 'notice', name: 'server', ...facts, text: sentence(facts) });
};
/** What a pump sends, to whom: the seqs of entries, and whom notices are about; for the original its words. */
const pump = (nowMs = 0) =>
  readers
    .pump(nowMs)
    .map(({ to, data }) => [
      to.join(),
      [JSON.parse(data)].flat().flatMap((frame) => (frame.e ? seqsOf(frame) : (frame.who ?? frame.text.trim()))),
    ]);
const open = (...ids: string[]) => {
  for (const from of ids) {
    const who = { from, who: from, name: from, dev: `dev-${from}`, ...(from.startsWith('old') && { guest: from }) };
    const place = { sent: { seq: 0, notice: feed.end.notice }, acked: 0, full: { pauseMs: 0, retryAtMs: 0 } };
    sessions.set(from, { ...who, ...place, heardAtMs: 0 });
  }
};
const at = (seq: number, notice = 0): Position => ({ seq, notice });

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
    announce('bo');
    expect([pump(), pump(), pump()]).toEqual([[['a', [1, 2, 3, 4]]], [['a', [5, 6]]], []]);
    expect(readers.nextPumpMs(0)).toBeUndefined();
    readers.acknowledge('a', 6);
    expect(readers.nextPumpMs(0)).toBe(0);
    expect([pump(), pump()]).toEqual([[['a', [7, 8, 9, 10]]], [['a', ['bo']]]]);
  });

  test('that are closed are sent nothing, and unknown ones are no harm', () => {
    open('a');
    sessions.delete('a');
    readers.acknowledge('a', 1);
    readers.holdBack('a', at(0), 0);
    append(1);
    expect(pump()).toEqual([]);
    expect(readers.nextPumpMs(0)).toBeUndefined();
  });

  test.each([11, 1])('acknowledge nothing that is not in the log, and never less: %i', (seq) => {
    open('a');
    append(10);
    pump();
    pump();
    readers.acknowledge('a', 3);
    readers.acknowledge('a', seq);
    expect(pump()).toEqual([['a', [7, 8, 9]]]);
  });

  test('that were opened again behind what they have read go on from there', () => {
    open('a');
    append(10);
    readers.acknowledge('a', 8);
    expect(pump()).toEqual([['a', [9, 10]]]);
  });

  test('are told with the newest entry how the room signed it, all the same, at most every quarter of a second', () => {
    const signed = (nowMs: number) => readers.pump(nowMs).map(({ data }) => JSON.parse(data).sig);
    open('a');
    append(1);
    open('b');
    expect(signed(1_000)).toEqual(['s1']);
    append(5);
    expect([signed(1_249), signed(1_250)]).toEqual([[undefined], ['s6']]);
    open('c');
    append(1);
    readers.acknowledge('a', 6);
    readers.acknowledge('b', 6);
    // What does not reach the end of the log is not signed.
    expect(signed(1_500)).toEqual(['s7', undefined]);
  });

  test('that come between two news are sent what they lack, and who waits for room gets it when there is some', () => {
    open('a');
    append(8);
    expect([pump(), pump()]).toEqual([[['a', [1, 2, 3, 4]]], [['a', [5, 6]]]]);
    open('b', 'c');
    sessions.delete('c');
    expect([pump(), pump(), pump()]).toEqual([[['b', [1, 2, 3, 4]]], [['b', [5, 6]]], []]);
    readers.acknowledge('a', 6);
    expect([pump(), pump()]).toEqual([[['a', [7, 8]]], []]);
    sessions.delete('b');
    open('b');
    expect(pump()).toEqual([['b', [1, 2, 3, 4]]]);
  });

  test('say with each frame where they stood before it', () => {
    open('a', 'old');
    append(2);
    announce('bo');
    append(1);
    expect(readers.pump(0).map(({ to, before }) => [to.join(), before])).toEqual([
      ['a', at(0)],
      ['old', at(0)],
      ['old', at(1)],
      ['old', at(2)],
      ['old', at(2, 1)],
    ]);
  });
});

describe('a full connection', () => {
  test('gets the same again after a pause, and not before; nobody else waits', () => {
    open('a', 'b');
    append(2);
    pump(100);
    expect(sessions.get('a')?.sent.seq).toBe(2);
    readers.holdBack('a', at(0), 100);
    expect(sessions.get('a')?.sent.seq).toBe(0);
    append(1);
    expect(pump(100)).toEqual([['b', [3]]]);
    expect(readers.nextPumpMs(100)).toBe(2);
    expect(pump(102)).toEqual([['a', [1, 2, 3]]]);
    expect(readers.nextPumpMs(102)).toBeUndefined();
  });

  test('is tried after pauses that double from 2 ms to 128 ms, and from 2 ms again when it has taken something', () => {
    open('a');
    append(1);
    const pauses: unknown[] = [];
    let nowMs = 0;
    for (let i = 0; i < 9; i++) {
      pump(nowMs);
      // Looking when the next pump is due changes nothing.
      readers.nextPumpMs(nowMs);
      readers.holdBack('a', at(0), nowMs);
      const pauseMs = readers.nextPumpMs(nowMs) ?? 0;
      pauses.push(pauseMs);
      expect(pump(nowMs + pauseMs - 1)).toEqual([]);
      nowMs += pauseMs;
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 128, 128]);
    expect(pump(nowMs)).toEqual([['a', [1]]]);
    append(1);
    expect(pump(nowMs)).toEqual([['a', [2]]]);
    readers.holdBack('a', at(1), nowMs);
    expect(readers.nextPumpMs(nowMs)).toBe(2);
  });

  test('reads on at the first frame that was not taken, whatever is said of those behind it', () => {
    open('old');
    append(3);
    const [first, second, third] = readers.pump(0);
    for (const frame of [first, second, third]) readers.holdBack('old', frame?.before as Position, 0);
    expect(pump(2)).toEqual([
      ['old', ['1']],
      ['old', ['2']],
      ['old', ['3']],
    ]);
  });

  test('is not sent again what its client has acknowledged', () => {
    open('a');
    append(3);
    pump();
    readers.acknowledge('a', 2);
    readers.holdBack('a', at(0), 0);
    expect(pump(2)).toEqual([['a', [3]]]);
  });

  test('of the original goes on at the very frame: nothing is lost, and nothing comes twice', () => {
    open('old');
    append(3);
    const [, second] = readers.pump(0);
    readers.holdBack('old', second?.before as Position, 0);
    append(1);
    expect(pump(2)).toEqual([
      ['old', ['2']],
      ['old', ['3']],
      ['old', ['4']],
    ]);
  });
});

describe('a client of the original', () => {
  test('is sent one frame for each entry, name and text', () => {
    open('old');
    append(2, { key: 'k', sig: 's', lc: 1, id: { dev: 'A', n: 1 } });
    expect(readers.pump(0).map(({ data }) => data)).toEqual([
      '{"name":"x","text":"1\\n"}',
      '{"name":"x","text":"2\\n"}',
    ]);
  });

  test('is not sent its own words, nor what is void or lost, and others are', () => {
    open('old', 'old2', 'a');
    append(1);
    append(1, { void: true });
    append(1);
    append(1, { type: 'nothing' });
    append(1, { type: 'later' });
    readers.relayed(1, 'old');
    readers.relayed(3, 'old2');
    const { seq, hash } = { seq: 6, hash: 'h' };
    written.commit({ entries: [{ seq, hash, prev: written.store.headHash, atMs: 0, ranMs: 0 }] });
    expect(
      readers.pump(0).map(({ to, data }) => [to.join(), JSON.parse(data).text ?? seqsOf(JSON.parse(data)).length]),
    ).toEqual([
      ['old', '3\n'],
      ['old2', '1\n'],
      ['a', 4],
    ]);
  });

  test('is sent all its frames in a row, and whoever gets the same shares one list', () => {
    open('old', 'old2', 'old3');
    append(3);
    readers.relayed(2, 'old3');
    const sent = readers.pump(0);
    expect(sent.map(({ to, data }) => [to.join(), JSON.parse(data).text])).toEqual([
      ['old,old2', '1\n'],
      ['old,old2', '2\n'],
      ['old,old2', '3\n'],
      ['old3', '1\n'],
      ['old3', '3\n'],
    ]);
    expect(new Set(sent.map(({ to }) => to)).size).toBe(2);
  });

  test('is known as the author of what it said until so many others have said something', () => {
    open('old');
    append(2);
    for (let seq = 1; seq <= maxRelayed + 1; seq++) readers.relayed(seq, 'old');
    expect(pump()).toEqual([['old', ['1']]]);
  });

  test('reads of whoever lost the connection that they left; what somebody says stays as it is', () => {
    open('old', 'a');
    announce('bo', 'lost');
    append(1, { text: 'bo lost the connection. 1 online.' });
    expect(pump()).toEqual([
      ['old', ['bo left the room. 1 online.']],
      ['old', ['bo lost the connection. 1 online.']],
      ['a', ['bo', 1]],
    ]);
  });

  test('has no window: it acknowledges nothing', () => {
    open('old');
    append(20);
    for (let i = 0; i < 5; i++) expect(pump()).toHaveLength(4);
    expect(pump()).toEqual([]);
  });
});
