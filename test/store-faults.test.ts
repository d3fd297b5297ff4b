import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Entry } from '../src/core/log/store.ts';
import { ChatError } from '../src/errors.ts';
import { type SqliteOptions, SqliteStore } from '../src/history/sqlite.ts';

const disk = vi.hoisted(() => ({ type: undefined as number | undefined }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const statfsSync = (path: string) => ({
    ...fs.statfsSync(path),
    ...(disk.type !== undefined && { type: disk.type }),
  });
  return { ...fs, statfsSync };
});
// The words go on to speak of the real time.
vi.mock('../src/history/trouble.ts', async (original) => ({
  ...(await original<typeof import('../src/history/trouble.ts')>()),
  busyMs: 100,
}));

const root = mkdtempSync(join(tmpdir(), 'zmqchat-faults-'));
const source = new URL('../src/history/sqlite.ts', import.meta.url).href;
const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';
const opened: SqliteStore[] = [];
const children: ChildProcess[] = [];
let count = 0;
let folder: string;
beforeEach(() => {
  folder = join(root, String(++count));
});
afterEach(async () => {
  disk.type = undefined;
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => rmSync(root, { recursive: true }));

const data = () => join(folder, 'log.db');
const entries = (from: number, to: number, length = 100): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const [seq, hash] = [from + i, `h${from + i}`];
    const message = { kind: 'message', name: 'ann', text: 'x'.repeat(length), id: { dev: 'dev', n: seq } } as const;
    return { seq, prev: `h${seq - 1}`, hash, atMs: 1, ranMs: 1, message: { ...message, seq, hash } };
  });
function open(options: SqliteOptions = {}): SqliteStore {
  const store = SqliteStore.open(folder, { newLog: 'log', program: 'server', ...options });
  opened.push(store);
  return store;
}
/** A log of `size` entries, closed. */
async function write(size = 100): Promise<void> {
  const store = open();
  await store.commit({ entries: entries(1, size) });
  await store.close();
}
/** Opens it, reads everything, and resolves with how many entries there were. */
async function readAll(options: SqliteOptions = {}): Promise<number> {
  const store = open(options);
  const places = store.read(1, 1_000_000);
  await store.close();
  return places.filter(({ message }) => message).length;
}
/** Why the folder cannot be opened, as it would be told. */
function failure(options: SqliteOptions = {}): Pick<ChatError, 'code' | 'message' | 'hint'> {
  try {
    open(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ChatError);
    const { code, message, hint } = error as ChatError;
    return { code, message, hint };
  }
  throw new Error('it was opened');
}
function run(sql: string): void {
  const db = new DatabaseSync(data());
  db.exec(sql);
  db.close();
}

const damaged = () => ({
  code: 'DATA_DAMAGED',
  message: `the data in ${folder} is damaged.`,
  hint: 'Restore it from a copy, or move it away to begin a new one: members give back what they have.',
});
const refusal = (reason: string, at = folder) => ({
  code: 'DATA_NOT_WRITABLE',
  message: `cannot use ${at}: ${reason}.`,
  hint: 'Choose another folder with --data-dir.',
});
const removed = () => ({
  code: 'DATA_NOT_WRITABLE',
  message: `the data in ${folder} was removed or replaced while it was in use.`,
  hint: 'Start again.',
});

describe('a folder has one program that writes', () => {
  test('a second one is told who uses it; the first goes on; one that reads may come', async () => {
    const store = open();
    expect(failure()).toEqual({
      code: 'DATA_IN_USE',
      message: `another server (pid ${process.pid}) is using ${folder}.`,
      hint: 'End it, or choose another folder with --data-dir.',
    });
    await store.commit({ entries: entries(1, 100) });
    expect(await readAll({ readOnly: true })).toBe(100);
    await store.close();
    expect(await readAll()).toBe(100);
  });

  test('another process, killed (-9) while it writes: free at once, and everything committed is there', async () => {
    const script = `
      const { SqliteStore } = await import(${JSON.stringify(source)});
      const store = SqliteStore.open(${JSON.stringify(folder)}, { newLog: 'log', program: 'client' });
      for (let seq = 1; ; seq++) {
        await store.commit({ entries: [{ seq, prev: '', hash: 'h', atMs: 1, ranMs: 1,
          message: { kind: 'message', name: 'ann', text: 'x'.repeat(seq), seq, hash: 'h' } }] });
        process.stdout.write(seq + '\\n');
      }`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    children.push(child);
    let last = 0;
    for await (const line of createInterface(child.stdout)) {
      last = Number(line);
      if (last === 1) expect(failure().message).toBe(`another client (pid ${child.pid}) is using ${folder}.`);
      if (last === 50) child.kill('SIGKILL');
    }
    if (child.signalCode === null) await once(child, 'exit');
    const store = open();
    expect(store.head).toBeGreaterThanOrEqual(last);
    expect(store.read(1, 1_000).map(({ message }) => message?.text.length)).toEqual(
      Array.from({ length: store.head }, (_, i) => i + 1),
    );
  });

  test('a stranger that writes is waited for, some seconds; then nothing is committed any more', async () => {
    const store = open();
    const stranger = new DatabaseSync(data());
    stranger.exec('BEGIN IMMEDIATE');
    const words = { code: 'DATA_IN_USE', message: `another program has kept the data in ${folder} to itself for 5 s.` };
    await expect(store.commit({ entries: entries(1, 1) })).rejects.toMatchObject(words);
    stranger.close();
    await expect(store.commit({ entries: entries(1, 1) })).rejects.toMatchObject(words);
    await store.close();
    expect(await readAll()).toBe(0);
  });

  test('what a stranger changed in between does no harm', async () => {
    const store = open();
    await store.commit({ entries: entries(1, 5) });
    run('DELETE FROM entries WHERE seq = 3; INSERT INTO entries (seq) VALUES (0), (99); VACUUM');
    expect(store.read(0, 99).map(({ seq }) => seq)).toEqual([1, 2, 4, 5]);
    await store.commit({ entries: entries(6, 6), mended: entries(3, 3) });
    await store.close();
    expect(await readAll()).toBe(6);
  });
});

describe('what is no log', () => {
  test('garbage of any length is called damaged, and is left as it is', () => {
    mkdirSync(folder);
    for (const length of [1, 100, 4_096, 8_192, 100_000]) {
      const garbage = Buffer.alloc(length, 'garbage');
      writeFileSync(data(), garbage);
      for (const readOnly of [false, true]) expect(failure({ readOnly })).toEqual(damaged());
      expect(readFileSync(data())).toEqual(garbage);
    }
  });

  test("another program's database is not touched", () => {
    mkdirSync(folder);
    run('CREATE TABLE recipes (name)');
    const bytes = readFileSync(data());
    for (const readOnly of [false, true]) expect(failure({ readOnly })).toEqual(damaged());
    expect(readFileSync(data())).toEqual(bytes);
  });

  test('cut anywhere it is called damaged', async () => {
    await write(300);
    const whole = readFileSync(data());
    for (let length = whole.length - 4_096; length > 0; length -= 4_096) {
      writeFileSync(data(), whole.subarray(0, length));
      expect(failure()).toEqual(damaged());
    }
    writeFileSync(data(), whole);
    expect(await readAll()).toBe(300);
  });

  test('an overwritten page: words, or what was in it is missing; never the end of the process', async () => {
    await write(300);
    const whole = readFileSync(data());
    for (let page = 0; page < whole.length; page += 4_096) {
      for (const filling of [0, 0xff, 0x5a]) {
        writeFileSync(data(), Buffer.from(whole).fill(filling, page, page + 4_096));
        const outcome = await readAll({ readOnly: true }).catch((error) => error);
        if (typeof outcome !== 'number') expect(outcome).toMatchObject(damaged());
      }
    }
  });

  test('an empty file is a new log', () => {
    mkdirSync(folder);
    writeFileSync(data(), '');
    expect(failure({ readOnly: true }).message).toBe(`there is no log in ${folder}.`);
    const { log, head } = open();
    expect([log, head]).toEqual(['log', 0]);
  });

  test('nothing there: one that only reads says so and makes nothing', () => {
    const nothing = {
      code: 'DATA_NOT_WRITABLE',
      message: `there is no log in ${folder}.`,
      hint: 'Look elsewhere: --port, --data-dir.',
    };
    expect(failure({ readOnly: true })).toEqual(nothing);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder);
    expect(failure({ readOnly: true })).toEqual(nothing);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('another version is refused in words, and left as it is', async () => {
    const later = {
      code: 'DATA_VERSION',
      message: `the data in ${folder} has format 3, this program knows 2.`,
      hint: 'Use the version of this program that wrote it, or another --data-dir.',
    };
    await write();
    run('ALTER TABLE state ADD COLUMN mood; PRAGMA user_version=3');
    const bytes = readFileSync(data());
    for (const readOnly of [false, true]) expect(failure({ readOnly })).toEqual(later);
    expect(readFileSync(data())).toEqual(bytes);
  });

  test('an earlier one, too: its tables are others', async () => {
    mkdirSync(folder);
    run('CREATE TABLE entries (seq INTEGER PRIMARY KEY, prev TEXT); PRAGMA user_version=1');
    const earlier = { code: 'DATA_VERSION', message: `the data in ${folder} has format 1, this program knows 2.` };
    for (const readOnly of [false, true]) expect(failure({ readOnly })).toMatchObject(earlier);
  });

  test('a version number that only the disk has changed is put right', async () => {
    await write();
    run('PRAGMA user_version=4');
    expect(await readAll()).toBe(100);
  });

  test('a folder of the program before SQLite', () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.mdb'), 'old');
    for (const readOnly of [false, true])
      expect(failure({ readOnly })).toEqual({
        code: 'DATA_VERSION',
        message: `the data in ${folder} is of a version that was never released, and cannot be read any more.`,
        hint: 'Move data.mdb and lock.mdb away, or choose another --data-dir.',
      });
    expect(readdirSync(folder)).toEqual(['data.mdb']);
  });
});

describe('where a log may be', () => {
  test('a name with dots, blanks, and what means something in an address', async () => {
    for (const name of ['chat.example.org', 'file:x?mode=ro#1', '100% änd.db']) {
      folder = join(root, name);
      await write();
      expect(await readAll({ readOnly: true })).toBe(100);
    }
  });

  test('a folder that is reached over a link, and several that do not exist yet', async () => {
    mkdirSync(folder);
    symlinkSync(folder, `${folder}-link`);
    folder = join(`${folder}-link`, 'a', 'b');
    await write();
    expect(await readAll({ readOnly: true })).toBe(100);
  });

  test('a file, or below one', () => {
    writeFileSync(folder, 'a letter');
    expect(failure()).toEqual(refusal('a part of its path is not a folder'));
    folder = join(folder, 'below', 'it');
    expect(failure()).toEqual(refusal('a part of its path is not a folder'));
  });

  test.runIf(isLinux)('below /proc, where Node would try for ever', () => {
    for (folder of ['/proc/x', '/proc/x/y/z']) expect(failure()).toEqual(refusal('no folder can be made there'));
  });

  test.skipIf(isRoot)('where this user may not write (root may everywhere)', async () => {
    await write();
    chmodSync(data(), 0o400);
    expect(failure()).toEqual(refusal('this user may not read or write there'));
    chmodSync(folder, 0o500);
    expect(failure()).toEqual(refusal('this user may not read or write there'));
    chmodSync(folder, 0o700);
  });

  test.runIf(isRoot)("another user's folder or file (only root can make one); to read it is no harm", async () => {
    await write();
    for (const path of [folder, data(), join(folder, 'lock.db')]) {
      chownSync(path, 4_711, 4_711);
      expect(failure()).toEqual(refusal(`${path} belongs to another user`));
      expect(await readAll({ readOnly: true })).toBe(100);
      chownSync(path, 0, 0);
    }
    expect(await readAll()).toBe(100);
  });

  test('a link in the place of a file, which leads elsewhere', async () => {
    await write();
    const elsewhere = join(root, 'elsewhere');
    for (const name of ['log.db', 'lock.db', 'log.db-wal']) {
      rmSync(join(folder, name), { force: true });
      symlinkSync(elsewhere, join(folder, name));
      expect(failure()).toEqual(refusal(`${join(folder, name)} is no plain file`));
      rmSync(join(folder, name));
    }
    expect(existsSync(elsewhere)).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('a pipe in the place of a file: nobody waits', () => {
    mkdirSync(folder);
    execFileSync('mkfifo', [data()]);
    expect(failure()).toEqual(refusal(`${data()} is no plain file`));
  });

  test('what is made is for its owner only, and one file remains', async () => {
    const store = open();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['lock.db', 'log.db', 'log.db-shm', 'log.db-wal']);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o077, file).toBe(0);
    await store.close();
    expect(readdirSync(folder).sort()).toEqual(['lock.db', 'log.db']);
  });
});

describe('files that are removed while they are in use', () => {
  test.each(['log.db', 'lock.db', 'log.db-wal', ''])('take nothing more: "%s"', async (name) => {
    const store = open();
    await store.commit({ entries: entries(1, 1) });
    rmSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 2; i++) await expect(store.commit({ entries: entries(2, 2) })).rejects.toMatchObject(removed());
  });

  test('or replaced by a copy: the copy stays as it is', async () => {
    await write();
    renameSync(folder, `${folder}-copy`);
    const store = open();
    rmSync(folder, { recursive: true });
    renameSync(`${folder}-copy`, folder);
    await expect(store.commit({ entries: entries(1, 1) })).rejects.toMatchObject(removed());
    const other = open();
    await store.close();
    await other.commit({ entries: entries(101, 101) });
    await other.close();
    expect(await readAll()).toBe(101);
  });
});

describe('the journal', () => {
  test('stays small, whoever reads beside', async () => {
    const store = open();
    const reader = open({ readOnly: true });
    let largest = 0;
    for (let seq = 1; seq <= 2_000; seq += 10) {
      await store.commit({ entries: entries(seq, seq + 9, 4_000), keep: { from: Math.max(1, seq - 50), hash: 'h' } });
      store.read(seq, 3);
      reader.read(1, 10);
      largest = Math.max(largest, statSync(`${data()}-wal`).size);
    }
    expect(largest).toBeLessThan(6_000_000);
    expect(statSync(data()).size).toBeLessThan(2_000_000);
  });
});

describe('a disk that several machines may see (NFS)', () => {
  test('one program has the file for itself, without a WAL; it is free when that ends', async () => {
    disk.type = 0x6969;
    const store = open();
    await store.commit({ entries: entries(1, 100) });
    expect(readdirSync(folder)).not.toContain('log.db-wal');
    expect(failure()).toMatchObject({ code: 'DATA_IN_USE', message: `another program is using ${folder}.` });
    await store.close();
    expect(await readAll()).toBe(100);
    disk.type = undefined;
    expect(await readAll({ readOnly: true })).toBe(100);
  });
});

/** A mount of its own needs a namespace of its own: Linux, and the right to make one. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
/** What a program in such a namespace finds; `disk` is a small disk. */
async function onSmallDisk(script: string): Promise<Record<string, unknown>> {
  mkdirSync(folder);
  const begin = `
    import { execFileSync } from 'node:child_process';
    import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
    const { SqliteStore } = await import(${JSON.stringify(source)});
    const disk = ${JSON.stringify(folder)};
    let place = disk;
    const mount = (options) => execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', disk]);
    const entry = (seq, length) => ({ seq, prev: '', hash: 'h', atMs: 1, ranMs: 1,
      message: { kind: 'message', name: 'ann', text: 'x'.repeat(length), seq, hash: 'h' } });
    const open = (name, readOnly = false) => SqliteStore.open(place + '/' + name, { newLog: 'log', readOnly });
    const said = {};
    const failing = async (name, work) => {
      try { said[name] = await work(); } catch ({ code, message }) { said[name] = [code, message]; }
    };`;
  const program = `${begin}\n${script}\nprocess.stdout.write(JSON.stringify(said));`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)('unshare', ['-rm', ...node], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  return JSON.parse(stdout);
}

// Skipped where this user may not mount a small disk (unshare -rm): nothing else has a full or a read-only disk.
describe.skipIf(!canMount)('disks', () => {
  const words = (code: string, message: string) => [code, message];

  test('a full one: words at the commit and at a start, and everything committed is there', async () => {
    const said = await onSmallDisk(`
      mount('size=2m');
      writeFileSync(disk + '/spare', Buffer.alloc(2 ** 20));
      await open('old').close();
      const store = open('log');
      let head = 0;
      const fill = async () => { for (;; head++) await store.commit({ entries: [entry(head + 1, 4000)] }); };
      await failing('commit', fill);
      await failing('again', fill);
      await store.close();
      try { writeFileSync(disk + '/rest', Buffer.alloc(2 ** 21)); } catch {}
      await failing('old', () => open('old'));
      await failing('new', () => open('new'));
      for (const name of ['rest', 'spare']) rmSync(disk + '/' + name);
      const after = open('log');
      said.kept = [head > 50, after.head === head, after.read(1, 1e6).length === head];
      await after.close();`);
    const full = (name: string) => words('DATA_NOT_WRITABLE', `the disk with ${folder}/${name} is full.`);
    expect(said).toEqual({
      commit: full('log'),
      again: full('log'),
      old: full('old'),
      new: full('new'),
      kept: [true, true, true],
    });
  });

  test('a read-only one: nothing to write, in words; a log can be read', async () => {
    mkdirSync(`${folder}-ro`);
    const said = await onSmallDisk(`
      mount('size=8m');
      const log = open('log');
      await log.commit({ entries: [entry(1, 1), entry(2, 1)] });
      cpSync(disk + '/log', disk + '/killed', { recursive: true });
      cpSync(disk + '/log', disk + '/copied', { recursive: true });
      rmSync(disk + '/copied/log.db-shm');
      await log.close();
      cpSync(disk + '/log', disk + '/wal', { recursive: true });
      const { DatabaseSync } = await import('@photostructure/sqlite');
      const db = new DatabaseSync(disk + '/wal/log.db');
      db.exec('PRAGMA journal_mode=WAL; PRAGMA user_version=2');
      db.close();
      said.files = readdirSync(disk + '/wal').sort();
      place = disk + '-ro';
      execFileSync('mount', ['--bind', disk, place]);
      execFileSync('mount', ['-o', 'remount,bind,ro', place]);
      await failing('write', () => open('log'));
      await failing('new', () => open('new'));
      for (const name of ['log', 'killed', 'wal', 'copied'])
        await failing(name, () => open(name, true).read(1, 9).length);`);
    const readOnly = (name: string) =>
      words('DATA_NOT_WRITABLE', `cannot use ${folder}-ro/${name}: its disk is read-only.`);
    expect(said).toEqual({
      files: ['lock.db', 'log.db'],
      write: readOnly('log'),
      new: readOnly('new'),
      log: 2,
      killed: 2,
      wal: 2,
      copied: words('DATA_NOT_WRITABLE', `cannot use ${folder}-ro/copied: unable to open database file.`),
    });
  });
});

test('programs that begin a folder at once: one of them has it, the others find it in use', {
  timeout: 60_000,
}, async () => {
  const folders = Array.from({ length: 30 }, (_, i) => join(folder, 'new', String(i)));
  const code = `
    const { SqliteStore } = await import(${JSON.stringify(source)});
    const held = [];
    while (Date.now() < ${Date.now() + 2_500});
    for (const folder of ${JSON.stringify(folders)})
      try { held.push(SqliteStore.open(folder)); console.log('OPEN'); } catch ({ code }) { console.log(code); }
    await new Promise((end) => process.stdin.on('end', end).resume());
    process.exit(held.length && 0);`;
  const started = [1, 2, 3].map(() => spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]));
  children.push(...started);
  const found = await Promise.all(started.map(({ stdout }) => firstLines(stdout, folders.length)));
  for (const i of folders.keys())
    expect(found.map((codes) => codes[i]).sort()).toEqual(['DATA_IN_USE', 'DATA_IN_USE', 'OPEN']);
});

async function firstLines(stream: NodeJS.ReadableStream, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) if (lines.push(line) === count) break;
  return lines;
}
