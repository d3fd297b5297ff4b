import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { defaultFlow, maxWaiting, silentMs } from '../src/core/limits.ts';
import type { Change } from '../src/core/log/store.ts';
import { Session, type SessionOptions } from '../src/core/member/session.ts';
import type { ConversationEffect, ConversationInput } from '../src/core/turn.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Frame, Message, Notice, Received, Welcome } from '../src/protocol/frames.ts';
import { joinProof, signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeIdentity, signature } from './support/fake-crypto.ts';

const { windowEntries } = defaultFlow;
const identity = fakeIdentity('kA');

/** The session of Ann, on device `A` with the key `kA`, and what it keeps. */
let session: Session;
let store: MemoryStore;
let nowMs: number;
/** What is to be kept is on disk at once, unless this is set: then it waits here. */
let slowDisk: boolean;
let commits: Change[];
/** What the last step did. */
let sent: Frame[];
let shown: ChatEvent[];
let failed: string[];
const wishes = { history: 0, replay: true, maxReplay: 1_000, maxKept: 5_000 };
/** The program starts, with what it kept before. */
const start = (options: Partial<SessionOptions> = {}) => {
  session = new Session({ name: 'ann', dev: 'A', identity, crypto: fakeCrypto, ...wishes, ...options }, store);
  commits = [];
};
beforeEach(() => {
  store = new MemoryStore();
  nowMs = 1_000_000;
  slowDisk = false;
  [sent, shown, failed] = [[], [], []];
  start();
});

const step = (input: ConversationInput) => {
  [sent, shown, failed] = [[], [], []];
  take(input);
  while (!slowDisk && commits.length > 0) keepOne();
};
const take = (input: ConversationInput) => {
  for (const effect of session.step(input, nowMs)) sort(effect);
};
/** The oldest change that waits is on disk. */
const keepOne = () => {
  const change = commits.shift();
  if (!change) return;
  store.apply(change);
  take({ type: 'committed', change });
};
const settle = () => {
  [sent, shown, failed] = [[], [], []];
  keepOne();
};
const sort = (effect: ConversationEffect) => {
  if (effect.type === 'send') sent.push(effect.frame);
  else if (effect.type === 'show') shown.push(effect.event);
  else if (effect.type === 'commit') commits.push(effect.change);
  else failed.push(effect.error.code);
};
const receive = (frame: Received) => step({ type: 'frame', frame });
const type = (text: string) => step({ type: 'typed', text });
const tick = (ms = 0) => {
  nowMs += ms;
  step({ type: 'tick' });
};
const nothing = () => expect({ sent, shown, failed }).toEqual({ sent: [], shown: [], failed: [] });

const join = (more: Partial<Frame & { kind: 'join' }> = {}) => ({
  kind: 'join',
  name: 'ann',
  version: 1,
  key: 'kA',
  dev: 'A',
  ...(more.log === undefined && { history: 0 }),
  ...more,
});
/** A join from a cursor, with the hash there. */
const joinAt = (since: number, more: Partial<Frame & { kind: 'join' }> = {}) =>
  join({ log: 'log', since, ...(since > 0 && { hash: `h${since}` }), ...more });
const challenge: Received = { kind: 'challenge', nonce: 'n', server: 'server', log: 'log' };
/** The server asks who this is, is told, and opens the session. */
const open = (more: Partial<Welcome> = {}) => {
  receive(challenge);
  receive(welcome(more));
};
const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  kind: 'welcome',
  name: 'server',
  text: 'You are now online. 2 online.',
  log: 'log',
  since: 0,
  head: 0,
  online: 2,
  members: ['ann', 'bo'],
  ...(more.since && { hash: `h${more.since}` }),
  ...more,
});
const entry = (seq: number, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  name: 'bo',
  text: `text ${seq}`,
  id: { dev: 'B', n: seq },
  lc: seq,
  ts: 5,
  key: 'kB',
  seq,
  hash: `h${seq}`,
  ...more,
});
const own = (seq: number, n: number): Message =>
  entry(seq, { name: 'ann', text: `own ${n}`, id: { dev: 'A', n }, key: 'kA' });
/** What the session sends of an own message. */
const mine = (n: number, more: Partial<Message> = {}): Message => {
  const message: Message = {
    kind: 'message',
    name: 'ann',
    text: `own ${n}`,
    id: { dev: 'A', n },
    lc: n,
    ts: nowMs,
    ...more,
  };
  return { ...message, key: 'kA', sig: signature('kA', signedText('server', message)) };
};
const refused = (text: string): Received => ({ kind: 'refused', name: 'server', text, code: 'NAME_REFUSED' });
const plain = (name: string, text: string): Message => ({ kind: 'message', name, text });
const greeting = plain('server', 'You are now online. 3 online.');
const notice = (more: Partial<Notice>): Notice => ({
  kind: 'notice',
  name: 'server',
  text: 'words',
  notice: 'info',
  ...more,
});

const goOnline = (more: Partial<Welcome> = {}) => {
  step({ type: 'connected' });
  open(more);
};
const goLegacy = () => {
  step({ type: 'connected' });
  receive(greeting);
};
const waitingTexts = () => session.waiting.map(({ text }) => text);
const texts = () => shown.map((event) => (event.type === 'message' ? event.text : event.type));
const sentNumbers = () => sent.map((frame) => (frame.kind === 'message' ? frame.id?.n : frame.kind));

describe('down', () => {
  test.each<[string, ConversationInput]>([
    ['a tick', { type: 'tick' }],
    ['a disconnect', { type: 'disconnected' }],
    ['a challenge', { type: 'frame', frame: challenge }],
    ['a welcome', { type: 'frame', frame: welcome() }],
    ['something on disk', { type: 'committed', change: {} }],
    ['an entry', { type: 'frame', frame: entry(1) }],
    ['a heartbeat', { type: 'frame', frame: { kind: 'heartbeat', seq: 5 } }],
    ['a rejoin', { type: 'frame', frame: { kind: 'rejoin', delayMs: 0 } }],
    ['a refusal', { type: 'frame', frame: { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' } }],
    ['garbage', { type: 'frame', frame: { kind: 'malformed', reason: 'x' } }],
    ['leaving', { type: 'leave' }],
  ])('%s does nothing', (_name, input) => {
    step(input);
    nothing();
    expect(session.online).toBe(false);
  });

  test('another name is kept', () => {
    step({ type: 'named', name: 'anna' });
    const message = 'you will be called anna when you are online';
    expect({ sent, shown, failed }).toEqual({
      sent: [],
      shown: [{ type: 'status', code: 'NAME', message }],
      failed: [],
    });
    expect([session.online, session.name]).toEqual([false, 'ann']);
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna' })]);
  });

  test('what is typed is kept', () => {
    type('hi');
    nothing();
    expect(waitingTexts()).toEqual(['hi']);
  });

  test('a connection joins, the first time without a cursor', () => {
    start({ history: 20 });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ history: 20 })]);
    expect(shown).toEqual([]);
    expect(session.online).toBe(false);
  });
});

describe('joining', () => {
  beforeEach(() => step({ type: 'connected' }));

  test('a challenge is answered with the same join and a proof of the key', () => {
    receive(challenge);
    const proof = signature('kA', joinProof('n', 'server', { kind: 'join', name: 'ann', key: 'kA', dev: 'A' }));
    expect(sent).toEqual([join({ proof })]);
    expect(shown).toEqual([]);
    expect(session.online).toBe(false);
  });

  test('a welcome nobody asked who we are before is of an older session', () => {
    receive(welcome());
    nothing();
    expect(session.online).toBe(false);
    open();
    expect(session.online).toBe(true);
  });

  test('a plain message after a challenge is not the word of an original server', () => {
    receive(challenge);
    receive(greeting);
    nothing();
    receive(welcome());
    expect(session.online).toBe(true);
  });

  test('a welcome opens the session', () => {
    open({ head: 3 });
    expect(session.online).toBe(true);
    expect(shown).toEqual([
      {
        type: 'state',
        state: 'online',
        server: 'server',
        online: 2,
        legacy: false,
        waiting: 0,
        members: ['ann', 'bo'],
      },
    ]);
    expect(sent).toEqual([]);
  });

  test.each<[string, Received]>([
    ['entries', entry(1)],
    ['notices', notice({ notice: 'shutdown' })],
    ['heartbeats', { kind: 'heartbeat', seq: 9 }],
    ['unknown objects', { kind: 'unknown' }],
    ['garbage', { kind: 'malformed', reason: 'x' }],
    ['frames for servers', { kind: 'ack', seq: 1 }],
  ])('%s of an older session are not heard', (_name, frame) => {
    receive(frame);
    nothing();
    receive(challenge);
    receive(frame);
    nothing();
    receive(welcome());
    receive(entry(1));
    expect(texts()).toEqual(['text 1']);
  });

  test('a batch may bring the welcome and what follows it', () => {
    receive(challenge);
    receive({ kind: 'batch', frames: [entry(7), welcome(), entry(1), entry(2)] });
    expect(texts()).toEqual(['state', 'text 1', 'text 2']);
  });

  test('a refusal fails, and a new name joins again', () => {
    receive(challenge);
    receive({ kind: 'refused', name: 'server', text: 'no', code: 'NAME_REFUSED' });
    expect(failed).toEqual(['NAME_REFUSED']);
    receive(welcome());
    tick(60_000);
    nothing();
    step({ type: 'named', name: 'anna' });
    expect(sent).toEqual([join({ name: 'anna' })]);
    open({ who: 'anna' });
    expect(session.online).toBe(true);
    expect(shown).toMatchObject([{ state: 'online' }, { type: 'renamed', was: 'ann', name: 'anna' }]);
  });

  test('a new name that is refused too fails again', () => {
    receive(challenge);
    receive(refused('"ann" belongs to somebody else.'));
    step({ type: 'named', name: 'bo' });
    receive(challenge);
    receive(refused('"bo" belongs to somebody else.'));
    expect([sent, shown, failed]).toEqual([[], [], ['NAME_REFUSED']]);
  });

  test('a refusal of who has not said who it is is of an older join', () => {
    receive(refused('no'));
    nothing();
  });

  test('a refusal that a lost connection follows still waits for a name', () => {
    receive(challenge);
    receive({ kind: 'refused', name: 'server', text: 'no', code: 'NAME_REFUSED' });
    step({ type: 'disconnected' });
    step({ type: 'named', name: 'anna' });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna' })]);
  });

  test('a full room fails', () => {
    receive(challenge);
    receive({ kind: 'refused', name: 'server', text: 'full', code: 'ROOM_FULL' });
    expect(failed).toEqual(['ROOM_FULL']);
  });

  test('a rejoin joins again', () => {
    receive({ kind: 'rejoin', delayMs: 0 });
    expect(sent).toEqual([join()]);
  });

  test('a lost connection before the first welcome is no news', () => {
    step({ type: 'disconnected' });
    nothing();
  });

  test('leaving before the welcome says nothing', () => {
    step({ type: 'leave' });
    nothing();
    receive(welcome());
    nothing();
  });

  test('an original server is not asked twice, however slow it is', () => {
    tick(60_000);
    nothing();
  });
});

describe('live: the log', () => {
  beforeEach(() => goOnline({ since: 10, head: 10 }));

  test('is shown in order; what stood in it before is a replay', () => {
    step({ type: 'disconnected' });
    goOnline({ since: 10, head: 12 });
    shown = [];
    receive({ kind: 'batch', frames: [entry(11), entry(12), entry(13)] });
    const message = (seq: number) => ({
      type: 'message',
      seq,
      id: `B.${seq}`,
      from: { name: 'bo', id: 'kB' },
      text: `text ${seq}`,
      own: false,
      replay: seq <= 12,
      sentMs: 5,
    });
    expect(shown).toEqual([
      { type: 'replay', count: 2, total: 2, sinceMs: 5 },
      message(11),
      message(12),
      { type: 'replayed' },
      message(13),
    ]);
  });

  test('is shown once', () => {
    receive(entry(11));
    receive(entry(11));
    nothing();
    receive(entry(10));
    nothing();
  });

  test('may hold a message twice, when the server forgot it had it: shown once', () => {
    receive(entry(11, { id: { dev: 'B', n: 4 } }));
    receive(entry(12, { id: { dev: 'B', n: 4 } }));
    nothing();
    receive({ kind: 'heartbeat', seq: 12 });
    nothing();
    receive(entry(13, { id: { dev: 'B', n: 5 } }));
    expect(texts()).toEqual(['text 13']);
  });

  test('with a gap is read again from the cursor, and nobody sees it', () => {
    receive(entry(11));
    receive(entry(13));
    expect(sent).toEqual([joinAt(11)]);
    expect(shown).toEqual([]);
    receive(entry(14));
    nothing();
    open({ since: 11, head: 14 });
    expect(shown).toEqual([]);
    receive({ kind: 'batch', frames: [entry(12), entry(13), entry(14)] });
    expect(texts()).toEqual(['text 12', 'text 13', 'text 14']);
    expect(shown).toMatchObject([{ replay: false }, { replay: false }, { replay: false }]);
  });

  test('who comes and goes while it is read again is told: that would not come again', () => {
    receive({ kind: 'rejoin', delayMs: 0 });
    receive({ kind: 'notice', name: 's', notice: 'join', who: 'lea', online: 4, text: 'x' });
    expect(shown).toMatchObject([{ type: 'join', name: 'lea', online: 4 }]);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    shown = [];
    receive({ kind: 'notice', name: 's', notice: 'leave', who: 'lea', online: 3, text: 'x' });
    expect(shown).toEqual([]);
  });

  test('whose end was lost is read again at the next heartbeat', () => {
    receive(entry(11));
    receive({ kind: 'heartbeat', seq: 11 });
    nothing();
    receive({ kind: 'heartbeat', seq: 12 });
    expect(sent).toEqual([joinAt(11)]);
  });

  test('is read again when the server says so, at once or later', () => {
    receive({ kind: 'rejoin', delayMs: 0 });
    expect(sent).toEqual([joinAt(10)]);
    open({ since: 10 });
    tick();
    receive({ kind: 'rejoin', delayMs: 500 });
    nothing();
    tick(499);
    nothing();
    tick(1);
    expect(sent).toEqual([joinAt(10)]);
    open({ since: 10 });
    tick(1_000);
    expect(sent).not.toContainEqual(expect.objectContaining({ kind: 'join' }));
  });

  test('whose entries are no longer kept says which are missing', () => {
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([joinAt(10)]);
    open({ since: 30, head: 40, firstMs: 7 });
    expect(shown[0]).toEqual({ type: 'gap', from: 11, to: 30, firstMs: 7 });
    receive(entry(31));
    expect(texts()).toEqual(['replay', 'text 31']);
    step({ type: 'connected' });
    expect(sent).toEqual([joinAt(31)]);
  });

  test('moves on over void entries, which are not shown', () => {
    receive(entry(11, { void: true }));
    nothing();
    receive(entry(12));
    expect(texts()).toEqual(['text 12']);
  });

  test('may hold entries without an id', () => {
    receive({ kind: 'message', name: 'lea', text: 'hi', seq: 11 });
    expect(shown).toEqual([{ type: 'message', seq: 11, from: { name: 'lea' }, text: 'hi', own: false, replay: false }]);
  });

  test('does not hold messages without a place', () => {
    receive(plain('server', 'psst'));
    nothing();
  });

  test('is acknowledged every quarter of the window', () => {
    const acks: unknown[] = [];
    for (let seq = 11; seq <= 10 + windowEntries; seq++) {
      receive(entry(seq));
      acks.push(...sent);
    }
    expect(acks).toEqual([1, 2, 3, 4].map((quarter) => ({ kind: 'ack', seq: 10 + (quarter * windowEntries) / 4 })));
  });

  test('is acknowledged every five seconds, read or not', () => {
    tick(4_999);
    nothing();
    tick(1);
    expect(sent).toEqual([{ kind: 'ack', seq: 10 }]);
    receive(entry(11));
    tick(4_999);
    nothing();
    tick(1);
    expect(sent).toEqual([{ kind: 'ack', seq: 11 }]);
  });
});

describe('live: the words of the room', () => {
  beforeEach(() => goOnline());

  test.each<[string, Notice, ChatEvent]>([
    [
      'a join',
      notice({ notice: 'join', who: 'bo', online: 3 }),
      { type: 'join', server: 'server', name: 'bo', online: 3 },
    ],
    [
      'a leave',
      notice({ notice: 'leave', who: 'bo', online: 1, reason: 'lost' }),
      { type: 'leave', server: 'server', name: 'bo', online: 1, reason: 'lost' },
    ],
    [
      'a leave without a reason',
      notice({ notice: 'leave', who: 'bo', online: 1 }),
      { type: 'leave', server: 'server', name: 'bo', online: 1, reason: 'left' },
    ],
    [
      'a rename',
      notice({ notice: 'rename', who: 'bob', was: 'bo', online: 2 }),
      { type: 'rename', server: 'server', from: 'bo', name: 'bob', online: 2 },
    ],
    [
      'a rename of nobody',
      notice({ notice: 'rename', who: 'bob' }),
      { type: 'notice', server: 'server', text: 'words' },
    ],
    ['the end', notice({ notice: 'shutdown' }), { type: 'shutdown', server: 'server' }],
    ['anything else', notice({}), { type: 'notice', server: 'server', text: 'words' }],
    ['a join of nobody', notice({ notice: 'join' }), { type: 'notice', server: 'server', text: 'words' }],
  ])('%s', (_name, frame, event) => {
    receive(frame);
    expect(shown).toEqual([event]);
  });

  test.each<[string, Received]>([
    ['a join', { kind: 'join', name: 'x' }],
    ['a leave', { kind: 'leave', name: 'x' }],
    ['an ack', { kind: 'ack', seq: 5 }],
    ['a challenge', challenge],
    ['a refusal', { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' }],
    ['gone', { kind: 'gone' }],
    ['an unknown object', { kind: 'unknown' }],
    ['garbage', { kind: 'malformed', reason: 'x' }],
  ])('%s is not for a client that is in', (_name, frame) => {
    receive(frame);
    nothing();
    expect(session.online).toBe(true);
  });
});

describe('what is typed', () => {
  test('is sent, waits, and is shown once when it comes back in its place', () => {
    goOnline();
    type('own 1');
    expect(sent).toEqual([{ ...mine(1), first: true }]);
    expect(shown).toEqual([]);
    expect(session.waiting).toEqual([{ text: 'own 1', sinceMs: nowMs }]);
    receive(own(1, 1));
    expect(shown).toMatchObject([{ type: 'message', text: 'own 1', own: true, seq: 1, id: 'A.1' }]);
    expect(session.waiting).toEqual([]);
    receive(own(2, 1));
    expect(shown).toEqual([]);
  });

  test('while offline is sent at the welcome, in order', () => {
    for (const text of ['own 1', 'own 2']) type(text);
    step({ type: 'connected' });
    type('own 3');
    expect(sent).toEqual([]);
    open();
    expect(sentNumbers()).toEqual([1, 2, 3]);
    expect(shown).toMatchObject([{ waiting: 3 }]);
  });

  test('is sent again at every welcome, until it is seen in the log', () => {
    goOnline();
    for (const text of ['own 1', 'own 2', 'own 3']) type(text);
    receive(own(1, 1));
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([joinAt(1)]);
    open({ since: 1, head: 2 });
    expect(sentNumbers()).toEqual([2, 3]);
    // The second had arrived before: it is in the replay, and is mine all the same.
    receive(own(2, 2));
    expect(shown).toMatchObject([{ type: 'replay', count: 1 }, { own: true, replay: true }, { type: 'replayed' }]);
    expect(waitingTexts()).toEqual(['own 3']);
    step({ type: 'connected' });
    open({ since: 2, head: 2 });
    expect(sentNumbers()).toEqual([3]);
  });

  test('is at most 256 under way, and the rest follows', () => {
    goOnline();
    for (let n = 1; n <= 300; n++) type(`own ${n}`);
    expect(sent).toEqual([]);
    receive(own(1, 1));
    expect(sentNumbers()).toEqual([257]);
    step({ type: 'connected' });
    open({ since: 1 });
    expect(sentNumbers()).toEqual(Array.from({ length: 256 }, (_, i) => i + 2));
  });

  test('is not taken when 10,000 wait, and that is said', () => {
    for (let n = 1; n <= maxWaiting; n++) type(`own ${n}`);
    nothing();
    type('one too many');
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'TOO_MANY_WAITING' })]);
    expect(session.waiting).toHaveLength(maxWaiting);
    expect(waitingTexts()).not.toContain('one too many');
  });

  test('and refused for its length is told, and does not block what follows', () => {
    goOnline();
    for (const text of ['own 1', 'own 2']) type(text);
    receive({ ...own(1, 1), text: '', void: true });
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'REFUSED' })]);
    expect(waitingTexts()).toEqual(['own 2']);
  });

  test('as an action is one on the disk, on the wire and when it comes back', () => {
    step({ type: 'typed', text: 'own 1', action: true });
    expect(store.pending()).toMatchObject([{ text: 'own 1', action: true }]);
    const sinceMs = nowMs;
    tick(60_000);
    start();
    expect(session.waiting).toEqual([{ text: 'own 1', sinceMs, action: true }]);
    goOnline();
    expect(sent).toEqual([{ ...mine(1, { action: true, ts: sinceMs }), first: true }]);
    receive({ ...own(1, 1), action: true });
    expect(shown).toMatchObject([{ type: 'message', text: 'own 1', own: true, action: true }]);
    receive(own(2, 2));
    expect(shown).toEqual([expect.not.objectContaining({ action: true })]);
  });
});

describe('another name', () => {
  const rename = (name: string) => step({ type: 'named', name });
  const names = () => sent.map((frame) => (frame.kind === 'message' ? `${frame.name} ${frame.id?.n}` : frame.kind));
  const error = (message: string) => ({ type: 'error', code: 'NAME_REFUSED', message });
  const theirs = '"bo" belongs to somebody else.';
  const status = (message: string) => ({ type: 'status', code: 'NAME', message });
  /** Nothing is sent, and this is all that is said. */
  const says = (message: string) =>
    expect({ sent, shown, failed }).toEqual({ sent: [], shown: [status(message)], failed: [] });
  const later = (name: string) => says(`you will be called ${name} when you are online`);
  const known = { log: 'log', since: 0 };

  test('is asked for on the same connection, and is mine when the server has taken it', () => {
    goOnline();
    rename('anna');
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
    expect(shown).toEqual([]);
    expect(session.name).toBe('ann');
    receive(challenge);
    const proof = signature('kA', joinProof('n', 'server', { kind: 'join', name: 'anna', key: 'kA', dev: 'A' }));
    expect(sent).toEqual([join({ name: 'anna', ...known, proof })]);
    receive(welcome({ who: 'anna' }));
    expect(shown).toEqual([{ type: 'renamed', was: 'ann', name: 'anna' }]);
    step({ type: 'leave' });
    expect(sent).toEqual([{ kind: 'leave', name: 'anna' }]);
  });

  test('does not change what is typed before it is taken', () => {
    goOnline();
    type('own 1');
    rename('anna');
    type('own 2');
    open({ who: 'anna' });
    expect(names()).toEqual(['ann 1', 'ann 2']);
    type('own 3');
    expect(names()).toEqual(['anna 3']);
  });

  test('that is refused is said, and I am back under the old one', () => {
    goOnline();
    rename('bo');
    receive(challenge);
    type('own 1');
    receive(refused(theirs));
    expect([shown, failed]).toEqual([[error(theirs)], []]);
    expect(sent).toEqual([join(known)]);
    open({ who: 'ann' });
    expect(shown).toEqual([]);
    expect(names()).toEqual(['ann 1']);
    expect(session.online).toBe(true);
  });

  test('that was asked for twice and is refused twice is refused once', () => {
    goOnline();
    rename('bo');
    tick(silentMs);
    expect(sent).toEqual([join({ name: 'bo', ...known })]);
    receive(challenge);
    receive(challenge);
    receive(refused(theirs));
    receive(refused(theirs));
    nothing();
    open({ who: 'ann' });
    expect(session.online).toBe(true);
  });

  test('is asked for again when the answer is lost, and on the next connection', () => {
    goOnline();
    rename('anna');
    tick(silentMs);
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
  });

  test('chosen offline is asked for at the next join', () => {
    goOnline();
    step({ type: 'disconnected' });
    rename('anna');
    later('anna');
    type('own 1');
    expect(session.name).toBe('ann');
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
    open({ who: 'anna' });
    expect(shown).toMatchObject([{ state: 'online' }, { type: 'renamed', name: 'anna' }]);
    expect(names()).toEqual(['ann 1']);
    expect(session.name).toBe('anna');
  });

  test('of a program that ended is not used for what waits: the server may have died before it knew it', () => {
    goOnline();
    rename('anna');
    open({ who: 'anna' });
    step({ type: 'disconnected' });
    type('own 1');
    start();
    step({ type: 'connected' });
    open({ who: 'ann' });
    expect(names()).toEqual(['ann 1']);
  });

  test('chosen offline can be chosen otherwise, and taken back', () => {
    rename('anna');
    later('anna');
    rename('anne');
    later('anne');
    rename('ann');
    says('you are called ann');
    step({ type: 'connected' });
    expect(sent).toEqual([join()]);
  });

  test('chosen while the server is silent is asked for when it is heard again, and if refused the old one', () => {
    goOnline();
    tick(silentMs);
    rename('bo');
    later('bo');
    receive({ kind: 'heartbeat', seq: 0 });
    expect(sent).toEqual([join({ name: 'bo', ...known })]);
    receive(challenge);
    receive(refused(theirs));
    expect([shown, sent, failed]).toEqual([[error(theirs)], [join(known)], []]);
  });

  test('chosen while joining is asked for after the welcome, which is for the old one', () => {
    step({ type: 'connected' });
    receive(challenge);
    rename('anna');
    later('anna');
    receive(challenge);
    expect(sent).toMatchObject([{ name: 'ann' }]);
    receive(welcome({ who: 'ann' }));
    expect(shown).toMatchObject([{ state: 'online' }]);
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
  });

  test('chosen while another is asked for is asked for next, taken or refused', () => {
    goOnline();
    rename('bo');
    rename('anna');
    later('anna');
    receive(challenge);
    receive(refused(theirs));
    expect(sent).toEqual([join({ name: 'anna', ...known })]);
    rename('ann');
    later('ann');
    open({ who: 'anna' });
    expect(shown).toEqual([{ type: 'renamed', was: 'ann', name: 'anna' }]);
    expect(sent).toEqual([join(known)]);
    open({ who: 'ann' });
    expect(shown).toEqual([{ type: 'renamed', was: 'anna', name: 'ann' }]);
    expect(sent).toEqual([]);
  });

  test('that is the present one is said to be that, and changes nothing', () => {
    goOnline();
    rename('ann');
    says('you are called ann');
    rename(' ann ');
    expect([sent, failed]).toEqual([[], []]);
    rename('anna');
    open({ who: 'anna' });
    rename('anna');
    says('you are called anna');
    expect(session.name).toBe('anna');
  });

  test('that comes while leaving changes nothing', () => {
    goOnline();
    step({ type: 'leave' });
    rename('anna');
    nothing();
    expect(session.name).toBe('ann');
  });

  test('is what the server has made of it; one that does not say has taken it as it is', () => {
    goOnline();
    rename('anna');
    open({ who: 'ANNA' });
    expect(shown).toEqual([{ type: 'renamed', was: 'ann', name: 'ANNA' }]);
    expect(sent).toEqual([]);
    rename('anne');
    open();
    expect(shown).toEqual([{ type: 'renamed', was: 'ANNA', name: 'anne' }]);
  });

  test.each<[string, () => void]>([
    ['the server has never seen', () => step({ type: 'connected' })],
    [
      'the server refuses',
      () => {
        goOnline();
        start();
        step({ type: 'connected' });
      },
    ],
  ])('taken after one %s is that of what was typed before: else it would be void', (_name, arrive) => {
    arrive();
    type('own 1');
    receive(challenge);
    receive(refused('"ann" belongs to somebody else.'));
    rename('anna');
    open({ who: 'anna' });
    expect(names()).toEqual(['anna 1']);
  });

  test('in a log that is not the one known here is that of what waits and what is given back, on the disk too', () => {
    goOnline();
    type('own 1');
    const { sig = '' } = mine(1);
    receive({ ...own(1, 1), sig });
    type('own 2');
    rename('anna');
    open({ who: 'anna', log: 'new', fork: true });
    expect(names()).toEqual(['anna 1', 'anna 2']);
    for (const frame of sent) {
      const { kind: _, sig, ...message } = frame as Message;
      expect(sig).toBe(signature('kA', signedText('server', { kind: 'message', ...message })));
    }
    expect(store.pending().map(({ name }) => name)).toEqual(['anna', 'anna']);
  });

  test('is nothing an original server knows: said at once, and asked for with the next connection', () => {
    goLegacy();
    const fixed = error('This server cannot rename; leave and come back with --name.');
    rename('anna');
    expect([sent, shown]).toEqual([[], [fixed]]);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([join()]);
    rename('anna');
    receive(greeting);
    expect(sent).toEqual([]);
    expect(shown).toMatchObject([{ state: 'online' }, fixed]);
    step({ type: 'disconnected' });
    rename('anna');
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna' })]);
    receive(greeting);
    expect(shown).toMatchObject([{ state: 'online' }, { type: 'renamed', was: 'ann', name: 'anna' }]);
    type('hi');
    expect(sent).toEqual([plain('anna', 'hi')]);
  });
});

describe('who is there', () => {
  const rename = (was: string, who: string) => notice({ notice: 'rename', was, who, online: 3 });
  const who = () => [session.present, ...session.others];

  test('is nobody before the welcome, then those it names, without me', () => {
    expect(who()).toEqual([0]);
    goOnline({ members: ['cy', 'ann', 'bo'], online: 3 });
    expect(who()).toEqual([3, 'cy', 'bo']);
  });

  test('changes with what the room says, and who speaks comes first', () => {
    goOnline();
    receive(notice({ notice: 'join', who: 'cy', online: 3 }));
    expect(who()).toEqual([3, 'bo', 'cy']);
    receive(entry(1, { name: 'cy' }));
    expect(who()).toEqual([3, 'cy', 'bo']);
    receive(rename('cy', 'cyd'));
    expect(who()).toEqual([3, 'cyd', 'bo']);
    receive(notice({ notice: 'leave', who: 'bo', online: 2 }));
    expect(who()).toEqual([2, 'cyd']);
  });

  test('is not who is read of in a replay', () => {
    goOnline({ head: 2, members: ['ann', 'bo', 'cy'], online: 3 });
    receive(entry(1, { name: 'cy' }));
    expect(who()).toEqual([3, 'bo', 'cy']);
  });

  test('is said anew by every welcome, also when a gap is read again; speakers stay first', () => {
    goOnline({ members: ['ann', 'bo', 'cy'], online: 3 });
    receive(entry(1, { name: 'cy' }));
    receive(entry(3));
    open({ since: 1, head: 1, members: ['dot', 'ann', 'cy'], online: 3 });
    expect(shown).toEqual([]);
    expect(who()).toEqual([3, 'cy', 'dot']);
  });

  test('stays as it was when the connection is lost or silent, but nobody knows how many are online', () => {
    goOnline();
    tick(silentMs);
    expect(who()).toEqual([0, 'bo']);
    receive({ kind: 'heartbeat', seq: 0 });
    open();
    expect(who()).toEqual([2, 'bo']);
    step({ type: 'disconnected' });
    expect(who()).toEqual([0, 'bo']);
  });

  test('is never me: not under a new name, nor at another device', () => {
    goOnline({ members: ['ann', 'bo'] });
    step({ type: 'named', name: 'anna' });
    open({ who: 'anna', members: ['anna', 'bo'] });
    expect(who()).toEqual([2, 'bo']);
    receive(rename('anna', 'anne'));
    receive(entry(1, { name: 'annie', key: 'kA', id: { dev: 'A2', n: 1 } }));
    open();
    expect(session.others).toEqual(['bo']);
  });

  test('of an original server is who is seen to come or to speak', () => {
    goLegacy();
    expect(who()).toEqual([3]);
    receive(plain('server', 'lea joined the room. 4 online.'));
    receive(plain('max', 'hi'));
    expect(who()).toEqual([4, 'max', 'lea']);
    receive(plain('server', 'lea left the room. 3 online.'));
    expect(who()).toEqual([3, 'max']);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    receive(greeting);
    expect(who()).toEqual([3]);
  });
});

describe('a message that names me', () => {
  beforeEach(() => goOnline());
  const mark = () => shown.map((event) => event.type === 'message' && event.mention === true);

  test('is marked', () => {
    receive(entry(1, { text: 'hello, Ann!' }));
    receive({ kind: 'batch', frames: [entry(2, { text: 'ANN?' }), entry(3, { text: 'annoying' })] });
    expect(mark()).toEqual([true, false]);
  });

  test('is marked in a replay and by an original server too', () => {
    step({ type: 'disconnected' });
    goOnline({ head: 1 });
    shown = [];
    receive(entry(1, { text: 'ann?' }));
    expect(mark()).toEqual([false, true, false]);
    start();
    goLegacy();
    receive(plain('bo', 'ann?'));
    expect(mark()).toEqual([true]);
    receive(plain('server', 'ann joined the room. 4 online.'));
    expect(shown).toEqual([expect.not.objectContaining({ mention: true })]);
  });

  test('is not marked when it is my own, from whatever device', () => {
    receive({ ...own(1, 1), text: 'I am ann' });
    expect(mark()).toEqual([false]);
    receive(entry(2, { name: 'ann', text: 'I am ann', key: 'kA', id: { dev: 'A2', n: 1 } }));
    expect(mark()).toEqual([false]);
  });

  test('names me as I am called now', () => {
    step({ type: 'named', name: 'anna' });
    open({ who: 'anna' });
    receive(entry(1, { text: 'anna?' }));
    expect(mark()).toEqual([true]);
    receive(entry(2, { text: 'ann?' }));
    expect(mark()).toEqual([false]);
  });
});

describe('what is typed is signed', () => {
  beforeEach(() => goOnline());

  test('for the room it is written in, and marked first on each connection', () => {
    for (const text of ['own 1', 'own 2']) {
      type(text);
      expect(sent).toEqual([text === 'own 1' ? { ...mine(1), first: true } : mine(2)]);
    }
    step({ type: 'connected' });
    open();
    expect(sent).toEqual([{ ...mine(1), first: true }, mine(2)]);
  });

  test('with a counter above everything seen before', () => {
    receive(entry(1, { lc: 41 }));
    type('own 1');
    expect(sent).toMatchObject([{ lc: 42 }]);
    receive(entry(2, { lc: 7 }));
    type('own 2');
    expect(sent).toMatchObject([{ lc: 43 }]);
    start();
    goOnline();
    expect(sent).toMatchObject([{ lc: 42 }, { lc: 43 }]);
    type('own 3');
    expect(sent).toMatchObject([{ lc: 44 }]);
  });
});

describe('the disk', () => {
  beforeEach(() => {
    goOnline();
    slowDisk = true;
  });

  test('has what was typed before it is sent', () => {
    type('own 1');
    nothing();
    expect(waitingTexts()).toEqual(['own 1']);
    expect(commits).toMatchObject([{ pending: [{ text: 'own 1' }] }]);
    settle();
    expect(sentNumbers()).toEqual([1]);
  });

  test('has each of several before it is sent', () => {
    for (const text of ['own 1', 'own 2']) type(text);
    settle();
    expect(sentNumbers()).toEqual([1]);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    open();
    expect(sentNumbers()).toEqual([1]);
    settle();
    expect(sentNumbers()).toEqual([2]);
  });

  test('that was too slow for a program that was killed: the number is used again, it was never sent', () => {
    type('own 1');
    start();
    expect(session.waiting).toEqual([]);
    slowDisk = false;
    goOnline();
    expect(sent).toEqual([]);
    type('own 1');
    expect(sentNumbers()).toEqual([1]);
  });

  test('learns of what was seen, and that what was typed is in the log', () => {
    slowDisk = false;
    type('own 1');
    expect(store.pending()).toMatchObject([{ text: 'own 1' }]);
    receive(own(1, 1));
    expect([store.head, store.pending(), store.mark('A')]).toEqual([1, [], { n: 1, key: 'kA' }]);
  });

  test('is asked for one change a step, and for none when there is nothing', () => {
    receive({ kind: 'batch', frames: [entry(1), entry(2)] });
    receive({ kind: 'heartbeat', seq: 2 });
    tick();
    expect(commits).toHaveLength(1);
    expect(commits[0]?.entries).toHaveLength(2);
  });

  test('keeps no more than it should', () => {
    slowDisk = false;
    start({ maxKept: 100 });
    goOnline();
    for (let seq = 1; seq <= 110; seq++) receive(entry(seq));
    expect(store.first).toBe(1);
    receive(entry(111));
    expect([store.first, store.head]).toEqual([12, 111]);
  });
});

describe('a program that was started again', () => {
  beforeEach(() => {
    goOnline({ since: 3, head: 3 });
    receive(entry(4));
    for (const text of ['own 1', 'own 2', 'own 3']) type(text);
    receive(own(5, 1));
  });

  test('joins from its cursor and sends what has not come back', () => {
    start();
    expect(waitingTexts()).toEqual(['own 2', 'own 3']);
    step({ type: 'connected' });
    expect(sent).toEqual([joinAt(5)]);
    open({ since: 5, head: 5, n: 1 });
    expect(sent).toMatchObject([
      { id: { n: 2 }, text: 'own 2', first: true, sig: expect.any(String) },
      { id: { n: 3 } },
    ]);
    expect(shown).toMatchObject([{ state: 'online', waiting: 2 }]);
    expect(shown[0]).not.toHaveProperty('afterMs');
  });

  test('finds the rest in the log if it had arrived', () => {
    start();
    goOnline({ since: 5, head: 7, n: 3 });
    expect(sentNumbers()).toEqual([2, 3]);
    receive({ kind: 'batch', frames: [own(6, 2), own(7, 3)] });
    expect(session.waiting).toEqual([]);
    expect(shown).toMatchObject([{ type: 'replay' }, { own: true }, { own: true }, { type: 'replayed' }]);
  });

  test('does not use a number again', () => {
    start();
    goOnline({ since: 5, head: 5 });
    type('own 4');
    expect(sentNumbers()).toEqual([4]);
    receive({ kind: 'batch', frames: [own(6, 2), own(7, 3), own(8, 4)] });
    start();
    goOnline({ since: 8, head: 8 });
    type('own 5');
    expect(sentNumbers()).toEqual([5]);
  });

  test('shows again nothing of what it had shown', () => {
    start();
    goOnline({ since: 5, head: 5 });
    receive(entry(5));
    receive(entry(4));
    nothing();
  });

  test('lets go of what was in the log and is no longer kept', () => {
    start();
    goOnline({ since: 9, head: 9, n: 2 });
    expect(waitingTexts()).toEqual(['own 3']);
    expect(store.pending()).toMatchObject([{ text: 'own 3' }]);
    expect(sentNumbers()).toEqual([3]);
  });
});

describe('what was written while away', () => {
  const replay = { type: 'replay', count: 3, total: 3, sinceMs: 5 };
  const three: Received = { kind: 'batch', frames: [entry(3), entry(4), entry(5)] };
  const messages = ['text 3', 'text 4', 'text 5'];
  const comeBack = (options: Partial<SessionOptions> = {}) => {
    goOnline();
    receive({ kind: 'batch', frames: [entry(1), entry(2)] });
    start(options);
    goOnline({ since: 2, head: 5 });
    receive(three);
  };

  test('is shown between two lines, and what comes then is not', () => {
    comeBack();
    expect(shown[0]).toEqual(replay);
    expect(texts()).toEqual(['replay', ...messages, 'replayed']);
    expect(shown.slice(1, 4)).toMatchObject([{ replay: true }, { replay: true }, { replay: true }]);
    receive(entry(6));
    expect(shown).toMatchObject([{ text: 'text 6', replay: false }]);
  });

  test('in several batches is one replay', () => {
    goOnline({ head: 3 });
    const all = [1, 2, 3].flatMap((seq) => {
      receive(entry(seq));
      return texts();
    });
    expect(all).toEqual(['replay', 'text 1', 'text 2', 'text 3', 'replayed']);
  });

  test('is not shown to a program that does not want it, but what comes then is', () => {
    comeBack({ replay: false });
    expect(shown).toEqual([]);
    receive(entry(6));
    expect(texts()).toEqual(['text 6']);
    expect(store.head).toBe(6);
  });

  test('is shown all the same when the program was running: it was only cut off', () => {
    start({ replay: false });
    goOnline();
    receive({ kind: 'batch', frames: [entry(1), entry(2)] });
    step({ type: 'disconnected' });
    goOnline({ since: 2, head: 5 });
    receive(three);
    expect(texts()).toEqual(['replay', ...messages, 'replayed']);
  });

  test('is shown on a first join to who asked for some', () => {
    start({ replay: false, history: 3 });
    goOnline({ since: 2, head: 5 });
    receive(three);
    expect(texts()).toEqual(['replay', ...messages, 'replayed']);
  });

  test('is shown up to a limit, the newest', () => {
    comeBack({ maxReplay: 2 });
    expect(shown[0]).toEqual({ type: 'replay', count: 2, total: 3, sinceMs: 5 });
    expect(texts().slice(1)).toEqual(['text 4', 'text 5', 'replayed']);
    expect(store.head).toBe(5);
  });

  test('ends also when its last entry is not shown', () => {
    goOnline({ head: 2 });
    receive(entry(1));
    receive(entry(2, { void: true }));
    expect(texts()).toEqual(['replayed']);
  });

  test('has no lines if there is nothing to show', () => {
    goOnline({ head: 1 });
    receive(entry(1, { void: true }));
    nothing();
  });

  test('on a first join is no gap, on a later one of which a part is missing it is', () => {
    goOnline({ since: 40, head: 50 });
    expect(shown).toMatchObject([{ state: 'online' }]);
    start();
    goOnline({ since: 45, head: 50, firstMs: 9 });
    expect(shown).toMatchObject([{ type: 'gap', from: 41, to: 45, firstMs: 9 }, { state: 'online' }]);
  });
});

describe('a log that is not the one known here', () => {
  /** An entry with the signature of its author. */
  const signed = (seq: number, dev = 'B', n = seq, more: Partial<Message> = {}): Message => {
    const message = entry(seq, { id: { dev, n }, key: `k${dev}`, ...more });
    return { ...message, sig: signature(message.key ?? '', signedText('server', message)), ...more };
  };
  const given = () => sent.map((frame) => (frame.kind === 'message' ? `${frame.id?.dev}${frame.id?.n}` : frame.kind));
  beforeEach(() => {
    goOnline();
    type('text 3');
    receive({ kind: 'batch', frames: [signed(1), signed(2, 'C', 1), signed(3, 'A', 1, { name: 'ann' })] });
    step({ type: 'disconnected' });
    step({ type: 'connected' });
  });
  const status = (message: string) => ({
    type: 'status',
    code: 'RESTORED',
    message: `the server's log is not the one known here; ${message}`,
  });

  test('and is empty gets back everything, in the order of cause', () => {
    open({ log: 'new', fork: true, head: 0 });
    expect(given()).toEqual(['B1', 'C1', 'A1']);
    expect(shown).toContainEqual(status('3 lost messages were given back.'));
    expect(shown.map(({ type }) => type)).not.toContain('gap');
    expect([store.log, store.head]).toEqual(['new', 0]);
    expect(store.pending()).toHaveLength(3);
    expect(waitingTexts()).toEqual(['text 3']);
  });

  test('gets back an action as one', () => {
    open({ since: 3 });
    const waves = signed(4, 'D', 1, { action: true });
    receive(waves);
    goOnline({ log: 'new', fork: true, head: 0 });
    expect(sent).toContainEqual(expect.objectContaining({ id: { dev: 'D', n: 1 }, action: true, sig: waves.sig }));
  });

  test('is read up to its head before anything is given back, and gets only what it lacks', () => {
    open({ fork: true, head: 2 });
    expect(sent).toEqual([]);
    expect(shown.map(({ type }) => type)).toEqual(['state']);
    type('own 2');
    expect(sent).toEqual([]);
    receive(signed(1));
    expect(sent).toEqual([]);
    receive(signed(2, 'D', 1));
    expect(given()).toEqual(['C1', 'A1', 'A2']);
    expect(shown).toContainEqual(status('2 lost messages were given back.'));
  });

  test('that has it all is only read again', () => {
    open({ fork: true, head: 3 });
    receive({ kind: 'batch', frames: [signed(1), signed(2, 'C', 1), signed(3, 'A', 1)] });
    expect(sent).toEqual([]);
    expect(shown).toEqual([status('it was read again.')]);
    expect(store.pending()).toEqual([]);
  });

  test('shows nothing twice, and what is new once', () => {
    open({ fork: true, head: 2 });
    receive({ kind: 'batch', frames: [signed(1, 'D', 1), signed(2, 'B', 1)] });
    expect(texts().filter((text) => text.startsWith('text'))).toEqual(['text 1']);
    receive({ kind: 'batch', frames: [signed(3, 'C', 1), signed(4, 'A', 1, { text: 'text 3' })] });
    nothing();
    expect(session.waiting).toEqual([]);
    expect(store.pending()).toEqual([]);
  });

  test('gets what was not given back yet from the program that is started next', () => {
    open({ log: 'new', fork: true, head: 0 });
    start();
    step({ type: 'connected' });
    expect(sent).toEqual([join({ log: 'new', since: 0 })]);
    open({ log: 'new', head: 0 });
    expect(given()).toEqual(['B1', 'C1', 'A1']);
    receive(signed(1));
    step({ type: 'connected' });
    open({ log: 'new', since: 1, head: 1 });
    expect(given()).toEqual(['C1', 'A1']);
  });

  test('gets back nothing that was not signed, forged, void or too long', () => {
    step({ type: 'disconnected' });
    goOnline({ since: 3, head: 3 });
    receive({
      kind: 'batch',
      frames: [
        entry(4, { id: { dev: 'E', n: 1 }, key: 'kE' }),
        signed(5, 'F', 1, { sig: 'forged' }),
        signed(6, 'G', 1, { void: true }),
        signed(7, 'H', 1, { text: 'é'.repeat(2_049) }),
        { kind: 'message', name: 'old', text: 'x', id: { dev: 'run', n: 1 }, seq: 8, hash: 'h8' },
      ],
    });
    step({ type: 'disconnected' });
    goOnline({ log: 'new', fork: true, head: 0 });
    expect(given()).toEqual(['B1', 'C1', 'A1']);
    expect(store.pending()).toHaveLength(3);
  });

  test('of a server that was emptied, and forgot this one, is no loss of what was never seen', () => {
    open({ log: 'new', fork: true, head: 1 });
    receive(signed(1, 'D', 1));
    expect(given()).toEqual(['B1', 'C1', 'A1']);
    type('own 2');
    expect(given()).toEqual(['A2']);
  });
});

describe('what is under way and does not come back', () => {
  beforeEach(() => {
    goOnline();
    type('own 1');
  });
  const beat = () => receive({ kind: 'heartbeat', seq: 0 });

  test('for three heartbeats is sent again, after another join', () => {
    beat();
    beat();
    nothing();
    beat();
    expect(sent).toEqual([join({ log: 'log', since: 0 })]);
    open();
    expect(sentNumbers()).toEqual([1]);
  });

  test('but others do: each that comes back counts from the start', () => {
    type('own 2');
    beat();
    beat();
    receive(own(1, 1));
    beat();
    nothing();
    beat();
    nothing();
  });

  test('counts only as long as something is', () => {
    receive(own(1, 1));
    for (let i = 0; i < 5; i++) {
      receive({ kind: 'heartbeat', seq: 1 });
      nothing();
    }
  });
});

describe('offline', () => {
  beforeEach(() => goOnline());

  test('a lost connection is told once', () => {
    step({ type: 'disconnected' });
    expect(shown).toEqual([{ type: 'state', state: 'offline', reason: 'lost' }]);
    expect(session.online).toBe(false);
    step({ type: 'disconnected' });
    nothing();
  });

  test('back online says after how long and how much waited', () => {
    step({ type: 'disconnected' });
    nowMs += 42_000;
    type('own 1');
    step({ type: 'connected' });
    open();
    expect(shown).toMatchObject([{ type: 'state', state: 'online', afterMs: 42_000, waiting: 1 }]);
  });

  test('nothing is expected of a server while offline', () => {
    step({ type: 'disconnected' });
    tick(60_000);
    nothing();
  });

  test('a rejoin with a delay does not outlive the connection', () => {
    receive({ kind: 'rejoin', delayMs: 500 });
    step({ type: 'disconnected' });
    tick(1_000);
    nothing();
  });
});

describe('silence', () => {
  beforeEach(() => {
    goOnline();
    tick();
  });

  test('of eight seconds takes the server for hung', () => {
    tick(silentMs - 1);
    expect(session.online).toBe(true);
    tick(1);
    expect(shown).toEqual([{ type: 'state', state: 'offline', reason: 'silent' }]);
    expect(session.online).toBe(false);
  });

  test('that goes on is asked again and again: the welcome may have been lost', () => {
    tick(silentMs);
    for (let i = 0; i < 3; i++) {
      tick(silentMs - 1);
      nothing();
      tick(1);
      expect(sent).toEqual([join({ since: 0, log: 'log' })]);
      expect(shown).toEqual([]);
    }
  });

  test('is ended by any frame', () => {
    tick(silentMs - 1);
    receive({ kind: 'heartbeat', seq: 0 });
    tick(silentMs - 1);
    expect(session.online).toBe(true);
  });

  test('that ends joins again, and tells how long it was', () => {
    tick(silentMs);
    nowMs += 1_000;
    receive({ kind: 'heartbeat', seq: 0 });
    expect(sent).toEqual([joinAt(0)]);
    open();
    expect(shown).toMatchObject([{ state: 'online', afterMs: 1_000 }]);
  });

  test('that ends in a lost connection is not told twice', () => {
    tick(silentMs);
    step({ type: 'disconnected' });
    nothing();
    step({ type: 'connected' });
    expect(sent).toHaveLength(1);
  });

  test('what is typed meanwhile waits', () => {
    tick(silentMs);
    type('own 1');
    nothing();
    expect(waitingTexts()).toEqual(['own 1']);
  });

  test('instead of a welcome joins again, because the welcome was lost', () => {
    receive(entry(5));
    expect(sent).toHaveLength(1);
    receive({ kind: 'heartbeat', seq: 5 });
    tick(silentMs - 1);
    nothing();
    tick(1);
    expect(sent).toEqual([joinAt(0)]);
    tick(silentMs - 1);
    nothing();
  });
});

describe('leaving', () => {
  test('says goodbye once, hears nothing more, and is over when it is answered', () => {
    goOnline();
    expect(session.left).toBe(true);
    step({ type: 'leave' });
    expect(sent).toEqual([{ kind: 'leave', name: 'ann' }]);
    expect([session.online, session.left]).toEqual([false, false]);
    receive(entry(1));
    nothing();
    receive({ kind: 'heartbeat', seq: 5 });
    nothing();
    tick(60_000);
    nothing();
    expect(session.left).toBe(false);
    receive({ kind: 'leave', name: 'server' });
    nothing();
    expect(session.left).toBe(true);
    step({ type: 'leave' });
    nothing();
    receive(entry(1));
    nothing();
  });

  test.each([
    ['an original server', goLegacy],
    ['a server that has not answered yet', () => step({ type: 'connected' })],
    ['nobody', () => {}],
  ])('%s is over at once', (_name, arrive) => {
    arrive();
    step({ type: 'leave' });
    expect([session.online, session.left]).toEqual([false, true]);
  });
});

describe('an original server', () => {
  beforeEach(goLegacy);

  test('is known by its greeting, and that is said once', () => {
    expect(session.online).toBe(true);
    expect(shown).toEqual([
      { type: 'state', state: 'online', server: 'server', online: 3, legacy: true, waiting: 0 },
      { type: 'status', code: 'LEGACY_SERVER', message: expect.stringContaining('original program') },
    ]);
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    receive(greeting);
    expect(shown).toEqual([expect.objectContaining({ type: 'state', state: 'online', legacy: true })]);
  });

  test('gets what is typed without extras, and that is shown at once', () => {
    type('hi');
    expect(sent).toEqual([plain('ann', 'hi')]);
    expect(shown).toEqual([
      { type: 'message', id: 'A.1', from: { name: 'ann' }, text: 'hi', own: true, replay: false, sentMs: nowMs },
    ]);
    expect(session.waiting).toEqual([]);
  });

  test('gets the words of an action, and it is shown as one', () => {
    step({ type: 'typed', text: 'waves', action: true });
    expect(sent).toEqual([plain('ann', '/me waves')]);
    expect(shown).toMatchObject([{ text: 'waves', action: true, own: true }]);
  });

  test('gets what was typed before', () => {
    step({ type: 'disconnected' });
    for (const text of ['a', 'b']) type(text);
    step({ type: 'connected' });
    expect(sent).toEqual([join()]);
    receive(greeting);
    expect(sent).toEqual([plain('ann', 'a'), plain('ann', 'b')]);
  });

  test('is sent nothing but join, leave and messages, whatever comes', () => {
    const frames: Received[] = [
      plain('bo', 'hi'),
      entry(1),
      entry(900),
      { kind: 'heartbeat', seq: 99 },
      { kind: 'rejoin', delayMs: 0 },
      welcome({ log: 'other' }),
      { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' },
      { kind: 'unknown' },
      { kind: 'malformed', reason: 'x' },
      notice({ notice: 'shutdown' }),
    ];
    for (let i = 0; i < 300; i++) {
      receive(frames[i % frames.length] as Received);
      expect(sent).toEqual([]);
      tick(1_000);
      expect(sent).toEqual([]);
    }
    tick(10 * silentMs);
    nothing();
    expect(session.online).toBe(true);
    step({ type: 'leave' });
    expect(sent).toEqual([{ kind: 'leave', name: 'ann' }]);
  });

  test.each<[string, Message, unknown]>([
    ['a message', plain('bo', 'hi'), { type: 'message', from: { name: 'bo' }, text: 'hi', own: false, replay: false }],
    [
      'a join',
      plain('server', 'John Doe joined the room. 4 online.'),
      { type: 'join', server: 'server', name: 'John Doe', online: 4 },
    ],
    [
      'a leave',
      plain('server', 'John Doe left the room. 2 online.'),
      { type: 'leave', server: 'server', name: 'John Doe', online: 2, reason: 'left' },
    ],
    ['its end', plain('server', 'Server is off.'), { type: 'shutdown', server: 'server' }],
    ['other words', plain('server', 'Hello.'), { type: 'notice', server: 'server', text: 'Hello.' }],
    [
      'the words of the room from a member: a message',
      plain('bo', 'eve left the room. 2 online.'),
      { type: 'message', from: { name: 'bo' }, text: 'eve left the room. 2 online.', own: false, replay: false },
    ],
  ])('says %s', (_name, frame, event) => {
    receive(frame);
    expect(shown).toEqual([event]);
  });

  test('that was replaced by one of version 1 is welcomed as such', () => {
    step({ type: 'disconnected' });
    type('own 1');
    step({ type: 'connected' });
    open();
    expect(shown).toMatchObject([{ state: 'online', legacy: false }]);
    expect(sentNumbers()).toEqual([1]);
    expect(waitingTexts()).toEqual(['own 1']);
  });
});

describe('a data folder that is used in two places, or was restored', () => {
  test('is refused when its messages were numbered further elsewhere', () => {
    goOnline({ n: 5 });
    expect(failed).toEqual(['DATA_COPIED']);
  });

  test('is no matter of a lower number: what was typed offline only waits', () => {
    type('one');
    type('two');
    goOnline({ n: 1, head: 1 });
    expect(failed).toEqual([]);
  });

  test('is refused when the log has other words under an id of its own', () => {
    goOnline();
    type('mine');
    receive(entry(1, { id: { dev: 'A', n: 1 }, text: 'of the other place' }));
    expect(failed).toEqual(['DATA_COPIED']);
  });
});

describe('only looking in', () => {
  test('is answered by the challenge, and proves nothing', () => {
    start({ check: true });
    step({ type: 'connected' });
    sent.length = 0;
    receive(challenge);
    expect([session.online, sent]).toEqual([true, []]);
    step({ type: 'leave' });
    expect([session.left, sent]).toEqual([true, []]);
  });
});
