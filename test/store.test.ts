import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Change, Entry, Mark, Place, Store } from '../src/core/log/store.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import type { Message } from '../src/protocol/frames.ts';
import { formatId } from '../src/protocol/signed.ts';

/** In memory where there is such a place: what is asked for here is not whether a sync reaches the disk. */
const shm = '/dev/shm';
const root = mkdtempSync(join(existsSync(shm) ? shm : tmpdir(), 'zmqchat-store-'));
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
  SqliteStore: () => keep(SqliteStore.open(newFolder(), { newLog: 'log' })),
};

const devices = ['ann', 'bob', 'cleo'];
const message = (dev: string, n: number, text = `${dev} ${n}`, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  name: dev,
  text,
  id: { dev, n },
  lc: n,
  ts: 5,
  ...more,
});
const hashOf = (seq: number) => (seq === 0 ? '' : `hash${seq}`);
const lost = (seq: number): Place => ({
  seq,
  prev: hashOf(seq - 1),
  hash: hashOf(seq),
  atMs: 1_700_000_000_000 + seq,
  ranMs: seq + 0.5,
});
const entry = (seq: number, written: Message): Entry => ({
  ...lost(seq),
  message: { ...written, seq, hash: hashOf(seq), at: lost(seq).atMs },
});
/** Entries `from` … `to`, message n = seq of ann. */
const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, message('ann', from + i)));
const keepFrom = (from: number) => ({ from, hash: hashOf(from - 1) });

const seqs = (places: Place[]) => places.map(({ seq }) => seq);
const idOf = ({ id }: Message) => (id ? formatId(id) : '');
const parseId = (text: string) => ({ dev: text.split('.')[0] ?? '', n: Number(text.split('.')[1]) });
const pendingOf = (store: Store) => store.pending().sort((a, b) => idOf(a).localeCompare(idOf(b)));
const idsOf = (store: Store) => pendingOf(store).map(idOf);
const stateOf = ({ log, first, head, baseHash, headHash, ranMs, lc }: Store) => ({
  log,
  first,
  head,
  baseHash,
  headHash,
  ranMs,
  lc,
});
/** Everything that can be asked, as plain values. */
const answers = (store: Store) => ({
  state: stateOf(store),
  all: store.read(store.first, 1_000),
  some: [0, store.first - 1, store.first + 2, store.head, store.head + 1, store.head + 9].map((from) =>
    seqs(store.read(from, 2)),
  ),
  none: store.read(store.first, 0),
  marks: devices.map((dev) => store.mark(dev)),
  owners: devices.map((look) => store.owner(look)),
  pending: pendingOf(store),
});

describe.each(Object.keys(kinds))('%s', (kind) => {
  let store: Store;
  beforeEach(() => {
    store = kinds[kind]?.() as Store;
  });

  test('is empty at first', () => {
    expect(stateOf(store)).toEqual({ log: 'log', first: 1, head: 0, baseHash: '', headHash: '', ranMs: 0, lc: 0 });
    expect([store.read(0, 9), store.pending()]).toEqual([[], []]);
    expect([store.mark('ann'), store.owner('ann')]).toEqual([undefined, undefined]);
  });

  test('gives back what was appended, from any place, at most as many as wanted', async () => {
    const written = entries(1, 5);
    await store.commit({ entries: written });
    expect(stateOf(store)).toMatchObject({ first: 1, head: 5, baseHash: '', headHash: 'hash5' });
    expect(store.read(1, 9)).toEqual(written);
    expect([store.read(2, 2), store.read(5, 9), store.read(0, 1)].map(seqs)).toEqual([[2, 3], [5], [1]]);
    expect([store.read(6, 9), store.read(99, 9), store.read(1, 0)]).toEqual([[], [], []]);
  });

  test('keeps texts and names as they are: long ones, other scripts, newlines, NUL, nothing', async () => {
    const texts = ['', '\n', 'a\nb\n', 'x'.repeat(4_096), '日本語 🙂 \u202e \0', '1 2 3', '123', '\0'];
    await store.commit({
      entries: texts.map((text, i) => entry(i + 1, message('ann', i + 1, text, { name: text.slice(0, 256) }))),
      pending: texts.map((text, i) => message('ann', i + 1, text)),
    });
    expect(store.read(1, 9).map((place) => [place.message?.text, place.message?.name])).toEqual(
      texts.map((text) => [text, text.slice(0, 256)]),
    );
    expect(pendingOf(store).map(({ text }) => text)).toEqual(texts);
  });

  test('keeps all that a message says, and only that', async () => {
    const full: Partial<Message> = {
      type: 'later',
      lc: Number.MAX_SAFE_INTEGER,
      in: 7,
      re: { dev: 'bob', n: 3 },
      ext: '{"x":1}',
      salt: 's'.repeat(22),
      key: 'k'.repeat(43),
      sig: 's'.repeat(86),
      void: true,
      guest: true,
      ago: 70_000,
    };
    const written = message('ann', Number.MAX_SAFE_INTEGER, 'hi', full);
    const { salt: _, ...textless } = message('ann', 1, '', { ...full, words: 'w'.repeat(43) });
    const original: Message = { kind: 'message', name: 'old', text: 'from an original program' };
    const places = [entry(1, written), entry(2, original), entry(3, textless)];
    await store.commit({ entries: places, pending: [{ ...written, at: 5, first: true }, textless] });
    expect(store.read(1, 9)).toEqual(places);
    expect(pendingOf(store)).toEqual([textless, { ...written, at: 5 }]);
  });

  test('a lost place keeps the chain; once it is whole again it is an entry', async () => {
    await store.commit({ entries: [...entries(1, 2), lost(3), ...entries(4, 4)] });
    expect(store.read(1, 9)).toEqual([...entries(1, 2), lost(3), ...entries(4, 4)]);
    await store.commit({ mended: entries(3, 3) });
    expect(store.read(1, 9)).toEqual(entries(1, 4));
    expect(store.headHash).toBe('hash4');
  });

  test('what is mended and no longer kept, or not there yet, stays away', async () => {
    await store.commit({ entries: [lost(1), lost(2), lost(3)] });
    await store.commit({ keep: keepFrom(2), mended: entries(1, 2) });
    await store.commit({ mended: [...entries(1, 1), ...entries(4, 4)] });
    expect(store.read(0, 9)).toEqual([...entries(2, 2), lost(3)]);
    expect([store.first, store.head]).toEqual([2, 3]);
    await store.commit({ entries: entries(4, 4) });
    expect(seqs(store.read(0, 9))).toEqual([2, 3, 4]);
  });

  test('a change that does not follow is rejected as a whole, and nothing is committed after it', async () => {
    await store.commit({ entries: entries(1, 2) });
    const before = answers(store);
    const owners = [{ look: 'ann', name: 'Ann', key: 'key', seenMs: 1 }];
    for (const stray of [entries(4, 4), entries(2, 2), [...entries(3, 3), ...entries(5, 5)]])
      await expect(store.commit({ entries: stray, owners, pending: [message('bob', 1)] })).rejects.toThrow();
    await expect(store.commit({ entries: entries(3, 3) })).rejects.toThrow('place 4 does not follow 2');
    expect(answers(store)).toEqual(before);
  });

  test('to keep nothing before a place that is not there yet is rejected', async () => {
    await store.commit({ entries: entries(1, 2) });
    await expect(store.commit({ keep: keepFrom(4) })).rejects.toThrow();
  });

  test('reads see only what a resolved commit wrote', async () => {
    await store.commit({ entries: entries(1, 1) });
    const before = answers(store);
    const marks = [{ dev: 'ann', n: 3 }];
    const committed = store.commit({ entries: entries(2, 3), pending: [message('bob', 1)], marks, keep: keepFrom(2) });
    expect(answers(store)).toEqual(before);
    await committed;
    expect([store.first, store.head, store.mark('ann'), idsOf(store)]).toEqual([2, 3, { dev: 'ann', n: 3 }, ['bob.1']]);
  });

  test('changes given in one turn are committed in their order', async () => {
    const order: number[] = [];
    const commits = Array.from({ length: 50 }, (_, i) =>
      store.commit({ entries: entries(i + 1, i + 1) }).then(() => order.push(i + 1)),
    );
    await Promise.all(commits);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(store.head).toBe(50);
  });

  test('marks: the last word counts, and outlives the entries', async () => {
    await store.commit({ entries: entries(1, 3), marks: [{ dev: 'ann', n: 3, hash: 'hash' }] });
    await store.commit({ marks: [{ dev: 'bob', n: 9, hole: { n: 12, day: 20_000, days: 3 } }] });
    await store.commit({ marks: [{ dev: 'ann', n: 4, hash: 'other' }] });
    await store.commit({ keep: keepFrom(4) });
    await store.commit({ restart: { log: 'other', seq: 0, hash: '' } });
    expect(devices.map((dev) => store.mark(dev))).toEqual([
      { dev: 'ann', n: 4, hash: 'other' },
      { dev: 'bob', n: 9, hole: { n: 12, day: 20_000, days: 3 } },
      undefined,
    ]);
  });

  test('knows who wrote how much in each span of time, from a moment on, and who owns which names', async () => {
    const at = (seq: number, key: string | undefined, ranMs: number) => ({
      ...entry(seq, message('ann', seq, 'x', key === undefined ? {} : { key })),
      ranMs,
    });
    const written = [
      at(1, 'a', 5),
      at(2, 'b', 15.5),
      at(3, 'a', 21),
      at(4, 'a', 29.5),
      { ...lost(5), ranMs: 30 },
      at(6, 'b', 30),
    ];
    const owners = [
      ['ann', 'a'],
      ['anna', 'a'],
      ['bo', 'b'],
    ].map(([name = '', key = '']) => ({ look: name, name, key, seenMs: 1 }));
    await store.commit({ entries: written, owners });
    expect(store.authors(10, 10)).toEqual([
      { key: 'b', count: 1, lastMs: 15.5 },
      { key: 'a', count: 2, lastMs: 29.5 },
      { key: '', count: 1, lastMs: 30 },
      { key: 'b', count: 1, lastMs: 30 },
    ]);
    expect(store.authors(31, 10)).toEqual([]);
    expect(
      store
        .ownedBy('a')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['ann', 'anna']);
  });

  test('owners: the last word counts; a name of any length can be asked for and kept', async () => {
    const long = '\ufdfa'.repeat(256).normalize('NFKC');
    expect(store.owner(long)).toBeUndefined();
    await store.commit({
      owners: [
        { look: 'ann', name: 'Ann', key: 'a', seenMs: 1 },
        { look: long, name: 'long', key: 'b', seenMs: 1.5 },
        { look: '\0', name: '\0', key: 'c', seenMs: 1 },
      ],
    });
    await store.commit({ owners: [{ look: 'ann', name: 'ANN', key: 'c', seenMs: 2 }] });
    expect(store.owner('ann')).toEqual({ look: 'ann', name: 'ANN', key: 'c', seenMs: 2 });
    expect(store.owner(long)).toEqual({ look: long, name: 'long', key: 'b', seenMs: 1.5 });
    expect(store.owner('\0')).toEqual({ look: '\0', name: '\0', key: 'c', seenMs: 1 });
    expect(store.owner(`${long}x`)).toBeUndefined();
  });

  test('what is pending stays until it is dropped, whatever the log says', async () => {
    await store.commit({ pending: [1, 2, 10].flatMap((n) => [message('ann', n), message('bob', n)]) });
    await store.commit({ entries: [entry(1, message('ann', 2))], marks: [{ dev: 'ann', n: 2 }] });
    expect(idsOf(store)).toEqual(['ann.1', 'ann.10', 'ann.2', 'bob.1', 'bob.10', 'bob.2']);
    await store.commit({ dropped: ['bob.2', 'ann.1', 'cleo.1'].map(parseId) });
    expect(idsOf(store)).toEqual(['ann.10', 'ann.2', 'bob.1', 'bob.10']);
    await store.commit({ pending: [message('ann', 2, 'said again')] });
    expect(store.pending().find(({ id }) => id?.n === 2)).toEqual(message('ann', 2, 'said again'));
  });

  test('pending and dropped in one change: it is not pending', async () => {
    await store.commit({ pending: [message('ann', 2)], dropped: [{ dev: 'ann', n: 2 }] });
    expect(store.pending()).toEqual([]);
  });

  test('keep forgets the oldest entries, and knows the chain before the rest', async () => {
    await store.commit({ entries: entries(1, 9) });
    await store.commit({ keep: keepFrom(4) });
    expect(stateOf(store)).toMatchObject({ first: 4, head: 9, baseHash: 'hash3', headHash: 'hash9' });
    expect(seqs(store.read(1, 2))).toEqual([4, 5]);
    for (const from of [1, 2, 4]) await store.commit({ keep: keepFrom(from) });
    expect([store.first, store.baseHash]).toEqual([4, 'hash3']);
    await store.commit({ entries: entries(10, 11), keep: keepFrom(11) });
    expect([store.first, store.baseHash, seqs(store.read(1, 9))]).toEqual([11, 'hash10', [11]]);
    await store.commit({ keep: keepFrom(12) });
    expect(stateOf(store)).toMatchObject({ first: 12, head: 11, baseHash: 'hash11', headHash: 'hash11' });
    await store.commit({ entries: entries(12, 12) });
    expect(seqs(store.read(1, 9))).toEqual([12]);
  });

  test('restart begins another log at its place; marks, what is pending and who owns what stay', async () => {
    const owner = { look: 'ann', name: 'Ann', key: 'a', seenMs: 1 };
    await store.commit({
      entries: entries(1, 5),
      marks: [{ dev: 'ann', n: 5 }],
      owners: [owner],
      pending: [message('ann', 7)],
      ranMs: 9,
    });
    await store.commit({ restart: { log: 'other', seq: 40, hash: 'hash40' }, entries: entries(41, 42) });
    const other = { log: 'other', first: 41, head: 42, baseHash: 'hash40', headHash: 'hash42', ranMs: 9, lc: 42 };
    expect(stateOf(store)).toEqual(other);
    expect(seqs(store.read(1, 9))).toEqual([41, 42]);
    await store.commit({ restart: { log: 'third', seq: 0, hash: '' } });
    expect([stateOf(store), store.read(0, 9)]).toMatchObject([{ log: 'third', first: 1, head: 0, headHash: '' }, []]);
    expect([store.owner('ann'), store.mark('ann')?.n, idsOf(store)]).toEqual([owner, 5, ['ann.7']]);
    await store.commit({ entries: entries(1, 3), keep: keepFrom(2) });
    await store.commit({ restart: { log: 'third', seq: 1, hash: 'hash1' }, entries: entries(2, 4), keep: keepFrom(4) });
    expect([store.first, seqs(store.read(0, 9))]).toEqual([4, [4]]);
  });

  test('the highest counter stays what it was, whatever is trimmed, and also in another log', async () => {
    await store.commit({ entries: [entry(1, message('ann', 1, 'x', { lc: 70 })), ...entries(2, 3)] });
    await store.commit({ keep: keepFrom(3) });
    await store.commit({ restart: { log: 'other', seq: 0, hash: '' }, entries: entries(1, 1) });
    expect(store.lc).toBe(70);
  });

  test('the highest counter is also that of what waited, and is settled elsewhere', async () => {
    await store.commit({ pending: [message('ann', 1, 'x', { lc: 9 })] });
    await store.commit({ dropped: [{ dev: 'ann', n: 1 }] });
    expect(store.lc).toBe(9);
  });

  test('the clock of the log stands where it was last set', async () => {
    await store.commit({ ranMs: 12.5 });
    await store.commit({ entries: entries(1, 1) });
    expect(store.ranMs).toBe(12.5);
  });

  test('what the room has signed stays until it signs something else, whatever log begins', async () => {
    const newest = { log: 'log', run: 'run', seq: 7, hash: 'hash7', sig: 'sig' };
    const signed = { newest, awaited: { ...newest, cn: 'cn' }, said: true } as const;
    expect(store.signed).toBeUndefined();
    await store.commit({ signed });
    await store.commit({ entries: entries(1, 1) });
    await store.commit({ restart: { log: 'other', seq: 0, hash: '' } });
    expect(store.signed).toEqual(signed);
    await store.commit({ signed: { newest } });
    expect(store.signed).toEqual({ newest });
  });

  test('a signature may come after its entry, and changes nothing else; for a place that is gone it is none', async () => {
    const of = (seq: number) => entry(seq, message('ann', seq, 'x', { lc: 7 }));
    const [first, unsigned, third] = [of(1), of(2), of(3)];
    await store.commit({ entries: [first, unsigned, third] });
    await store.commit({ signatures: [{ seq: 2, sig: 'sig' }] });
    const signed = { ...unsigned, message: { ...unsigned.message, sig: 'sig' } };
    expect(store.read(1, 9)).toEqual([first, signed, third]);
    await store.commit({ keep: keepFrom(3), signatures: [2, 4].map((seq) => ({ seq, sig: 'other' })) });
    expect(store.read(1, 9)).toEqual([third]);
  });

  test('a change of nothing changes nothing', async () => {
    const before = answers(store);
    await store.commit({});
    expect(answers(store)).toEqual(before);
  });
});

test('what the room has signed is there again when the folder is opened again', async () => {
  const folder = newFolder();
  const store = SqliteStore.open(folder, { newDev: () => 'dev' });
  const signed = {
    newest: { log: 'log', run: 'run', seq: 7, hash: 'hash7', sig: 'sig', cn: 'cn' },
    said: true,
  } as const;
  await store.commit({ signed });
  await store.close();
  const again = keep(SqliteStore.open(folder));
  expect([again.signed, again.dev]).toEqual([signed, 'dev']);
});

/** A change without places: those depend on where the log stands when it is applied. */
type Recipe = {
  restart: { log: string; seq: number } | undefined;
  written: (Message | undefined)[];
  mended: number[];
  marks: Mark[];
  owners: string[];
  pending: Message[];
  dropped: Message[];
  /** Places kept, counted from the head. */
  kept: number | undefined;
};
const anyMessage = fc
  .record({
    dev: fc.constantFrom(...devices),
    n: fc.integer({ min: 1, max: 12 }),
    length: fc.constantFrom(1, 30, 4_000),
    key: fc.option(fc.constant('key'), { nil: undefined }),
  })
  .map(({ dev, n, length, key }) => message(dev, n, 'x'.repeat(length), key === undefined ? {} : { key }));
const anyMessages = fc.array(anyMessage, { maxLength: 4 });
const rarely = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 6, nil: undefined });
const anyRecipe: fc.Arbitrary<Recipe> = fc.record({
  restart: rarely(fc.record({ log: fc.constantFrom('x', 'y'), seq: fc.nat(50) })),
  written: fc.array(fc.option(anyMessage, { nil: undefined }), { maxLength: 4 }),
  mended: fc.array(fc.nat(6), { maxLength: 2 }),
  marks: fc.array(fc.record({ dev: fc.constantFrom(...devices), n: fc.nat(99) }), { maxLength: 2 }),
  owners: fc.array(fc.constantFrom(...devices), { maxLength: 2 }),
  pending: anyMessages,
  dropped: anyMessages,
  kept: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 2, nil: undefined }),
});
type Step = { changes: Recipe[]; reopen: boolean };
const anyStep: fc.Arbitrary<Step> = fc.record({
  changes: fc.array(anyRecipe, { minLength: 1, maxLength: 3 }),
  reopen: fc.boolean(),
});

function cook({ restart, written, mended, marks, owners, pending, dropped, kept }: Recipe, head: number) {
  const from = restart?.seq ?? head;
  const to = from + written.length;
  const change: Change = {
    ...(restart && { restart: { ...restart, hash: hashOf(restart.seq) } }),
    entries: written.map((one, i) => (one ? entry(from + 1 + i, one) : lost(from + 1 + i))),
    mended: mended.filter((back) => back < to).map((back) => entry(to - back, message('ann', 1, 'mended'))),
    marks,
    owners: owners.map((look, i) => ({ look, name: `as ${i}`, key: `key${i}`, seenMs: head })),
    pending,
    dropped: dropped.flatMap(({ id }) => id ?? []),
    ranMs: head,
    ...(kept !== undefined && { keep: keepFrom(Math.max(to + 1 - kept, 1)) }),
  };
  return { change, to };
}

test('both stores give the same answers after any changes, also when opened again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
      const folder = newFolder();
      const memory = new MemoryStore('log');
      let disk = SqliteStore.open(folder, { newLog: 'log' });
      try {
        for (const { changes, reopen } of steps) {
          let head = memory.head;
          const commits: Promise<void>[] = [];
          for (const recipe of changes) {
            const { change, to } = cook(recipe, head);
            head = to;
            commits.push(memory.commit(change), disk.commit(change));
          }
          await Promise.all(commits);
          if (reopen) {
            await disk.close();
            disk = SqliteStore.open(folder, { newLog: 'another' });
          }
          expect(answers(disk)).toEqual(answers(memory));
        }
        expect([...disk.damaged]).toEqual([]);
      } finally {
        await disk.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 30 },
  );
});

describe('SqliteStore', () => {
  test('opened again it is as it was left', async () => {
    const folder = newFolder();
    const store = SqliteStore.open(folder, { newLog: 'log', newDev: () => 'made once' });
    const owners = [{ look: 'ann', name: 'Ann', key: 'a', seenMs: 1 }];
    await store.commit({
      entries: entries(1, 300),
      owners,
      pending: [message('bob', 1)],
      keep: keepFrom(100),
      ranMs: 7,
    });
    const before = answers(store);
    await store.close();
    const again = keep(SqliteStore.open(folder, { newLog: 'another', newDev: () => 'made twice' }));
    expect(answers(again)).toEqual(before);
    expect([store.dev, again.dev]).toEqual(['made once', 'made once']);
  });

  test('closing writes what was committed just before; closed it takes nothing more', async () => {
    const folder = newFolder();
    const store = SqliteStore.open(folder, { newLog: 'log' });
    const committed = store.commit({ entries: entries(1, 3) });
    await store.close();
    await committed;
    await expect(store.commit({ entries: entries(4, 4) })).rejects.toMatchObject({ code: 'DATA_NOT_WRITABLE' });
    await store.close();
    expect(keep(SqliteStore.open(folder)).head).toBe(3);
  });

  test('a reader beside it sees what was committed before it was opened', async () => {
    const folder = newFolder();
    const store = keep(SqliteStore.open(folder, { newLog: 'log' }));
    await store.commit({ entries: entries(1, 10), keep: keepFrom(4) });
    const reader = keep(SqliteStore.open(folder, { readOnly: true }));
    expect(answers(reader)).toEqual(answers(store));
    await store.commit({ entries: entries(11, 11), keep: keepFrom(6) });
    expect([store.head, seqs(reader.read(1, 99))]).toEqual([11, [6, 7, 8, 9, 10]]);
    await expect(reader.commit({ entries: entries(11, 11) })).rejects.toMatchObject({ code: 'DATA_NOT_WRITABLE' });
  });

  test('what a failed change has set is not there', async () => {
    const store = keep(SqliteStore.open(newFolder(), { newLog: 'log' }));
    await store.commit({ marks: [{ dev: 'a', n: 1 }] });
    expect([store.mark('a'), store.mark('b')]).toEqual([{ dev: 'a', n: 1 }, undefined]);
    const marks = [
      { dev: 'a', n: 2 },
      { dev: 'b', n: 1 },
      { dev: 'c', n: Symbol('no number') as unknown as number },
    ];
    await expect(store.commit({ marks })).rejects.toThrow();
    expect([store.mark('a'), store.mark('b')]).toEqual([{ dev: 'a', n: 1 }, undefined]);
  });

  test('a reader sees a mark that was set beside it after it had read it', async () => {
    const folder = newFolder();
    const store = keep(SqliteStore.open(folder, { newLog: 'log' }));
    await store.commit({ marks: [{ dev: 'a', n: 1 }] });
    const reader = keep(SqliteStore.open(folder, { readOnly: true }));
    expect([reader.mark('a'), reader.mark('b')]).toEqual([{ dev: 'a', n: 1 }, undefined]);
    await store.commit({
      marks: [
        { dev: 'a', n: 2 },
        { dev: 'b', n: 1 },
      ],
    });
    expect([reader.mark('a'), reader.mark('b')]).toEqual([
      { dev: 'a', n: 2 },
      { dev: 'b', n: 1 },
    ]);
  });
});
