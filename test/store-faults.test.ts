import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { open } from 'lmdb';
import { afterAll, beforeEach, describe, expect } from 'vitest';
import { type Entry, makeEntry } from '../src/core/log/store.ts';
import { ChatError } from '../src/errors.ts';
import { LmdbStore } from '../src/history/lmdb.ts';
import type { Message } from '../src/protocol/frames.ts';
import { test } from './support/command.ts';

const root = mkdtempSync(join(tmpdir(), 'zmqchat-faults-'));
const serverPath = fileURLToPath(new URL('../dist/server.js', import.meta.url));
let count = 0;
let folder: string;
beforeEach(() => {
  folder = join(root, String(++count));
});
afterAll(() => rmSync(root, { recursive: true }));

const pageSize = 4_096;
const data = () => join(folder, 'data.mdb');
const message = (n: number, length = 100): Message => ({
  kind: 'message',
  name: 'ann',
  text: 'x'.repeat(length),
  id: { dev: 'dev', n },
});
const entries = (from: number, to: number, length?: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => makeEntry(message(from + i, length), from + i, `h${from + i}`, 1));

/** A log of `size` entries, closed. */
async function write(size = 100): Promise<void> {
  const store = LmdbStore.open(folder, { newLog: 'log' });
  for (let seq = 1; seq <= size; seq += 100) await store.commit({ entries: entries(seq, seq + 99) });
  await store.close();
}

/** Why the folder cannot be opened, as it would be told. */
async function failure(options = {}): Promise<Pick<ChatError, 'code' | 'message' | 'hint'>> {
  let store: LmdbStore;
  try {
    store = LmdbStore.open(folder, { program: 'server', ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(ChatError);
    const { code, message, hint } = error as ChatError;
    return { code, message, hint };
  }
  await store.close();
  throw new Error('it was opened');
}

/** Opens it, reads everything, and returns how many entries there were. */
async function readAll(options = {}): Promise<number> {
  const store = LmdbStore.open(folder, options);
  try {
    return store.read(1, 1_000_000).filter(({ message }) => message.text !== '').length;
  } finally {
    await store.close();
  }
}

/** Writes a value into the table of facts, as another version or process would have done. */
async function setFact(name: string, value: unknown): Promise<void> {
  const other = open({ path: folder, maxDbs: 8, mapSize: 2 ** 40, overlappingSync: false });
  await other.openDB({ name: 'meta' }).put(name, value);
  await other.close();
}

describe('a folder has one program that writes', () => {
  test('a second one is told who uses it; the first goes on; one that reads may come', async () => {
    const store = LmdbStore.open(folder, { newLog: 'log', program: 'server' });
    expect(await failure()).toEqual({
      code: 'DATA_IN_USE',
      message: `another server (pid ${process.pid}) is using ${folder}.`,
      hint: 'End it, or choose another folder with --data-dir.',
    });
    await store.commit({ entries: entries(1, 100) });
    expect(await readAll({ readOnly: true })).toBe(100);
    await store.close();
    expect(await readAll()).toBe(100);
  });

  test('in another process; killed (-9) it is gone at once, and what was committed is there', async ({ stage }) => {
    const { server, port } = await stage.server('--data-dir', folder);
    const { code, message } = await failure();
    expect(code).toBe('DATA_IN_USE');
    const pid = Number(/^another server \(pid (\d+)\) is using /.exec(message)?.[1]);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('server.js');
    await (await stage.jsonOnline(port, 'ann', '-m', 'kept')).ends(0);
    server.kill('SIGKILL');
    await server.exit;
    expect(await readAll()).toBe(1);
  });

  test.runIf(process.platform === 'linux')(
    'a killed one that nobody has buried yet (a zombie) is gone, too',
    async () => {
      // The shell becomes a program that never waits for its child.
      const command = `"${process.execPath}" "${serverPath}" --json --port 0 --ip 127.0.0.1 --data-dir "${folder}" & exec sleep 60 >&- 2>&-`;
      const parent = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        await once(parent.stdout, 'data');
        const pid = Number(/pid (\d+)/.exec((await failure()).message)?.[1]);
        process.kill(pid, 'SIGKILL');
        const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
        while (state() !== 'Z') await setImmediate();
        expect(await readAll()).toBe(0);
        expect(state()).toBe('Z');
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );

  test.runIf(process.platform === 'linux')(
    'a later process with the same pid is not the one that used it',
    async () => {
      await write();
      await setFact('holder', { pid: process.pid, started: 'another boot 4711', program: 'server', run: 'other' });
      expect(await readAll()).toBe(100);
    },
  );

  test('one that cannot see the other (in another container) takes the folder: the first writes nothing more', async () => {
    const first = LmdbStore.open(folder, { newLog: 'log' });
    await first.commit({ entries: entries(1, 5) });
    await setFact('holder', { pid: 1, started: 'elsewhere', program: 'server', run: 'other' });
    const late = first.commit({ entries: entries(6, 9) });
    await expect(late).rejects.toMatchObject({
      code: 'DATA_IN_USE',
      message: `another server (pid 1) is using ${folder}.`,
    });
    await expect(first.commit({ owners: [] })).rejects.toMatchObject({ code: 'DATA_IN_USE' });
    await first.close();
    expect(await readAll({ readOnly: true })).toBe(5);
  });
});

describe('what is no log', () => {
  const damaged = () => ({
    code: 'DATA_DAMAGED',
    message: `the data in ${folder} is damaged.`,
    hint: 'Restore it from a copy, or move it away to begin a new one: members give back what they have.',
  });

  test('garbage of any length is called damaged, and is left as it is', async () => {
    mkdirSync(folder);
    for (const length of [1, 100, pageSize, 2 * pageSize, 100_000]) {
      const garbage = Buffer.alloc(length, 'garbage');
      writeFileSync(data(), garbage);
      for (const readOnly of [false, true]) expect(await failure({ readOnly })).toEqual(damaged());
      expect(readFileSync(data())).toEqual(garbage);
    }
  });

  /** Puts these bytes in the place of a log of 1,000 entries; resolves with how many can be read, or why not. */
  async function readAs(bytes: Buffer): Promise<unknown> {
    // A folder for each: within one process LMDB maps a path once.
    folder = join(root, String(++count));
    mkdirSync(folder);
    writeFileSync(data(), bytes);
    try {
      return await readAll();
    } catch (error) {
      expect(error).toMatchObject(damaged());
      return 'damaged';
    }
  }

  test('cut anywhere it is called damaged, unless what is missing was free', async () => {
    await write(1_000);
    const whole = readFileSync(data());
    const lengths = Array.from({ length: whole.length / pageSize }, (_, i) => i * pageSize).slice(1);
    const cuts = [100, ...lengths, whole.length - 1];
    const outcomes: unknown[] = [];
    for (const length of cuts) outcomes.push(await readAs(whole.subarray(0, length)));
    const damagedUpTo = outcomes.lastIndexOf('damaged') + 1;
    expect(damagedUpTo).toBeGreaterThan(cuts.length / 2);
    expect(outcomes.slice(0, damagedUpTo)).toEqual(Array(damagedUpTo).fill('damaged'));
    expect(outcomes.slice(damagedUpTo)).toEqual(Array(cuts.length - damagedUpTo).fill(1_000));
    expect(await readAs(whole)).toBe(1_000);
  });

  test('an overwritten page: words, at the latest when it is read, and never the end of the process', async () => {
    await write(1_000);
    const whole = readFileSync(data());
    const outcomes = new Map<unknown, number>();
    for (let page = 0; page < whole.length / pageSize; page++) {
      for (const filling of [0, 0xff, 0x5a]) {
        const bytes = Buffer.from(whole).fill(filling, page * pageSize, (page + 1) * pageSize);
        const outcome = await readAs(bytes);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    expect([...outcomes.keys()].sort()).toEqual([1_000, 'damaged']);
    expect(outcomes.get('damaged')).toBeGreaterThan(outcomes.get(1_000) ?? 0);
  });

  test('a whole file may end before its last page: LMDB does not write pages that were used and freed in one turn', async () => {
    const store = LmdbStore.open(folder, { newLog: 'log' });
    await store.commit({ entries: entries(1, 100) });
    const long = Array.from({ length: 10 }, (_, i) => message(200 + i, 4_000));
    await store.commit({ pending: long, dropped: long });
    await store.close();
    const lastPage = Math.max(...[0, pageSize].map((page) => Number(readFileSync(data()).readBigUInt64LE(page + 144))));
    expect((lastPage + 1) * pageSize).toBeGreaterThan(statSync(data()).size);
    expect(await readAll()).toBe(100);
  });

  test('reading beside a program that writes at full speed: never called damaged', async () => {
    const store = LmdbStore.open(folder, { newLog: 'log' });
    let seq = 0;
    for (let round = 0; round < 60; round++) {
      const commits: Promise<void>[] = [];
      for (let i = 0; i < 5; i++, seq += 20)
        commits.push(
          store.commit({ entries: entries(seq + 1, seq + 20, 1 + ((seq * 37) % 4_000)), keepFrom: seq - 200 }),
        );
      await Promise.all(commits);
      const reader = LmdbStore.open(folder, { readOnly: true });
      expect(reader.head).toBe(seq);
      await reader.close();
    }
    await store.close();
  });

  test('an empty file is a new log', async () => {
    mkdirSync(folder);
    writeFileSync(data(), '');
    expect((await failure({ readOnly: true })).message).toBe(`there is no log in ${folder}.`);
    const store = LmdbStore.open(folder, { newLog: 'log' });
    expect([store.log, store.head]).toEqual(['log', 0]);
    await store.close();
  });

  test('nothing there: one that only reads says so and makes nothing', async () => {
    const nothing = {
      code: 'DATA_NOT_WRITABLE',
      message: `there is no log in ${folder}.`,
      hint: 'Look elsewhere: --port, --data-dir.',
    };
    expect(await failure({ readOnly: true })).toEqual(nothing);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder);
    expect(await failure({ readOnly: true })).toEqual(nothing);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('another version of the tables is refused in words, to read and to write', async () => {
    await write();
    await setFact('schema', 2);
    for (const readOnly of [false, true])
      expect(await failure({ readOnly })).toEqual({
        code: 'DATA_VERSION',
        message: `the data in ${folder} has format 2, this program knows 1.`,
        hint: 'Use the version of this program that wrote it, or another --data-dir.',
      });
    await setFact('schema', 1);
    expect(await readAll()).toBe(100);
  });

  test('a message that cannot be read', async () => {
    await write();
    const other = open({ path: folder, maxDbs: 8, mapSize: 2 ** 40, overlappingSync: false });
    await other.openDB({ name: 'entries', encoding: 'string' }).put(50, '1 {"name":');
    await other.close();
    await expect(readAll()).rejects.toMatchObject(damaged());
  });
});

describe('a folder that cannot be written', () => {
  const refusal = (reason: string) => ({
    code: 'DATA_NOT_WRITABLE',
    message: expect.stringMatching(new RegExp(`^cannot use ${folder}: .*${reason}.*\\.$`)),
    hint: 'Choose another folder with --data-dir.',
  });

  test('is a file, or lies below one', async () => {
    writeFileSync(folder, 'a letter');
    expect(await failure()).toEqual(refusal('EEXIST'));
    folder = join(folder, 'below');
    expect(await failure()).toEqual(refusal('ENOTDIR'));
  });

  test.skipIf(process.getuid?.() === 0)('where this user may not (root may everywhere)', async () => {
    await write();
    chmodSync(data(), 0o400);
    expect(await failure()).toEqual(refusal(''));
  });

  test('what is made is for its owner only', async () => {
    await write();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o077, file).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb']);
  });
});

describe('a folder that is removed while it is in use', () => {
  test('takes nothing more: what is written there would be nowhere', async () => {
    const store = LmdbStore.open(folder, { newLog: 'log' });
    await store.commit({ entries: entries(1, 1) });
    rmSync(folder, { recursive: true });
    await expect(store.commit({ entries: entries(2, 2) })).rejects.toMatchObject({ code: 'DATA_NOT_WRITABLE' });
    await store.close();
  });
});
