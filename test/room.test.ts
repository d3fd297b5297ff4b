import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaultFlow, heartbeatIntervalMs } from '../src/core/limits.ts';
import { graceMs } from '../src/core/room/members.ts';
import { type RoomInput, sessionTimeoutMs } from '../src/core/room/room.ts';
import { type Message, maxBatchEntries, maxTextBytes } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { signature } from './support/fake-crypto.ts';
import { type Json, RoomWorld } from './support/room-world.ts';

const { windowEntries } = defaultFlow;
const day = 86_400_000;
const trimIntervalMs = 60_000;

/**
 * Ann and Bo run version 1 (`a`, `b` are their connections, `A`, `B` their devices, `kA`, `kB` their keys); Lea runs
 * the original program.
 */
let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});

const initial = (name: string) => name.slice(0, 1).toUpperCase();
const hello = (name: string, more: Json = {}): Json => ({
  auth: 1,
  name,
  v: 1,
  key: `k${initial(name)}`,
  dev: initial(name),
  ...more,
});
/** A join of somebody who has read up to `since`. */
const helloAt = (name: string, since: number, more: Json = {}): Json =>
  hello(name, { since, log: 'log', ...(since > 0 && { h: world.log.hashAt(since) }), ...more });
/** A message, signed by its author. */
const entry = (name: string, n: number, text = `${name} ${n}`, more: Partial<Message> = {}): Json => {
  const id = { dev: initial(name), n };
  const message: Message = { kind: 'message', name, text, id, lc: n, ts: 1, key: `k${initial(name)}`, ...more };
  const { kind: _, id: written = id, action, ...rest } = message;
  const sig = signature(message.key ?? '', signedText('server', message));
  return { ...rest, id: `${written.dev}.${written.n}`, text: `${text}\n`, sig, ...(action && { act: 1 }) };
};
/** The same as the log has it. */
const placed = (frame: Json, seq: number) => ({ ...frame, seq, h: world.log.hashAt(seq) });
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
/** What the room does when these have arrived and are on disk. */
const onDisk = (inputs: RoomInput[]) => {
  const effects = world.room.turn(inputs, world.nowMs);
  return effects.flatMap((effect) => {
    if (effect.type !== 'commit') return [effect];
    world.log.apply(effect.change);
    return world.room.turn([{ type: 'committed', change: effect.change }], world.nowMs);
  });
};
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a version-1 client joins', () => {
  test('and is welcomed', () => {
    world.say('a', hello('ann'));
    expect(world.take('a')).toEqual([
      {
        welcome: 1,
        v: 1,
        ...greeting(1),
        who: 'ann',
        log: 'log',
        since: 0,
        head: 0,
        n: 0,
        online: 1,
        members: ['ann'],
      },
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

  test('with spaces around its name, which do not count', () => {
    world.say('a', hello('ann', { name: '  Ann   Lee ' }));
    expect(world.take('a')).toMatchObject([{ who: 'Ann Lee', members: ['Ann Lee'] }]);
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

describe('a member takes another name', () => {
  const renamed = (was: string, who: string, online: number) => ({
    ...words('server', `${was} is now called ${who}. ${online} online.`),
    ...{ notice: 'rename', who, was, online },
  });
  const notices = (to: string) => world.take(to).filter(({ notice }) => notice !== undefined);
  const event = (from: string, name: string, online: number) => ({
    type: 'rename',
    server: 'server',
    from,
    name,
    online,
  });

  test('and the room is told once, in words and in keys', () => {
    joins('ann', 'bo', 'lea');
    world.say('a', hello('anna'));
    expect(world.take('b')).toEqual([renamed('ann', 'anna', 3)]);
    expect(world.take('l')).toEqual([words('server', 'ann is now called anna. 3 online.')]);
    expect(world.take('a')).toMatchObject([{ welcome: 1, who: 'anna', online: 3, members: ['anna', 'bo', 'lea'] }]);
    expect(world.events.at(-1)).toEqual(event('ann', 'anna', 3));
    expect(world.room.online).toBe(3);
  });

  test('and is asked who it is, as always', () => {
    joins('ann', 'bo');
    expect(world.ask('a', hello('anna'))).toMatchObject([{ nonce: 'nonce-a' }]);
    expect(world.take('b')).toEqual([]);
  });

  test('and both names are its own: what it wrote under the first is no void', () => {
    joins('ann', 'bo');
    world.say('a', hello('anna'));
    forget();
    world.say('a', entry('ann', 1), entry('anna', 2));
    expect(world.take('b')).toEqual([placed(entry('ann', 1), 1), placed(entry('anna', 2), 2)]);
    world.say('x', hello('eve', { name: 'ann' }), hello('eve', { name: 'anna' }));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }, { refused: 'NAME_REFUSED' }]);
  });

  test('that is refused: it is there under the old one, and nobody is told', () => {
    joins('ann', 'bo');
    world.say('a', hello('ann', { name: 'bo' }));
    expect(world.take('a')).toMatchObject([{ refused: 'NAME_REFUSED', text: '"bo" belongs to somebody else.\n' }]);
    world.say('a', entry('ann', 1));
    expect(world.take('b')).toEqual([placed(entry('ann', 1), 1)]);
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ seq: 1 }, { welcome: 1, who: 'ann' }]);
    expect(world.take('b')).toEqual([]);
  });

  test('and back: told again', () => {
    joins('ann', 'bo');
    world.say('a', hello('anna'));
    world.say('a', hello('ann'));
    expect(notices('b')).toEqual([renamed('ann', 'anna', 2), renamed('anna', 'ann', 2)]);
  });

  test.each([
    ['after its connection was lost', () => world.say('a', { gone: 1 })],
    ['on a new connection while the old one lingers', () => {}],
  ])('%s', (_name, go) => {
    joins('ann', 'bo');
    go();
    world.say('x', hello('anna'));
    expect(notices('b')).toEqual([renamed('ann', 'anna', 2)]);
    world.tick(graceMs);
    expect(notices('b')).toEqual([]);
    expect(world.room.online).toBe(2);
  });

  test('after it has left: that is a join', () => {
    joins('ann', 'bo');
    world.say('a', { auth: 0, name: 'ann' });
    world.say('x', hello('anna'));
    expect(notices('b')).toMatchObject([{ notice: 'leave' }, { notice: 'join', who: 'anna' }]);
  });

  test('at one of two terminals: the last name chosen counts, and who only joins again chooses none', () => {
    joins('ann', 'bo');
    world.say('x', hello('ann', { dev: 'A2' }));
    world.say('a', hello('anna'));
    expect(notices('b')).toEqual([renamed('ann', 'anna', 2)]);
    forget();
    world.say('x', hello('ann', { dev: 'A2' }));
    world.say('a', hello('anna'));
    world.say('m', hello('ann', { dev: 'A2' }));
    expect(notices('b')).toEqual([]);
    expect(world.take('x')).toMatchObject([{ who: 'ann', members: ['anna', 'bo'] }]);
    world.say('a', { auth: 0, name: 'anna' });
    world.say('m', { auth: 0, name: 'ann' });
    expect(notices('b')).toMatchObject([{ notice: 'leave', who: 'anna', online: 1 }]);
  });

  test('with a new key on the same connection: that is somebody else', () => {
    joins('ann', 'bo');
    world.say('a', hello('eve'));
    expect(notices('b')).toMatchObject([
      { notice: 'leave', who: 'ann' },
      { notice: 'join', who: 'eve' },
    ]);
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
    const echo = [placed(entry('ann', 1, 'hi'), 1)];
    expect(world.take('a')).toEqual(echo);
    expect(world.take('b')).toEqual(echo);
    expect(world.events.at(-1)).toEqual({
      type: 'message',
      seq: 1,
      id: 'A.1',
      from: { name: 'ann', id: 'kA' },
      text: 'hi',
      own: false,
      replay: false,
      sentMs: 1,
    });
  });

  test('of a legacy client bears an id of this run of the server', () => {
    joins('ann', 'lea');
    world.say('l', words('lea', 'x'), words('lea', 'y'));
    expect(world.take('a')).toMatchObject([{ id: 'run.1' }, { id: 'run.2' }]);
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
    world.say('x', helloAt('ann', 2), entry('ann', 2), entry('ann', 3));
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

describe('an action', () => {
  const waves = (n: number) => entry('ann', n, 'waves', { action: true });

  test('is one for version-1 readers and on the disk, and for the original its words', () => {
    joins('ann', 'bo', 'lea');
    world.say('a', waves(1));
    for (const to of ['a', 'b']) expect(world.take(to)).toEqual([placed(waves(1), 1)]);
    expect(world.take('l')).toEqual([words('ann', '/me waves')]);
    expect(world.log.read(1, 1)[0]?.message).toMatchObject({ text: 'waves', action: true });
    expect(world.events.at(-1)).toMatchObject({ type: 'message', text: 'waves', action: true });
  });

  test('of the original is what it wrote', () => {
    joins('ann', 'lea');
    world.say('l', { ...words('lea', '/me waves'), act: 1 });
    expect(world.take('a')).toEqual([expect.not.objectContaining({ act: 1 })]);
    expect(world.log.read(1, 1)[0]?.message).toMatchObject({ text: '/me waves' });
  });

  test('that somebody kept is given back as one: its signature says so', () => {
    joins('ann', 'bo');
    const { act: _, ...text } = waves(1);
    world.say('b', text);
    expect(world.log.head).toBe(0);
    world.say('b', waves(1));
    expect(world.take('a')).toMatchObject([{ text: 'waves\n', act: 1, seq: 1 }]);
  });

  test('changes the chain', () => {
    joins('ann');
    world.say('a', waves(1));
    const hash = world.log.hashAt(1);
    world = new RoomWorld();
    joins('ann');
    const { act: _, ...text } = waves(1);
    world.say('a', text);
    expect(world.log.hashAt(1)).not.toBe(hash);
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
  ])('who is unknown and %s: nothing happens', (_name, frame) => {
    joins('ann');
    world.say('x', frame);
    expect([world.take('x'), world.take('a'), world.room.online]).toEqual([[], [], 1]);
  });
});

test('who is unknown and acknowledges is told to join, once', () => {
  world.say('x', { ack: 5 }, { ack: 5 });
  expect(world.take('x')).toEqual([{ rejoin: 0 }]);
});

describe('who comes back reads on', () => {
  const welcome = (since: number, head: number) => ({ welcome: 1, since, head });
  beforeEach(() => {
    joins('ann');
    talk(5);
    forget();
  });

  test('after its cursor', () => {
    world.say('b', helloAt('bo', 2));
    expect(world.take('b')).toMatchObject([welcome(2, 5), { seq: 3 }, { seq: 4 }, { seq: 5 }]);
  });

  test.each<[string, Json]>([
    ['is of another log', { since: 2, log: 'other' }],
    ['is beyond the head', { since: 6, log: 'log', h: 'h' }],
    ['is beyond the head, without a hash', { since: 6, log: 'log' }],
    ['has another hash', { since: 2, log: 'log', h: 'another' }],
    ['has no hash', { since: 2, log: 'log' }],
  ])('from the beginning, when its cursor %s, and is told that this is a fork', (_name, place) => {
    world.say('b', hello('bo', place));
    const all = range(1, 5).map((seq) => ({ seq }));
    expect(world.take('b')).toMatchObject([{ ...welcome(0, 5), fork: 1 }, ...all]);
  });

  test('and that is no fork when it has nothing of this log, or nothing at all', () => {
    for (const place of [{ since: 0, log: 'log' }, { since: 0, log: 'other' }, {}]) {
      world.say('b', hello('bo', place));
      expect(world.take('b')[0]).not.toHaveProperty('fork');
    }
    world.say('b', helloAt('bo', 5));
    expect(world.take('b')[0]).not.toHaveProperty('fork');
  });

  test('knowing where: the hash there, its own highest n, and when the oldest entry was written', () => {
    world.say('b', helloAt('bo', 2));
    expect(world.take('b')[0]).toMatchObject({ h: world.log.hashAt(2), n: 0, firstMs: world.nowMs });
    world.say('x', helloAt('ann', 5));
    expect(world.take('x')[0]).toMatchObject({ n: 5 });
  });

  test('from the newest few, when it is new and wants them', () => {
    world.say('b', hello('bo', { history: 2 }));
    expect(world.take('b')).toMatchObject([{ ...welcome(3, 5), h: world.log.hashAt(3) }, { seq: 4 }, { seq: 5 }]);
    world.say('c', hello('cy', { history: 99 }));
    expect(world.take('c')).toMatchObject([welcome(0, 5), ...range(1, 5).map((seq) => ({ seq }))]);
    forget();
    world.say('b', helloAt('bo', 5, { history: 2 }));
    expect(world.take('b')).toMatchObject([welcome(5, 5)]);
  });

  test('from now on, when it has no cursor', () => {
    world.say('b', hello('bo'));
    expect(world.take('b')).toMatchObject([welcome(5, 5)]);
  });

  test('with nothing, when it has everything', () => {
    world.say('b', helloAt('bo', 5));
    expect(world.take('b')).toMatchObject([welcome(5, 5)]);
  });

  test('and hears what comes after the replay, and no notice of its own coming', () => {
    world.turn(...RoomWorld.frames('b', helloAt('bo', 4)), RoomWorld.frame('a', entry('ann', 6)));
    world.say('c', hello('cy'));
    expect(world.take('b')).toMatchObject([welcome(4, 5), { seq: 5 }, { seq: 6 }, { who: 'cy' }]);
  });

  test('after what is no longer kept', () => {
    world = new RoomWorld({ limit: 4 });
    joins('ann');
    talk(6);
    world.tick(trimIntervalMs);
    expect(world.log.first).toBe(3);
    world.say('b', hello('bo', { since: 1, log: 'log', h: 'another' }));
    const kept = range(3, 6).map((seq) => ({ seq }));
    const [opened, ...entries] = world.take('b');
    expect(opened).toMatchObject({ ...welcome(2, 6), h: world.log.hashAt(2), firstMs: 1_000_000 });
    expect(opened).not.toHaveProperty('fork');
    expect(entries).toMatchObject(kept);
    world.say('c', hello('cy', { history: 99 }));
    expect(world.take('c')).toMatchObject([welcome(2, 6), ...kept]);
    world.say('x', helloAt('xam', 2));
    expect(world.take('x')).toMatchObject([welcome(2, 6), ...kept]);
    world.say('x', helloAt('xam', 2, { h: 'another' }));
    expect(world.take('x')).toMatchObject([{ ...welcome(2, 6), fork: 1 }, ...kept]);
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
    for (let effects = onDisk(inputs); ; effects = world.room.turn([], world.nowMs)) {
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
    const effects = onDisk([RoomWorld.frame('a', entry('ann', 1))]);
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

describe('who somebody is', () => {
  const ask = hello('ann');

  test('is asked before anything else, and proven with the answer', () => {
    const challenge = { v: 1, nonce: 'nonce-a', server: 'server', log: 'log' };
    expect(world.ask('a', ask)).toEqual([challenge]);
    expect(world.room.online).toBe(0);
    expect(world.ask('a', ask)).toEqual([challenge]);
    expect(world.ask('a', RoomWorld.proven('a', ask))).toMatchObject([{ welcome: 1, members: ['ann'] }]);
  });

  test.each<[string, (join: Json) => Json]>([
    ['made with another key', (join) => RoomWorld.proven('a', join, { key: 'kE' })],
    ['of another connection', (join) => RoomWorld.proven('b', join)],
    ['made for another server', (join) => RoomWorld.proven('a', join, { server: 'another' })],
    ['of another name', (join) => ({ ...RoomWorld.proven('a', { ...join, name: 'eve' }), name: 'ann' })],
    ['of another device', (join) => ({ ...RoomWorld.proven('a', { ...join, dev: 'E' }), dev: 'A' })],
    ['of another member', (join) => ({ ...RoomWorld.proven('a', { ...join, key: 'kE' }), key: 'kA' })],
    ['that is any word', (join) => ({ ...join, proof: 'please' })],
  ])('is not known by a proof %s: ignored and counted', (_name, prove) => {
    expect(world.ask('a', prove(ask))).toEqual([]);
    expect([world.room.online, world.commits]).toEqual([0, []]);
    world.tick();
    expect(world.ignored).toEqual([{ frames: 1, reason: 'a join with a wrong proof' }]);
    expect(world.ask('a', RoomWorld.proven('a', ask))).toMatchObject([{ welcome: 1 }]);
  });

  test('does not change with a wrong proof: the session goes on as it was', () => {
    joins('ann', 'bo');
    expect(world.ask('a', { ...hello('eve'), proof: 'no' })).toEqual([]);
    world.say('a', entry('ann', 1));
    expect(world.take('b')).toMatchObject([{ name: 'ann', seq: 1 }]);
  });

  test.each(['key', 'dev'])('cannot be said without a %s', (field) => {
    const { [field]: _, ...join } = ask;
    expect(world.ask('a', join)).toEqual([]);
    world.tick();
    expect(world.ignored).toEqual([{ frames: 1, reason: 'a version-1 join without key and dev' }]);
  });

  test('asked does not make a member: messages before the proof are answered rejoin', () => {
    world.ask('a', ask);
    expect(world.ask('a', entry('ann', 1))).toEqual([{ rejoin: 0 }]);
    expect(world.log.head).toBe(0);
  });
});

describe('a name', () => {
  const refusal = (name: string) => [
    { refused: 'NAME_REFUSED', ...words('server', `"${name}" belongs to somebody else.`) },
  ];
  const eve = (name: string) => hello('eve', { name });

  test.each(['ann', 'ANN', ' Ａnn '])('belongs to who had it first; nobody else is let in as %j', (name) => {
    joins('ann', 'bo');
    world.say('x', eve(name));
    expect(world.take('x')).toEqual(refusal(name.trim().normalize('NFC')));
    expect(world.room.online).toBe(2);
    expect(world.take('b')).toEqual([]);
    world.say('x', eve('eve'));
    expect(world.take('x')).toMatchObject([{ welcome: 1 }]);
  });

  test('belongs to its owner who is away, also after a restart of the server', () => {
    joins('ann');
    world.say('a', { auth: 0, name: 'ann' });
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
    world = new RoomWorld({ store: world.log });
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
  });

  test('asked for by two at the same moment is given to the first', () => {
    world.slowDisk = true;
    world.turn(...RoomWorld.frames('a', hello('ann')), ...RoomWorld.frames('x', eve('ann')));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
    expect(world.take('x')).toEqual(refusal('ann'));
  });

  test('is free again when its owner was away for longer than messages are kept', () => {
    world = new RoomWorld({ ageMs: 30 * day });
    joins('ann');
    world.nowMs += 30 * day;
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
    world.nowMs += 1;
    world.say('x', eve('ann'));
    expect(world.take('x')).toMatchObject([{ welcome: 1 }]);
    forget();
    world.say('a', hello('ann'));
    expect(world.take('a')).toEqual(refusal('ann'));
  });

  test('stays its owner’s with every join', () => {
    world = new RoomWorld({ ageMs: 30 * day });
    for (let i = 0; i < 3; i++) {
      joins('ann');
      world.nowMs += 20 * day;
    }
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
  });

  test('is not taken by who was refused another one', () => {
    joins('ann');
    world.say('x', eve('ann'));
    world.say('b', hello('bo', { name: 'eve' }));
    expect(world.take('b')).toMatchObject([{ welcome: 1 }]);
  });

  test('of somebody else makes an original client a guest', () => {
    joins('ann');
    world.say('l', { auth: 1, name: 'Ann' }, words('Ann', 'hi'));
    expect(world.take('a')).toMatchObject([{ who: 'Ann (guest)' }, { name: 'Ann (guest)', text: 'hi\n' }]);
  });

  test('that an original client uses belongs to nobody', () => {
    world.say('l', { auth: 1, name: 'ann' });
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1, members: ['ann', 'ann'] }]);
  });

  test.each(['bo', 'server', '[ann]', 'ann ', ''])('that is not the author’s makes a message void: %j', (name) => {
    joins('ann', 'bo', 'lea');
    world.say('a', entry('ann', 1, 'I am another', { name }), entry('ann', 2));
    expect(world.take('b')).toMatchObject([
      { id: 'A.1', seq: 1, void: 1 },
      { id: 'A.2', seq: 2 },
    ]);
    expect(world.take('l')).toEqual([words('ann', 'ann 2')]);
    expect(world.events.filter(({ type }) => type === 'message')).toMatchObject([{ text: 'ann 2' }]);
  });
});

describe('a device', () => {
  test('belongs to the key that wrote with it: another is refused', () => {
    joins('ann');
    talk(1);
    world.say('x', hello('eve', { dev: 'A' }));
    expect(world.take('x')).toMatchObject([
      { refused: 'DEVICE_REFUSED', text: 'The data folder of this client belongs to another identity.\n' },
    ]);
    expect(world.take('a')).toMatchObject([{ seq: 1 }]);
    world.say('a', entry('ann', 2));
    expect(world.takeSeqs('a')).toEqual([2]);
  });

  test('belongs to its key also after a restart', () => {
    joins('ann');
    talk(1);
    world = new RoomWorld({ store: world.log });
    world.say('x', hello('eve', { dev: 'A' }));
    expect(world.take('x')).toMatchObject([{ refused: 'DEVICE_REFUSED' }]);
  });
});

describe('the name of a message', () => {
  test('is that of its session: another is void, also when nobody has it', () => {
    joins('ann');
    world.say('a', entry('ann', 1, 'in a name not joined with', { name: 'zed' }), entry('ann', 2));
    expect(world.take('a').filter(({ seq }) => seq)).toMatchObject([
      { id: 'A.1', void: 1 },
      { id: 'A.2', name: 'ann' },
    ]);
    expect(world.log.read(2, 1)[0]?.message.void).toBeUndefined();
  });
});

describe('one person at two terminals', () => {
  const second = hello('ann', { dev: 'A2' });
  const entryOfSecond = (n: number) => entry('ann', n, `second ${n}`, { id: { dev: 'A2', n } });
  beforeEach(() => {
    joins('ann', 'bo');
    world.say('x', second);
  });

  test('is one member, announced once', () => {
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 2, members: ['ann', 'bo'] }]);
    expect(world.take('b')).toEqual([]);
    expect(world.room.online).toBe(2);
  });

  test('gets everything at both, its own messages too', () => {
    forget();
    talk(1);
    world.say('x', entryOfSecond(1));
    world.say('b', entry('bo', 1));
    for (const to of ['a', 'x', 'b']) expect(world.takeSeqs(to)).toEqual([1, 2, 3]);
  });

  test.each([
    ['leaves', { auth: 0, name: 'ann' }, 'left the room'],
    ['is gone', { gone: 1 }, 'lost the connection'],
  ])('is there until the last one %s', (_name, end, text) => {
    forget();
    world.say('a', end);
    world.tick(graceMs);
    expect(world.room.online).toBe(2);
    expect(world.take('b').filter(({ notice }) => notice)).toEqual([]);
    world.say('b', { ack: 0 });
    world.say('x', end);
    world.tick(graceMs);
    expect(world.take('b').filter(({ notice }) => notice)).toMatchObject([{ text: `ann ${text}. 1 online.\n` }]);
  });
});

describe('the disk', () => {
  beforeEach(() => {
    joins('ann', 'bo', 'lea');
    world.slowDisk = true;
  });
  const everybody = ['a', 'b', 'l'];

  test('has an entry before anybody is sent it or told of it', () => {
    const events = world.events.length;
    talk(2);
    world.turn();
    expect(everybody.flatMap((to) => world.take(to))).toEqual([]);
    expect(world.events).toHaveLength(events);
    expect(world.log.head).toBe(0);
    world.commit();
    expect(world.takeSeqs('a')).toEqual([1, 2]);
    expect(world.takeSeqs('b')).toEqual([1, 2]);
    expect(world.take('l')).toHaveLength(2);
    expect(world.events.slice(events)).toMatchObject([{ text: 'ann 1' }, { text: 'ann 2' }]);
    expect(world.log.read(1, 10).map(({ seq, message }) => [seq, message.text])).toEqual([
      [1, 'ann 1'],
      [2, 'ann 2'],
    ]);
  });

  test('gets one change for all that arrived in one turn, and none for nothing', () => {
    world.turn(RoomWorld.frame('a', entry('ann', 1)), RoomWorld.frame('b', entry('bo', 1)));
    world.turn();
    expect(world.commits).toHaveLength(1);
    expect(world.commits[0]?.entries).toHaveLength(2);
  });

  test('may be behind by several changes: the order stays', () => {
    talk(1);
    world.say('b', entry('bo', 1));
    talk(1, 2);
    expect(world.commits).toHaveLength(3);
    world.commit();
    expect(world.takeSeqs('b')).toEqual([1]);
    world.commit();
    world.commit();
    expect(world.take('b')).toMatchObject([
      { seq: 2, id: 'B.1' },
      { seq: 3, id: 'A.2' },
    ]);
  });

  test('may be behind: what comes again is known all the same', () => {
    talk(1);
    talk(1);
    world.say('a', entry('ann', 2));
    expect(world.commits.flatMap(({ entries = [] }) => entries.map(({ seq }) => seq))).toEqual([1, 2]);
  });

  test('may be behind: a notice waits for the entries before it', () => {
    talk(1);
    world.say('l', { auth: 0, name: 'lea' });
    expect(world.take('b')).toEqual([]);
    world.commit();
    expect(world.take('b')).toMatchObject([{ seq: 1 }, { who: 'lea' }]);
  });

  test('may be behind: who joins begins with what is there, and heartbeats say no more', () => {
    world.tick(heartbeatIntervalMs);
    forget();
    talk(2);
    world.say('c', hello('cy'));
    world.tick(heartbeatIntervalMs);
    expect(world.take('c')).toMatchObject([{ welcome: 1, since: 0, head: 0, n: 0 }, { hb: 0 }]);
    world.commit();
    world.commit();
    expect(world.takeSeqs('c')).toEqual([1, 2]);
  });

  test('may be behind: an original client that joins begins after what is not there yet', () => {
    talk(1);
    world.say('m', { auth: 1, name: 'max' });
    talk(1, 2);
    world.commit();
    world.commit();
    expect(world.take('m')).toEqual([greeting(4), words('ann', 'ann 2')]);
  });

  test('of a server that was killed has all that was sent, and the order goes on', () => {
    talk(2);
    world.commit();
    talk(1, 3);
    world = new RoomWorld({ store: world.log });
    world.say('a', helloAt('ann', 2), entry('ann', 2), entry('ann', 3));
    expect(world.take('a')).toMatchObject([
      { welcome: 1, since: 2, head: 2, n: 2 },
      { id: 'A.3', seq: 3 },
    ]);
  });
});

describe('the numbers of a device', () => {
  beforeEach(() => joins('ann', 'bo'));

  test('with a gap: nothing is taken, and the client is told to join again', () => {
    world.say('a', entry('ann', 1), entry('ann', 3));
    expect(world.take('a')).toMatchObject([{ rejoin: 0 }, { seq: 1 }]);
    expect(world.log.head).toBe(1);
  });

  test('begin with 1', () => {
    world.say('a', entry('ann', 2));
    expect(world.take('a')).toEqual([{ rejoin: 0 }]);
  });

  test('may jump where the client says that it begins', () => {
    world.say('a', { ...entry('ann', 7), first: 1 }, entry('ann', 8));
    expect(world.take('b')).toEqual([placed(entry('ann', 7), 1), placed(entry('ann', 8), 2)]);
  });

  test('never go back, not even where it begins', () => {
    talk(3);
    forget();
    world.say('a', { ...entry('ann', 2), first: 1 });
    expect([world.take('a'), world.log.head]).toEqual([[], 3]);
  });
});

describe('what somebody else kept', () => {
  beforeEach(() => joins('ann', 'bo'));
  const cy = (n: number, more: Partial<Message> = {}) => entry('cy', n, `cy ${n}`, more);

  test('is taken when its author signed it, and looks as if it had never been lost', () => {
    world.say('a', cy(1), cy(2));
    expect(world.take('b')).toEqual([placed(cy(1), 1), placed(cy(2), 2)]);
    expect(world.room.online).toBe(2);
    world.say('c', hello('cy'), cy(2), cy(3));
    expect(world.take('c')).toMatchObject([{ welcome: 1, n: 2 }, { id: 'C.3' }]);
  });

  test('waits, without a word, for what lies before it, which may come from somebody else', () => {
    world.say('a', cy(2));
    expect([world.take('a'), world.log.head]).toEqual([[], 0]);
    world.say('b', cy(1));
    world.say('a', cy(2));
    expect(world.take('b')).toMatchObject([{ id: 'C.1' }, { id: 'C.2' }]);
  });

  test('begins later where who brings it says that nobody has what lies before', () => {
    world.say('a', { ...cy(4), first: 1 }, cy(5));
    expect(world.take('b')).toEqual([placed(cy(4), 1), placed(cy(5), 2)]);
  });

  test.each<[string, Json]>([
    ['a wrong signature', { ...cy(1), sig: 'forged' }],
    ['no signature', { ...cy(1), sig: undefined }],
    ['no key', { ...cy(1), key: undefined }],
    ['another text', { ...cy(1), text: 'I owe you\n' }],
    ['another name', { ...cy(1), name: 'cyd' }],
    ['another number', { ...cy(2), id: 'C.1' }],
    ['another lc', { ...cy(1), lc: 9 }],
    ['another time', { ...cy(1), ts: 9 }],
    ['the signature of who brings it', { ...cy(1), sig: entry('ann', 1, 'cy 1', { key: 'kA' }).sig }],
  ])('is ignored with %s', (_name, frame) => {
    world.say('a', frame);
    expect([world.take('a'), world.take('b'), world.log.head]).toEqual([[], [], 0]);
    world.tick();
    expect(world.ignored).toEqual([{ frames: 1, reason: 'a kept message without a valid signature' }]);
  });

  test('is ignored if the device is another one’s, though well signed', () => {
    world.say('b', entry('bo', 1));
    forget();
    world.say('a', entry('ann', 2, 'x', { id: { dev: 'B', n: 2 } }));
    expect([world.take('b'), world.log.head]).toEqual([[], 1]);
  });

  test('is not taken twice', () => {
    world.say('a', cy(1), cy(1), cy(2), cy(1));
    world.say('b', cy(2));
    expect(world.takeSeqs('b')).toEqual([1, 2]);
  });

  test('is not taken from who has not joined', () => {
    world.say('x', cy(1));
    expect([world.take('x'), world.log.head]).toEqual([[{ rejoin: 0 }], 0]);
  });

  test('claims no name: one member could else take many for keys of its own making', () => {
    world.say('a', cy(1));
    world.say('x', hello('xam', { name: 'cy' }));
    expect(world.take('x')).toMatchObject([{ welcome: 1 }]);
  });

  test('is void under a name that belongs to another by now', () => {
    world.say('x', hello('xam', { name: 'cy' }));
    world.say('a', cy(1), cy(2, { name: 'dot' }));
    expect(world.take('b').filter(({ seq }) => seq)).toMatchObject([
      { id: 'C.1', void: 1 },
      { id: 'C.2', name: 'dot' },
    ]);
  });
});

describe('what is kept', () => {
  const kept = () => [world.log.first, world.log.head];

  test('is not more than the limit and a little', () => {
    world = new RoomWorld({ limit: 100 });
    joins('ann');
    talk(105);
    world.tick(trimIntervalMs);
    expect(kept()).toEqual([1, 105]);
    world.say('x', helloAt('ann', 105), entry('ann', 106));
    world.tick(trimIntervalMs);
    expect(kept()).toEqual([7, 106]);
  });

  test('is not older than the limit', () => {
    world = new RoomWorld({ ageMs: 30 * day });
    joins('ann');
    talk(150);
    world.nowMs += 10 * day;
    talk(150, 151);
    world.tick(20 * day);
    expect(kept()).toEqual([1, 300]);
    world.tick(trimIntervalMs);
    expect(kept()).toEqual([151, 300]);
    world.tick(10 * day);
    expect(kept()).toEqual([301, 300]);
    world.say('x', hello('ann', { since: 300, log: 'log', h: world.log.hashAt(300) }), entry('ann', 301));
    expect(world.take('x')).toMatchObject([{ welcome: 1, since: 300, n: 300 }, { seq: 301 }]);
  });

  test('is looked at once a minute', () => {
    world = new RoomWorld({ limit: 10 });
    world.tick();
    joins('ann');
    talk(20);
    world.tick(trimIntervalMs - 1);
    expect(kept()).toEqual([1, 20]);
    world.tick(1);
    expect(kept()).toEqual([11, 20]);
  });

  test('makes way under a reader that is behind: it is told to read on from a later place', () => {
    world = new RoomWorld({ limit: 300, flow: { ...defaultFlow, windowEntries: 10 } });
    joins('ann', 'bo');
    talk(400);
    expect(world.takeSeqs('b')).toEqual(range(1, 10));
    world.nowMs += trimIntervalMs - sessionTimeoutMs;
    world.say('b', { ack: 9 });
    world.tick(sessionTimeoutMs);
    world.say('b', { ack: 10 });
    const [next] = world.takeSeqs('b').slice(-1);
    expect(world.log.first).toBe(101);
    // A gap, which the client sees and answers with a join.
    expect(Number(next)).toBeGreaterThan(100);
  });
});

test('closing tells everybody in their own form, also who is far behind, after what was written', () => {
  joins('ann', 'bo', 'lea');
  world.say('a', entry('ann', 1));
  world.turn({ type: 'close' });
  expect(world.take('b')).toEqual([
    placed(entry('ann', 1), 1),
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
  | { type: 'join' | 'reconnect' | 'leave' | 'gone' | 'oldGone' | 'again' | 'ack' | 'clog' | 'unclog' | 'commit' }
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
  /** When the server last heard of this connection. */
  heardAtMs = 0;
  /** Version 1: seq and hash of the last entry seen, from the newest welcome on. */
  cursor: number | undefined;
  hash: unknown;
  acked = 0;
  log: string | undefined;
  readonly texts: string[] = [];

  constructor(name: string, legacy: boolean, dev = name.toUpperCase()) {
    this.name = name;
    this.legacy = legacy;
    this.dev = dev;
  }

  get connection(): string {
    return `${this.dev}${this.#connections}`;
  }

  get oldConnection(): string {
    return `${this.dev}${this.#connections - 1}`;
  }

  reconnect(): void {
    this.#connections++;
  }

  join(): Json {
    if (this.legacy) return { auth: 1, name: this.name };
    const { name, dev, cursor, log, hash } = this;
    const known = cursor === undefined ? {} : { since: cursor, log, ...(hash !== undefined && { h: hash }) };
    return { auth: 1, name, v: 1, key: `k-${name}`, dev, ...known };
  }

  say(n: number): Json {
    const text = { name: this.name, text: `${this.dev} says ${n}\n` };
    return this.legacy ? text : { ...text, id: `${this.dev}.${n}`, key: `k-${this.name}` };
  }

  /** Checks each frame as it comes. */
  see(frame: Json): void {
    if (this.legacy) return this.#seeLegacy(frame);
    if (frame.welcome) {
      expect(frame.members).toContain(this.name);
      expect(frame).not.toHaveProperty('fork');
      this.cursor = this.acked = frame.since as number;
      this.log = frame.log as string;
      this.hash = frame.h;
    } else if ('seq' in frame && this.cursor !== undefined) {
      expect(frame.seq).toBe(this.cursor + 1);
      this.cursor = frame.seq as number;
      this.hash = frame.h;
      expect(this.cursor - this.acked).toBeLessThanOrEqual(windowEntries);
    } else if ('hb' in frame && this.cursor !== undefined) expect(frame.hb).toBe(this.cursor);
  }

  #seeLegacy(frame: Json): void {
    expect(Object.keys(frame)).toEqual(['name', 'text']);
    expect(frame.name).not.toBe(this.name);
    if (frame.name !== 'server') this.texts.push(frame.text as string);
  }
}

/** Drives a room, and says what must be true after each step. The last two clients are one person. */
class Scene {
  readonly world = new RoomWorld();
  readonly clients = [
    new Client('ada', true),
    new Client('ben', true),
    new Client('cid', false),
    new Client('dee', false),
    new Client('dee', false, 'DEE-2'),
  ];
  /** Who is in grace, and since when. */
  readonly #lostAtMs = new Map<string, number>();

  constructor() {
    this.world.slowDisk = true;
  }

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
      this.#lose(client);
    }
    if (action.type === 'oldGone') world.say(client.oldConnection, { gone: 1 });
    if (action.type === 'talk') this.#talk(client, action.count);
    if (action.type === 'again' && client.n > 0 && !client.legacy) {
      world.say(connection, client.say(client.n));
      client.heardAtMs = world.nowMs;
    }
    // An ack is a word of version 1: who says it is no original client.
    if (action.type === 'garbage' && !(client.legacy && action.frame.includes('ack'))) {
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
    if (action.type === 'commit') world.commit();
    this.look();
  }

  tick(ms: number): void {
    this.world.tick(ms);
    const { nowMs } = this.world;
    for (const [name, lostAtMs] of this.#lostAtMs) if (nowMs - lostAtMs >= graceMs) this.#lostAtMs.delete(name);
    for (const client of this.clients)
      if (!client.legacy && client.open && nowMs - client.heardAtMs > sessionTimeoutMs) this.#lose(client);
    this.look();
  }

  look(): void {
    for (const client of this.clients) for (const frame of this.world.take(client.connection)) client.see(frame);
    const open = this.clients.filter(({ open }) => open).map(({ name }) => name);
    expect(this.world.room.online).toBe(new Set([...open, ...this.#lostAtMs.keys()]).size);
  }

  /** The disk and all queues are empty and everybody acknowledges: who is in the room must reach the head. */
  settle(): void {
    this.world.clogged.clear();
    this.world.slowDisk = false;
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

  /** The last connection of a version-1 member that breaks off begins its grace. */
  #lose(client: Client): void {
    if (!client.open) return;
    client.open = false;
    const isOut = !this.clients.some(({ name, open }) => name === client.name && open);
    if (isOut && !client.legacy) this.#lostAtMs.set(client.name, this.world.nowMs);
  }

  #join(client: Client): void {
    const frame = client.join();
    client.cursor = undefined;
    client.open = true;
    this.#lostAtMs.delete(client.name);
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
      type: fc.constantFrom(
        'join',
        'reconnect',
        'leave',
        'gone',
        'oldGone',
        'again',
        'ack',
        'ack',
        'clog',
        'unclog',
        'commit',
        'commit',
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('talk'), count: fc.constantFrom(1, 1, 2, 170) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('garbage'), frame: fc.constantFrom(...garbage) }) },
) as fc.Arbitrary<Action>;
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ who: fc.nat({ max: 4 }), action }) },
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
        const own = log.map(({ text }) => text).filter((text) => text.startsWith(`${client.dev} says`));
        // Each message is in the log once, in the order it was written.
        expect(own).toEqual(range(1, client.n).map((n) => `${client.dev} says ${n}`));
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
