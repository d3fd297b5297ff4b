import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { ackIntervalMs, defaultFlow, silentMs } from '../src/core/limits.ts';
import type { Input } from '../src/core/turn.ts';
import type { Received } from '../src/protocol/frames.ts';
import {
  Chain,
  challenge,
  connected,
  disconnected,
  frame,
  greeting,
  join,
  MemberWorld,
  nothing,
  notice,
  plain,
  proofOf,
  refused,
} from './support/member-world.ts';

let ann: MemberWorld;
beforeEach(() => {
  ann = new MemberWorld();
});
const { windowEntries } = defaultFlow;
const full: Received = { kind: 'refused', name: 'server', text: 'full', code: 'ROOM_FULL' };
const beat = (seq: number): Received => ({ kind: 'heartbeat', seq });
const rejoin = (delayMs: number): Received => ({ kind: 'rejoin', delayMs });
const garbage: Received = { kind: 'malformed', reason: 'x' };

describe('down', () => {
  test.each<[string, Input]>([
    ['a tick', { type: 'tick' }],
    ['a disconnect', disconnected],
    ['a challenge', frame(challenge)],
    ['a welcome', frame(new MemberWorld().welcome())],
    ['something on disk', { type: 'committed', change: {} }],
    ['an entry', frame(new Chain().entry(1))],
    ['a heartbeat', frame(beat(5))],
    ['a rejoin', frame(rejoin(0))],
    ['a refusal', frame(full)],
    ['garbage', frame(garbage)],
    ['leaving', { type: 'leave' }],
  ])('%s does nothing', (_name, input) => {
    ann.step(input);
    expect(ann.did).toEqual(nothing);
    expect(ann.member.online).toBe(false);
  });

  test('a connection joins, the first time without a cursor', () => {
    ann.start({ history: 20 });
    ann.step(connected);
    expect(ann.did).toEqual({ ...nothing, sent: [join({ history: 20 })] });
    expect(ann.member.online).toBe(false);
  });
});

describe('joining', () => {
  beforeEach(() => ann.step(connected));

  test('a challenge is answered with the same join and a proof of the key', () => {
    ann.receive(challenge);
    expect(ann.did).toEqual({ ...nothing, sent: [join({ proof: proofOf('ann') })] });
    expect(ann.member.online).toBe(false);
  });

  test('a welcome nobody asked who we are before is of an older session', () => {
    ann.receive(ann.welcome());
    expect(ann.did).toEqual(nothing);
    expect(ann.member.online).toBe(false);
    ann.open();
    expect(ann.member.online).toBe(true);
  });

  test('a plain message after a challenge is not the word of an original server', () => {
    ann.receive(challenge, greeting);
    expect(ann.shown).toEqual([]);
    ann.receive(ann.welcome());
    expect(ann.shown).toMatchObject([{ state: 'online', legacy: false }]);
  });

  test('a welcome opens the session', () => {
    ann.open({ head: 3 });
    expect(ann.member.online).toBe(true);
    const found = { server: 'server', online: 2, legacy: false, waiting: 0, members: ['ann', 'bo'], room: 'server' };
    expect(ann.did).toEqual({ ...nothing, shown: [{ type: 'state', state: 'online', ...found }] });
  });

  test.each<[string, Received]>([
    ['entries', new Chain().entry(1)],
    ['lost places', new Chain().lost(1)],
    ['notices', notice({ notice: 'join', who: 'cy' })],
    ['the end', { kind: 'shutdown', name: 'server', text: 'x' }],
    ['heartbeats', beat(9)],
    ['unknown objects', { kind: 'unknown' }],
    ['garbage', garbage],
    ['frames for servers', { kind: 'ack', seq: 1 }],
  ])('%s of an older session are not heard', (_name, old) => {
    ann.receive(old);
    expect(ann.did).toEqual(nothing);
    ann.receive(challenge, old);
    expect(ann.shown).toEqual([]);
    ann.receive(ann.welcome());
    ann.receive(ann.log.entry(1));
    expect(ann.texts).toEqual(['text 1']);
  });

  test('a batch may bring the welcome and what follows it', () => {
    ann.receive(challenge);
    const { log } = ann;
    ann.receive({ kind: 'batch', frames: [log.entry(7), ann.welcome(), log.entry(1), log.entry(2)] });
    expect(ann.texts).toEqual(['state', 'text 1', 'text 2']);
  });

  test('a refusal fails, and a new name joins again', () => {
    ann.receive(challenge, refused('no'));
    expect(ann.failed).toEqual(['NAME_REFUSED']);
    ann.receive(ann.welcome());
    ann.tick(60_000);
    expect(ann.did).toEqual(nothing);
    ann.rename('anna');
    expect(ann.sent).toEqual([join({ name: 'anna' })]);
    ann.open({ who: 'anna' });
    expect(ann.member.online).toBe(true);
    expect(ann.shown).toMatchObject([{ state: 'online' }, { type: 'renamed', was: 'ann', name: 'anna' }]);
  });

  test('a refusal that a lost connection follows still waits for a name', () => {
    ann.receive(challenge, refused('no'));
    ann.step(disconnected);
    ann.rename('anna');
    ann.step(connected);
    expect(ann.sent).toEqual([join({ name: 'anna' })]);
  });

  test('a refusal for whoever has not said who it is belongs to an older join', () => {
    ann.receive(refused('no'));
    expect(ann.did).toEqual(nothing);
  });

  test('a lost connection before the first welcome is no news', () => {
    ann.step(disconnected);
    expect(ann.did).toEqual(nothing);
  });

  test('an original server is not asked twice, nor hung up on, however slow it is', () => {
    ann.tick(60_000);
    expect(ann.did).toEqual(nothing);
  });
});

describe('live', () => {
  beforeEach(() => {
    ann.log = new Chain('log', 10);
    ann.goOnline();
  });

  test('whose end was lost is read again at the next heartbeat', () => {
    ann.receive(ann.log.entry(11), beat(11));
    expect(ann.sent).toEqual([]);
    ann.receive(beat(12));
    expect(ann.sent).toEqual([ann.joinAt(11)]);
  });

  test('is joined again when the server says so, at once or later', () => {
    ann.receive(rejoin(0));
    expect(ann.sent).toEqual([ann.joinAt(10)]);
    ann.open();
    ann.receive(rejoin(500));
    ann.tick(499);
    expect(ann.did).toEqual(nothing);
    ann.tick(1);
    expect(ann.sent).toEqual([ann.joinAt(10)]);
    ann.open();
    ann.tick(1_000);
    expect(ann.did).toEqual(nothing);
  });

  test('who comes and goes while it is joined again is told: that would not come again', () => {
    const come = notice({ notice: 'join', who: 'lea', online: 4 });
    ann.receive(rejoin(0), come);
    expect(ann.shown).toMatchObject([{ type: 'join', name: 'lea', online: 4 }]);
    ann.step(disconnected);
    ann.step(connected);
    ann.receive(come);
    expect(ann.shown).toEqual([]);
  });

  const room = { server: 'server', name: 'bo', online: 3 };
  test.each<[string, Received, ChatEvent]>([
    ['a join', notice({ notice: 'join', who: 'bo', online: 3 }), { type: 'join', ...room }],
    [
      'a leave',
      notice({ notice: 'leave', who: 'bo', online: 3, reason: 'lost' }),
      { type: 'leave', ...room, reason: 'lost' },
    ],
    [
      'a leave without a reason',
      notice({ notice: 'leave', who: 'bo', online: 3 }),
      { type: 'leave', ...room, reason: 'left' },
    ],
    [
      'a rename',
      notice({ notice: 'rename', who: 'bo', was: 'al', online: 3 }),
      { type: 'rename', from: 'al', ...room },
    ],
    [
      'a rename of nobody',
      notice({ notice: 'rename', who: 'bo' }),
      { type: 'notice', server: 'server', text: 'words' },
    ],
    ['a join of nobody', notice({ notice: 'join' }), { type: 'notice', server: 'server', text: 'words' }],
    ['the end', { kind: 'shutdown', name: 'server', text: 'x' }, { type: 'shutdown', server: 'server' }],
    ['anything else', notice({}), { type: 'notice', server: 'server', text: 'words' }],
  ])('the room says %s', (_name, said, event) => {
    ann.receive(said);
    expect(ann.shown).toEqual([event]);
  });

  test.each<[string, Received]>([
    ['a join', { kind: 'join', name: 'x' }],
    ['a leave', { kind: 'leave', name: 'x' }],
    ['an ack', { kind: 'ack', seq: 5 }],
    ['a challenge', challenge],
    ['a welcome', new MemberWorld().welcome({ log: 'other' })],
    ['a refusal', full],
    ['gone', { kind: 'gone' }],
    ['a message without a place', plain('server', 'psst')],
    ['an unknown object', { kind: 'unknown' }],
    ['garbage', garbage],
  ])('%s is not for a client that is in', (_name, other) => {
    ann.receive(other);
    expect(ann.did).toEqual(nothing);
    expect(ann.member.online).toBe(true);
  });
});

describe('an acknowledgement', () => {
  beforeEach(() => ann.goOnline());
  const acks = () => ann.sent.flatMap((sent) => (sent.kind === 'ack' ? sent.seq : []));

  test('comes every quarter of the window', () => {
    const all = Array.from({ length: windowEntries }, (_, i) => {
      ann.receive(ann.log.entry(i + 1));
      return acks();
    });
    expect(all.flat()).toEqual([1, 2, 3, 4].map((quarter) => (quarter * windowEntries) / 4));
  });

  test('comes every five seconds, and again while nothing moves: the last one may have been lost', () => {
    ann.receive(ann.log.entry(1));
    ann.fetchSignatures();
    ann.receive(beat(1));
    ann.tick(ackIntervalMs);
    ann.receive(beat(1));
    for (let i = 0; i < 3; i++) {
      ann.tick(ackIntervalMs - 1);
      expect(ann.did).toEqual(nothing);
      ann.receive(beat(1));
      ann.tick(1);
      expect(ann.sent).toEqual([{ kind: 'ack', seq: 1 }]);
    }
  });

  test('is of what was shown, however much was read', () => {
    ann.isHeld = true;
    ann.receive(ann.log.batch(1, windowEntries));
    ann.tick(ackIntervalMs);
    expect(acks()).toEqual([0]);
    ann.print(3);
    ann.receive(beat(windowEntries));
    ann.tick(ackIntervalMs);
    expect(acks()).toEqual([3]);
    ann.print(windowEntries);
    expect(acks()).toEqual([windowEntries]);
  });
});

describe('an output that is behind', () => {
  beforeEach(() => {
    ann.goOnline();
    ann.isHeld = true;
  });

  test('is no reason to join again: the server waits for it', () => {
    ann.type('own 1');
    ann.receive(ann.log.batch(1, windowEntries));
    for (let i = 0; i < 9; i++) {
      ann.receive(beat(windowEntries));
      expect(ann.did).toEqual(nothing);
    }
  });

  test('lets two windows in; what a server sends beyond is read later, when there is room', () => {
    const { log } = ann;
    const size = 2 * windowEntries;
    ann.receive(log.batch(1, size));
    ann.receive(log.entry(size + 1), log.entry(size + 2), beat(size + 2));
    expect(ann.did).toEqual(nothing);
    ann.isHeld = false;
    ann.print();
    expect(ann.store.head).toBe(size);
    ann.receive(beat(size + 2));
    expect(ann.sent).toEqual([ann.joinAt(size)]);
    ann.open();
    ann.receive(log.entry(size + 1), log.entry(size + 2));
    expect(ann.texts).toEqual([`text ${size + 1}`, `text ${size + 2}`]);
  });
});

describe('offline', () => {
  beforeEach(() => ann.goOnline());

  test('a lost connection is told once', () => {
    ann.step(disconnected);
    expect(ann.did).toEqual({ ...nothing, shown: [{ type: 'state', state: 'offline', reason: 'lost' }] });
    expect(ann.member.online).toBe(false);
    ann.step(disconnected);
    ann.tick(60_000);
    expect(ann.did).toEqual(nothing);
  });

  test('back online says after how long and how much waited', () => {
    ann.step(disconnected);
    ann.wrongMs = -86_400_000;
    ann.nowMs += 42_000;
    ann.type('own 1');
    ann.goOnline();
    expect(ann.shown).toMatchObject([{ type: 'state', state: 'online', afterMs: 42_000, waiting: 1 }]);
  });
});

describe('silence', () => {
  beforeEach(() => ann.goOnline());
  const quiet = () => ann.tick(silentMs - 1);

  test('of eight seconds is the end of the connection, and that is told once', () => {
    ann.tick(silentMs - ackIntervalMs);
    ann.tick(ackIntervalMs - 1);
    expect([ann.member.online, ann.hungUp]).toEqual([true, 0]);
    ann.tick(1);
    expect(ann.did).toEqual({ ...nothing, shown: [{ type: 'state', state: 'offline', reason: 'silent' }], hungUp: 1 });
    expect(ann.member.online).toBe(false);
    ann.step(disconnected);
    ann.tick(60_000);
    expect(ann.did).toEqual(nothing);
    ann.step(connected);
    expect(ann.sent).toEqual([ann.joinAt(0)]);
    ann.open();
    expect(ann.shown).toMatchObject([{ state: 'online', afterMs: 60_000 }]);
  });

  test('is ended by any frame', () => {
    quiet();
    ann.receive(garbage);
    quiet();
    expect([ann.member.online, ann.hungUp]).toEqual([true, 0]);
  });

  test('is counted anew from a join', () => {
    quiet();
    ann.rename('anna');
    quiet();
    expect(ann.did).toEqual(nothing);
    ann.tick(1);
    expect(ann.hungUp).toBe(1);
  });

  test('instead of a welcome hangs up, though other frames come: the welcome may have been lost', () => {
    ann.receive(rejoin(0));
    ann.tick(silentMs - 1);
    ann.receive(beat(5));
    ann.tick(1);
    expect(ann.hungUp).toBe(1);
  });

  test.each<[string, () => void]>([
    ['that has asked who this is', () => ann.receive(challenge)],
    [
      'whose log is known',
      () => {
        ann = new MemberWorld();
        ann.goOnline();
        ann.start();
        ann.step(connected);
      },
    ],
  ])('hangs up on a server %s, for it is none of the original', (_name, meet) => {
    ann = new MemberWorld();
    ann.step(connected);
    meet();
    quiet();
    expect(ann.hungUp).toBe(0);
    ann.tick(1);
    expect(ann.did).toEqual({ ...nothing, hungUp: 1 });
  });
});

describe('leaving', () => {
  test('says goodbye once, hears nothing more, and is over when it is answered', () => {
    ann.goOnline();
    expect(ann.member.hasLeft).toBe(true);
    ann.step({ type: 'leave' });
    expect(ann.sent).toEqual([{ kind: 'leave', name: 'ann' }]);
    expect([ann.member.online, ann.member.hasLeft]).toEqual([false, false]);
    ann.receive(ann.log.entry(1), beat(5));
    ann.tick(60_000);
    ann.rename('anna');
    expect(ann.did).toEqual(nothing);
    expect([ann.member.name, ann.member.hasLeft]).toEqual(['ann', false]);
    ann.receive({ kind: 'leave', name: 'server' });
    expect(ann.member.hasLeft).toBe(true);
    ann.step({ type: 'leave' });
    ann.receive(ann.log.entry(1));
    expect(ann.did).toEqual(nothing);
  });

  test('is over when the connection is, which is no news then', () => {
    ann.goOnline();
    ann.step({ type: 'leave' });
    ann.step(disconnected);
    expect(ann.did).toEqual(nothing);
    expect([ann.member.hasLeft, ann.member.present]).toEqual([true, 0]);
  });

  test.each([
    ['an original server', () => ann.goLegacy()],
    ['a server that has not answered yet', () => ann.step(connected)],
    ['nobody', () => {}],
  ])('%s is over at once', (_name, arrive) => {
    arrive();
    ann.step({ type: 'leave' });
    expect([ann.member.online, ann.member.hasLeft]).toEqual([false, true]);
    ann.receive(challenge, ann.welcome());
    expect(ann.did).toEqual(nothing);
  });
});

test('only looking in is answered by the challenge, and proves nothing', () => {
  ann.start({ check: true });
  ann.step(connected);
  ann.receive(challenge);
  expect([ann.member.online, ann.sent]).toEqual([true, []]);
  ann.step({ type: 'leave' });
  expect([ann.member.hasLeft, ann.sent]).toEqual([true, []]);
});

test('a server that is called otherwise is the same room, and says so once', () => {
  const ann = new MemberWorld();
  ann.goOnline();
  ann.comeBack({ name: 'new label' });
  const said = { type: 'status', code: 'NAME', message: 'the server is called new label now' };
  expect(ann.shown).toContainEqual(said);
  ann.comeBack({ name: 'new label' });
  expect(ann.shown).not.toContainEqual(said);
});

describe('after the program stood still', () => {
  const stillMs = 26_000;
  const wake = () => {
    ann.nowMs += stillMs;
    ann.step({ type: 'stoodStill', forMs: stillMs });
  };

  test('a connection that is lost was lost all that time', () => {
    ann.goOnline();
    wake();
    ann.step(disconnected);
    expect(ann.shown).toEqual([{ type: 'state', state: 'offline', reason: 'lost', forMs: stillMs }]);
    ann.nowMs += 2_000;
    ann.goOnline();
    expect(ann.shown).toMatchObject([{ state: 'online', afterMs: stillMs + 2_000 }]);
  });

  test('one that is lost later was not', () => {
    ann.goOnline();
    wake();
    ann.nowMs += 4_000;
    ann.step(disconnected);
    expect(ann.shown).toEqual([{ type: 'state', state: 'offline', reason: 'lost' }]);
  });
});

describe('what the room is about', () => {
  const topics = () => ann.shown.flatMap((event) => (event.type === 'notice' ? event.text : []));

  test('is said on entering, and again only when it has changed', () => {
    ann.goOnline({ topic: 'Lunch' });
    expect(topics()).toEqual(['Topic: Lunch']);
    ann.comeBack({ topic: 'Lunch' });
    expect(topics()).toEqual([]);
    ann.comeBack({ topic: 'Dinner' });
    expect([topics(), ann.member.availability.topic]).toEqual([['Topic: Dinner'], 'Dinner']);
    ann.comeBack();
    expect([topics(), ann.member.availability.topic]).toEqual([[], '']);
  });

  test.each([
    ['a\nb', 'Topic: a b'],
    ['x'.repeat(60_000), `Topic: ${'x'.repeat(1_024)}`],
  ])('is one short line, whatever a server says', (topic, said) => {
    ann.goOnline({ topic });
    expect(topics()).toEqual([said]);
  });
});

test('words count as my name does', () => {
  ann.start({ highlights: ['ship it', 'café'] });
  ann.goOnline();
  const marked = ['hi', 'Ship it!', 'shipit', 'CAFE\u0301', 'hi ann'].filter((text, n) => {
    ann.receive(ann.log.entry(n + 1, { text }));
    return ann.shown.some((event) => event.type === 'message' && event.mention);
  });
  expect(marked).toEqual(['Ship it!', 'CAFE\u0301', 'hi ann']);
});

describe('a long work says how far it is', () => {
  test('what was missed, while it is read', () => {
    ann.goOnline();
    ann.receive(ann.log.entry(1));
    expect(ann.member.work).toBeUndefined();
    ann.comeBack({ head: 5 });
    expect(ann.member.work).toEqual({ what: 'read', done: 0, total: 4 });
    ann.receive(ann.log.batch(2, 4));
    expect(ann.member.work).toEqual({ what: 'read', done: 3, total: 4 });
    ann.receive(ann.log.entry(5));
    expect(ann.member.work).toBeUndefined();
  });
});
