import { beforeEach, describe, expect, test } from 'vitest';
import { defaultFlow, maxTail } from '../src/core/limits.ts';
import { Log } from '../src/core/log/log.ts';
import type { Message } from '../src/protocol/frames.ts';
import { rot } from './sim/rot.ts';
import { fakeCrypto } from './support/fake-crypto.ts';
import { entry, type Json } from './support/people.ts';
import { hashAt } from './support/places.ts';
import { RoomWorld } from './support/room-world.ts';

/* Places of the room's log that the disk has damaged. */

let world: RoomWorld;
/** The hashes as they were written. */
let hashes: string[];
/** Ann has said five things; then the server was stopped, and its disk damaged the third. */
beforeEach(() => {
  world = new RoomWorld();
  world.joins('ann');
  world.talk(5);
  hashes = [0, 1, 2, 3, 4, 5].map((seq) => hashAt(world.log, seq));
  restart('another text');
});
const restart = (damage: string) => {
  rot(world.log, 3, damage);
  world = new RoomWorld({ store: world.log });
};
const returns = (to: string, name: string, since: number) =>
  world.say(to, world.helloAt(name, since, since > 0 ? { h: hashes[since] } : {}));
const question = (): Json => ({ lost: 3, h: hashes[3] });
const whole = (): Json => ({ ...entry('ann', 3), seq: 3, h: hashes[3], at: world.nowMs });
/** The same as it comes in its order. */
const inOrder = (): Json => world.placed(entry('ann', 3), 3);

describe('a damaged place', () => {
  test('is sent as the chain going on over it, in its place: nobody is given other words', () => {
    returns('b', 'bo', 1);
    const [welcome, ...rest] = world.take('b');
    expect(welcome).toMatchObject({ welcome: 1, since: 1, head: 5, h: hashes[1] });
    expect(rest.slice(0, 4)).toMatchObject([{ seq: 2 }, question(), { seq: 4 }, { seq: 5 }]);
    expect(world.shown).toEqual([{ type: 'lost', seq: 3 }]);
  });

  test.each(['another hash', 'another hash before'])(
    'of which only its words about the chain are wrong is as it was: %s',
    (damage) => {
      world = new RoomWorld();
      world.joins('ann');
      world.talk(5);
      restart(damage);
      returns('b', 'bo', 1);
      expect(world.take('b').slice(1)).toMatchObject([{ seq: 2 }, inOrder(), { seq: 4 }, { seq: 5 }]);
      expect(world.shown).toEqual([]);
    },
  );

  test('is no fork for those who have read it, and none that anybody is made to read again', () => {
    returns('b', 'bo', 3);
    expect(world.take('b')[0]).toEqual(expect.not.objectContaining({ fork: 1 }));
  });

  test('is sent to clients of the original as nothing at all', () => {
    world.joins('ann', 'lea');
    world.say('b', world.helloAt('bo', 1, { h: hashes[1] }));
    expect(world.takeNotices('l').concat(world.take('l'))).toEqual([]);
  });

  test('is shown once, when somebody comes upon it', () => {
    returns('b', 'bo', 0);
    returns('c', 'cy', 0);
    expect(world.shown).toEqual([{ type: 'lost', seq: 3 }]);
  });
});

describe('everybody who has read that far is asked for the entry', () => {
  test('when the place is found: of version 1, and nobody who is not there yet', () => {
    world = new RoomWorld();
    world.joins('ann');
    // What is in memory is never found to be damaged.
    const last = 150 + maxTail.entries;
    world.talk(last);
    const { log } = world;
    world = new RoomWorld({ store: log, flow: { ...defaultFlow, windowEntries: 2 } });
    world.joins('lea');
    for (const [name, since] of Object.entries({ ann: last, cy: 1 }))
      world.say(name.slice(0, 1), world.helloAt(name, since));
    world.forget();
    const bo = world.helloAt('bo', 148);
    rot(log, 149, 'no row');
    world.say('b', bo);
    const asked = ['a', 'c', 'l'].map((to) => world.take(to).flatMap(({ lost }) => lost ?? []));
    expect(asked).toEqual([[149], [], []]);
  });

  test('when they join, if the place is known to be lost: with the welcome, and once', () => {
    returns('b', 'bo', 0);
    returns('a', 'ann', 5);
    expect(world.take('a').map(({ welcome, lost }) => welcome ?? lost)).toEqual([1, 3]);
    returns('c', 'cy', 3);
    expect(world.take('c').slice(0, 2)).toMatchObject([{ welcome: 1 }, question()]);
    returns('d', 'dee', 2);
    expect(world.take('d').map(({ welcome, lost, seq }) => welcome ?? lost ?? seq)).toEqual([1, 3, 4, 5]);
  });
});

describe('the answer', () => {
  const answer = (more: Json = {}) => {
    const { first: _, ...frame } = { ...whole(), ...more };
    world.say('a', frame);
  };
  beforeEach(() => {
    returns('a', 'ann', 5);
    returns('b', 'bo', 0);
    world.forget();
  });
  const onDisk = () => new Log(world.log, fakeCrypto).read(3, 1)[0]?.message;

  test('mends the place, and everybody who has read that far is given the entry', () => {
    world.say('l', { auth: 1, name: 'lea' });
    world.forget();
    answer();
    expect([world.take('a'), world.take('b'), world.take('l')]).toEqual([[whole()], [whole()], []]);
    expect(onDisk()).toMatchObject({ text: 'ann 3', seq: 3 } satisfies Partial<Message>);
    world.say('c', world.helloAt('cy', 2, { h: hashes[2] }));
    expect(world.take('c').slice(1)).toMatchObject([inOrder(), { seq: 4 }, { seq: 5 }]);
  });

  test('is on disk before anybody is told', () => {
    world.slowDisk = true;
    answer();
    expect(world.take('b')).toEqual([]);
    world.commit();
    expect(world.take('b')).toEqual([whole()]);
  });

  test.each([
    ['another text', { text: 'x\n' }],
    ['another author', { key: 'kB' }],
    ['another signature', { sig: 'x' }],
    ['another place', { seq: 4 }],
  ])('with %s mends nothing: its hash says so', (_what, wrong) => {
    answer(wrong);
    expect([world.take('b'), onDisk(), world.log.head]).toEqual([[], undefined, 5]);
  });

  test('is taken from anybody who is in, and from no stranger', () => {
    world.say('x', whole());
    expect([world.take('x'), onDisk()]).toEqual([[{ rejoin: 0 }], undefined]);
    world.say('b', whole());
    expect(onDisk()).toBeDefined();
  });

  test('that comes twice is told once', () => {
    answer();
    answer();
    expect(world.takeSeqs('b')).toEqual([3]);
  });
});

describe('a client that has lost an entry of its own copy', () => {
  beforeEach(() => {
    returns('b', 'bo', 5);
    world.forget();
  });

  test('is given it', () => {
    world.say('b', { lost: 2, h: hashes[2] });
    expect(world.take('b')).toEqual([{ ...entry('ann', 2), seq: 2, h: hashes[2], at: world.nowMs }]);
  });

  test.each([
    ['with another hash there', { lost: 2, h: 'another' }],
    ['beyond the head', { lost: 6, h: 'h' }],
    ['that is lost here too', { lost: 3, h: 'h' }],
  ])('is given nothing for a place %s', (_what, asked) => {
    world.say('b', asked);
    world.say('b', { lost: 3, h: hashes[3] });
    expect(world.take('b').filter(({ seq }) => seq)).toEqual([]);
  });

  test('is given nothing as a stranger, nor as a client of the original', () => {
    world.say('x', { lost: 2, h: hashes[2] });
    expect(world.take('x')).toEqual([]);
  });
});
