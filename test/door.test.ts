import { beforeEach, describe, expect, test } from 'vitest';
import {
  dayMs,
  defaultFlow,
  defaultPace,
  maxAwayBytes,
  maxNamed,
  maxOwnNames,
  maxSessions,
  maxTopicBytes,
} from '../src/core/limits.ts';
import { whyNameRefused } from '../src/core/names.ts';
import { Presence } from '../src/core/room/presence.ts';
import { encode } from '../src/protocol/codec.ts';
import { type Message, maxFrameBytes, type Welcome } from '../src/protocol/frames.ts';
import { signedHash, welcomeProof } from '../src/protocol/signed.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { bye, entry, gone, greeting, hello, type Json, range, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

const day = 86_400_000;

let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});
const refusal = (name: string) => [
  { cn: 'cn', refused: 'NAME_REFUSED', ...words('server', `"${name}" belongs to somebody else.`) },
];
const eve = (name: string) => hello('eve', { name });

describe('a version-1 client joins', () => {
  test('and is welcomed', () => {
    world.say('a', hello('ann'));
    const head = { log: 'log', head: 0, run: 'run' };
    const sig = signature('server', welcomeProof('cn', 'server', head as Welcome));
    const place = { ...head, since: 0, n: 0, sig };
    const welcome = { welcome: 1, v: 1, ...greeting(1), who: 'ann', ...place, online: 1, members: ['ann'] };
    expect(world.take('a')).toEqual([welcome]);
  });

  test('and everybody else is told, in words and in keys', () => {
    world.joins('ann', 'lea');
    world.say('b', hello('bo'));
    const text = 'bo joined the room. 3 online.\n';
    expect(world.take('a')).toEqual([{ name: 'server', text, notice: 'join', who: 'bo', online: 3 }]);
    expect(world.take('l')).toEqual([{ name: 'server', text }]);
    expect(world.take('b')).toMatchObject([{ welcome: 1, online: 3, members: ['ann', 'lea', 'bo'] }]);
    expect(world.events.at(-1)).toEqual({ type: 'join', server: 'server', name: 'bo', online: 3 });
  });

  test('again, and is welcomed again but not counted, announced or served twice', () => {
    world.joins('ann', 'bo');
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

  test('several times before the disk has its name: welcomed once, from where it says last that it reads on', () => {
    world.joins('ann');
    world.talk(2);
    world.slowDisk = true;
    for (const since of [0, 1, 2]) world.say('b', world.helloAt('bo', since));
    world.commit();
    world.commit();
    expect(world.take('b')).toMatchObject([{ welcome: 1, who: 'bo', since: 2 }]);
  });

  test('twice before the disk has its name: each join is welcomed, under the name it asked for', () => {
    world.joins('ann', 'bo');
    world.slowDisk = true;
    world.say('a', hello('anna'));
    world.say('a', hello('annie'));
    world.commit();
    world.commit();
    expect(world.take('a')).toMatchObject([{ who: 'anna' }, { who: 'annie' }]);
    expect(world.takeNotices('b')).toMatchObject([{ who: 'anna' }, { was: 'anna', who: 'annie' }]);
  });

  test('twice before the disk has its name: each welcome answers its own join, so that none is taken for the other', () => {
    world.joins('bo');
    world.slowDisk = true;
    world.say('a', hello('anna', { cn: 'first' }));
    world.say('a', hello('annie', { cn: 'second' }));
    world.commit();
    world.commit();
    const answers = (cn: string) => {
      const text = ({ log, run, head }: Json) => welcomeProof(cn, 'server', { log, run, head } as Welcome);
      return ({ sig, ...told }: Json) => sig === signature('server', text(told));
    };
    const [anna = {}, annie = {}] = world.take('a').filter(({ welcome }) => welcome);
    expect([anna.who, answers('first')(anna), annie.who, answers('second')(annie)]).toEqual([
      'anna',
      true,
      'annie',
      true,
    ]);
  });

  test('on a new connection while the old one lingers: one member, one reader', () => {
    world.joins('ann', 'bo');
    world.say('x', hello('ann'));
    expect([world.room.presence.online, world.take('b')]).toEqual([2, []]);
    world.say('b', entry('bo', 1));
    expect([world.takeSeqs('x'), world.take('a')]).toEqual([[1], []]);
    world.say('a', gone);
    world.tick(15_000);
    expect(world.room.presence.online).toBe(2);
  });

  test('right after it was given up on the same connection: it is in', () => {
    world.joins('ann', 'bo');
    world.slowDisk = true;
    world.talk(1);
    world.say('b', bye('bo'), hello('bo'));
    world.commit();
    world.commit();
    expect(world.take('b').slice(-2)).toMatchObject([{ auth: 0 }, { welcome: 1, who: 'bo' }]);
    expect(world.room.presence.online).toBe(2);
  });

  test('and is welcomed in one frame, however many there are and however long their names', () => {
    const presence = new Presence('server', world.room.feed);
    const longest = (i: number) => `${String(i).padStart(8, '"')}${'𝄞'.repeat(24)}`;
    expect(whyNameRefused(longest(1))).toBeUndefined();
    for (let i = 0; i < 2_000; i++) {
      const session = { from: `session ${i}`, who: `key ${i}`, name: longest(i), dev: `dev ${i}`, isGuest: false };
      presence.enter(session, 0, 0);
    }
    const { members } = presence.named;
    const place = {
      log: 'log',
      since: 0,
      head: 0,
      run: 'run',
      sig: 's'.repeat(86),
      online: presence.online,
      members,
    };
    const frame: Welcome = { kind: 'welcome', name: 'server', text: '', ...place };
    expect([frame.online, frame.members.length]).toEqual([2_000, maxNamed]);
    expect(Buffer.byteLength(encode(frame))).toBeLessThan(maxFrameBytes / 2);
    // All are away, and say so in what takes the most room in JSON; the topic does, too.
    for (let i = 0; i < 2_000; i++) presence.setAway(`session ${i}`, '"'.repeat(maxAwayBytes));
    const fullest = { ...frame, ...presence.named, topic: '"'.repeat(maxTopicBytes) };
    expect(Buffer.byteLength(encode(fullest))).toBeLessThan(defaultFlow.batchBytes);
  });
});

describe('who somebody is', () => {
  const ask = hello('ann');

  test('is asked before anything else, and proven with the answer', () => {
    const challenge = { v: 1, nonce: 'nonce', room: 'server', log: 'log', cn: 'cn' };
    expect([world.ask('a', ask), world.ask('a', ask)]).toEqual([[challenge], [challenge]]);
    expect([world.room.presence.online, world.ask('a', entry('ann', 1))]).toEqual([0, [{ rejoin: 0 }]]);
    expect(world.ask('a', world.proves('a', ask))).toMatchObject([{ welcome: 1, members: ['ann'] }]);
    expect(world.ask('a', hello('anna'))).toMatchObject([{ nonce: 'nonce' }]);
  });

  test.each<[string, (join: Json) => Json]>([
    ['made with another key', (join) => RoomWorld.proven(join, { key: 'kE' })],
    ['that answers another question', (join) => RoomWorld.proven(join, { nonce: 'another' })],
    ['made for another room', (join) => RoomWorld.proven(join, { room: 'another' })],
    ['of another name', (join) => ({ ...RoomWorld.proven({ ...join, name: 'eve' }), name: 'ann' })],
    ['of another device', (join) => ({ ...RoomWorld.proven({ ...join, dev: 'E' }), dev: 'A' })],
    ['of another member', (join) => ({ ...RoomWorld.proven({ ...join, key: 'kE' }), key: 'kA' })],
    ['that is any word', (join) => ({ ...join, proof: 'please' })],
  ])('is not known by a proof %s: it is told so', (_name, prove) => {
    world.ask('a', ask);
    expect(world.ask('a', prove(ask))).toMatchObject([{ refused: 'PROOF_REFUSED', cn: 'cn' }]);
    expect([world.room.presence.online, world.log.owner('ann')]).toEqual([0, undefined]);
  });

  test('does not change with a wrong proof: the session goes on as it was', () => {
    world.joins('ann', 'bo');
    world.ask('a', hello('eve'));
    expect(world.ask('a', { ...hello('eve'), proof: 'no' })).toMatchObject([{ refused: 'PROOF_REFUSED' }]);
    world.say('a', entry('ann', 1));
    expect(world.take('b')).toMatchObject([{ name: 'ann', seq: 1 }]);
  });

  test.each(['key', 'dev', 'cn'])('cannot be said without a %s', (field) => {
    const { [field]: _, ...join } = ask;
    expect(world.ask('a', join)).toEqual([]);
    world.tick();
    expect(world.ignored).toEqual([{ frames: 1, reason: 'a version-1 join without key, dev and cn' }]);
  });
});

describe('a name', () => {
  test.each(['server', 'SERVER', 'ｓｅｒｖｅｒ'])('that is the server’s is refused: %s', (name) => {
    world.say('a', hello('ann', { name }));
    const text = words('server', `"${name}" is the name of the server.`);
    expect(world.take('a')).toEqual([{ refused: 'NAME_REFUSED', cn: 'cn', ...text }]);
    expect(world.room.presence.online).toBe(0);
  });

  test.each([
    ['s\u0435rver', '"sеrver" looks like "server", which is the name of the server.'],
    ['serv\u0435r (guest)', 'A name must not end in "(guest)".'],
    ['ann left the room. 1 online. B', 'A name must not have "left the room" in it, which is what the room says.'],
  ])('that is not to be told from the room’s words is refused: %s', (name, why) => {
    world.joins('bo');
    world.say('a', hello('ann', { name }));
    expect(world.take('a')).toEqual([{ refused: 'NAME_REFUSED', cn: 'cn', ...words('server', why) }]);
    expect(world.take('b')).toEqual([]);
  });

  test.each([
    ['server', '"server" is what a server is called.'],
    ['S\u0435rver', '"Sеrver" looks like "server", which is what a server is called.'],
    ['R0om', '"R0om" looks like "room", which is the name of the server.'],
  ])('that a server has is refused also where this one is called otherwise: %s', (name, why) => {
    world = new RoomWorld({ name: 'room' });
    world.say('a', hello('ann', { name }));
    expect(world.take('a')).toEqual([{ refused: 'NAME_REFUSED', cn: 'cn', ...words('room', why) }]);
  });

  test.each(['\u0410na Paula', 'Ana PauIa', 'AnaPaula', 'ANA P\u0410ULA'])(
    'that looks like another is refused with the words for it: %s',
    (name) => {
      world.say('a', hello('ann', { name: 'Ana Paula' }));
      world.say('x', eve(name));
      const why = `"${name}" looks like "Ana Paula", which belongs to somebody else.`;
      expect(world.take('x')).toEqual([{ refused: 'NAME_REFUSED', cn: 'cn', ...words('server', why) }]);
      // Also after a restart, and when she is away.
      world.say('a', bye('Ana Paula'));
      world = new RoomWorld({ store: world.log });
      world.say('x', eve(name));
      expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    },
  );

  test('that looks like one’s own is nobody else’s', () => {
    world.say('a', hello('ann', { name: 'Ian' }));
    world.say('a', hello('ann', { name: 'lan' }));
    world.say('a', hello('ann', { name: 'Ian' }));
    expect(world.take('a')).toMatchObject([{ who: 'Ian' }, { who: 'lan' }, { who: 'Ian' }]);
    world.say('x', eve('IAN'));
    expect(world.take('x')).toEqual(refusal('IAN'));
  });

  test('nobody may have is refused, and the next one taken', () => {
    world.say('a', hello('ann', { name: '[ann]' }));
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ refused: 'NAME_REFUSED' }, { welcome: 1 }]);
  });

  test.each(['ann', 'ANN', ' Ａnn '])('belongs to whoever had it first; nobody else is let in as %j', (name) => {
    world.joins('ann', 'bo');
    world.say('x', eve(name));
    expect(world.take('x')).toEqual(refusal(name.trim().normalize('NFC')));
    expect([world.room.presence.online, world.take('b')]).toEqual([2, []]);
    // Whoever was refused one name has taken no other by it.
    world.say('b', hello('bo', { name: 'eve' }));
    expect(world.take('b')).toMatchObject([{ welcome: 1, who: 'eve' }]);
  });

  test('belongs to its owner who is away, also after a restart of the server', () => {
    world.joins('ann');
    world.say('a', bye('ann'));
    world = new RoomWorld({ store: world.log });
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
  });

  test('asked for by two at the same moment is given to the first', () => {
    world.turn(...world.frames('a', hello('ann')), ...world.frames('x', eve('ann')));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
    expect(world.take('x')).toEqual(refusal('ann'));
  });

  test('is free again when its owner was away for longer than messages are kept', () => {
    world = new RoomWorld({ ageMs: 30 * day });
    world.joins('ann');
    world.say('a', bye('ann'));
    world.nowMs += 30 * day;
    world.say('x', eve('ann'));
    expect(world.take('x')).toEqual(refusal('ann'));
    world.nowMs += 1;
    world.say('x', eve('ann'));
    expect(world.take('x')).toMatchObject([{ welcome: 1 }]);
    world.say('y', hello('ann'));
    expect(world.take('y')).toEqual(refusal('ann'));
  });
});

describe('a device', () => {
  const stolen = words('server', 'This device is made from another key.');

  test('is one key’s: nobody else joins with it, whether it has written, after a restart, or in an empty log', () => {
    world.joins('ann');
    world.talk(1);
    const restarted = new RoomWorld({ store: world.log });
    for (const now of [world, restarted, new RoomWorld()]) {
      now.say('x', hello('eve', { dev: 'A' }));
      expect(now.take('x')).toEqual(Array(2).fill({ refused: 'PROOF_REFUSED', ...stolen, cn: 'cn' }));
    }
    world.say('a', entry('ann', 2));
    expect(world.takeSeqs('a')).toEqual([1, 2]);
  });

  test('that is in the room, and has said nothing yet, is not ended by who knows it', () => {
    world.joins('ann', 'bo');
    world.say('x', hello('eve', { dev: 'A' }));
    world.say('b', entry('bo', 1));
    expect([world.takeSeqs('a'), world.room.presence.online]).toEqual([[1], 2]);
  });

  test('cannot be used up for its author, who is welcomed by an emptied log as nobody else', () => {
    world.joins('eve');
    world.say('e', { ...entry('eve', 1, 'mine', { id: { dev: 'A', n: 1 } }), first: 1 });
    const { sig } = entry('ann', 1);
    world.say('e', { ...entry('eve', 1, 'mine', { id: { dev: 'A', n: 1 }, key: 'kA' }), sig, first: 1 });
    expect(world.log.head).toBe(0);
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1, n: 0 }]);
    world.say('a', entry('ann', 1));
    expect(world.takeSeqs('a')).toEqual([1]);
  });

  test('is told in the welcome how far it came, and by a hash what was said last', () => {
    world.joins('ann');
    world.say('a', entry('ann', 1), entry('ann', 2));
    for (const now of [world, new RoomWorld({ store: world.log })]) {
      now.say('a2', hello('ann'));
      const { id: _, text: __, ...rest } = entry('ann', 2);
      const said = { ...rest, id: { dev: 'A', n: 2 }, text: 'ann 2', kind: 'message' } as Message;
      expect(now.take('a2').at(-1)).toMatchObject({ n: 2, nh: signedHash(fakeCrypto, 'server', said) });
    }
  });
});

describe('the session of a device', () => {
  test('is ended by the next one over another connection, which is told which it was', () => {
    world.say('a', hello('ann', { cn: 'one' }));
    world.say('a', hello('ann', { cn: 'two' }));
    world.say('x', hello('ann', { cn: 'three' }));
    world.say('a', hello('ann', { cn: 'four' }));
    const ended = (from: string) => world.take(from).flatMap((frame) => ('welcome' in frame ? [frame.ended] : []));
    expect([ended('x'), ended('a')]).toEqual([['two'], [undefined, undefined, 'three']]);
  });
});

describe('a room that is full', () => {
  beforeEach(() => {
    world = new RoomWorld({ maxClients: 2 });
    world.joins('ann', 'lea');
  });

  test('lets nobody in, in its own form, nor under a name of its own, until somebody leaves', () => {
    world.say('b', hello('bo'));
    world.say('m', { auth: 1, name: 'max' }, words('max', 'hi'));
    expect(world.take('b')).toEqual([{ refused: 'ROOM_FULL', ...words('server', 'The room is full.'), cn: 'cn' }]);
    const full = words('server', 'The room is full.');
    expect(world.take('m')).toEqual([full, full]);
    expect([world.room.presence.online, world.log.head, world.log.owner('bo')]).toEqual([2, 0, undefined]);
    world.say('l', bye('lea'));
    world.say('b', hello('bo'));
    expect(world.take('b')).toMatchObject([{ welcome: 1 }]);
  });

  test('welcomes a member who joins again, on the same connection or another', () => {
    world.say('a', hello('ann'));
    world.say('x', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1 }]);
    expect(world.take('x')).toMatchObject([{ welcome: 1, online: 2 }]);
  });

  test('is not fuller for two who come in one turn', () => {
    world.say('l', bye('lea'));
    world.turn(...world.frames('b', hello('bo')), ...world.frames('c', hello('cy')));
    expect(world.take('b')).toMatchObject([{ welcome: 1 }]);
    expect(world.take('c')).toMatchObject([{ refused: 'ROOM_FULL' }]);
  });
});

describe('whoever comes back is told', () => {
  beforeEach(() => {
    world.joins('ann');
    world.talk(5);
  });

  test('where it reads on, the hash there, its own highest n, and when the oldest entry was written', () => {
    world.say('b', world.helloAt('bo', 2));
    const { h } = world.placed({}, 2);
    const welcome = { welcome: 1, since: 2, head: 5, h, n: 0, firstMs: world.nowMs };
    expect(world.take('b')).toMatchObject([welcome, { seq: 3 }, { seq: 4 }, { seq: 5 }]);
    world.say('x', world.helloAt('ann', 5));
    expect(world.take('x')).toMatchObject([{ since: 5, n: 5 }]);
  });

  test('that what it has is of another log, and reads all there is', () => {
    world.say('b', hello('bo', { since: 2, log: 'other' }));
    expect(world.take('b')).toMatchObject([{ fork: 1, since: 0 }, ...range(1, 5).map((seq) => ({ seq }))]);
    world.say('c', world.helloAt('cy', 5));
    expect(world.take('c')).toEqual([expect.not.objectContaining({ fork: 1 })]);
  });

  test('what comes after the replay, and no notice of its own coming', () => {
    world.turn(...world.frames('b', world.helloAt('bo', 4)), ...world.frames('a', entry('ann', 6)));
    world.say('c', hello('cy'));
    expect(world.take('b')).toMatchObject([{ since: 4, head: 6 }, { seq: 5 }, { seq: 6 }, { who: 'cy' }]);
  });
});

describe('the name of the server', () => {
  test('is a label: who bore it before is a guest under it until it takes another, and nobody else may have it', () => {
    world.joins('ann');
    world.say('a', entry('ann', 1));
    world = new RoomWorld({ store: world.log, name: 'Ann' });
    world.say('b', hello('bo'));
    world.say('x', hello('eve', { name: 'ann' }));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    world.say('a', hello('ann'));
    expect(world.take('a')).toMatchObject([{ welcome: 1, name: 'Ann', who: 'ann (guest)' }]);
    expect(world.takeNotices('b')).toMatchObject([{ notice: 'join', who: 'ann (guest)' }]);
    world.say('a', entry('ann', 2));
    expect(world.take('b')).toMatchObject([{ name: 'ann', guest: 1 }]);
    world.say('a', hello('ann', { name: 'anna' }));
    expect(world.takeNotices('b')).toMatchObject([{ notice: 'rename', was: 'ann (guest)', who: 'anna' }]);
  });

  test('leaves to its guest the name that it was given, also when it comes back, and to nobody else', () => {
    world.joins('ann');
    world = new RoomWorld({ store: world.log, name: 'Ann' });
    world.say('a', hello('ann'));
    world.say('a2', hello('ann', { name: 'ann (guest)' }));
    world.say('x', hello('eve', { name: 'ann (guest)' }));
    expect([world.take('a'), world.take('a2')]).toMatchObject(Array(2).fill([{ welcome: 1, who: 'ann (guest)' }]));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    expect(world.room.presence.named.members).toEqual(['ann (guest)']);
  });

  test('may be taken from a name of any length', () => {
    const long = 'x'.repeat(32);
    world.say('a', hello('ann', { name: long }));
    world = new RoomWorld({ store: world.log, name: long });
    world.say('a', hello('ann', { name: long }));
    const who = `${'x'.repeat(24)} (guest)`;
    world.say('a', hello('ann', { name: who }));
    expect(world.take('a')).toMatchObject(Array(2).fill({ welcome: 1, who }));
  });
});

describe('places in a room', () => {
  const joinsAs = (dev: string, from = dev) => {
    world.say(from, hello(`is ${dev}`, { key: `k${dev}`, dev }));
    return world.take(from).at(-1);
  };

  test('are kept for members of more than a day: strangers cannot take them all', () => {
    world = new RoomWorld({ maxClients: 10 });
    joinsAs('M');
    world.say('M', bye('is M'));
    world.tick(dayMs);
    for (const dev of 'ABCDEFGH') expect(joinsAs(dev)).toMatchObject({ welcome: 1 });
    expect(joinsAs('I')).toMatchObject({ refused: 'ROOM_FULL' });
    world.say('l', { auth: 1, name: 'lea' });
    expect(world.take('l')).toEqual([words('server', 'The room is full.')]);
    expect(joinsAs('M')).toMatchObject({ welcome: 1 });
  });

  test('are not for one key alone: it has so many sessions, and none of them gives way', () => {
    const devices = range(1, maxSessions + 1).map((no) => `A${no}`);
    for (const dev of devices) world.say(dev, hello('ann', { dev }));
    const text = `You are in this room ${maxSessions} times already.`;
    expect(world.take(devices.at(-1) ?? '')).toMatchObject([{ refused: 'ROOM_FULL', ...words('server', text) }]);
    expect(world.room.presence.sessions.countOf('kA')).toBe(maxSessions);
    world.say('A1', bye('ann'));
    world.say('again', hello('ann', { dev: `A${maxSessions + 1}` }));
    expect(world.take('again')).toMatchObject([{ welcome: 1 }]);
  });
});

describe('names of one key', () => {
  test('are so many; then it takes one that it has, and whoever is refused is in under the name it had', () => {
    for (let no = 1; no <= maxOwnNames; no++) world.say('a', hello(`ann ${no}`));
    world.forget();
    world.say('a', hello('another'));
    const [refused] = world.take('a');
    expect(refused).toMatchObject({ refused: 'NAME_REFUSED' });
    expect(refused?.text).toMatch(/^You have 8 names in this room already\. Take one of them: ann 1, .*ann 8\.\n$/);
    world.say('a', hello('ann 3'));
    expect(world.take('a')).toMatchObject([{ welcome: 1, who: 'ann 3' }]);
    expect(world.log.owner('another')).toBeUndefined();
  });

  test('change three times at once, then once a minute; to come back under the same name is no change', () => {
    world = new RoomWorld({ pace: defaultPace });
    const joins = (name: string, from = 'a') => {
      world.say(from, hello(name));
      return world.take(from).find(({ welcome, refused }) => welcome ?? refused);
    };
    for (const name of ['ann', 'ann 1', 'ann 2', 'ann 3', 'ann 3']) expect(joins(name)).toMatchObject({ who: name });
    expect(joins('ann 3', 'x')).toMatchObject({ who: 'ann 3' });
    expect(joins('ann 4', 'x')).toMatchObject({
      refused: 'NAME_REFUSED',
      text: 'You have changed your name often. Wait a minute, and try again.\n',
    });
    world.nowMs += 60_000;
    expect(joins('ann 4', 'x')).toMatchObject({ who: 'ann 4' });
  });

  test('are not changed by two devices, each with its own, whose connections break again and again', () => {
    world = new RoomWorld({ pace: defaultPace });
    for (let flap = 0; flap < 10; flap++)
      for (const [from, name, dev] of [
        ['a', 'ann', 'A'],
        ['b', 'ana', 'A2'],
      ] as const) {
        world.say(from, gone);
        world.say(from, hello(name, { key: 'kA', dev }));
        expect(world.take(from)).toContainEqual(expect.objectContaining({ welcome: 1 }));
      }
  });
});
