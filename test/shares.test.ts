import { describe, expect, test } from 'vitest';
import { dayMs, defaultPace, uploadWindow } from '../src/core/limits.ts';
import type { MemoryStore } from '../src/history/memory.ts';
import { entry, hello, type Json, range, words } from './support/people.ts';
import { Written } from './support/places.ts';
import { RoomWorld } from './support/room-world.ts';

const limit = 25_000;
const fifth = limit * defaultPace.share.part;
const hourMs = 3_600_000;
const stepMs = 20_000;
/** When the next one of a share goes whose first half is used up. */
const intervalMs = dayMs / (fifth / 2);
const old = ['ann', 'bo'];

/** A log of which somebody has said so much, two days ago; ann and bo have been members as long. */
function written(count: number, key = 'kB'): MemoryStore {
  const log = new Written();
  log.append(count, { name: 'bo', key });
  const members = old.map((name, i) => ({
    name,
    key: `k${name.slice(0, 1).toUpperCase()}`,
    version: i + 1,
    firstMs: 0,
    seenMs: 0,
  }));
  log.commit({ members, roster: { last: 2, base: 0 }, ranMs: 2 * dayMs });
  return log.store;
}

/** A room of which some say as much as they can. */
class Flooded {
  world: RoomWorld;
  readonly #said = new Map<string, number>();
  readonly store: MemoryStore;

  constructor(store = written(limit)) {
    this.store = store;
    this.world = this.restart();
  }

  restart(): RoomWorld {
    this.world = new RoomWorld({ store: this.store, limit, pace: defaultPace });
    return this.world;
  }

  come(...names: string[]): void {
    for (const name of names) this.world.say(name.slice(0, 1), hello(name));
  }

  /** Time passes, and they always have something more to say. */
  pass(ms: number, ...names: string[]): void {
    for (const endMs = this.world.nowMs + ms; this.world.nowMs < endMs; this.world.tick(stepMs)) {
      for (const name of names) this.#floods(name);
      while (this.world.room.nextTurnMs(this.world.now) === 0) this.world.turn();
      for (const from of this.world.room.presence.sessions.keys()) this.world.say(from, { ack: this.store.head });
      this.world.forget();
    }
  }

  #floods(name: string): void {
    const from = name.slice(0, 1);
    const { dev = '' } = this.world.room.presence.sessions.get(from) ?? {};
    const kept = this.store.mark(dev)?.n ?? 0;
    const last = Math.max(kept, this.#said.get(name) ?? 0);
    const next = range(last + 1, Math.max(last, kept + uploadWindow)).map((n) => entry(name, n));
    if (next.length > 0) this.world.say(from, this.world.bundle(from, ...next));
    this.#said.set(name, last + next.length);
  }

  /** They have restarted, too, and say again what they do not know to be kept. */
  comeAgain(...names: string[]): void {
    this.#said.clear();
    this.come(...names);
  }

  /** So many of the newest entries, as many as are kept, are of these keys. */
  countOf(...names: string[]): number {
    const keys = names.map((name) => (name === 'originals' ? 'server' : `k${name.slice(0, 1).toUpperCase()}`));
    const { head } = this.store;
    return this.store.read(head - limit + 1, limit).filter(({ message }) => keys.includes(message?.key ?? '')).length;
  }

  /** How long it takes until this is in the log, while they go on. */
  waits(name: string, ...others: string[]): number {
    const begunMs = this.world.nowMs;
    const before = this.countOf(name);
    this.world.say(name.slice(0, 1), entry(name, (this.store.mark(name.slice(0, 1).toUpperCase())?.n ?? 0) + 1));
    while (this.countOf(name) === before) this.pass(stepMs, ...others);
    return this.world.nowMs - begunMs;
  }
}

describe('over a day, of a log at its limit', () => {
  const fresh = ['cy', 'dan', 'eve', 'fay', 'gil'];
  test.each([
    ['one member', ['ann']],
    ['one fresh key', ['cy']],
    ['five fresh keys together', fresh],
  ])('%s pushes out a fifth at most, and about so much', (_who, names) => {
    const room = new Flooded();
    room.come(...names);
    // At its end a fresh key is fresh no more.
    room.pass(dayMs - 2 * stepMs, ...names);
    expect(room.countOf(...names)).toBeLessThanOrEqual(fifth);
    expect(room.countOf(...names)).toBeGreaterThan(0.9 * fifth);
  });

  test('all originals together push out a fifth at most', () => {
    const room = new Flooded();
    const lines = (name: string): Json[] => range(1, 100).map((n) => words(name, `${name} ${n}`));
    for (let hour = 0; hour < 24; hour++) {
      for (const name of ['lea', 'max', 'noa']) room.world.say(name.slice(0, 1), ...lines(name), ...lines(name));
      room.pass(hourMs);
    }
    expect(room.countOf('originals')).toBeLessThanOrEqual(fifth);
    expect(room.countOf('originals')).toBeGreaterThan(0.8 * fifth);
  });

  test('a restart changes nothing', () => {
    const room = new Flooded();
    room.come('ann', 'cy');
    for (let restart = 0; restart < 6; restart++) {
      room.pass(4 * hourMs, 'ann', 'cy');
      room.world.tick(1);
      room.restart();
      room.comeAgain('ann', 'cy');
    }
    expect(room.countOf('ann')).toBeLessThanOrEqual(fifth);
    expect(room.countOf('cy')).toBeLessThanOrEqual(fifth);
  });

  test('what is given back in the name of made-up keys is a part of the fifth of all newcomers', () => {
    const room = new Flooded();
    room.come('ann');
    const devices = range(1, 3_000).map((no) => `X${no.toString(2).replaceAll('0', 'a').replaceAll('1', 'b')}`);
    const given = devices.map((dev) => entry('x', 1, dev, { id: { dev, n: 1 }, key: `k${dev}` }));
    for (let at = 0; at < given.length; at += 100) {
      room.world.say('a', room.world.bundle('a', ...given.slice(at, at + 100)));
      room.pass(stepMs);
    }
    const { head } = room.store;
    const taken = room.store.read(head - limit + 1, limit).filter(({ message }) => message?.key?.startsWith('kX'));
    expect(taken.length).toBeGreaterThanOrEqual(fifth / 2);
    expect(taken.length).toBeLessThan(fifth / 2 + 100);
  });
});

describe('while somebody floods', () => {
  test('another member says something at once', () => {
    const room = new Flooded();
    room.come('ann', 'bo', 'cy');
    room.pass(hourMs, 'ann', 'cy');
    room.world.say('b', entry('bo', 1));
    expect(room.store.mark('B')).toMatchObject({ n: 1 });
  });

  test('a newcomer is behind nobody who came later, although all of them share a fifth', () => {
    const room = new Flooded();
    room.come('cy', 'dan', 'eve');
    room.pass(2 * hourMs, 'cy', 'dan', 'eve');
    room.come('fay');
    expect(room.waits('fay', 'cy', 'dan', 'eve')).toBeLessThanOrEqual(4 * (intervalMs + stepMs));
  });

  test('it is slowed, and not silenced', () => {
    const room = new Flooded();
    room.come('ann');
    room.pass(hourMs, 'ann');
    const before = room.countOf('ann');
    room.pass(hourMs, 'ann');
    expect(room.countOf('ann') - before).toBeGreaterThanOrEqual(Math.floor(hourMs / (intervalMs + stepMs)));
  });
});

describe('nobody is slowed by it', () => {
  test.each([0, limit - 10_000])('in a log of %i', (count) => {
    const room = new Flooded(written(count));
    room.come('ann', 'cy');
    room.pass(100_000, 'ann', 'cy');
    // In each step as much as was waiting.
    expect(room.countOf('ann')).toBe(5 * uploadWindow);
    expect(room.countOf('cy')).toBe(5 * uploadWindow);
  });

  test('where all are newcomers, as in a room that is younger than a day, or has lost its disk', () => {
    const room = new Flooded(written(limit, 'kX'));
    room.come('cy', 'dan');
    room.pass(100_000, 'cy', 'dan');
    expect([room.countOf('cy'), room.countOf('dan')]).toEqual([5 * uploadWindow, 5 * uploadWindow]);
  });

  test('who pushes out only its own words', () => {
    const room = new Flooded();
    room.come('bo');
    room.pass(40 * stepMs, 'bo');
    expect(room.store.head).toBe(limit + 40 * uploadWindow);
  });
});
