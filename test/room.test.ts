import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { graceMs } from '../src/core/members.ts';
import { heartbeatIntervalMs, sessionTimeoutMs, windowEntries } from '../src/core/room.ts';
import { maxBatchEntries, maxTextBytes } from '../src/protocol.ts';
import { type Json, RoomWorld } from './support/room-world.ts';

/** Ann and Bo run version 1 (`a`, `b` are their connections, `A`, `B` their devices); Lea runs the original program. */
let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});

const hello = (name: string, more: Json = {}): Json => ({
  auth: 1,
  name,
  v: 1,
  dev: name.slice(0, 1).toUpperCase(),
  ...more,
});
const entry = (name: string, n: number, text = `${name} ${n}`): Json => ({
  name,
  text: `${text}\n`,
  id: `${name.slice(0, 1).toUpperCase()}.${n}`,
  ts: 1,
});
const words = (name: string, text: string): Json => ({ name, text: `${text}\n` });
const greeting = (online: number) => words('server', `You are now online. ${online} online.`);
const joins = (...names: string[]) => {
  for (const name of names) world.say(name.slice(0, 1), name === 'lea' ? { auth: 1, name } : hello(name));
  forget();
};
const forget = () => {
  for (const to of ['a', 'b', 'c', 'l', 'm', 'x']) world.take(to);
};
/** Ann says so many things in one turn. */
const talk = (count: number, from = 1) =>
  world.say('a', ...Array.from({ length: count }, (_, i) => entry('ann', from + i)));
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a version-1 client joins', () => {
  test('and is welcomed', () => {
    world.say('a', hello('ann'));
    expect(world.take('a')).toEqual([
      { welcome: 1, v: 1, ...greeting(1), log: 'log', since: 0, head: 0, online: 1, members: ['ann'] },
    ]);
  });

  test('and everybody else is told, in words and in keys', () => {
    joins('ann', 'lea');
    world.say('b', hello('bo'));
    const text = 'bo joined the room. 3 online.\n';
    expect(world.take('a')).toEqual([{ name: 'server', text, notice: 'join', who: 'bo', online: 3 }]);
    expect(world.take('l')).toEqual([{ name: 'server', text }]);
    expect(world.take('b')).toMatchObject([{ welcome: 1, online: 3, members: ['ann', 'lea', 'bo'] }]);
    expect(world.events.at(-1)).toEqual({ type: 'join', server: 'server', name: 'bo', online: 3 });
  });

  test('again, and is welcomed again but not counted or announced again', () => {
    joins('ann', 'bo');
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1, online: 2 }]);
    expect(world.take('b')).toEqual([]);
    world.say('b', entry('bo', 1));
    expect(world.takeSeqs('a')).toEqual([1]);
  });

  test('again under another name, and that is a leave and a join', () => {
    joins('ann', 'bo');
    world.say('a', hello('anna'));
    expect(world.take('b').map(({ text }) => text)).toEqual([
      'ann left the room. 1 online.\n',
      'anna joined the room. 2 online.\n',
    ]);
    expect(world.take('a')).toMatchObject([{ welcome: 1, members: ['bo', 'anna'] }]);
  });

  test('with spaces around its name, which do not count', () => {
    world.say('a', hello('ann', { name: '  Ann   Lee ' }));
    expect(world.take('a')).toMatchObject([{ members: ['Ann Lee'] }]);
  });

  test('on a new connection while the old one lingers: one member, one reader', () => {
    joins('ann', 'bo');
    world.say('x', hello('ann'));
    expect(world.room.online).toBe(2);
    expect(world.take('b')).toEqual([]);
    forget();
    world.say('b', entry('bo', 1));
    expect(world.takeSeqs('x')).toEqual([1]);
    expect(world.take('a')).toEqual([]);
    world.say('a', { gone: 1 });
    expect(world.room.online).toBe(2);
    world.tick(graceMs);
    expect(world.room.online).toBe(2);
  });
});

describe('a legacy client', () => {
  test('joins and is greeted in the original words', () => {
    world.say('l', { auth: 1, name: 'lea' });
    expect(world.take('l')).toEqual([greeting(1)]);
  });

  test('joins again: greeted, but not counted, announced or served twice', () => {
    joins('ann', 'lea');
    world.say('l', { auth: 1, name: 'lea' });
    expect(world.take('l')).toEqual([greeting(2)]);
    expect(world.take('a')).toEqual([]);
    world.say('a', entry('ann', 1));
    expect(world.take('l')).toEqual([words('ann', 'ann 1')]);
  });

  test('joins by its first message, which is relayed', () => {
    joins('ann');
    world.say('l', words('lea', 'hi'));
    expect(world.take('l')).toEqual([greeting(2)]);
    expect(world.take('a')).toMatchObject([
      { text: 'lea joined the room. 2 online.\n' },
      { name: 'lea', text: 'hi\n', seq: 1 },
    ]);
  });

  test('is not sent its own messages, but those of all others', () => {
    joins('ann', 'lea');
    world.say('m', { auth: 1, name: 'max' });
    forget();
    world.turn(
      RoomWorld.frame('l', words('lea', '1')),
      RoomWorld.frame('a', entry('ann', 1, '2')),
      RoomWorld.frame('m', words('max', '3')),
      RoomWorld.frame('l', words('lea', '4')),
    );
    expect(world.take('l')).toEqual([words('ann', '2'), words('max', '3')]);
    expect(world.take('m')).toEqual([words('lea', '1'), words('ann', '2'), words('lea', '4')]);
    expect(world.take('a').map(({ text }) => text)).toEqual(['1\n', '2\n', '3\n', '4\n']);
  });

  test('speaks under the name it joined with, whatever it writes', () => {
    joins('ann', 'lea');
    world.say('l', words('ann', 'it is me, ann'));
    expect(world.take('a')).toMatchObject([{ name: 'lea' }]);
  });

  test('hears nothing from before it joined', () => {
    joins('ann');
    talk(3);
    world.say('l', { auth: 1, name: 'lea' });
    expect(world.take('l')).toEqual([greeting(2)]);
  });

  test('that leaves is gone at once, and others are told', () => {
    joins('ann', 'lea');
    world.say('l', { auth: 0, name: 'lea' });
    expect(world.take('a')).toEqual([
      { ...words('server', 'lea left the room. 1 online.'), notice: 'leave', who: 'lea', online: 1, reason: 'left' },
    ]);
    world.say('a', entry('ann', 1));
    expect(world.take('l')).toEqual([]);
  });

  test('whose connection ends has left, without grace', () => {
    joins('ann', 'lea');
    world.say('l', { gone: 1 });
    expect(world.take('a')).toMatchObject([{ text: 'lea left the room. 1 online.\n', reason: 'left' }]);
  });

  test('reads of a lost member in the original words', () => {
    joins('ann', 'lea');
    world.say('a', { gone: 1 });
    world.tick(graceMs);
    expect(world.take('l')).toEqual([words('server', 'ann left the room. 1 online.')]);
  });

  test('with a name nobody may have gets a safe one', () => {
    world.say('l', { auth: 1, name: '[x]\u001b[2J' });
    world.say('m', { auth: 1, name: 'SERVER' });
    expect(world.events).toMatchObject([{ name: 'x2J' }, { name: 'SERVER (guest)' }]);
  });

  test('with too long a text is told so, alone, and nothing enters the log', () => {
    joins('ann', 'lea');
    world.say('l', words('lea', 'é'.repeat(maxTextBytes / 2 + 1)));
    expect(world.take('l')).toEqual([words('server', 'Your message was not sent: it is longer than 4096 bytes.')]);
    expect(world.take('a')).toEqual([]);
    expect(world.log.head).toBe(0);
  });

  test('that writes an id by chance is still sent nothing but name and text', () => {
    joins('ann', 'lea');
    world.say('l', { ...words('lea', 'hi'), id: 'L.1' });
    expect(world.take('l')).toEqual([]);
    expect(world.take('a')).toMatchObject([{ name: 'lea', text: 'hi\n' }]);
  });

  test('whose queue is full loses what did not fit and is sent nothing twice', () => {
    joins('ann', 'lea');
    world.clogged.add('l');
    talk(1);
    world.clogged.clear();
    talk(1, 2);
    expect(world.take('l')).toEqual([words('ann', 'ann 2')]);
  });

  test('may change to version 1 on the same connection', () => {
    joins('lea');
    world.say('l', hello('lea'));
    expect(world.take('l')).toMatchObject([{ welcome: 1, online: 1, members: ['lea'] }]);
    world.say('l', entry('lea', 1));
    expect(world.take('l')).toMatchObject([{ id: 'L.1', seq: 1 }]);
  });
});

describe('a message', () => {
  test('comes back to its author with its place, as everybody gets it', () => {
    joins('ann', 'bo');
    world.say('a', entry('ann', 1, 'hi'));
    const placed = [{ ...entry('ann', 1, 'hi'), seq: 1 }];
    expect(world.take('a')).toEqual(placed);
    expect(world.take('b')).toEqual(placed);
    expect(world.events.at(-1)).toEqual({
      type: 'message',
      seq: 1,
      id: 'A.1',
      from: { name: 'ann', id: 'A' },
      text: 'hi',
      own: false,
      replay: false,
      sentMs: 1,
    });
  });

  test('is in the log before anybody is sent it', () => {
    joins('ann');
    talk(2);
    expect(world.log.read(1, 10).map(({ seq, message }) => [seq, message.text])).toEqual([
      [1, 'ann 1'],
      [2, 'ann 2'],
    ]);
  });

  test('bears the name its author joined with', () => {
    joins('ann', 'bo');
    world.say('a', { ...entry('ann', 1), name: 'server' });
    expect(world.take('b')).toMatchObject([{ name: 'ann' }]);
  });

  test('of a legacy client bears an id of the log', () => {
    joins('ann', 'lea');
    world.say('l', words('lea', 'x'), words('lea', 'y'));
    expect(world.take('a')).toMatchObject([{ id: 'log.1' }, { id: 'log.2' }]);
  });

  test('sent again is not appended again', () => {
    joins('ann', 'bo');
    talk(2);
    forget();
    world.say('a', entry('ann', 1), entry('ann', 2), entry('ann', 3));
    expect(world.take('b')).toMatchObject([{ id: 'A.3', seq: 3 }]);
    expect(world.log.head).toBe(3);
  });

  test('sent again on another connection is not appended again', () => {
    joins('ann');
    talk(2);
    world.say('x', hello('ann', { since: 2, log: 'log' }), entry('ann', 2), entry('ann', 3));
    expect(world.log.head).toBe(3);
  });

  test('with an id from an unknown connection is ignored and answered rejoin, once', () => {
    world.say('x', entry('xam', 1), entry('xam', 2));
    world.say('x', entry('xam', 3));
    expect(world.take('x')).toEqual([{ rejoin: 0 }]);
    expect(world.log.head).toBe(0);
    expect(world.room.online).toBe(0);
  });

  test('rejoin is said again to a connection that joined in between', () => {
    world.say('x', entry('xam', 1));
    world.say('x', hello('xam'), { auth: 0, name: 'xam' }, entry('xam', 2));
    expect(world.take('x')).toMatchObject([{ rejoin: 0 }, { welcome: 1 }, { auth: 0 }, { rejoin: 0 }]);
  });

  test('of another device than the one that joined is not taken', () => {
    joins('ann', 'bo');
    world.say('a', { ...entry('ann', 1), id: 'B.1' });
    expect(world.take('a')).toEqual([{ rejoin: 0 }]);
    expect(world.log.head).toBe(0);
  });

  test('with too long a text holds its place, empty and void, and the next one follows', () => {
    joins('ann', 'lea');
    world.say('a', entry('ann', 1, 'x'.repeat(maxTextBytes + 1)), entry('ann', 2, 'x'.repeat(maxTextBytes)));
    expect(world.take('a')).toMatchObject([
      { id: 'A.1', seq: 1, text: '\n', void: 1 },
      { id: 'A.2', seq: 2 },
    ]);
    expect(world.take('l')).toHaveLength(1);
    expect(world.events.filter(({ type }) => type === 'message')).toHaveLength(1);
  });
});

describe('the room refuses', () => {
  test.each(['server', 'SERVER', 'ｓｅｒｖｅｒ'])('its own name: %s', (name) => {
    world.say('a', hello('ann', { name }));
    expect(world.take('a')).toEqual([
      { refused: 'NAME_REFUSED', ...words('server', `"${name}" is the name of the server.`) },
    ]);
    expect(world.room.online).toBe(0);
  });

  test('a name nobody may have, and takes the next one', () => {
    world.say('a', hello('ann', { name: '[ann]' }));
    expect(world.take('a')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
  });

  test('whoever comes when it is full, until somebody leaves', () => {
    world = new RoomWorld({ maxClients: 2 });
    joins('ann', 'lea');
    world.say('b', hello('bo'));
    world.say('m', { auth: 1, name: 'max' });
    expect(world.take('b')).toEqual([{ refused: 'ROOM_FULL', ...words('server', 'The room is full.') }]);
    expect(world.take('m')).toEqual([words('server', 'The room is full.')]);
    expect(world.room.online).toBe(2);
    world.say('m', words('max', 'hi'));
    expect(world.log.head).toBe(0);
    world.say('l', { auth: 0, name: 'lea' });
    world.say('b', hello('bo'));
    expect(world.take('b')).toMatchObject([{ welcome: 1 }]);
  });

  test('no member who joins again, on the same connection or another, although it is full', () => {
    world = new RoomWorld({ maxClients: 1 });
    joins('ann');
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
    world.say('x', hello('ann'));
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 1 }]);
  });
});

describe('a version-1 client goes', () => {
  test('with a goodbye: told at once', () => {
    joins('ann', 'bo');
    world.say('a', { auth: 0, name: 'ann' });
    expect(world.take('b')).toMatchObject([
      { text: 'ann left the room. 1 online.\n', notice: 'leave', reason: 'left' },
    ]);
    expect(world.events.at(-1)).toEqual({ type: 'leave', server: 'server', name: 'ann', online: 1, reason: 'left' });
  });

  test('with a goodbye: answered once, as the last it is sent', () => {
    joins('ann', 'bo');
    world.say('a', { auth: 0, name: 'ann' });
    world.say('b', entry('bo', 1));
    world.say('a', { auth: 0, name: 'ann' });
    expect(world.take('a')).toEqual([{ auth: 0, name: 'server' }]);
  });

  test('with others at the same moment: each is told with the count after it', () => {
    joins('ann', 'bo', 'lea');
    world.say('a', { gone: 1 });
    world.say('b', { gone: 1 });
    world.tick(graceMs);
    expect(world.take('l')).toEqual([
      words('server', 'ann left the room. 2 online.'),
      words('server', 'bo left the room. 1 online.'),
    ]);
  });

  test.each([
    ['whose connection ends', () => world.say('a', { gone: 1 })],
    ['who cannot be reached', () => world.turn({ type: 'unreachable', to: 'a' })],
  ])('%s: counted for a grace, then lost', (_name, go) => {
    joins('ann', 'bo');
    go();
    world.tick(graceMs - 1);
    expect(world.room.online).toBe(2);
    expect(world.take('b').filter(({ notice }) => notice)).toEqual([]);
    world.tick(1);
    expect(world.take('b')).toMatchObject([
      { text: 'ann lost the connection. 1 online.\n', notice: 'leave', who: 'ann', reason: 'lost', online: 1 },
    ]);
  });

  test('and comes back within the grace: nobody is told', () => {
    joins('ann', 'bo');
    world.say('a', { gone: 1 });
    world.tick(graceMs - 1);
    forget();
    world.say('x', hello('ann'));
    world.say('b', { ack: 0 });
    world.tick(1);
    expect(world.take('b').filter(({ notice }) => notice)).toEqual([]);
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 2 }]);
  });

  test('without a word: after the timeout the grace begins', () => {
    joins('ann', 'lea');
    world.tick(sessionTimeoutMs);
    world.tick(1);
    world.tick(graceMs - 1);
    expect(world.room.online).toBe(2);
    world.tick(1);
    expect(world.take('l')).toEqual([words('server', 'ann left the room. 1 online.')]);
    expect(world.room.online).toBe(1);
  });

  test('a sign of life is enough to stay', () => {
    joins('ann');
    for (let i = 0; i < 5; i++) {
      world.tick(sessionTimeoutMs);
      world.say('a', { ack: 0 });
    }
    expect(world.room.online).toBe(1);
    world.say('a', entry('ann', 1));
    expect(world.takeSeqs('a')).toEqual([1]);
  });

  test.each([
    ['leaves', { auth: 0, name: 'x' }],
    ['is gone', { gone: 1 }],
    ['acknowledges', { ack: 5 }],
  ])('who is unknown and %s: nothing happens', (_name, frame) => {
    joins('ann');
    world.say('x', frame);
    expect([world.take('x'), world.take('a'), world.room.online]).toEqual([[], [], 1]);
  });
});

describe('who comes back reads on', () => {
  const welcome = (since: number, head: number) => ({ welcome: 1, since, head });
  beforeEach(() => {
    joins('ann');
    talk(5);
    forget();
  });

  test('after its cursor', () => {
    world.say('b', hello('bo', { since: 2, log: 'log' }));
    expect(world.take('b')).toMatchObject([welcome(2, 5), { seq: 3 }, { seq: 4 }, { seq: 5 }]);
  });

  test('from the beginning, when the cursor is of another log', () => {
    world.say('b', hello('bo', { since: 2, log: 'other' }));
    expect(world.take('b')).toMatchObject([welcome(0, 5), ...range(1, 5).map((seq) => ({ seq }))]);
  });

  test('from the beginning, when the cursor is beyond the head', () => {
    world.say('b', hello('bo', { since: 6, log: 'log' }));
    expect(world.take('b')).toMatchObject([welcome(0, 5), ...range(1, 5).map((seq) => ({ seq }))]);
  });

  test('from now on, when it has no cursor', () => {
    world.say('b', hello('bo'));
    expect(world.take('b')).toMatchObject([welcome(5, 5)]);
  });

  test('with nothing, when it has everything', () => {
    world.say('b', hello('bo', { since: 5, log: 'log' }));
    expect(world.take('b')).toMatchObject([welcome(5, 5)]);
  });

  test('and hears what comes after the replay, and no notice of its own coming', () => {
    world.turn(RoomWorld.frame('b', hello('bo', { since: 4, log: 'log' })), RoomWorld.frame('a', entry('ann', 6)));
    world.say('c', hello('cy'));
    expect(world.take('b')).toMatchObject([welcome(4, 5), { seq: 5 }, { seq: 6 }, { who: 'cy' }]);
  });

  test('after what is no longer kept', () => {
    world = new RoomWorld({ limit: 4 });
    joins('ann');
    talk(6);
    expect(world.log.first).toBe(3);
    world.say('b', hello('bo', { since: 1, log: 'log' }));
    expect(world.take('b')).toMatchObject([welcome(2, 6), ...range(3, 6).map((seq) => ({ seq }))]);
  });
});

describe('the window', () => {
  test('a session that never acknowledges gets no more entries than fit', () => {
    joins('ann', 'bo');
    // In uneven steps, so that no batch ends at the window by chance.
    for (let n = 1; n <= 2_000; n += 100) talk(100, n);
    for (let i = 0; i < 10; i++) world.tick(0);
    expect(world.takeSeqs('b')).toEqual(range(1, windowEntries));
  });

  test('an ack moves it, and nothing is skipped', () => {
    joins('ann', 'bo');
    for (let n = 1; n <= 1_000; n += 100) talk(100, n);
    world.takeSeqs('b');
    world.say('b', { ack: 100 });
    expect(world.takeSeqs('b')).toEqual(range(windowEntries + 1, windowEntries + 100));
    world.say('b', { ack: windowEntries + 100 });
    world.turn();
    expect(world.takeSeqs('b')).toEqual(range(windowEntries + 101, 1_000));
  });

  test('an ack of what was never sent, or sent long ago, moves nothing', () => {
    joins('ann', 'bo');
    for (let n = 1; n <= 1_000; n += 100) talk(100, n);
    world.takeSeqs('b');
    world.say('b', { ack: 900 }, { ack: 0 });
    expect(world.takeSeqs('b')).toEqual([]);
  });

  test('that is full lets the room rest until an ack comes', () => {
    joins('ann', 'bo');
    for (let n = 1; n <= 600; n += 100) talk(100, n);
    world.say('a', { ack: windowEntries });
    world.turn();
    expect(world.room.nextTurnMs(world.nowMs)).toBeUndefined();
  });

  test('one slow reader holds up nobody else', () => {
    joins('ann', 'bo', 'cy');
    for (let n = 1; n <= 1_000; n += 100) {
      talk(100, n);
      world.say('c', { ack: n + 99 });
    }
    expect(world.takeSeqs('c')).toEqual(range(1, 1_000));
    expect(world.takeSeqs('b')).toHaveLength(windowEntries);
  });

  test('a batch holds no more entries and bytes than one frame may', () => {
    joins('ann', 'bo');
    const inputs = range(1, 400).map((n) => RoomWorld.frame('a', entry('ann', n, 'x'.repeat(n <= 300 ? 1 : 4_000))));
    const batches: string[] = [];
    for (let effects = world.room.turn(inputs, world.nowMs); ; effects = world.room.turn([], world.nowMs)) {
      const sent = effects.flatMap((effect) => (effect.type === 'send' ? [effect] : []));
      if (sent.length === 0) break;
      batches.push(...sent.filter(({ to }) => to.includes('b')).map(({ data }) => data));
    }
    const sizes = batches.map((data) => [JSON.parse(data)].flat().length);
    expect(sizes.reduce((a, b) => a + b)).toBe(400);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxBatchEntries);
    expect(Math.max(...batches.map((data) => Buffer.byteLength(data)))).toBeLessThanOrEqual(32_768 + 2);
  });

  test('readers at one place share one frame', () => {
    joins('ann', 'bo', 'cy');
    const effects = world.room.turn([RoomWorld.frame('a', entry('ann', 1))], world.nowMs);
    expect(effects.flatMap((effect) => (effect.type === 'send' ? [effect.to] : []))).toEqual([['a', 'b', 'c']]);
  });

  test('the next turn is due at once while somebody can read on, and never when nobody can', () => {
    joins('ann');
    expect(world.room.nextTurnMs(world.nowMs)).toBeUndefined();
    talk(400);
    expect(world.room.nextTurnMs(world.nowMs)).toBe(0);
    world.turn();
    expect(world.room.nextTurnMs(world.nowMs)).toBeUndefined();
  });
});

describe('a full queue', () => {
  test('gets what it did not take later, in order and once', () => {
    joins('ann', 'bo');
    world.clogged.add('b');
    talk(2);
    talk(1, 3);
    expect(world.take('b')).toEqual([]);
    world.clogged.clear();
    world.turn();
    expect(world.room.nextTurnMs(world.nowMs)).toBe(30);
    world.nowMs += 29;
    world.turn();
    expect(world.take('b')).toEqual([]);
    world.nowMs += 1;
    expect(world.room.nextTurnMs(world.nowMs)).toBe(1);
    world.turn();
    expect(world.takeSeqs('b')).toEqual([1, 2, 3]);
    expect(world.room.nextTurnMs(world.nowMs)).toBeUndefined();
  });

  test('gets notices later too, each where it happened between the entries', () => {
    joins('ann', 'bo');
    world.clogged.add('b');
    talk(1);
    world.say('c', hello('cy'));
    talk(1, 2);
    world.clogged.clear();
    world.turn();
    world.nowMs += 30;
    world.turn();
    expect(world.take('b')).toMatchObject([{ seq: 1 }, { notice: 'join', who: 'cy' }, { seq: 2 }]);
  });

  test('of one reader holds up nobody else', () => {
    joins('ann', 'bo', 'cy');
    world.clogged.add('b');
    talk(2);
    talk(1, 3);
    expect(world.takeSeqs('c')).toEqual([1, 2, 3]);
  });

  test('of somebody unknown is nothing', () => {
    world.turn({ type: 'full', to: 'x' }, { type: 'unreachable', to: 'x' });
    expect(world.room.online).toBe(0);
  });
});

describe('the clock', () => {
  test('beats for every version-1 session, with the seq it was sent', () => {
    joins('ann', 'bo', 'lea');
    world.tick(heartbeatIntervalMs);
    forget();
    talk(2);
    forget();
    world.tick(heartbeatIntervalMs - 1);
    expect(world.take('a')).toEqual([]);
    world.tick(1);
    expect(world.take('a')).toEqual([{ hb: 2 }]);
    expect(world.take('b')).toEqual([{ hb: 2 }]);
    expect(world.take('l')).toEqual([]);
  });

  test('beats with what a slow reader was sent, not with what there is', () => {
    joins('ann', 'bo');
    for (let n = 1; n <= 600; n += 100) talk(100, n);
    forget();
    world.tick(heartbeatIntervalMs);
    expect(world.take('b')).toEqual([{ hb: windowEntries }]);
  });

  test('reports garbage once a tick: how much, and the last reason', () => {
    joins('ann');
    world.say('a', 'GET / HTTP/1.1', '{"auth":3,"name":"x"}');
    world.say('x', { hb: 1 }, [] as never);
    expect(world.ignored).toEqual([]);
    world.tick();
    world.tick();
    expect(world.ignored).toEqual([{ frames: 4, reason: 'a batch frame is not for a server' }]);
    expect([world.take('a'), world.take('x'), world.room.online]).toEqual([[{ hb: 0 }], [], 1]);
  });

  test('says nothing of objects a later version may send', () => {
    world.say('x', { zzz: 1 });
    world.tick();
    expect(world.ignored).toEqual([]);
  });
});

test('closing tells everybody in their own form, also who is far behind, after what was written', () => {
  joins('ann', 'bo', 'lea');
  world.turn(RoomWorld.frame('a', entry('ann', 1)), { type: 'close' });
  expect(world.take('b')).toEqual([
    { ...entry('ann', 1), seq: 1 },
    { ...words('server', 'Server is off.'), notice: 'shutdown' },
  ]);
  expect(world.take('l')).toEqual([words('ann', 'ann 1'), words('server', 'Server is off.')]);

  world = new RoomWorld();
  joins('ann', 'bo');
  for (let n = 1; n <= 900; n += 100) talk(100, n);
  world.turn({ type: 'close' });
  expect(world.take('b').at(-1)).toMatchObject({ notice: 'shutdown' });
});

// Whatever happens, in whatever order.

type Action =
  | { type: 'join' | 'reconnect' | 'leave' | 'gone' | 'oldGone' | 'again' | 'ack' | 'clog' | 'unclog' }
  | { type: 'talk'; count: number }
  | { type: 'garbage'; frame: string };

const garbage = [
  'GET / HTTP/1.1',
  '',
  'null',
  '[[1]]',
  '[{"ack":1}]',
  '{"auth":2,"name":"x"}',
  '{"name":1,"text":"x"}',
  '{"hb":7}',
  '{"rejoin":0}',
  '{"welcome":1}',
  '{"ack":-1}',
  '{"ack":9007199254740991}',
  '{"zzz":1}',
];

/** One client of the property below, and what must be true of what it is sent. */
class Client {
  readonly name: string;
  readonly legacy: boolean;
  readonly dev: string;
  /** How many connections there were; the newest is the current one. */
  #connections = 1;
  open = false;
  n = 0;
  /** When the server last heard of this connection; when its grace began. */
  heardAtMs = 0;
  lostAtMs: number | undefined;
  /** Version 1: seq of the last entry seen, from the newest welcome on. */
  cursor: number | undefined;
  acked = 0;
  log: string | undefined;
  readonly texts: string[] = [];

  constructor(name: string, legacy: boolean) {
    this.name = name;
    this.legacy = legacy;
    this.dev = name.toUpperCase();
  }

  get connection(): string {
    return `${this.name}${this.#connections}`;
  }

  get oldConnection(): string {
    return `${this.name}${this.#connections - 1}`;
  }

  reconnect(): void {
    this.#connections++;
  }

  join(): Json {
    if (this.legacy) return { auth: 1, name: this.name };
    const known = this.cursor === undefined ? {} : { since: this.cursor, log: this.log };
    return { auth: 1, name: this.name, v: 1, dev: this.dev, ...known };
  }

  say(n: number): Json {
    const text = { name: this.name, text: `${this.name} says ${n}\n` };
    return this.legacy ? text : { ...text, id: `${this.dev}.${n}` };
  }

  /** Checks each frame as it comes. */
  see(frame: Json): void {
    if (this.legacy) return this.#seeLegacy(frame);
    if (frame.welcome) {
      expect(frame.members).toContain(this.name);
      this.cursor = this.acked = frame.since as number;
      this.log = frame.log as string;
    } else if ('seq' in frame && this.cursor !== undefined) {
      expect(frame.seq).toBe(this.cursor + 1);
      this.cursor = frame.seq as number;
      expect(this.cursor - this.acked).toBeLessThanOrEqual(windowEntries);
    } else if ('hb' in frame && this.cursor !== undefined) expect(frame.hb).toBe(this.cursor);
  }

  #seeLegacy(frame: Json): void {
    expect(Object.keys(frame)).toEqual(['name', 'text']);
    expect(frame.name).not.toBe(this.name);
    if (frame.name !== 'server') this.texts.push(frame.text as string);
  }
}

/** Drives a room, and says what must be true after each step. */
class Scene {
  readonly world = new RoomWorld();
  readonly clients = [
    new Client('ada', true),
    new Client('ben', true),
    new Client('cid', false),
    new Client('dee', false),
  ];

  run(client: Client, action: Action): void {
    const { world } = this;
    const { connection } = client;
    if (action.type === 'join') this.#join(client);
    if (action.type === 'reconnect' && !client.legacy) {
      client.reconnect();
      world.clogged.delete(connection);
      this.#join(client);
    }
    if (action.type === 'leave') {
      world.say(connection, { auth: 0, name: client.name });
      client.open = false;
      client.cursor = undefined;
    }
    if (action.type === 'gone') {
      world.say(connection, { gone: 1 });
      if (client.open && !client.legacy) client.lostAtMs = world.nowMs;
      client.open = false;
    }
    if (action.type === 'oldGone') world.say(client.oldConnection, { gone: 1 });
    if (action.type === 'talk') this.#talk(client, action.count);
    if (action.type === 'again' && client.n > 0 && !client.legacy) {
      world.say(connection, client.say(client.n));
      client.heardAtMs = world.nowMs;
    }
    if (action.type === 'garbage') {
      world.say(connection, action.frame);
      client.heardAtMs = world.nowMs;
    }
    if (action.type === 'ack' && client.cursor !== undefined && !client.legacy) {
      client.acked = client.cursor;
      client.heardAtMs = world.nowMs;
      world.say(connection, { ack: client.cursor });
    }
    if (action.type === 'clog' && !client.legacy) world.clogged.add(connection);
    if (action.type === 'unclog') world.clogged.delete(connection);
    this.look();
  }

  tick(ms: number): void {
    this.world.tick(ms);
    const { nowMs } = this.world;
    for (const client of this.clients) {
      if (client.lostAtMs !== undefined && nowMs - client.lostAtMs >= graceMs) client.lostAtMs = undefined;
      if (client.legacy || !client.open || nowMs - client.heardAtMs <= sessionTimeoutMs) continue;
      client.open = false;
      client.lostAtMs = nowMs;
    }
    this.look();
  }

  look(): void {
    for (const client of this.clients) for (const frame of this.world.take(client.connection)) client.see(frame);
    const present = this.clients.filter(({ open, lostAtMs }) => open || lostAtMs !== undefined);
    expect(this.world.room.online).toBe(present.length);
  }

  /** All queues are empty and everybody acknowledges: who is in the room must reach the head. */
  settle(): void {
    this.world.clogged.clear();
    this.world.turn();
    for (const client of this.clients) {
      // A welcome that was not taken comes with the next join.
      if (client.open && client.cursor === undefined && !client.legacy) this.#join(client);
    }
    for (let i = 0; i < 40; i++) {
      this.world.nowMs += 30;
      this.world.turn();
      this.look();
      for (const client of this.clients) this.run(client, { type: 'ack' });
    }
  }

  #join(client: Client): void {
    const frame = client.join();
    client.cursor = undefined;
    client.open = true;
    client.lostAtMs = undefined;
    client.heardAtMs = this.world.nowMs;
    this.world.say(client.connection, frame);
  }

  #talk(client: Client, count: number): void {
    const frames = Array.from({ length: count }, () => client.say(++client.n));
    this.world.say(client.connection, ...frames);
    client.heardAtMs = this.world.nowMs;
    if (client.legacy) client.open = true;
    else if (!client.open) client.n -= count;
  }
}

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom('join', 'reconnect', 'leave', 'gone', 'oldGone', 'again', 'ack', 'ack', 'clog', 'unclog'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('talk'), count: fc.constantFrom(1, 1, 2, 170) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('garbage'), frame: fc.constantFrom(...garbage) }) },
) as fc.Arbitrary<Action>;
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ who: fc.nat({ max: 3 }), action }) },
  { weight: 1, arbitrary: fc.record({ tickMs: fc.constantFrom(100, 3_000, 16_000, 21_000) }) },
);

test('whatever happens, the room keeps its promises', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const scene = new Scene();
      const { world, clients } = scene;
      for (const step of steps)
        if ('tickMs' in step) scene.tick(step.tickMs);
        else scene.run(clients[step.who] as Client, step.action);
      scene.settle();

      const log = world.log.read(1, 100_000).map(({ message }) => message);
      for (const client of clients) {
        const own = log.filter(({ name }) => name === client.name);
        // Each message is in the log once, in the order it was written.
        expect(own.map(({ text }) => text)).toEqual(range(1, client.n).map((n) => `${client.name} says ${n}`));
        if (!client.legacy && client.open) expect(client.cursor).toBe(world.log.head);
        if (client.legacy)
          expectInOrder(
            client.texts,
            log.map(({ text }) => `${text}\n`),
          );
      }
      expectSteady(world);
    }),
    { numRuns: 400 },
  );
});

/** All of `part` stands in `whole`, in the same order. */
function expectInOrder(part: string[], whole: string[]): void {
  let at = -1;
  for (const text of part) {
    const next = whole.indexOf(text, at + 1);
    expect(next, `${text} in its place`).toBeGreaterThan(at);
    at = next;
  }
}

/** Those who come and go are announced one by one, each with the count after it. */
function expectSteady(world: RoomWorld): void {
  let online = 0;
  for (const event of world.events) {
    if (event.type === 'join') expect(event.online).toBe(++online);
    if (event.type === 'leave') expect(event.online).toBe(--online);
  }
  expect(world.room.online).toBe(online);
}
