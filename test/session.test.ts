import { beforeEach, describe, expect, test } from 'vitest';
import type { ConversationEffect, ConversationInput } from '../src/core/conversation.ts';
import type { ChatEvent } from '../src/core/events.ts';
import { maxWaiting } from '../src/core/outbox.ts';
import { windowEntries } from '../src/core/room.ts';
import { Session, silentMs } from '../src/core/session.ts';
import type { Frame, Message, Notice, Received, Welcome } from '../src/protocol.ts';

/** The session of Ann, on device `A`. */
let session: Session;
let nowMs: number;
/** What the last step did. */
let sent: Frame[];
let shown: ChatEvent[];
let failed: string[];
beforeEach(() => {
  session = new Session({ name: 'ann', dev: 'A' });
  nowMs = 1_000_000;
  [sent, shown, failed] = [[], [], []];
});

const step = (input: ConversationInput) => {
  [sent, shown, failed] = [[], [], []];
  for (const effect of session.step(input, nowMs)) sort(effect);
};
const sort = (effect: ConversationEffect) => {
  if (effect.type === 'send') sent.push(effect.frame);
  else if (effect.type === 'show') shown.push(effect.event);
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
  dev: 'A',
  ...more,
});
const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  kind: 'welcome',
  name: 'server',
  text: 'You are now online. 2 online.',
  log: 'log',
  since: 0,
  head: 0,
  online: 2,
  members: ['ann', 'bo'],
  ...more,
});
const entry = (seq: number, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  name: 'bo',
  text: `text ${seq}`,
  id: { dev: 'B', n: seq },
  ts: 5,
  seq,
  ...more,
});
const own = (seq: number, n: number): Message => entry(seq, { name: 'ann', text: `own ${n}`, id: { dev: 'A', n } });
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
  receive(welcome(more));
};
const goLegacy = () => {
  step({ type: 'connected' });
  receive(greeting);
};
const texts = () => shown.map((event) => (event.type === 'message' ? event.text : event.type));
const sentNumbers = () => sent.map((frame) => (frame.kind === 'message' ? frame.id?.n : frame.kind));

describe('down', () => {
  test.each<[string, ConversationInput]>([
    ['a tick', { type: 'tick' }],
    ['a disconnect', { type: 'disconnected' }],
    ['a welcome', { type: 'frame', frame: welcome() }],
    ['an entry', { type: 'frame', frame: entry(1) }],
    ['a heartbeat', { type: 'frame', frame: { kind: 'heartbeat', seq: 5 } }],
    ['a rejoin', { type: 'frame', frame: { kind: 'rejoin', delayMs: 0 } }],
    ['a refusal', { type: 'frame', frame: { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' } }],
    ['garbage', { type: 'frame', frame: { kind: 'malformed', reason: 'x' } }],
    ['another name', { type: 'named', name: 'anna' }],
    ['leaving', { type: 'leave' }],
  ])('%s does nothing', (_name, input) => {
    step(input);
    nothing();
    expect(session.online).toBe(false);
  });

  test('what is typed is kept', () => {
    type('hi');
    nothing();
    expect(session.waiting).toEqual(['hi']);
  });

  test('a connection joins, the first time without a cursor', () => {
    step({ type: 'connected' });
    expect(sent).toEqual([join()]);
    expect(shown).toEqual([]);
    expect(session.online).toBe(false);
  });
});

describe('joining', () => {
  beforeEach(() => step({ type: 'connected' }));

  test('a welcome opens the session', () => {
    receive(welcome({ head: 3 }));
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
    receive(welcome());
    receive(entry(1));
    expect(texts()).toEqual(['text 1']);
  });

  test('a batch may bring the welcome and what follows it', () => {
    receive({ kind: 'batch', frames: [entry(7), welcome(), entry(1), entry(2)] });
    expect(texts()).toEqual(['state', 'text 1', 'text 2']);
  });

  test('a refusal fails, and a new name joins again', () => {
    receive({ kind: 'refused', name: 'server', text: 'no', code: 'NAME_REFUSED' });
    expect(failed).toEqual(['NAME_REFUSED']);
    receive(welcome());
    tick(60_000);
    nothing();
    step({ type: 'named', name: 'anna' });
    expect(sent).toEqual([join({ name: 'anna' })]);
    receive(welcome());
    expect(session.online).toBe(true);
  });

  test('a refusal that a lost connection follows still waits for a name', () => {
    receive({ kind: 'refused', name: 'server', text: 'no', code: 'NAME_REFUSED' });
    step({ type: 'disconnected' });
    step({ type: 'named', name: 'anna' });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ name: 'anna' })]);
  });

  test('a full room fails', () => {
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
  beforeEach(() => goOnline({ since: 10, head: 12 }));

  test('is shown in order; what stood in it before is a replay', () => {
    receive({ kind: 'batch', frames: [entry(11), entry(12), entry(13)] });
    expect(shown).toEqual(
      [11, 12, 13].map((seq) => ({
        type: 'message',
        seq,
        id: `B.${seq}`,
        from: { name: 'bo', id: 'B' },
        text: `text ${seq}`,
        own: false,
        replay: seq <= 12,
        sentMs: 5,
      })),
    );
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
    receive(entry(13, { id: { dev: 'B', n: 5 } }));
    expect(texts()).toEqual(['text 13']);
  });

  test('with a gap is read again from the cursor, and nobody sees it', () => {
    receive(entry(11));
    receive(entry(13));
    expect(sent).toEqual([join({ since: 11, log: 'log' })]);
    expect(shown).toEqual([]);
    receive(entry(14));
    nothing();
    receive(welcome({ since: 11, head: 14 }));
    expect(shown).toEqual([]);
    receive({ kind: 'batch', frames: [entry(12), entry(13), entry(14)] });
    expect(texts()).toEqual(['text 12', 'text 13', 'text 14']);
  });

  test('whose end was lost is read again at the next heartbeat', () => {
    receive(entry(11));
    receive({ kind: 'heartbeat', seq: 11 });
    nothing();
    receive({ kind: 'heartbeat', seq: 12 });
    expect(sent).toEqual([join({ since: 11, log: 'log' })]);
  });

  test('is read again when the server says so, at once or later', () => {
    receive({ kind: 'rejoin', delayMs: 0 });
    expect(sent).toEqual([join({ since: 10, log: 'log' })]);
    receive(welcome({ since: 10 }));
    tick();
    receive({ kind: 'rejoin', delayMs: 500 });
    nothing();
    tick(499);
    nothing();
    tick(1);
    expect(sent).toEqual([join({ since: 10, log: 'log' })]);
    receive(welcome({ since: 10 }));
    tick(1_000);
    expect(sent).not.toContainEqual(expect.objectContaining({ kind: 'join' }));
  });

  test('whose entries are no longer kept says which are missing', () => {
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ since: 10, log: 'log' })]);
    receive(welcome({ since: 30, head: 40 }));
    expect(shown[0]).toEqual({ type: 'gap', from: 11, to: 30 });
    receive(entry(31));
    expect(texts()).toEqual(['text 31']);
  });

  test('may be another one: read from its beginning, without a gap', () => {
    receive(welcome({ log: 'new', since: 0, head: 1 }));
    expect(shown).toEqual([]);
    receive(entry(1));
    expect(texts()).toEqual(['text 1']);
    step({ type: 'connected' });
    expect(sent).toEqual([join({ since: 1, log: 'new' })]);
  });

  test('moves on over void entries, which are not shown', () => {
    receive(entry(11, { void: true }));
    nothing();
    receive(entry(12));
    expect(texts()).toEqual(['text 12']);
  });

  test('may hold entries without an id', () => {
    receive({ kind: 'message', name: 'lea', text: 'hi', seq: 11 });
    expect(shown).toEqual([{ type: 'message', seq: 11, from: { name: 'lea' }, text: 'hi', own: false, replay: true }]);
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
    tick();
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
    ['a refusal', { kind: 'refused', name: 's', text: 't', code: 'ROOM_FULL' }],
    ['gone', { kind: 'gone' }],
    ['an unknown object', { kind: 'unknown' }],
    ['garbage', { kind: 'malformed', reason: 'x' }],
  ])('%s is not for a client that is in', (_name, frame) => {
    receive(frame);
    nothing();
    expect(session.online).toBe(true);
  });

  test('a new name does not leave the room', () => {
    step({ type: 'named', name: 'anna' });
    nothing();
  });
});

describe('what is typed', () => {
  test('is sent, waits, and is shown once when it comes back in its place', () => {
    goOnline();
    type('own 1');
    expect(sent).toEqual([{ kind: 'message', name: 'ann', text: 'own 1', id: { dev: 'A', n: 1 }, ts: nowMs }]);
    expect(shown).toEqual([]);
    expect(session.waiting).toEqual(['own 1']);
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
    receive(welcome());
    expect(sentNumbers()).toEqual([1, 2, 3]);
    expect(shown).toMatchObject([{ waiting: 3 }]);
  });

  test('is sent again at every welcome, until it is seen in the log', () => {
    goOnline();
    for (const text of ['own 1', 'own 2', 'own 3']) type(text);
    receive(own(1, 1));
    step({ type: 'disconnected' });
    step({ type: 'connected' });
    expect(sent).toEqual([join({ since: 1, log: 'log' })]);
    receive(welcome({ since: 1, head: 2 }));
    expect(sentNumbers()).toEqual([2, 3]);
    // The second had arrived before: it is in the replay, and is mine all the same.
    receive(own(2, 2));
    expect(shown).toMatchObject([{ own: true, replay: true }]);
    expect(session.waiting).toEqual(['own 3']);
    receive(welcome({ since: 2, head: 2 }));
    expect(sentNumbers()).toEqual([3]);
  });

  test('is at most 256 under way, and the rest follows', () => {
    goOnline();
    for (let n = 1; n <= 300; n++) type(`own ${n}`);
    expect(sent).toEqual([]);
    receive(own(1, 1));
    expect(sentNumbers()).toEqual([257]);
    step({ type: 'connected' });
    receive(welcome({ since: 1 }));
    expect(sentNumbers()).toEqual(Array.from({ length: 256 }, (_, i) => i + 2));
  });

  test('is not taken when 10,000 wait, and that is said', () => {
    for (let n = 1; n <= maxWaiting; n++) type(`own ${n}`);
    nothing();
    type('one too many');
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'TOO_MANY_WAITING' })]);
    expect(session.waiting).toHaveLength(maxWaiting);
    expect(session.waiting).not.toContain('one too many');
  });

  test('and refused for its length is told, and does not block what follows', () => {
    goOnline();
    for (const text of ['own 1', 'own 2']) type(text);
    receive({ ...own(1, 1), text: '', void: true });
    expect(shown).toEqual([expect.objectContaining({ type: 'error', code: 'TEXT_TOO_LONG' })]);
    expect(session.waiting).toEqual(['own 2']);
  });

  test('under a new name bears it', () => {
    goOnline();
    step({ type: 'named', name: 'anna' });
    type('own 1');
    expect(sent).toMatchObject([{ name: 'anna' }]);
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
    receive(welcome());
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
    tick(60_000);
    nothing();
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
    expect(sent).toEqual([join({ since: 0, log: 'log' })]);
    receive(welcome());
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
    expect(session.waiting).toEqual(['own 1']);
  });

  test('instead of a welcome joins again, because the welcome was lost', () => {
    receive(entry(5));
    expect(sent).toHaveLength(1);
    receive({ kind: 'heartbeat', seq: 5 });
    tick(silentMs - 1);
    nothing();
    tick(1);
    expect(sent).toEqual([join({ since: 0, log: 'log' })]);
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
      { type: 'message', from: { name: 'ann' }, text: 'hi', own: true, replay: false, sentMs: nowMs },
    ]);
    expect(session.waiting).toEqual([]);
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
    receive(welcome());
    expect(shown).toMatchObject([{ state: 'online', legacy: false }]);
    expect(sentNumbers()).toEqual([1]);
    expect(session.waiting).toEqual(['own 1']);
  });
});
