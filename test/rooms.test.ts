import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Rooms } from '../src/history/rooms.ts';
import type { SqliteStore } from '../src/history/sqlite.ts';
import { newDevice } from '../src/keys/ed25519.ts';

const room = 'r'.repeat(43);
const other = 'o'.repeat(43);
const address = 'localhost:9999';
let home: string;
let rooms: Rooms;
let opened: SqliteStore[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rooms-'));
  rooms = new Rooms(home);
  opened = [];
});
afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(home, { recursive: true });
});
const open = (key?: string, at = address) => {
  const store = rooms.open(at, key, newDevice);
  opened.push(store);
  return store;
};
const slotOf = (store: SqliteStore) => basename(store.folder);
const message = { kind: 'message' as const, name: 'ann', text: 'waits', id: { dev: 'd', n: 1 } };

describe('the room at an address', () => {
  test('is known once it was met, also by the next program, until it is forgotten', () => {
    expect(rooms.at(address)).toBeUndefined();
    rooms.remember(address, room);
    rooms.remember('::1:1', other);
    rooms.remember(address, room);
    expect([new Rooms(home).at(address), rooms.at('::1:1')]).toEqual([room, other]);
    rooms.remember(address);
    expect([rooms.at(address), rooms.at('::1:1')]).toEqual([undefined, other]);
  });

  test.each(['localhost:9999', `localhost:9999 ${room}x`, `localhost:9999 ${room.slice(1)}`, '\0'])(
    'in a damaged file is a word, and no guess: %j',
    (line) => {
      rooms.remember(address, room);
      writeFileSync(join(home, 'known-rooms'), `${readFileSync(join(home, 'known-rooms'), 'utf8')}${line}\n`);
      expect(() => rooms.at(address)).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
    },
  );
});

describe('what is kept', () => {
  test('of a room is found at every address, and nothing of another room', async () => {
    const first = open(room);
    await first.commit({ pending: [message] });
    await first.close();
    expect(slotOf(open(other))).toBe('2');
    const again = open(room, '192.168.1.7:1');
    expect([slotOf(again), again.dev, again.pending().length]).toEqual(['1', first.dev, 1]);
  });

  test('at an address before its room was met is of that room as soon as it is', async () => {
    const before = open();
    await before.commit({ pending: [message] });
    await before.close();
    expect(open(room, 'elsewhere:1').pending()).toEqual([]);
    const after = open(room);
    expect([slotOf(after), after.pending().length]).toEqual(['1', 1]);
    await after.close();
    expect(open(other).pending()).toEqual([]);
    expect(slotOf(open(room, 'elsewhere:2'))).toBe('1');
  });

  test('is one client’s: the next one at the same time has a folder of its own', async () => {
    const [first, second] = [open(room), open(room)];
    expect([slotOf(first), slotOf(second), first.dev === second.dev]).toEqual(['1', '2', false]);
    await second.commit({ pending: [message] });
    await second.close();
    await first.close();
    // What waits was promised to go out next time.
    expect(slotOf(open(room))).toBe('2');
  });
});
