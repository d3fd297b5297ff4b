import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Rooms } from '../src/history/rooms.ts';
import type { SqliteStore } from '../src/history/sqlite.ts';
import { newDevice } from '../src/keys/ed25519.ts';

const room = Buffer.alloc(32, 7).toString('base64url');
const other = Buffer.alloc(32, 8).toString('base64url');
const address = 'localhost:9999';
const newDev = () => newDevice('k'.repeat(43));
let home: string;
let rooms: Rooms;
let opened: SqliteStore[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rooms-'));
  rooms = new Rooms(home, newDev);
  opened = [];
});
afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(home, { recursive: true });
});
const open = (key?: string, at = address) => {
  const store = rooms.open(at, key);
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
    expect([new Rooms(home, newDev).at(address), rooms.at('::1:1')]).toEqual([room, other]);
    rooms.remember(address);
    expect([rooms.at(address), rooms.at('::1:1')]).toEqual([undefined, other]);
  });

  test('that was met in secret is met in secret ever after, until it is forgotten; another room there was not', () => {
    rooms.remember(address, room, true);
    rooms.remember(address, room);
    rooms.remember('::1:1', room);
    const next = new Rooms(home, newDev);
    expect([next.at(address), next.isSecure(address, room)]).toEqual([room, true]);
    expect([next.isSecure(address, other), next.isSecure('::1:1', room)]).toEqual([false, false]);
    rooms.remember(address, other);
    expect(next.isSecure(address, other)).toBe(false);
    rooms.remember(address, room, true);
    rooms.remember(address);
    rooms.remember(address, room);
    expect(next.isSecure(address, room)).toBe(false);
  });

  test.each([
    'localhost:9999',
    `localhost:9999 ${room} secured`,
    `localhost:9999 ${room}x`,
    `localhost:9999 ${room.slice(1)}`,
    '\0',
  ])('in a damaged file is a word, and no guess: %j', (line) => {
    rooms.remember(address, room);
    writeFileSync(join(home, 'known-rooms'), `${readFileSync(join(home, 'known-rooms'), 'utf8')}${line}\n`);
    expect(() => rooms.at(address)).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
  });
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

describe('what was typed at an address', () => {
  test('is carried to the room that is known already, and let go when it is kept there', async () => {
    await open(room).close();
    const early = open();
    await early.commit({ pending: [message] });
    await early.close();
    const own = open(room);
    expect([slotOf(own), rooms.typedAt(address)]).toMatchObject(['1', [message]]);
    await rooms.letGo();
    expect(rooms.typedAt(address)).toEqual([]);
  });

  test('stays there if the program ends before that', async () => {
    await open(room).close();
    const early = open();
    await early.commit({ pending: [message] });
    await early.close();
    rooms.typedAt(address);
    await rooms.close();
    expect(new Rooms(home, newDev).typedAt(address)).toMatchObject([message]);
  });

  test('belongs to a room that is kept here when it is met, unless another client has it', async () => {
    const first = open(room);
    expect(rooms.keeps(room)).toBe(false);
    await first.close();
    expect([rooms.keeps(room), rooms.keeps(room), rooms.keeps(other)]).toEqual([true, true, false]);
    expect(slotOf(open(room))).toBe('1');
  });
});

describe('what lies in doubt', () => {
  /** So many folders of the room, each with a line that was given and one that was not. */
  const fill = async (count: number) => {
    const stores = Array.from({ length: count }, () => open(room));
    for (const { dev, commit } of stores.map((store) => ({ dev: store.dev, commit: store.commit.bind(store) }))) {
      const lines = [1, 2].map((n) => ({ ...message, id: { dev, n }, text: `${n}`, sig: 's' }));
      await commit({ pending: lines, device: { dev, former: [], given: 1 } });
    }
    return stores;
  };
  const texts = (messages: { text: string }[]) => messages.map(({ text }) => text);

  test('is found in every free folder of the room but the one that is used, until it is settled', async () => {
    const stores = await fill(3);
    for (const store of stores) await store.close();
    expect(slotOf(open(room))).toBe('1');
    const doubts = rooms.doubts(room);
    expect(texts(doubts)).toEqual(['1', '1']);
    // They are in use as long as that.
    expect(new Rooms(home, newDev).doubts(room)).toEqual([]);
    await rooms.settle(doubts.slice(0, 1).map(({ id }) => id as { dev: string; n: number }));
    const again = new Rooms(home, newDev);
    expect(again.doubts(room)).toEqual([]);
    // They are free as soon as this is about another room.
    expect(rooms.doubts(other)).toEqual([]);
    await rooms.close();
    expect(again.doubts(room)).toMatchObject([{ id: doubts[1]?.id }]);
    await again.close();
  });

  test('in a folder that is in use is its program’s', async () => {
    const [used, free] = await fill(2);
    await free?.close();
    expect(texts(rooms.doubts(room))).toEqual(['1']);
    await used?.close();
    await rooms.close();
  });

  test('of a copied folder is left alone: elsewhere other words may bear its number', async () => {
    for (const store of await fill(2)) await store.close();
    const copy = mkdtempSync(join(tmpdir(), 'rooms-'));
    cpSync(home, copy, { recursive: true });
    const there = new Rooms(copy, newDev);
    expect(there.doubts(room)).toEqual([]);
    await there.close();
    rmSync(copy, { recursive: true });
  });
});

describe('a folder that does not say whose it is', () => {
  const slot = () => join(home, 'rooms', '1', 'room');

  test('is taken if nothing is in it', async () => {
    await open(room).close();
    rmSync(slot());
    expect([slotOf(open(other)), rooms.doubtful.size]).toEqual(['1', 0]);
  });

  test('is named, and left alone, if something waits in it', async () => {
    const store = open(room);
    await store.commit({ pending: [message] });
    await store.close();
    rmSync(slot());
    expect(slotOf(open(other))).toBe('2');
    expect([...rooms.doubtful]).toEqual([expect.stringContaining(slot())]);
  });

  const damages: [string, () => void][] = [
    ['too short', () => writeFileSync(slot(), `${room.slice(1)}\n`)],
    ['too long', () => writeFileSync(slot(), `${room}x\n`)],
    ['of another alphabet', () => writeFileSync(slot(), `${'+'.repeat(43)}\n`)],
    ['empty', () => writeFileSync(slot(), '')],
    ['binary', () => writeFileSync(slot(), Buffer.from([0, 255, 254, 128]))],
    ['an address without a port', () => writeFileSync(slot(), 'at localhost\n')],
    [
      'a folder',
      () => {
        rmSync(slot());
        mkdirSync(slot());
      },
    ],
  ];
  test.each(damages)('is named, and is nobody’s: %s', async (_name, damage) => {
    await open(room).close();
    damage();
    expect(slotOf(open(room))).toBe('2');
    expect([...rooms.doubtful]).toEqual([expect.stringContaining(slot())]);
  });
});

describe('known-rooms', () => {
  const file = () => join(home, 'known-rooms');
  const damages: [string, () => void][] = [
    ['binary', () => writeFileSync(file(), Buffer.from([255, 0, 254, 10]))],
    ['another alphabet', () => writeFileSync(file(), `${address} ${'+'.repeat(43)}\n`)],
    ['no port', () => writeFileSync(file(), `localhost ${room}\n`)],
    ['two rooms at one address', () => writeFileSync(file(), `${address} ${room}\n${address} ${other}\n`)],
    ['a folder', () => mkdirSync(file())],
  ];
  test.each(damages)('that is damaged is a word, and no guess: %s', (_name, damage) => {
    damage();
    for (const ask of [() => rooms.at(address), () => rooms.remember(address, room)])
      expect(ask).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
  });

  test('that is empty knows no room', () => {
    writeFileSync(file(), '');
    expect(rooms.at(address)).toBeUndefined();
  });
});
