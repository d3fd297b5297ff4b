import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Ledger } from '../src/core/log/ledger.ts';
import { type Change, type Entry, makeEntry, type Store } from '../src/core/log/store.ts';
import { LmdbStore } from '../src/history/lmdb.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { crypto } from '../src/keys/ed25519.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainedText, formatId } from '../src/protocol/signed.ts';

const root = mkdtempSync(join(tmpdir(), 'zmqchat-store-'));
let folders = 0;
const newFolder = () => join(root, String(++folders));
const openStores: Store[] = [];
const keep = <S extends Store>(store: S): S => {
  openStores.push(store);
  return store;
};
afterAll(async () => {
  for (const store of openStores) await store.close();
  rmSync(root, { recursive: true });
});

const kinds: Record<string, () => Store> = {
  MemoryStore: () => new MemoryStore('log'),
  LmdbStore: () => keep(LmdbStore.open(newFolder(), { newLog: 'log' })),
};

const devices = ['ann', 'bob', 'cleo'];
function message(dev: string, n: number, text = `${dev} ${n}`, key?: string): Message {
  return { kind: 'message', name: dev, text, id: { dev, n }, lc: n, ts: 5, ...(key !== undefined && { key }) };
}
const hashOf = (seq: number) => `hash${seq}`;
const entry = (seq: number, written: Message): Entry => makeEntry(written, seq, hashOf(seq), 1_000 + seq);
/** Entries `from` … `to`, message n = seq of ann. */
const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, message('ann', from + i, undefined, 'key')));

const namesOf = (store: Store) => store.pending().map(({ id }) => id && formatId(id));
/** Everything that can be asked, as plain values. */
function answers(store: Store) {
  const { log, first, head } = store;
  const plain = ({ seq, hash, message, wire, atMs }: Entry) => ({ seq, hash, message, wire, atMs });
  const pending = store
    .pending()
    .sort((a, b) => ((a.id && formatId(a.id)) ?? '').localeCompare(b.id ? formatId(b.id) : ''));
  return {
    place: { log, first, head },
    all: store.read(first, 1_000).map(plain),
    some: [0, first - 1, first + 2, head, head + 1, head + 9].map((from) => store.read(from, 2).map(({ seq }) => seq)),
    none: store.read(first, 0).length,
    hashes: Array.from({ length: head - first + 2 }, (_, i) => store.hashAt(first - 1 + i)),
    outside: [first - 2, head + 1].map((seq) => store.hashAt(seq)),
    marks: devices.map((dev) => store.mark(dev)),
    owners: devices.map((name) => store.owner(name)),
    pending,
  };
}

describe.each(Object.keys(kinds))('%s', (kind) => {
  let store: Store;
  beforeEach(() => {
    store = kinds[kind]?.() as Store;
  });

  test('is empty at first', () => {
    expect(answers(store)).toMatchObject({
      place: { log: 'log', first: 1, head: 0 },
      all: [],
      hashes: [''],
      pending: [],
    });
    expect([store.hashAt(-1), store.hashAt(1), store.mark('ann'), store.owner('ann')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('gives back what was appended, from any place, at most as many as wanted', async () => {
    const written = entries(1, 5);
    await store.commit({ entries: written });
    expect([store.first, store.head]).toEqual([1, 5]);
    expect(answers(store).all).toEqual(written);
    expect(store.read(2, 2).map(({ seq }) => seq)).toEqual([2, 3]);
    expect(store.read(5, 9).map(({ seq }) => seq)).toEqual([5]);
    expect(store.read(0, 1).map(({ seq }) => seq)).toEqual([1]);
    expect([store.read(6, 9), store.read(99, 9), store.read(1, 0)]).toEqual([[], [], []]);
    expect([-1, 0, 1, 5, 6].map((seq) => store.hashAt(seq))).toEqual([undefined, '', 'hash1', 'hash5', undefined]);
  });

  test('keeps texts as they are: long ones, other scripts, newlines, nothing', async () => {
    const texts = ['', '\n', 'a\nb\n', 'x'.repeat(4_096), '日本語 🙂 \u202e \0', '1 2 3'];
    await store.commit({ entries: texts.map((text, i) => entry(i + 1, message('ann', i + 1, text))) });
    expect(store.read(1, 9).map((read) => read.message.text)).toEqual(texts);
  });

  test('keeps an action as one, in the log and before', async () => {
    const waves = (dev: string): Message => ({ ...message(dev, 1), action: true });
    await store.commit({ entries: [entry(1, waves('ann'))], pending: [waves('bob')] });
    expect(store.read(1, 1)[0]?.message).toMatchObject(waves('ann'));
    expect(store.pending()).toEqual([waves('bob')]);
  });

  test('an entry that does not follow the head is rejected, with all of its change, and nothing is committed after it', async () => {
    await store.commit({ entries: entries(1, 2) });
    const before = answers(store);
    const owners = [{ name: 'ann', key: 'key', seenMs: 1 }];
    for (const stray of [entries(4, 4), entries(2, 2), [...entries(3, 3), ...entries(5, 5)]])
      await expect(store.commit({ entries: stray, owners, pending: [message('bob', 1)] })).rejects.toThrow();
    await expect(store.commit({ entries: entries(3, 3) })).rejects.toThrow();
    expect(answers(store)).toEqual(before);
  });

  test('reads see only what a resolved commit wrote', async () => {
    await store.commit({ entries: entries(1, 1) });
    const before = answers(store);
    const committed = store.commit({ entries: entries(2, 3), pending: [message('bob', 1)], keepFrom: 2 });
    expect(answers(store)).toEqual(before);
    await committed;
    expect([store.first, store.head, namesOf(store)]).toEqual([2, 3, ['bob.1']]);
  });

  test('commits of one turn happen in their order', async () => {
    const order: number[] = [];
    const commits = Array.from({ length: 50 }, (_, i) =>
      store.commit({ entries: entries(i + 1, i + 1) }).then(() => order.push(i + 1)),
    );
    await Promise.all(commits);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(store.head).toBe(50);
  });

  test('the mark of a device never goes down, and outlives its entries', async () => {
    const marked = async (...written: Message[]) => {
      await store.commit({ entries: written.map((one, i) => entry(store.head + 1 + i, one)) });
      return store.mark('ann');
    };
    expect(await marked(message('ann', 3, 'x', 'key'))).toEqual({ n: 3, key: 'key' });
    expect(await marked(message('ann', 1, 'x', 'key'))).toEqual({ n: 3, key: 'key' });
    expect(await marked(message('bob', 9), message('ann', 4, 'x', 'key'))).toEqual({ n: 4, key: 'key' });
    await store.commit({ keepFrom: store.head + 1 });
    await store.commit({ restart: { log: 'other', seq: 0, hash: '' } });
    expect(store.mark('ann')).toEqual({ n: 4, key: 'key' });
    expect(store.mark('bob')).toEqual({ n: 9 });
  });

  test('an entry without an id (of a legacy server) marks nothing', async () => {
    await store.commit({ entries: [entry(1, { kind: 'message', name: 'ann', text: 'hi' })] });
    expect(store.read(1, 1)[0]?.message).toMatchObject({ name: 'ann', text: 'hi', seq: 1 });
  });

  test('owners: the last word counts; a name of any length can be asked for and kept', async () => {
    const long = '\ufdfa'.repeat(256).normalize('NFKC');
    expect(store.owner(long)).toBeUndefined();
    await store.commit({
      owners: [
        { name: 'ann', key: 'a', seenMs: 1 },
        { name: long, key: 'b', seenMs: 1 },
      ],
    });
    await store.commit({ owners: [{ name: 'ann', key: 'c', seenMs: 2 }] });
    expect(store.owner('ann')).toEqual({ name: 'ann', key: 'c', seenMs: 2 });
    expect(store.owner(long)).toEqual({ name: long, key: 'b', seenMs: 1 });
    expect(store.owner(`${long}x`)).toBeUndefined();
  });

  test('what is pending stays until an entry of that device with n or more is there, or until it is dropped', async () => {
    await store.commit({ pending: [1, 2, 3, 10].flatMap((n) => [message('ann', n), message('bob', n)]) });
    expect(namesOf(store)).toHaveLength(8);
    await store.commit({ entries: [entry(1, message('ann', 2))] });
    expect(namesOf(store).sort()).toEqual(['ann.10', 'ann.3', 'bob.1', 'bob.10', 'bob.2', 'bob.3']);
    await store.commit({ dropped: [message('bob', 2), message('cleo', 1)] });
    expect(namesOf(store).sort()).toEqual(['ann.10', 'ann.3', 'bob.1', 'bob.10', 'bob.3']);
    await store.commit({ entries: [entry(2, message('bob', 99))], pending: [message('bob', 100)] });
    expect(namesOf(store).sort()).toEqual(['ann.10', 'ann.3', 'bob.100']);
    expect(store.pending().find(({ id }) => id?.n === 10)).toEqual(message('ann', 10));
  });

  test('pending and its entry in one change: it is not pending', async () => {
    await store.commit({ pending: [message('ann', 1)], entries: [entry(1, message('ann', 1))] });
    await store.commit({ pending: [message('ann', 2)], dropped: [message('ann', 2)] });
    expect(store.pending()).toEqual([]);
  });

  test('keepFrom forgets the oldest entries and keeps the hash before the rest', async () => {
    await store.commit({ entries: entries(1, 9) });
    await store.commit({ keepFrom: 4 });
    expect([store.first, store.head]).toEqual([4, 9]);
    expect(store.read(1, 2).map(({ seq }) => seq)).toEqual([4, 5]);
    expect([2, 3, 4].map((seq) => store.hashAt(seq))).toEqual([undefined, 'hash3', 'hash4']);
    for (const keepFrom of [0, 2, 4]) await store.commit({ keepFrom });
    expect(store.first).toBe(4);
    await store.commit({ entries: entries(10, 11), keepFrom: 11 });
    expect([store.first, store.head, store.hashAt(10)]).toEqual([11, 11, 'hash10']);
    await store.commit({ keepFrom: 99 });
    expect([store.first, store.head, store.hashAt(11)]).toEqual([12, 11, 'hash11']);
    await store.commit({ entries: entries(12, 12) });
    expect(store.read(1, 9).map(({ seq }) => seq)).toEqual([12]);
  });

  test('restart begins another log at its place; what is pending and who owns what stays', async () => {
    const owner = { name: 'ann', key: 'a', seenMs: 1 };
    await store.commit({ entries: entries(1, 5), owners: [owner], pending: [message('ann', 7)] });
    await store.commit({ restart: { log: 'other', seq: 40, hash: 'h40' }, entries: entries(41, 42) });
    expect(answers(store).place).toEqual({ log: 'other', first: 41, head: 42 });
    expect([39, 40, 41].map((seq) => store.hashAt(seq))).toEqual([undefined, 'h40', 'hash41']);
    await store.commit({ restart: { log: 'third', seq: 0, hash: '' } });
    expect(answers(store)).toMatchObject({ place: { log: 'third', first: 1, head: 0 }, all: [] });
    expect([store.owner('ann'), store.mark('ann')?.n]).toEqual([owner, 42]);
    await store.commit({ entries: entries(1, 1), pending: [message('bob', 1)] });
    expect([store.head, namesOf(store)]).toEqual([1, ['bob.1']]);
  });

  test('a ledger that may keep 50 of 200 entries keeps the newest 50, and goes on from them', async () => {
    const ledger = new Ledger(store, crypto, { entries: 50, ageMs: 1_000 });
    const settle = async () => {
      const change = ledger.takeChange() ?? {};
      await store.commit(change);
      ledger.settle(change);
    };
    for (let n = 1; n <= 200; n++) ledger.append(message('ann', n), n);
    await settle();
    ledger.trim(200);
    await settle();
    expect([store.first, store.head, store.read(1, 1)[0]?.message.id?.n]).toEqual([151, 200, 151]);
    expect(ledger.append(message('ann', 201), 201).hash).toBe(
      crypto.hash(chainedText(store.hashAt(200) ?? '', message('ann', 201))),
    );
    await settle();
    ledger.trim(1_180);
    await settle();
    expect([store.first, store.head, store.hashAt(179)?.length]).toEqual([180, 201, 22]);
    ledger.trim(9_999);
    await settle();
    expect([store.first, store.head, store.mark('ann')?.n]).toEqual([202, 201, 201]);
  });

  test('a change of nothing changes nothing', async () => {
    const before = answers(store);
    await store.commit({});
    expect(answers(store)).toEqual(before);
  });
});

/** A change without places: those depend on where the log stands when it is applied. */
type Recipe = {
  restart?: { log: string; seq: number } | undefined;
  written: Message[];
  owners: string[];
  pending: Message[];
  dropped: Message[];
  /** keepFrom, counted from the head. */
  kept?: number | undefined;
};
const anyMessage = fc
  .record({
    dev: fc.constantFrom(...devices),
    n: fc.integer({ min: 1, max: 12 }),
    length: fc.constantFrom(1, 30, 4_000),
    keyed: fc.boolean(),
  })
  .map(({ dev, n, length, keyed }) => message(dev, n, 'x'.repeat(length), keyed ? 'key' : undefined));
const anyMessages = fc.array(anyMessage, { maxLength: 4 });
const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 6, nil: undefined });
const anyRecipe: fc.Arbitrary<Recipe> = fc.record({
  restart: rarely(fc.record({ log: fc.constantFrom('x', 'y'), seq: fc.nat(50) })),
  written: anyMessages,
  owners: fc.array(fc.constantFrom(...devices), { maxLength: 2 }),
  pending: anyMessages,
  dropped: anyMessages,
  kept: fc.option(fc.integer({ min: -1, max: 8 }), { freq: 2, nil: undefined }),
});
type Step = { changes: Recipe[]; reopen: boolean };
const anyStep: fc.Arbitrary<Step> = fc.record({
  changes: fc.array(anyRecipe, { minLength: 1, maxLength: 3 }),
  reopen: fc.boolean(),
});

function cook({ restart, written, owners, pending, dropped, kept }: Recipe, head: number): Change & { head: number } {
  const from = restart?.seq ?? head;
  const to = from + written.length;
  return {
    head: to,
    ...(restart && { restart: { ...restart, hash: `before${restart.seq}` } }),
    entries: written.map((one, i) => entry(from + 1 + i, one)),
    owners: owners.map((name, i) => ({ name, key: `key${i}`, seenMs: head })),
    pending,
    dropped,
    ...(kept !== undefined && { keepFrom: to + 1 - kept }),
  };
}

test('both stores give the same answers after any changes, also when opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
      const folder = newFolder();
      const memory = new MemoryStore('log');
      let disk = LmdbStore.open(folder, { newLog: 'log' });
      try {
        for (const { changes, reopen } of steps) {
          const marks = devices.map((dev) => memory.mark(dev)?.n ?? 0);
          let head = memory.head;
          const commits: Promise<void>[] = [];
          for (const recipe of changes) {
            const change = cook(recipe, head);
            head = change.head;
            commits.push(memory.commit(change), disk.commit(change));
          }
          await Promise.all(commits);
          if (reopen) {
            await disk.close();
            disk = LmdbStore.open(folder, { newLog: 'another' });
          }
          expect(answers(disk)).toEqual(answers(memory));
          for (const [i, dev] of devices.entries())
            expect(disk.mark(dev)?.n ?? 0).toBeGreaterThanOrEqual(marks[i] ?? 0);
        }
      } finally {
        await disk.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

describe('LmdbStore', () => {
  test('opened again it is as it was left', async () => {
    const folder = newFolder();
    const store = LmdbStore.open(folder, { newLog: 'log' });
    const dev = store.fact('dev', () => 'made once');
    const owners = [{ name: 'ann', key: 'a', seenMs: 1 }];
    await store.commit({ entries: entries(1, 300), owners, pending: [message('bob', 1)], keepFrom: 100 });
    const before = answers(store);
    await store.close();
    const again = keep(LmdbStore.open(folder, { newLog: 'another' }));
    expect(answers(again)).toEqual(before);
    expect(again.fact('dev', () => 'made twice')).toBe(dev);
  });

  test('closing writes what was committed just before', async () => {
    const folder = newFolder();
    const store = LmdbStore.open(folder, { newLog: 'log' });
    const committed = store.commit({ entries: entries(1, 3) });
    await store.close();
    await committed;
    expect(keep(LmdbStore.open(folder)).head).toBe(3);
  });

  test('after closing a commit is rejected', async () => {
    const store = LmdbStore.open(newFolder(), { newLog: 'log' });
    await store.close();
    await expect(store.commit({ entries: entries(1, 1) })).rejects.toMatchObject({ code: 'DATA_NOT_WRITABLE' });
  });

  test('all commits of one turn share a transaction', async () => {
    const folder = newFolder();
    const store = keep(LmdbStore.open(folder, { newLog: 'log' }));
    const before = transactions(folder);
    await Promise.all(entries(1, 500).map((one) => store.commit({ entries: [one] })));
    expect(transactions(folder)).toBe(before + 1);
    await store.commit({ entries: entries(501, 501) });
    expect(transactions(folder)).toBe(before + 2);
  });

  test('a reader beside it sees what was committed before it was opened', async () => {
    const folder = newFolder();
    const store = keep(LmdbStore.open(folder, { newLog: 'log' }));
    await store.commit({ entries: entries(1, 10), keepFrom: 4 });
    const reader = LmdbStore.open(folder, { readOnly: true });
    expect(answers(reader)).toEqual(answers(store));
    await reader.close();
    await store.commit({ entries: entries(11, 11) });
    expect(store.head).toBe(11);
  });
});

/** How many transactions a folder has seen: LMDB counts them in its two meta pages. */
function transactions(folder: string): number {
  const data = readFileSync(join(folder, 'data.mdb'));
  return Math.max(...[0, data.readUInt32LE(48)].map((page) => Number(data.readBigUInt64LE(page + 152))));
}
