import { beforeEach, describe, expect, test } from 'vitest';
import { defaultFlow, heartbeatIntervalMs, sessionTimeoutMs, tidyIntervalMs } from '../src/core/limits.ts';
import { bye, entry, gone, hello, range, words } from './support/people.ts';
import { RoomWorld } from './support/room-world.ts';

const { windowEntries } = defaultFlow;
const day = 86_400_000;

let world: RoomWorld;
beforeEach(() => {
  world = new RoomWorld();
});

/** Time passes, and whoever is there says so. */
const pass = (ms: number, ...there: string[]) => {
  for (let left = ms; left > 0; left -= sessionTimeoutMs) {
    world.tick(Math.min(left, sessionTimeoutMs));
    for (const from of there) world.say(from, { ack: 0 });
  }
};

describe('the heart beats', () => {
  test('for every version-1 session and no other, every 2.5 s, with the seq it was sent', () => {
    world.joins('ann', 'bo', 'lea');
    world.tick(heartbeatIntervalMs);
    for (let n = 1; n <= 3_000; n += 100) world.talk(100, n);
    world.say('a', { ack: 2_000 });
    while (world.room.nextTurnMs(world.now) === 0) world.turn();
    world.forget();
    world.tick(heartbeatIntervalMs - 1);
    expect(world.take('a')).toEqual([]);
    world.tick(1);
    expect(['a', 'b', 'l'].map((to) => world.take(to))).toMatchObject([
      [{ hb: 3_000, kept: 3_000, held: 0 }],
      [{ hb: windowEntries, kept: 0, held: 0 }],
      [],
    ]);
  });
});

describe('what is kept', () => {
  const kept = () => [world.log.first, world.log.head];

  test('is not more than the limit and a little, looked at once a minute', () => {
    world = new RoomWorld({ limit: 100 });
    world.joins('ann');
    world.talk(105);
    world.tick(tidyIntervalMs);
    expect(kept()).toEqual([1, 105]);
    world.say('x', world.helloAt('ann', 105));
    world.say('x', entry('ann', 106));
    world.tick(tidyIntervalMs - 1);
    expect(kept()).toEqual([1, 106]);
    world.tick(1);
    expect(kept()).toEqual([7, 106]);
  });

  test('is not older than the limit', () => {
    world = new RoomWorld({ ageMs: 30 * day });
    world.joins('ann');
    world.talk(150);
    world.tick(10 * day);
    world.say('x', hello('ann'));
    world.say('x', ...range(151, 300).map((n) => entry('ann', n)));
    world.tick(20 * day);
    expect(kept()).toEqual([1, 300]);
    world.tick(tidyIntervalMs);
    expect(kept()).toEqual([151, 300]);
    world.tick(10 * day);
    expect(kept()).toEqual([301, 300]);
    world.say('x', world.helloAt('ann', 300));
    expect(world.take('x').at(-1)).toMatchObject({ welcome: 1, since: 300, n: 300 });
  });

  test('makes way under a reader that is behind, which meets a gap and reads on from a later place', () => {
    world = new RoomWorld({ limit: 300, flow: { ...defaultFlow, windowEntries: 10 } });
    world.joins('ann', 'bo');
    world.talk(400);
    world.nowMs += tidyIntervalMs - sessionTimeoutMs;
    world.say('b', { ack: 9 });
    world.tick(sessionTimeoutMs);
    world.forget();
    world.say('b', { ack: 10 });
    expect(world.log.first).toBe(101);
    expect(Number(world.takeSeqs('b')[0])).toBeGreaterThan(100);
  });
});

describe('the log’s own clock', () => {
  test('is kept each minute, also if nothing else happens', () => {
    world.joins('ann');
    world.tick(tidyIntervalMs - 1);
    expect(world.log.ranMs).toBe(0);
    world.tick(1);
    world.tick(tidyIntervalMs - 1);
    expect(world.log.ranMs).toBe(tidyIntervalMs);
    world.tick(1);
    expect(world.log.ranMs).toBe(2 * tidyIntervalMs);
  });

  test('goes on after a restart where it stood: what was away does not make old', () => {
    world = new RoomWorld({ ageMs: day });
    world.joins('ann');
    world.talk(1);
    world.tick(day - tidyIntervalMs);
    world = new RoomWorld({ ageMs: day, store: world.log });
    world.nowMs += 365 * day;
    world.tick();
    world.tick(tidyIntervalMs);
    expect(world.log.first).toBe(1);
    world.tick(tidyIntervalMs);
    expect(world.log.first).toBe(2);
  });

  test.each([
    ['a day back', -day],
    ['31 days ahead', 31 * day],
    ['before 1970', -1e12],
  ])('is moved by no clock of the machine: %s loses nothing, and the heart beats on', (_what, wrongMs) => {
    world = new RoomWorld({ ageMs: 30 * day });
    world.joins('ann', 'bo');
    world.talk(10);
    world.wrongMs = wrongMs;
    world.talk(10, 11);
    world.forget();
    pass(heartbeatIntervalMs, 'a', 'b');
    expect([world.take('a'), world.take('b')]).toMatchObject([
      [{ hb: 20, kept: 20, held: 0 }],
      [{ hb: 20, kept: 0, held: 0 }],
    ]);
    pass(2 * tidyIntervalMs, 'a', 'b');
    world.wrongMs = 0;
    pass(2 * tidyIntervalMs, 'a', 'b');
    expect(world.room.presence.online).toBe(2);
    expect([world.log.first, world.log.head]).toEqual([1, 20]);
    world.say('x', hello('eve', { name: 'ann' }));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    world.say('c', hello('cy', { history: 5 }));
    expect(world.take('c')[0]).toMatchObject({ welcome: 1, firstMs: 1_000_000 });
  });

  test('shows when an entry was taken by the machine’s clock', () => {
    world.joins('ann');
    world.wrongMs = 5 * day;
    world.talk(1);
    expect(world.log.read(1, 1)).toMatchObject([{ atMs: 1_000_000 + 5 * day, ranMs: 0 }]);
  });
});

describe('a name', () => {
  const eve = (name: string) => hello('eve', { name });
  beforeEach(() => {
    world = new RoomWorld({ ageMs: 600_000 });
  });

  test('of a member who is there never lapses, however long it only listens', () => {
    world.joins('ann', 'bo');
    pass(1_500_000, 'a', 'b');
    world.say('x', eve('ann'));
    expect(world.take('x')).toMatchObject([{ refused: 'NAME_REFUSED' }]);
    world.say('a', bye('ann'));
    pass(600_000, 'b');
    world.say('x', eve('ann'));
    expect(world.take('x')).toMatchObject([{ welcome: 1, who: 'ann' }]);
  });

  test('is refreshed by no more writing than it needs', () => {
    world.joins('ann');
    world.slowDisk = true;
    const claimed: number[] = [];
    for (let i = 0; i < 10; i++) {
      world.tick(tidyIntervalMs);
      world.say('a', { ack: 0 });
      claimed.push(world.commits[0]?.owners?.length ?? 0);
      world.commit();
    }
    expect(claimed.filter((count) => count > 0).length).toBeLessThanOrEqual(4);
  });

  test('of a client of the original is nobody’s, and that of a lost session no more than on disk', () => {
    world.joins('ann', 'lea');
    world.say('a', gone);
    pass(660_000);
    world.say('x', eve('ann'));
    world.say('y', hello('yan', { name: 'lea' }));
    expect(world.take('x')[0]).toMatchObject({ welcome: 1, who: 'ann' });
    expect(world.take('y')[0]).toMatchObject({ welcome: 1, who: 'lea' });
    expect(world.take('l').at(-1)).toEqual(words('server', 'lea joined the room. 3 online.'));
  });
});
