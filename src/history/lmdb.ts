import { createHash } from 'node:crypto';
import { type Database, open, type RootDatabase } from 'lmdb';
import { type Change, type DeviceMark, type Entry, emptyHash, type Owner, type Store } from '../core/log/store.ts';
import { ChatError } from '../errors.ts';
import { decode, encode } from '../protocol/codec.ts';
import type { Message, MessageId } from '../protocol/frames.ts';
import { cannotUse, damaged, fileOf, isDiskFull, prepareFolder, replaced } from './folder.ts';
import { checkLock, releaseLock, takeLock } from './lock.ts';

/** Version of the tables below; another one is refused in words. */
const schema = 1;
const maxMapBytes = 2 ** 40;
/** Longer names (a stranger may send them) are kept by their hash: LMDB takes no longer keys. */
const maxKeyLength = 400;

type Base = { seq: number; hash: string };
type Commit = { change: Change; resolve: () => void; reject: (error: unknown) => void };
/** What a value says before its frame: when the log got it. */
type Stored = `${number} ${string}`;

export type LmdbOptions = {
  /** Given to a new log; a copy of another log begins without one. */
  newLog?: string;
  /** Only reads, beside a program that writes. */
  readOnly?: boolean;
  /** What the program is called when another one finds the folder in use. */
  program?: string;
};

/**
 * A store in one folder, on LMDB (docs/protocol.md, F1 to F5). All changes given in one turn of the event loop share a
 * transaction, which is on disk (fdatasync) before any of their promises resolves.
 */
export class LmdbStore implements Store {
  readonly folder: string;
  readonly #root: RootDatabase;
  readonly #meta: Database<unknown, string>;
  readonly #entries: Database<Stored, number>;
  readonly #marks: Database<DeviceMark, string>;
  readonly #owners: Database<Owner, string>;
  readonly #pending: Database<string, [dev: string, n: number]>;
  #queue: Commit[] = [];
  #failure: unknown;
  /** What this process holds the folder by; '' if it only reads. */
  #run = '';
  readonly #file: string;
  /** A server has nothing pending, and need not look for it at every entry. */
  #mayBePending: boolean;
  #base: Base;
  log: string;
  head: number;

  private constructor(root: RootDatabase, folder: string, { newLog = '', readOnly = false, program }: LmdbOptions) {
    this.folder = folder;
    this.#root = root;
    this.#file = fileOf(folder);
    this.#meta = this.#root.openDB({ name: 'meta' });
    this.#checkVersion();
    this.#entries = this.#root.openDB({ name: 'entries', encoding: 'string' });
    this.#marks = this.#root.openDB({ name: 'marks' });
    this.#owners = this.#root.openDB({ name: 'owners' });
    this.#pending = this.#root.openDB({ name: 'pending', encoding: 'string' });
    if (!readOnly) this.#prepare(newLog, program ?? 'program');
    this.#base = (this.#meta.get('base') as Base | undefined) ?? { seq: 0, hash: emptyHash };
    this.log = (this.#meta.get('log') as string | undefined) ?? '';
    this.head = this.#newest ?? this.#base.seq;
    this.#mayBePending = Array.from(this.#pending.getKeys({ limit: 1 })).length > 0;
  }

  /** Opens or makes the store in `folder`. Throws a ChatError: in use, not writable, damaged, of another version. */
  static open(folder: string, options: LmdbOptions = {}): LmdbStore {
    const { readOnly = false } = options;
    prepareFolder(folder, readOnly);
    const own = { overlappingSync: false, permissionsMode: 0o600 };
    let root: RootDatabase | undefined;
    try {
      root = open({ path: folder, maxDbs: 8, mapSize: maxMapBytes, readOnly, ...own });
      return new LmdbStore(root, folder, options);
    } catch (error) {
      void root?.close();
      throw cannotUse(folder, error);
    }
  }

  get first(): number {
    return this.#base.seq + 1;
  }

  /** A fact kept beside the log, made the first time it is asked for. */
  fact(name: string, make: () => string): string {
    const known = this.#meta.get(name) as string | undefined;
    if (known !== undefined) return known;
    const made = make();
    try {
      this.#root.transactionSync(() => this.#meta.putSync(name, made));
    } catch (error) {
      throw cannotUse(this.folder, error);
    }
    return made;
  }

  hashAt(seq: number): string | undefined {
    if (seq === this.#base.seq) return this.#base.hash;
    const stored = this.#reading(() => this.#entries.get(seq));
    return stored === undefined ? undefined : this.#entry(seq, stored).hash;
  }

  read(from: number, limit: number): Entry[] {
    const range = { start: Math.max(from, this.first), end: this.head + 1, limit };
    return this.#reading(() => Array.from(this.#entries.getRange(range), ({ key, value }) => this.#entry(key, value)));
  }

  mark(dev: string): DeviceMark | undefined {
    return this.#reading(() => this.#marks.get(dev));
  }

  owner(name: string): Owner | undefined {
    return this.#reading(() => this.#owners.get(keyOf(name)));
  }

  pending(): Message[] {
    return this.#reading(() => Array.from(this.#pending.getRange(), ({ value }) => this.#message(value)));
  }

  commit(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#queue.push({ change, resolve, reject }) === 1) setImmediate(() => this.#flush());
    });
  }

  async close(): Promise<void> {
    this.#flush();
    try {
      if (this.#run && !this.#failure) this.#root.transactionSync(() => releaseLock(this.#meta, this.#run));
    } catch {
      // A full disk, say. Whoever comes next sees that this process is gone.
    } finally {
      await this.#root.close();
    }
  }

  /** After one failure everything fails: what comes later must not be kept without what came before. */
  #flush(): void {
    const commits = this.#queue;
    this.#queue = [];
    if (commits.length === 0) return;
    try {
      if (this.#failure) throw this.#failure;
      if (isDiskFull(this.folder)) throw new Error('no room');
      if (fileOf(this.folder) !== this.#file) throw replaced(this.folder);
      const state = this.#root.transactionSync(() => this.#applyAll(commits));
      this.#base = state.base;
      this.log = state.log;
      this.head = state.head;
      for (const { resolve } of commits) resolve();
    } catch (error) {
      this.#failure ??= cannotUse(this.folder, error);
      for (const { reject } of commits) reject(this.#failure);
    }
  }

  #applyAll(commits: Commit[]) {
    checkLock(this.#meta, this.folder, this.#run);
    const state = { base: this.#base, log: this.log, head: this.head };
    for (const { change } of commits) this.#apply(change, state);
    return state;
  }

  #apply(change: Change, state: { base: Base; log: string; head: number }): void {
    const { restart, entries = [], owners = [], pending = [], dropped = [], keepFrom } = change;
    if (restart) {
      this.#entries.clearSync();
      this.#setBase(state, restart);
      state.log = restart.log;
      state.head = restart.seq;
      this.#meta.putSync('log', restart.log);
    }
    this.#mayBePending ||= pending.length > 0;
    for (const message of pending)
      if (message.id) this.#pending.putSync([message.id.dev, message.id.n], encode(message));
    for (const entry of entries) this.#append(entry, state);
    for (const { id, key } of newestOfEach(entries)) this.#see(id, key);
    for (const owner of owners) this.#owners.putSync(keyOf(owner.name), owner);
    for (const { id } of dropped) if (id) this.#pending.removeSync([id.dev, id.n]);
    if (keepFrom !== undefined) this.#trim(Math.min(keepFrom, state.head + 1), state);
  }

  #append({ seq, atMs, wire }: Entry, state: { head: number }): void {
    if (seq !== state.head + 1) throw new Error(`entry ${seq} does not follow ${state.head}`);
    this.#entries.putSync(seq, `${atMs} ${wire}`);
    state.head = seq;
  }

  /** Everything of this device up to its n is in the log. */
  #see({ dev, n }: MessageId, key: string | undefined): void {
    const highest = Math.max(n, this.#marks.get(dev)?.n ?? 0);
    this.#marks.putSync(dev, key === undefined ? { n: highest } : { n: highest, key });
    if (!this.#mayBePending) return;
    for (const passed of this.#pending.getKeys({ start: [dev, 0], end: [dev, n + 1] }))
      this.#pending.removeSync(passed);
  }

  #trim(keepFrom: number, state: { base: Base }): void {
    const last = keepFrom - 1;
    if (last <= state.base.seq) return;
    const stored = this.#entries.get(last);
    const hash = stored === undefined ? emptyHash : this.#entry(last, stored).hash;
    for (const seq of this.#entries.getKeys({ start: state.base.seq + 1, end: keepFrom }))
      this.#entries.removeSync(seq);
    this.#setBase(state, { seq: last, hash });
  }

  #setBase(state: { base: Base }, { seq, hash }: Base): void {
    state.base = { seq, hash };
    this.#meta.putSync('base', state.base);
  }

  #checkVersion(): void {
    const version = this.#meta.get('schema') ?? schema;
    if (version === schema) return;
    const message = `the data in ${this.folder} has format ${version}, this program knows ${schema}.`;
    throw new ChatError(
      'DATA_VERSION',
      message,
      'Use the version of this program that wrote it, or another --data-dir.',
    );
  }

  /** Takes the folder for this process and makes it what it has to be. */
  #prepare(newLog: string, program: string): void {
    this.#root.transactionSync(() => {
      this.#run = takeLock(this.#meta, this.folder, program);
      this.#meta.putSync('schema', schema);
      if (this.#meta.get('log') === undefined) this.#meta.putSync('log', newLog);
    });
  }

  /** What LMDB stumbles over while reading is damage. */
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw error instanceof ChatError ? error : damaged(this.folder, error);
    }
  }

  get #newest(): number | undefined {
    const [newest] = this.#entries.getKeys({ reverse: true, limit: 1 });
    return newest;
  }

  /** The message is decoded only if somebody wants it: most readers want the frame as it is. */
  #entry(seq: number, stored: Stored): Entry {
    const space = stored.indexOf(' ');
    const wire = stored.slice(space + 1);
    const read = () => this.#message(wire);
    let message: Message | undefined;
    return {
      seq,
      wire,
      atMs: Number(stored.slice(0, space)),
      get message() {
        return (message ??= read());
      },
      get hash() {
        return this.message.hash ?? emptyHash;
      },
    };
  }

  #message(wire: string): Message {
    const frame = decode(Buffer.from(wire));
    if (frame.kind !== 'message') throw damaged(this.folder, new Error('a stored message cannot be read'));
    return frame;
  }
}

const keyOf = (name: string) =>
  name.length <= maxKeyLength ? name : createHash('sha256').update(name).digest('base64url');

/** The highest n of each device, which says it for all below. */
function newestOfEach(entries: Entry[]): { id: MessageId; key: string | undefined }[] {
  const newest = new Map<string, { id: MessageId; key: string | undefined }>();
  for (const { id, key } of entries.map(({ message }) => message)) {
    const n = Math.max(id?.n ?? 0, (id && newest.get(id.dev)?.id.n) ?? 0);
    if (id) newest.set(id.dev, { id: { dev: id.dev, n }, key });
  }
  return [...newest.values()];
}
