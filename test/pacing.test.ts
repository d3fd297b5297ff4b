import { describe, expect, test } from 'vitest';
import { defaultFlow, defaultPace, maxHeldText, paceOf, points, uploadWindow } from '../src/core/limits.ts';
import type { Uploader } from '../src/core/log/ledger.ts';
import { Shares } from '../src/core/log/shares.ts';
import { Hearing } from '../src/core/room/hearing.ts';
import { Pacing } from '../src/core/room/pacing.ts';
import type { Message } from '../src/protocol/frames.ts';
import { entry, gone, hello, type Json, range, words } from './support/people.ts';
import { Written } from './support/places.ts';
import { RoomWorld } from './support/room-world.ts';

/** Two at once, then ten a second. */
const pace = { ...defaultPace, messages: { atOnce: 2, perSecond: 10 }, given: { atOnce: 3, perSecond: 100 } };

function paced(more = {}): RoomWorld {
  const world = new RoomWorld({ pace, ...more });
  world.joins('ann', 'bo', 'lea');
  return world;
}
const textsOf = (world: RoomWorld) => world.log.read(1, 1e6).map(({ message }) => message?.text);
const said = (name: string, ...numbers: number[]) => numbers.map((n) => `${name} ${n}`);
/** Time passes in the steps of a server's clock. */
const pass = (world: RoomWorld, ms: number) => {
  for (let passed = 0; passed < ms; passed += 100) world.tick(100);
};

describe('who writes faster than the room takes', () => {
  test('is slowed: all that it said is taken in its order, as its credit grows', () => {
    const world = paced();
    world.talk(6);
    expect(textsOf(world)).toEqual(said('ann', 1, 2));
    pass(world, 200);
    expect(textsOf(world)).toEqual(said('ann', 1, 2, 3, 4));
    pass(world, 1_000);
    expect(textsOf(world)).toEqual(said('ann', ...range(1, 6)));
  });

  test('cannot overtake itself', () => {
    const world = paced();
    world.talk(3);
    world.nowMs += 100;
    world.say('a', entry('ann', 4));
    expect(textsOf(world)).toEqual(said('ann', 1, 2, 3));
    pass(world, 400);
    expect(textsOf(world)).toEqual(said('ann', 1, 2, 3, 4));
  });

  test('is felt by nobody else', () => {
    const world = paced();
    world.talk(100);
    world.say('b', entry('bo', 1));
    world.say('l', words('lea', 'hi'));
    expect(textsOf(world)).toEqual([...said('ann', 1, 2), 'bo 1', 'hi']);
  });

  test('is told at once how much waits, and for how long, and again with each heartbeat', () => {
    const world = paced();
    world.talk(6);
    expect(world.take('a')).toContainEqual({ kept: 2, held: 4, heldMs: 400 });
    pass(world, 200);
    world.forget();
    world.talk(6, 7);
    world.tick(2_500);
    const [beat] = world.take('a').filter(({ hb }) => hb !== undefined);
    expect(beat).toMatchObject({ kept: 4, held: 8, heldMs: 600 });
    pass(world, 2_500);
    const [later] = world.take('a').filter(({ hb }) => hb !== undefined);
    expect(later).toMatchObject({ kept: 12, held: 0 });
    expect(later).not.toHaveProperty('heldMs');
  });

  test('is not told so by a slow disk', () => {
    const world = paced();
    world.slowDisk = true;
    world.talk(2);
    world.tick(2_500);
    expect(world.take('a').find(({ hb }) => hb !== undefined)).toMatchObject({ held: 2 });
    expect(world.take('a').some(({ heldMs }) => heldMs !== undefined)).toBe(false);
  });

  test('and says much at once: others need not wait for all of that, and nobody is told that it is too fast', () => {
    const world = new RoomWorld({ pace: defaultPace });
    world.joins('ann', 'bo');
    world.say('a', world.bundle('a', ...range(1, 200).map((n) => entry('ann', n))));
    expect([world.log.head, world.room.nextTurnMs(world.now)]).toEqual([defaultPace.perTurn, 0]);
    world.say('b', entry('bo', 1));
    expect(world.log.read(1, defaultPace.perTurn + 2).at(-1)?.message?.text).toBe('bo 1');
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    expect(world.log.head).toBe(201);
    world.tick(2_500);
    expect(world.take('a').some(({ heldMs }) => heldMs !== undefined)).toBe(false);
  });

  test('has one credit for all its sessions, which go by turns', () => {
    const world = paced();
    world.say('x', hello('ann', { dev: 'A2' }));
    world.talk(8);
    world.say('x', entry('ann', 1, 'other', { id: { dev: 'A2', n: 1 } }));
    pass(world, 200);
    expect(textsOf(world)).toEqual([...said('ann', 1, 2, 3), 'other']);
  });

  test('needs more credit for a long text', () => {
    const world = paced();
    world.say('a', entry('ann', 1, 'x'.repeat(6 * defaultPace.messageBytes)), entry('ann', 2));
    pass(world, 400);
    expect(world.log.head).toBe(1);
    pass(world, 100);
    expect(world.log.head).toBe(2);
  });

  test('has said it although it is gone meanwhile', () => {
    const world = paced();
    world.talk(4);
    world.say('a', gone);
    pass(world, 500);
    expect(textsOf(world)).toEqual(said('ann', ...range(1, 4)));
  });

  test('says again after a new welcome what still waited, and it is there once', () => {
    const world = paced();
    world.talk(5);
    world.say('x', hello('ann'));
    world.say('x', ...range(3, 6).map((n) => entry('ann', n, undefined, n === 3 ? { first: true } : {})));
    pass(world, 1_000);
    expect(textsOf(world)).toEqual(said('ann', ...range(1, 6)));
  });

  test('may have as much waiting as an honest client has under way; with more it joins again, once, and nothing is lost', () => {
    const world = paced();
    world.talk(uploadWindow + 2);
    expect(world.take('a').filter(({ rejoin }) => rejoin !== undefined)).toEqual([]);
    world.talk(3, uploadWindow + 3);
    expect(world.take('a').filter(({ rejoin }) => rejoin !== undefined)).toEqual([{ rejoin: defaultPace.deafMs }]);
    world.talk(3, uploadWindow + 6);
    pass(world, 2_000);
    expect([world.log.head, world.take('a').some(({ rejoin }) => rejoin !== undefined)]).toEqual([2, false]);
    world.say('a', hello('ann'));
    world.say('a', ...range(3, uploadWindow + 2).map((n) => entry('ann', n)));
    pass(world, 60_000);
    expect(textsOf(world)).toEqual(said('ann', ...range(1, uploadWindow + 2)));
  });

  test('is nobody where the limits are lifted', () => {
    const world = new RoomWorld({});
    world.joins('ann');
    world.talk(2_000);
    expect(world.log.head).toBe(2_000);
    expect(paceOf(0)).toBeUndefined();
  });

  test('may be faster or slower by the will of whoever keeps the room', () => {
    expect(paceOf(100)).toEqual(defaultPace);
    expect(paceOf(1_000)).toMatchObject({
      messages: { atOnce: 5_000, perSecond: 1_000 },
      given: { perSecond: 10_000 },
    });
    const slower = paceOf(1);
    expect(slower).toMatchObject({ messages: { atOnce: 5, perSecond: 1 }, given: defaultPace.given });
    expect(slower?.connection).toEqual(defaultPace.connection);
  });
});

describe('whoever comes again and again', () => {
  test('is no faster for that: all clients of the original share a credit, and nobody waits for what they have waiting', () => {
    const world = new RoomWorld({ pace: defaultPace });
    world.joins('ann');
    for (const no of range(1, 20)) {
      world.say(`o${no}`, { auth: 1, name: 'old' }, ...range(1, 300).map((n) => words('old', `${no} ${n}`)));
      world.say(`o${no}`, gone);
    }
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    expect(world.log.head).toBe(defaultPace.originals.atOnce);
    world.say('a', entry('ann', 1));
    expect(world.log.read(world.log.head, 1)[0]?.message?.text).toBe('ann 1');
  });

  test('is no faster for new keys: all newcomers share one, and go by turns', () => {
    const pace = { ...defaultPace, newcomers: { ...defaultPace.newcomers, messages: { atOnce: 4, perSecond: 10 } } };
    const world = new RoomWorld({ pace });
    for (const name of ['ann', 'bo', 'cy']) {
      world.say(name.slice(0, 1), hello(name));
      world.say(name.slice(0, 1), world.bundle(name.slice(0, 1), entry(name, 1), entry(name, 2), entry(name, 3)));
    }
    expect(textsOf(world)).toEqual([...said('ann', 1, 2, 3), 'bo 1']);
    pass(world, 400);
    expect(textsOf(world).slice(4)).toEqual(['bo 2', 'cy 1', 'bo 3', 'cy 2']);
  });

  test('has not more waiting than there is room for, and who is gone makes room for who is there', () => {
    const { log } = new Written();
    const shares = new Shares(log, { entries: 1e9, ageMs: 1e9 }, defaultPace.share, 'server', (ms) => ms);
    const pacing = new Pacing({ ...defaultPace, messages: { atOnce: 0, perSecond: 1e-9 } }, shares, () => {});
    const message: Message = { kind: 'message', name: 'x', text: 'x'.repeat(4_000) };
    const wishes = range(1, 250).map(() => ({ type: 'say' as const, by: {} as Uploader, message, name: 'x' }));
    const comes = (who: string, no: number) =>
      pacing.take({ who, from: `${who}${no}`, dev: `${no}` }, {} as Uploader, wishes, 0);
    pacing.begin();
    expect(range(1, 4).map((no) => comes('one', no))).toEqual([true, true, false, false]);
    const all = range(1, 40).map((no) => comes(`key ${no}`, no));
    expect(all.filter(Boolean).length * 1_000_000).toBeLessThan(maxHeldText.ofAll);
    expect(all.at(-1)).toBe(false);
    pacing.part('key 1', 'key 11');
    expect(comes('late', 1)).toBe(true);
    expect([pacing.holds('key 1'), pacing.holds('key 2')]).toEqual([false, true]);
  });
});

describe('what is given back for others', () => {
  const others = (count: number) => range(1, count).map((n) => entry('cy', n));

  test('has a budget of its own', () => {
    const world = paced();
    world.talk(2);
    world.say('a', world.bundle('a', ...others(3)));
    expect(textsOf(world)).toEqual([...said('ann', 1, 2), ...said('cy', 1, 2, 3)]);
  });

  test('100,000 messages are back within two minutes, and their connection is heard all the time', () => {
    const { log } = new Written();
    let given = 0;
    const pacing = new Pacing(
      defaultPace,
      new Shares(log, { entries: 1e9, ageMs: 1e9 }, defaultPace.share, 'server', (ms) => ms),
      () => given++,
    );
    const hearing = new Hearing(defaultPace);
    const by = { from: 'a', isStopped: false, isHeld: false };
    const message: Message = { kind: 'message', name: 'cy', text: 'a text of usual length', key: 'kC' };
    const bundle = range(1, 128).map(() => ({ type: 'giveBack' as const, by, message }));
    let [ms, uploaded] = [0, 0];
    for (; given < 100_000; ms += defaultPace.releaseMs) {
      pacing.begin();
      pacing.release(ms);
      for (; uploaded + bundle.length - given <= uploadWindow; uploaded += bundle.length) {
        expect(hearing.hears('a', defaultFlow.batchBytes, false, ms)).toBe(true);
        expect(pacing.take({ who: 'kA', from: 'a', dev: 'A' }, by, bundle, ms)).toBe(true);
      }
    }
    expect(ms).toBeLessThanOrEqual(120_000);
  });
});

describe('a client of the original that writes too fast', () => {
  test('is slowed, and all that it said is taken in its order, although it is gone meanwhile', () => {
    const world = paced();
    world.say('l', ...range(1, 300).map((n) => words('lea', `lea ${n}`)));
    expect(world.log.head).toBe(2);
    world.say('l', gone);
    pass(world, 30_000);
    expect(textsOf(world)).toEqual(said('lea', ...range(1, 300)));
  });

  test('is told, and not of each, when more waits than is held', () => {
    const world = paced();
    world.say('l', ...range(1, 10_010).map((n) => words('lea', `lea ${n}`)));
    const told = words('server', 'Not sent: you write faster than this room takes. Wait a moment, and say it again.');
    expect(world.take('l')).toEqual([told]);
    pass(world, 1_100_000);
    expect(world.log.head).toBe(10_002);
  });
});

describe('a connection', () => {
  const budget = { ...defaultPace, connection: { atOnce: 200, perSecond: 20 } };
  const bytes = (from: string, frame: Json | string) => ({
    type: 'bytes' as const,
    from,
    data: Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)),
  });
  function heard(): RoomWorld {
    const world = new RoomWorld({ pace: budget });
    world.joins('ann', 'bo', 'lea');
    return world;
  }
  const garbage = (from: string, count: number) => range(1, count).map(() => bytes(from, '{'));

  test('that sends nonsense is not heard after a while, is told so once, and is heard again', () => {
    const world = heard();
    world.turn(...garbage('a', 50));
    world.tick();
    const [{ frames = 0 } = {}] = world.ignored;
    expect(frames).toBe(Math.ceil(200 / (points.wrong + 1)) + 1);
    expect(world.take('a')).toContainEqual({ rejoin: budget.deafMs });
    world.turn(...garbage('a', 50), bytes('a', { ack: 0 }));
    expect(world.take('a')).toEqual([]);
    world.nowMs += 20_000;
    world.ignored.length = 0;
    world.turn(bytes('a', '{'));
    world.tick();
    expect(world.ignored).toMatchObject([{ frames: 1 }]);
  });

  test('is not heard for what others send', () => {
    const world = heard();
    world.turn(...garbage('a', 50), bytes('b', world.sealed('b', entry('bo', 1))));
    expect(textsOf(world)).toEqual(['bo 1']);
  });

  test('of a client of the original is told in its own words', () => {
    const world = heard();
    world.turn(...garbage('l', 50));
    expect(world.take('l')).toMatchObject([{ text: expect.stringMatching(/^Not sent: /) }]);
  });

  test('that is not heard has ended all the same, and can say so only once', () => {
    const world = heard();
    world.turn(...garbage('l', 50), bytes('l', '{"gone":1}'));
    expect(world.room.presence.sessions.has('l')).toBe(false);
    const before = world.room.presence.online;
    world.turn(...range(1, 50).map(() => bytes('l', '{"gone":1}')));
    expect(world.room.presence.online).toBe(before);
  });

  test('does not begin anew by saying that it has ended', () => {
    const world = heard();
    world.turn(...range(1, 300).map(() => bytes('x', '{"gone":1}')), ...garbage('x', 5));
    world.tick();
    expect(world.ignored).toEqual([]);
  });

  test.each<[string, (world: RoomWorld) => Json | string]>([
    ['a join with a proof', (world) => world.proves('s', hello('sam'))],
    ['words without a seal', () => ({ up: 1, m: [entry('ann', 1)] })],
    ['what a server says', () => ({ kept: 1 })],
    ['what nobody signed', (world) => world.bundle('a', entry('cy', 1, 'x', { sig: 'wrong' }))],
  ])('pays more for %s', (_what, frame) => {
    const world = heard();
    for (let count = 0; count < 6; count++) world.turn(bytes('a', frame(world)));
    world.forget();
    world.turn(bytes('a', '{'));
    world.tick();
    expect(world.ignored.at(-1)?.reason).toBe('ann sends more than this room can hear');
  });
});
