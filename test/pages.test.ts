import { beforeEach, expect, test, vi } from 'vitest';
import type { Flow } from '../src/core/limits.ts';
import { Feed, type Position } from '../src/core/log/feed.ts';
import { Readers } from '../src/core/room/readers.ts';
import { Sessions } from '../src/core/room/sessions.ts';
import { seqsOf } from './support/people.ts';
import { entryAfter, hashAt, Written } from './support/places.ts';

/* Who reads on from where another one has just read is sent the same, as long as that is what the log has. */

const flow: Flow = { windowEntries: 100, batchEntries: 4, batchBytes: 10_000, signatures: 4 };
let written: Written;
let feed: Feed;
let sessions: Sessions;
let readers: Readers;
/** Counts how often the log was read. */
let read: ReturnType<typeof vi.spyOn>;

const open = (from: string, sent: Position = { seq: 0, notice: feed.end.notice }, acked = sent.seq) => {
  const who = { from, who: from, name: from, dev: `dev-${from}`, heardAtMs: 0 };
  sessions.set(from, { ...who, sent, acked, full: { pauseMs: 0, retryAtMs: 0 } });
};
const announce = (who: string) =>
  feed.announce({ kind: 'notice', name: 'server', text: '', notice: 'leave', who, online: 1 });
const frames = (data: string) => [JSON.parse(data)].flat().flatMap((frame) => (frame.e ? seqsOf(frame) : frame.who));
/** All that a reader who comes now is sent, frame by frame. */
const readOn = (from: string, ...at: [Position?, number?]) => {
  open(from, ...at);
  const sent: unknown[] = [];
  for (let more = readers.pump(0); more.length > 0; more = readers.pump(0))
    sent.push(...more.map(({ data }) => frames(data)));
  sessions.delete(from);
  return sent;
};

/** Ten messages, all of which somebody has read. */
beforeEach(() => {
  written = new Written();
  feed = new Feed(written.log);
  sessions = new Sessions();
  const signer = {
    get head() {
      return { head: written.log.head, sig: 'signed' };
    },
    lost: () => 'sig',
  };
  readers = new Readers(feed, flow, sessions, signer);
  for (let n = 1; n <= 10; n++) written.append(1, { id: { dev: 'A', n } });
  expect(readOn('a')).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10],
  ]);
  read = vi.spyOn(feed, 'read');
});

test('the next one is sent the same, and the log is not read for that', () => {
  const sent = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10],
  ];
  // The newest were signed for the first one alone.
  expect([readOn('b'), read.mock.calls.length]).toEqual([sent, 1]);
  expect([readOn('c'), read.mock.calls.length]).toEqual([sent, 1]);
});

test('with what was said meanwhile', () => {
  readOn('b');
  written.append(3);
  expect(readOn('c').slice(1)).toEqual([[5, 6, 7, 8], [9, 10, 11, 12], [13]]);
});

test('and no more than there is room for', () => {
  expect(readOn('b', { seq: 4, notice: 0 }, 7 - flow.windowEntries)).toEqual([[5, 6, 7]]);
});

test('with who came and went in between, each in its place, and once', () => {
  announce('bo');
  written.append(4);
  const [before, behind] = [
    { seq: 8, notice: 0 },
    { seq: 8, notice: 1 },
  ];
  expect(readOn('b', before)).toEqual([
    [9, 10, 'bo', 11],
    [12, 13, 14],
  ]);
  for (const from of ['c', 'd'])
    expect(readOn(from, behind)).toEqual([
      [9, 10, 11, 12],
      [13, 14],
    ]);
  expect(readOn('e', before)[0]).toEqual([9, 10, 'bo', 11]);
});

test('but no words that were erased since', () => {
  const erased = { id: { dev: 'A', n: 2 }, words: 'the digest', proof: 'the proof', seq: 2 };
  written.commit({ erased: [erased] });
  open('b');
  expect(readers.pump(0)[0]?.data).toContain('the digest');
});

test('nothing that is no longer kept, or of another log', () => {
  written.commit({ keep: { from: 3, hash: hashAt(written.store, 2) } });
  expect(readOn('b')[0]).toEqual([3, 4, 5, 6]);
  written.commit({ restart: { log: 'other', seq: 0, hash: '' } });
  written.append(1);
  expect(readOn('c')).toEqual([[1]]);
});

test('and what is whole again as it is', () => {
  const before = { seq: 10, hash: written.store.headHash };
  const { message, ...place } = entryAfter(before, { kind: 'message', name: 'x', text: 'whole' });
  written.commit({ entries: [place] });
  written.append(1);
  const at = { seq: 8, notice: 0 };
  readOn('b', at);
  readOn('c', at);
  open('d', at);
  expect(readers.pump(0)[0]?.data).not.toContain('whole');
  written.commit({ mended: [{ ...place, message }] });
  open('e', at);
  expect(readers.pump(0)[0]?.data).toContain('whole');
});
