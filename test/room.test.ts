import { beforeEach, describe, expect, test } from 'vitest';
import { defaultFlow, heartbeatIntervalMs } from '../src/core/limits.ts';
import { maxBatchEntries } from '../src/protocol/rows.ts';
import { bye, entry, gone, greeting, hello, range, seqsOf, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

const { windowEntries, batchBytes } = defaultFlow;

let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});
/** Ann says so many things, a hundred at a time. */
const talkMuch = (count: number) => {
  for (let n = 1; n <= count; n += 100) world.talk(100, n);
};

describe('a message', () => {
  test('comes back to its author with its place, as everybody gets it', () => {
    world.joins('ann', 'bo');
    world.say('a', entry('ann', 1, 'hi'));
    const echo = [world.placed(entry('ann', 1, 'hi'), 1)];
    expect(world.take('a')).toEqual(echo);
    expect(world.take('b')).toEqual(echo);
    const from = { name: 'ann', id: 'kA' };
    const told = { type: 'message', seq: 1, id: 'A.1', from, text: 'hi', own: false, replay: false, sentMs: 1 };
    const accepted = { acceptedMs: world.nowMs };
    expect(world.events.at(-1)).toEqual({ ...told, ...accepted });
  });

  test('sent again is not appended again, neither on this connection nor on the next', () => {
    world.joins('ann', 'bo');
    world.talk(2);
    world.forget();
    world.say('a', entry('ann', 1), entry('ann', 2), entry('ann', 3));
    expect(world.take('b')).toMatchObject([{ id: 'A.3', seq: 3 }]);
    world.say('x', world.helloAt('ann', 3));
    world.say('x', entry('ann', 3), entry('ann', 4));
    expect(world.take('b')).toMatchObject([{ id: 'A.4', seq: 4 }]);
  });

  test('that skips a number is not taken, and its author is told to join again', () => {
    world.joins('ann', 'bo');
    world.say('a', entry('ann', 1), entry('ann', 3));
    expect(world.take('a')).toMatchObject([{ rejoin: 0 }, { seq: 1 }]);
    expect(world.log.head).toBe(1);
    world.say('a', entry('ann', 2));
    expect(world.log.head).toBe(1);
    world.say('a', hello('ann'));
    world.say('a', { ...entry('ann', 7), first: 1 }, entry('ann', 8));
    expect(world.take('b')).toMatchObject([{ id: 'A.1' }, { id: 'A.7' }, { id: 'A.8' }]);
  });

  test('with an id, or an ack, from a stranger is ignored and answered rejoin, once', () => {
    world.say('x', entry('xam', 1), entry('xam', 2), { ack: 5 });
    world.say('x', entry('xam', 3));
    expect(world.take('x')).toEqual([{ rejoin: 0 }]);
    expect([world.log.head, world.room.presence.online]).toEqual([0, 0]);
    world.say('x', hello('xam'));
    world.say('x', bye('xam'));
    world.say('x', entry('xam', 2));
    expect(world.take('x')).toMatchObject([{ welcome: 1 }, { auth: 0 }, { rejoin: 0 }]);
  });

  test('from whoever is still at the door is no reason to send it away', () => {
    world.joins('ann');
    world.slowDisk = true;
    world.say('b', hello('bo'), entry('bo', 1), words('bo', 'hi'));
    world.commit();
    expect(world.take('b')).toMatchObject([{ welcome: 1, who: 'bo' }]);
    expect(world.log.head).toBe(0);
  });
});

describe('an action', () => {
  const waves = (n: number) => entry('ann', n, 'waves', { type: 'action' });

  test('is one for version-1 readers and on the disk, and for the original its words', () => {
    world.joins('ann', 'bo', 'lea');
    world.say('a', waves(1));
    for (const to of ['a', 'b']) expect(world.take(to)).toEqual([world.placed(waves(1), 1)]);
    expect(world.take('l')).toEqual([words('ann', '/me waves')]);
    expect(world.log.read(1, 1)[0]?.message).toMatchObject({ text: 'waves', type: 'action' });
    expect(world.events.at(-1)).toMatchObject({ type: 'message', text: 'waves', action: true });
  });

  test('that somebody kept is given back as one: its signature says so', () => {
    world.joins('ann', 'bo');
    const { type: _, ...text } = waves(1);
    world.say('b', text);
    expect(world.log.head).toBe(0);
    world.say('b', waves(1));
    expect(world.take('a')).toMatchObject([{ text: 'waves\n', type: 'action', seq: 1 }]);
  });
});

describe('the disk', () => {
  beforeEach(() => {
    world.joins('ann', 'bo', 'lea');
    world.slowDisk = true;
  });

  test('has an entry before anybody is sent it or told of it', () => {
    const events = world.events.length;
    world.talk(2);
    world.turn();
    expect(['a', 'b', 'l'].flatMap((to) => world.take(to))).toEqual([]);
    expect([world.events.length, world.log.head]).toEqual([events, 0]);
    world.commit();
    for (const to of ['a', 'b']) expect(world.takeSeqs(to)).toEqual([1, 2]);
    expect(world.take('l')).toHaveLength(2);
    expect(world.events.slice(events)).toMatchObject([{ text: 'ann 1' }, { text: 'ann 2' }]);
  });

  test('has a name before it is told: a join is welcomed, and announced, after its commit', () => {
    world.say('c', hello('cy'));
    expect([world.take('c'), world.take('a'), world.room.presence.online]).toEqual([[], [], 3]);
    expect(world.commits).toMatchObject([{ owners: [{ name: 'cy', key: 'kC' }] }]);
    world.commit();
    expect(world.take('c')).toMatchObject([{ welcome: 1, who: 'cy', online: 4 }]);
    expect(world.take('a')).toMatchObject([{ notice: 'join', who: 'cy', online: 4 }]);
  });

  test('gets one change at a time: what arrives meanwhile waits, and is one change in its turn', () => {
    world.say('a', entry('ann', 1));
    world.turn(...world.frames('b', entry('bo', 1)), ...world.frames('a', entry('ann', 2)));
    world.say('l', words('lea', 'hi'));
    expect(world.commits.map(({ entries }) => entries?.length)).toEqual([1]);
    world.commit();
    expect(world.takeSeqs('b')).toEqual([1]);
    expect(world.commits.map(({ entries }) => entries?.map(({ seq }) => seq))).toEqual([[2, 3, 4]]);
    world.commit();
    expect(world.take('b')).toMatchObject([{ id: 'B.1' }, { id: 'A.2' }, { id: 'run.1' }]);
    world.turn();
    expect(world.commits).toEqual([]);
  });

  test('may be slow: what comes again is known all the same', () => {
    world.talk(1);
    world.talk(1);
    world.say('a', entry('ann', 2));
    world.commit();
    world.commit();
    expect(world.takeSeqs('b')).toEqual([1, 2]);
  });

  test('may be slow: a notice waits for what was said before it', () => {
    world.talk(1);
    world.turn(...world.frames('l', bye('lea')), ...world.frames('b', bye('bo')));
    expect(world.take('a')).toEqual([]);
    world.commit();
    expect(world.take('a')).toMatchObject([{ seq: 1 }, { who: 'lea', online: 2 }, { who: 'bo', online: 1 }]);
  });

  test('may be slow: whoever joins begins with what is there, and heartbeats say no more', () => {
    world.tick(heartbeatIntervalMs);
    world.forget();
    world.talk(2);
    world.say('c', hello('cy'));
    world.talk(1, 3);
    world.commit();
    world.tick(heartbeatIntervalMs);
    expect(world.take('c')).toEqual([]);
    world.commit();
    expect(world.take('c')).toMatchObject([{ welcome: 1, since: 3, head: 3, n: 0 }]);
  });

  test('of a server that was killed has all that was sent, and the order goes on', () => {
    world.talk(2);
    world.commit();
    world.talk(1, 3);
    world = new RoomWorld({ store: world.log });
    world.say('a', world.helloAt('ann', 2));
    world.say('a', entry('ann', 2), entry('ann', 3));
    expect(world.take('a')).toMatchObject([
      { welcome: 1, since: 2, head: 2, n: 2 },
      { had: ['A.2'], head: 3 },
      { id: 'A.3', seq: 3 },
    ]);
  });
});

describe('the window', () => {
  beforeEach(() => world.joins('ann', 'bo', 'cy'));

  test('holds what one reader may be sent and has not acknowledged; nobody else waits for it', () => {
    for (let n = 1; n <= 3_000; n += 100) {
      world.talk(100, n);
      world.say('c', { ack: n + 99 });
    }
    expect(world.takeSeqs('c')).toEqual(range(1, 3_000));
    expect(world.takeSeqs('b')).toEqual(range(1, windowEntries));
    world.say('b', { ack: 100 });
    expect(world.takeSeqs('b')).toEqual(range(windowEntries + 1, windowEntries + 100));
    world.say('b', { ack: 3_001 }, { ack: 0 });
    expect(world.takeSeqs('b')).toEqual([]);
    world.say('b', { ack: windowEntries + 100 });
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    expect(world.takeSeqs('b')).toEqual(range(windowEntries + 101, 3_000));
  });

  test('that is full lets the room rest until an ack comes', () => {
    talkMuch(600);
    world.say('a', { ack: windowEntries });
    world.say('c', { ack: windowEntries });
    world.turn();
    expect(world.room.nextTurnMs(world.now)).toBeUndefined();
  });

  test('is sent in batches of no more entries and bytes than one frame may have', () => {
    world = new RoomWorld({ flow: { ...defaultFlow, batchBytes: 2 * batchBytes } });
    world.joins('ann', 'bo', 'cy');
    world.sent.length = 0;
    world.say('a', ...range(1, 400).map((n) => entry('ann', n, 'x'.repeat(n <= 300 ? 1 : 4_000))));
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    const sent = world.sent.filter(({ data }) => !data.startsWith('{"kept"'));
    const batches = sent.map(({ data }) => data);
    const sizes = batches.map((data) => seqsOf(JSON.parse(data)).length);
    expect(sizes.reduce((a, b) => a + b)).toBe(400);
    expect(Math.max(...sizes)).toBe(maxBatchEntries);
    expect(Math.max(...batches.map((data) => Buffer.byteLength(data)))).toBeLessThanOrEqual(2 * batchBytes + 2);
    expect(sent.every(({ to }) => to.join() === 'a,b,c')).toBe(true);
    expect(world.room.nextTurnMs(world.now)).toBeUndefined();
  });
});

describe('a full connection', () => {
  beforeEach(() => world.joins('ann', 'bo', 'cy'));

  test('gets what it did not take later: entries and notices in order and once; nobody else waits for it', () => {
    world.clogged.add('b');
    world.talk(2);
    world.say('d', hello('dee'));
    world.talk(1, 3);
    expect(world.take('c')).toMatchObject([{ seq: 1 }, { seq: 2 }, { who: 'dee' }, { seq: 3 }]);
    world.clogged.clear();
    world.turn();
    expect([world.take('b'), world.room.nextTurnMs(world.now)]).toEqual([[], 2]);
    world.nowMs += 2;
    expect(world.room.nextTurnMs(world.now)).toBe(0);
    world.turn();
    expect(world.take('b')).toMatchObject([{ seq: 1 }, { seq: 2 }, { who: 'dee' }, { seq: 3 }]);
    expect(world.room.nextTurnMs(world.now)).toBeUndefined();
  });

  test('keeps its pause when its client joins again', () => {
    world.clogged.add('b');
    world.talk(1);
    world.clogged.clear();
    world.say('b', world.helloAt('bo', 0));
    expect(world.take('b')).toMatchObject([{ welcome: 1 }]);
    world.nowMs += 1;
    world.turn();
    expect([world.take('b'), world.room.nextTurnMs(world.now)]).toEqual([[], 1]);
    world.nowMs += 1;
    world.turn();
    expect(world.takeSeqs('b')).toEqual([1]);
  });

  test('of a stranger is nothing', () => {
    const sent = { type: 'send', to: ['x'], data: '', before: { seq: 0, notice: 0 } } as const;
    world.turn({ type: 'full', from: 'x', sent: { ...sent, to: ['x'] } }, { type: 'disconnected', from: 'x' });
    expect(world.room.presence.online).toBe(3);
  });
});

describe('the farewell', () => {
  const farewell = words('server', 'Server is off.');

  test('tells everybody in their own form, after what was written', () => {
    world.joins('ann', 'bo', 'lea');
    world.say('a', entry('ann', 1));
    world.turn({ type: 'leave' });
    expect(world.take('b')).toEqual([world.placed(entry('ann', 1), 1), { ...farewell, notice: 'shutdown' }]);
    expect(world.take('l')).toEqual([words('ann', 'ann 1'), farewell]);
  });

  test('reaches a reader that is far behind too', () => {
    world.joins('ann', 'bo');
    talkMuch(900);
    world.turn({ type: 'leave' });
    expect(world.take('b').at(-1)).toMatchObject({ notice: 'shutdown' });
  });
});

test('frames that a server cannot take change nothing, and are told of once a tick: how many, and the last reason', () => {
  world.joins('ann');
  world.say('a', 'GET / HTTP/1.1', '{"auth":3,"name":"x"}');
  world.say('x', { hb: 1 }, [] as never, { had: ['A.1'], head: 1 }, { zzz: 1 }, { lost: 1 }, bye('x'), gone);
  expect(world.ignored).toEqual([]);
  world.tick();
  world.tick();
  expect(world.ignored).toEqual([{ frames: 5, reason: 'a had frame is not for a server' }]);
  expect([world.take('a'), world.take('x'), world.room.presence.online]).toMatchObject([
    [{ hb: 0, kept: 0, held: 0 }],
    [],
    1,
  ]);
  world.say('l', { auth: 1, name: 'lea' });
  expect(world.take('l')).toEqual([greeting(2)]);
});
