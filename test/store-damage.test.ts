import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from '../src/core/log/store.ts';
import { ChatError } from '../src/errors.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import type { Message } from '../src/protocol/frames.ts';
import { changeCell } from './support/lines.ts';

/** In memory where there is such a place: each of some hundred files is synced several times. */
const shm = '/dev/shm';
const root = mkdtempSync(join(existsSync(shm) ? shm : tmpdir(), 'zmqchat-damage-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
const newFolder = () => {
  const folder = join(root, String(++count));
  mkdirSync(folder, { mode: 0o700 });
  return folder;
};
const file = (folder: string) => join(folder, 'log.db');
const pageSize = 4_096;

const seed = Number(process.env.SEED ?? 1);
let state = seed;
const random = (below: number) => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return Math.floor((state / 0x8000_0000) * below);
};

const size = 120;
const [oldest, devices, people] = [21, 5, 30];
const hashOf = (seq: number) => (seq === 0 ? '' : `h${seq}`.padEnd(22, '_'));
const said = (dev: string, n: number): Message => ({
  kind: 'message',
  name: dev,
  text: `${n} of ${dev}${' and on'.repeat(n % 9)}`,
  id: { dev, n },
  lc: n,
  ts: 1_700_000_000_000 + n,
  key: 'k'.repeat(43),
  sig: 's'.repeat(86),
});
const entry = (seq: number): Entry => ({
  seq,
  prev: hashOf(seq - 1),
  hash: hashOf(seq),
  atMs: 1_700_000_000_000 + seq,
  ranMs: seq * 3,
  message: { ...said(`dev${seq % devices}`, seq), seq, hash: hashOf(seq), at: 1_700_000_000_000 + seq },
});
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const ask = (store: SqliteStore) => ({
  places: Object.fromEntries(store.read(1, 1_000).map((place) => [place.seq, place])),
  marks: Object.fromEntries(numbers(0, devices - 1).map((i) => [i, store.mark(`dev${i}`)?.n])),
  owners: Object.fromEntries(numbers(1, people).map((i) => [i, store.owner(`name${i}`)])),
  pending: Object.fromEntries(store.pending().map((message) => [message.id?.n, message])),
});
type Answers = ReturnType<typeof ask>;

let whole: Buffer;
let truth: Answers;
beforeAll(async () => {
  const folder = newFolder();
  const store = SqliteStore.open(folder, { newLog: 'log', newDev: () => 'me' });
  await store.commit({
    entries: numbers(1, size).map(entry),
    marks: numbers(size - devices + 1, size).map((n) => ({ dev: `dev${n % devices}`, n, hash: 'k'.repeat(22) })),
    owners: numbers(1, people).map((i) => ({ look: `name${i}`, name: `Name${i}`, key: 'k'.repeat(43), seenMs: i })),
    pending: numbers(1, people).map((n) => said('me', n)),
    keep: { from: oldest, hash: hashOf(oldest - 1) },
    ranMs: 500,
  });
  truth = ask(store);
  await store.close();
  whole = readFileSync(file(folder));
});

/** How many answers are not what was written; nothing that was never written may be among them. */
function wrong(found: Record<string, unknown>, right: Record<string, unknown>): string[] {
  expect(Object.keys(right)).toEqual(expect.arrayContaining(Object.keys(found)));
  return Object.keys(right).filter((key) => !isEqual(found[key], right[key]));
}
const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** One change of every kind, and all of it there when opened again. */
async function goOn(folder: string, store: SqliteStore): Promise<SqliteStore> {
  const seq = store.head + 1;
  await store.commit({
    entries: [entry(seq), entry(seq + 1)],
    mended: [entry(oldest + 30)],
    marks: [{ dev: 'dev1', n: 9_999 }],
    owners: [{ look: 'name3', name: 'Name3', key: 'other', seenMs: 9 }],
    pending: [said('me', 99)],
    dropped: [{ dev: 'me', n: 3 }],
    keep: { from: oldest + 20, hash: hashOf(oldest + 19) },
  });
  const before = ask(store);
  expect([before.places[seq], before.places[seq + 1]]).toEqual([entry(seq), entry(seq + 1)]);
  expect([before.places[oldest + 30], store.mark('dev1')?.n]).toEqual([entry(oldest + 30), 9_999]);
  expect([store.owner('name3')?.key, before.pending[99], before.pending[3]]).toEqual([
    'other',
    said('me', 99),
    undefined,
  ]);
  await store.close();
  const again = SqliteStore.open(folder);
  expect(ask(again)).toEqual(before);
  expect([...again.damaged]).toEqual([]);
  return again;
}

/** What may come of one flipped bit anywhere: words, or one row of a table gone or changed; never anything else. */
async function survives(folder: string): Promise<'damaged' | 'a row' | 'nothing'> {
  let store: SqliteStore | undefined;
  try {
    store = SqliteStore.open(folder);
    const found = ask(store);
    const rows = [wrong(found.places, truth.places), wrong(found.owners, truth.owners)];
    const waiting = wrong(found.pending, truth.pending);
    if (waiting.length > 0) expect([...store.damaged].join()).toContain('a waiting message');
    expect(wrong(found.marks, truth.marks)).toEqual([]);
    for (const changed of [...rows, waiting]) expect(changed.length).toBeLessThanOrEqual(1);
    store = await goOn(folder, store);
    return rows.some((changed) => changed.length > 0) || waiting.length > 0 ? 'a row' : 'nothing';
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    // One bit in its head makes a file read-only to SQLite.
    expect(['DATA_DAMAGED', 'DATA_NOT_WRITABLE']).toContain(error.code);
    return 'damaged';
  } finally {
    await store?.close();
  }
}

function flip(bytes: Buffer, at: number, bit = random(8)): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
  return flipped;
}

const kinds = {
  state: 'copy version facts log first head base_hash head_hash ran_ms lc sum',
  entries: 'seq line',
  // Their cells, one by one.
  messages:
    'prev hash at_ms ran_ms sig erased sum dev n name text type lc ts seen re ext salt words key void guest ago',
  pending: 'dev n name text type lc ts seen re ext salt words key void guest ago sig erased at_ms sum',
  marks: 'dev n hash sum',
  owners: 'look name key seen_ms sum',
};
const cells = Object.entries(kinds).flatMap(([table, columns]) => columns.split(' ').map((column) => [table, column]));

/** Flips a bit of this column in some row, and leaves the rest of the file as SQLite wants it. */
function flipCell(folder: string, table: string, column: string): void {
  const db = new DatabaseSync(file(folder), { readBigInts: true, returnArrays: true });
  const [rows] = db.prepare(`SELECT count(*) FROM ${table}`).get();
  const key = { state: 'copy', entries: 'seq', messages: 'seq', pending: 'n', marks: 'dev', owners: 'look' }[table];
  const row = db.prepare(`SELECT ${key}, ${column} FROM ${table} LIMIT 1 OFFSET ?`).get(random(Number(rows)));
  const [id, value] = row;
  const update = (sql: string, cell: unknown) =>
    db.prepare(`UPDATE OR REPLACE ${table} SET ${column} = ${sql} WHERE ${key} = ?`).run(cell, id);
  if (table === 'messages') changeCell(db, Number(id), column, flippedCell);
  else if (value === null) update('?', 0);
  else if (typeof value === 'bigint') update('?', value ^ (1n << BigInt(random(62))));
  else update('CAST(? AS TEXT)', flip(Buffer.from(value), random(Buffer.byteLength(value))));
  db.close();
}

function flippedCell(cell: unknown): unknown {
  if (cell === null) return 0;
  if (typeof cell === 'number') return Number(BigInt(cell) ^ (1n << BigInt(random(50))));
  const text = String(cell);
  return flip(Buffer.from(text), random(Buffer.byteLength(text))).toString('latin1');
}

test('a signature that the disk has changed takes its place with it: the chain does not cover it', () => {
  const folder = newFolder();
  writeFileSync(file(folder), whole);
  flipCell(folder, 'messages', 'sig');
  const { places } = ask(SqliteStore.open(folder, { newDev: () => 'lost' }));
  expect(Object.keys(places)).toHaveLength(Object.keys(truth.places).length - 1);
  expect(wrong(places, truth.places)).toHaveLength(1);
});

test('a line that the disk calls bytes is the same line, whatever is missing beside it', () => {
  const folder = newFolder();
  writeFileSync(file(folder), whole);
  const db = new DatabaseSync(file(folder));
  db.exec('UPDATE entries SET line = CAST(line AS BLOB) WHERE seq = 50; DELETE FROM entries WHERE seq = 52');
  db.close();
  const { places } = ask(SqliteStore.open(folder, { newDev: () => 'lost' }));
  expect(places[50]).toEqual(truth.places[50]);
  expect(wrong(places, truth.places)).toEqual(['52']);
});

test('a log of which most is gone is read as far as it is there', async () => {
  const folder = newFolder();
  const store = SqliteStore.open(folder, { newLog: 'log' });
  const lost = numbers(1, 150_000).map((seq) => ({ seq, prev: '', hash: '', atMs: 1, ranMs: 1 }));
  await store.commit({ entries: [...lost, ...numbers(150_001, 150_010).map(entry)] });
  await store.close();
  const db = new DatabaseSync(file(folder));
  db.exec('DELETE FROM entries WHERE seq <= 150000');
  db.close();
  const again = SqliteStore.open(folder);
  expect(again.read(1, 150_010)).toEqual(numbers(150_001, 150_010).map(entry));
  await again.close();
});

test('many more lines than are read at once are all read, in order', async () => {
  const store = SqliteStore.open(newFolder(), { newLog: 'log' });
  const entries = numbers(1, 12_000).map(entry);
  await store.commit({ entries });
  expect(store.read(1, 12_000)).toEqual(entries);
  expect(store.read(4_990, 30)).toEqual(entries.slice(4_989, 5_019));
  await store.close();
});

describe(`one flipped bit (SEED=${seed})`, () => {
  test.each(cells)('in %s.%s: what is lost is that row at most, and named', async (table = '', column = '') => {
    const folder = newFolder();
    writeFileSync(file(folder), whole);
    flipCell(folder, table, column);
    const store = SqliteStore.open(folder, { newDev: () => 'lost' });
    const found = ask(store);
    const lost = {
      entries: wrong(found.places, truth.places),
      owners: wrong(found.owners, truth.owners),
      pending: wrong(found.pending, truth.pending),
      marks: wrong(found.marks, truth.marks),
    };
    // Two rows if the changed one took the place of another.
    const expected = {
      entries: 0,
      owners: 0,
      pending: 0,
      marks: 0,
      [table === 'messages' ? 'entries' : table]: ['marks', 'messages'].includes(table) ? 1 : 2,
    };
    for (const [name, changed] of Object.entries(lost))
      expect(changed.length, name).toBeLessThanOrEqual(expected[name] ?? 0);
    expect(lost.marks).toEqual([]);
    expect(store.damaged.size).toBe(['pending', 'owners', 'marks'].includes(table) ? 1 : 0);
    expect(store.dev).toBe('me');
    expect([store.log, store.first, store.head, store.ranMs]).toEqual(['log', oldest, size, 500]);
    await (await goOn(folder, store)).close();
  });

  test('in both copies of the state: nobody knows any more where the log ends', () => {
    const folder = newFolder();
    writeFileSync(file(folder), whole);
    const db = new DatabaseSync(file(folder));
    db.exec('UPDATE state SET head = head + 1');
    db.close();
    expect(() => SqliteStore.open(folder)).toThrow(expect.objectContaining({ code: 'DATA_DAMAGED' }));
  });

  test('in the page where a table begins: it has no rows of another table', async () => {
    for (let bit = 0; bit < 3; bit++) {
      for (const at of placesOfRoots()) {
        const folder = newFolder();
        writeFileSync(file(folder), flip(whole, at, bit));
        expect(await survives(folder)).toBe('damaged');
      }
    }
  });

  test('anywhere in the file', async () => {
    const outcomes = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const folder = newFolder();
      writeFileSync(file(folder), flip(whole, random(whole.length)));
      outcomes.add(await survives(folder));
    }
    expect([...outcomes]).toContain('a row');
  });

  test('where SQLite keeps the order of its rows', async () => {
    const outcomes = new Set<string>();
    const places = placesOfKeys();
    for (let i = 0; i < 40; i++) {
      const folder = newFolder();
      writeFileSync(file(folder), flip(whole, places[random(places.length)] ?? 0));
      outcomes.add(await survives(folder));
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['a row', 'damaged']));
  });

  test('where SQLite keeps which page comes next: rows of another page hide none', async () => {
    const outcomes = new Set<string>();
    for (const at of placesOfKeys().filter(isInNode)) {
      for (let bit = 0; bit < 8; bit++) {
        const folder = newFolder();
        writeFileSync(file(folder), flip(whole, at, bit));
        outcomes.add(await survives(folder));
      }
    }
    expect([...outcomes]).toContain('damaged');
  });

  test('in the journal a killed program left: the log ends before it', async () => {
    const folder = newFolder();
    const store = SqliteStore.open(folder, { newLog: 'log' });
    for (const seq of numbers(1, 20)) await store.commit({ entries: [entry(seq)] });
    const [data, journal] = [readFileSync(file(folder)), readFileSync(`${file(folder)}-wal`)];
    await store.close();
    const heads: number[] = [];
    for (let i = 0; i < 20; i++) {
      const copy = newFolder();
      writeFileSync(file(copy), data);
      writeFileSync(`${file(copy)}-wal`, flip(journal, random(journal.length)));
      try {
        const again = SqliteStore.open(copy);
        expect(again.read(1, 99)).toEqual(numbers(1, again.head).map(entry));
        heads.push(again.head);
        await again.close();
      } catch (error) {
        // The first change of all made the tables.
        expect(error).toMatchObject({ code: 'DATA_DAMAGED' });
      }
    }
    expect(Math.max(...heads)).toBeGreaterThan(1);
  });
});

/** Where the file keeps its rows in order: keys in the leaves of a tree, and pages in the nodes above them. */
function placesOfKeys(): number[] {
  const places: number[] = [];
  for (let page = pageSize; page < whole.length; page += pageSize) {
    const isLeaf = whole[page] === 0x0d;
    const isNode = whole[page] === 0x05;
    for (let i = 0; (isLeaf || isNode) && i < whole.readUInt16BE(page + 3); i++) {
      const cell = page + whole.readUInt16BE(page + (isLeaf ? 8 : 12) + 2 * i);
      const isLong = ((whole[cell] ?? 0) & 0x80) !== 0;
      if (isLeaf) places.push(cell + (isLong ? 2 : 1));
      else places.push(cell + 3, cell + 4);
    }
  }
  return places;
}

const isInNode = (at: number): boolean => whole[at - (at % pageSize)] === 0x05;

/** Where the file says on which page each table begins: the byte before the statement that made it. */
function placesOfRoots(): number[] {
  const places: number[] = [];
  for (let at = whole.indexOf('CREATE TABLE'); at !== -1; at = whole.indexOf('CREATE TABLE', at + 1))
    places.push(at - 1);
  return places;
}
