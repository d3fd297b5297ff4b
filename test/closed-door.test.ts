import { beforeEach, describe, expect, test } from 'vitest';
import { defaultPace } from '../src/core/limits.ts';
import { secureMark } from '../src/core/turn.ts';
import { entry, gone, greeting, hello, type Json, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

/*
 * A room with two doors. Connections over the encrypted one are named `!…`; who comes in there is Ann or Bo, with the keys
 * kA and kB. The list has these two, unless a test says otherwise.
 */

const [ann, bo] = [`${secureMark}a`, `${secureMark}b`];
let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld({ admitted: new Set(['kA', 'kB']) });
});

/** What is sent as it is, without a proof or a seal that was not asked for; challenges are kept. */
const raw = (from: string, frame: Json) => world.ask(from, frame);
const enters = (from: string, name: string, more: Json = {}): Json[] => {
  raw(from, hello(name, more));
  return raw(from, RoomWorld.proven(hello(name, more), { secure: true }));
};
const upload = (k: number, ...m: Json[]): Json => ({ up: k, m });
const admitted = (...keys: string[]) => world.turn({ type: 'admitted', keys: new Set(keys) });

describe('over the encrypted door', () => {
  test('a member needs no seal, for nobody else can say anything over its connection', () => {
    expect(enters(ann, 'ann')).toMatchObject([{ welcome: 1 }]);
    expect(raw(ann, upload(1, entry('ann', 1)))).toMatchObject([{ seq: 1 }]);
    expect(raw(ann, { auth: 0, name: 'ann' })).toEqual([{ auth: 0, name: 'server' }]);
  });

  test('but each upload counts once, and in its order', () => {
    enters(ann, 'ann');
    raw(ann, upload(1, entry('ann', 1)));
    expect(raw(ann, upload(1, entry('ann', 2)))).toEqual([]);
    expect(raw(ann, upload(3, entry('ann', 2)))).toEqual([{ rejoin: 0 }]);
  });

  test('over the open one it needs it as ever', () => {
    world.say('a', hello('ann'));
    world.take('a');
    expect(raw('a', upload(1, entry('ann', 1)))).toEqual([]);
    expect(raw('a', { auth: 0, name: 'ann' })).toEqual([]);
  });

  test('a proof that was given over an open connection is none: whoever is on the way has it, too', () => {
    raw(bo, hello('ann'));
    expect(raw(bo, RoomWorld.proven(hello('ann')))).toMatchObject([{ refused: 'PROOF_REFUSED' }]);
    expect(raw('o', hello('ann'))).toHaveLength(1);
    expect(raw('o', RoomWorld.proven(hello('ann'), { secure: true }))).toMatchObject([{ refused: 'PROOF_REFUSED' }]);
  });

  test('a key that is not on the list gets in by no proof', () => {
    expect(enters(ann, 'eve')).toMatchObject([
      { refused: 'PROOF_REFUSED', text: 'This room does not know your key.\n' },
    ]);
    world.say('e', hello('eve'));
    expect(world.take('e')).toMatchObject([{ welcome: 1 }]);
  });

  test('without a list any key gets in', () => {
    world = new RoomWorld();
    expect(enters(ann, 'eve')).toMatchObject([{ welcome: 1 }]);
  });

  test('nobody is in without a key: an original speaks over the open door alone', () => {
    expect(raw(ann, { auth: 1, name: 'lea' })).toEqual([]);
    expect(raw(ann, words('lea', 'hi'))).toEqual([]);
    expect(world.log.head).toBe(0);
    world.tick();
    expect(world.ignored).toEqual([{ frames: 2, reason: 'a client of the original at the encrypted door' }]);
    expect(raw('l', { auth: 1, name: 'lea' })).toEqual([greeting(1)]);
  });
});

describe('the list changes', () => {
  test('who is on it no more is out at once, and everybody reads that before all connections end', () => {
    enters(ann, 'ann');
    enters(bo, 'bo');
    world.take(ann);
    admitted('kA');
    expect(world.take(ann)).toMatchObject([{ notice: 'leave', who: 'bo', reason: 'left', online: 1 }]);
    expect(world.hungUp).toEqual([secureMark]);
    expect(raw(bo, upload(1, entry('bo', 1)))).toEqual([{ rejoin: 0 }]);
    expect(world.log.head).toBe(0);
  });

  test('the others are not gone: they come back, and nobody is told', () => {
    enters(ann, 'ann');
    enters(bo, 'bo');
    admitted('kA');
    world.say(ann, gone);
    world.say(bo, gone);
    world.events.splice(0);
    expect(enters(`${ann}2`, 'ann')).toMatchObject([{ welcome: 1, online: 1 }]);
    expect(world.events).toEqual([]);
  });

  test('what was under way while it changed brings nobody in', () => {
    world.slowDisk = true;
    enters(bo, 'bo');
    admitted('kA');
    world.commit();
    world.commit();
    expect(world.take(bo)).toMatchObject([{ refused: 'PROOF_REFUSED' }]);
    expect(world.room.presence.online).toBe(0);
  });

  test('what waits for its turn of who is on it no more is never said', () => {
    const pace = { ...defaultPace, messages: { atOnce: 1, perSecond: 10 } };
    world = new RoomWorld({ admitted: new Set(['kA', 'kB']), pace });
    enters(bo, 'bo');
    raw(bo, upload(1, entry('bo', 1), entry('bo', 2)));
    admitted('kA');
    world.tick(1_000);
    expect(world.log.head).toBe(1);
    world = new RoomWorld({ admitted: new Set(['kA', 'kB']), pace });
    enters(bo, 'bo');
    raw(bo, upload(1, entry('bo', 1), entry('bo', 2)));
    world.say(bo, gone);
    admitted('kA');
    world.tick(1_000);
    expect(world.log.head).toBe(1);
  });

  test('words of who is on it no more count no more, also while the disk is slow', () => {
    enters(bo, 'bo');
    world.slowDisk = true;
    world.say('x', hello('xia'));
    admitted('kA');
    raw(bo, upload(1, entry('bo', 1)));
    world.slowDisk = false;
    world.commit();
    world.tick();
    expect(world.log.head).toBe(0);
  });

  test('another key on it: it gets in, and no connection ends', () => {
    enters(ann, 'ann');
    admitted('kA', 'kB', 'kE');
    expect(world.hungUp).toEqual([]);
    expect(enters(`${secureMark}e`, 'eve')).toMatchObject([{ welcome: 1, online: 2 }]);
  });

  test('it says nothing of who came in by the open door', () => {
    world.say('b', hello('bo'));
    admitted('kA');
    expect(world.room.presence.online).toBe(1);
  });
});
