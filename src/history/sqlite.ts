import type { Change, Mark, Owner, Place, Store } from '../core/log/store.ts';
import type { Message } from '../protocol/frames.ts';
import {
  type Connection,
  closeWriter,
  connect,
  lockSql,
  makeDurable,
  openReader,
  openWriter,
  rowsOf,
  transaction,
} from './database.ts';
import { dataPath, filesOf, lockPath, prepareFolder } from './folder.ts';
import { Places } from './places.ts';
import { messageValues, readMessage, toValues } from './rows.ts';
import { type Kept, readState, stateWriter, writeFirst } from './schema.ts';
import { Standing, type State } from './standing.ts';
import { Table } from './table.ts';
import { inWords, isBusy, trouble } from './trouble.ts';

export type SqliteOptions = {
  /** Given to a new log; a copy of another log begins without one. */
  newLog?: string;
  /** Only reads, beside a program that writes. */
  readOnly?: boolean;
  /** What the program is called when another one finds the folder in use. */
  program?: string;
};
/** At a start so many of the newest places are looked at: what comes next is written beside them. */
const checkedPlaces = 64;
/** For each device its highest n among the entries, as rows of `marks`. */
const newestOfEach =
  "SELECT dev, max(n), key FROM entries WHERE typeof(dev) = 'text' AND typeof(n) = 'integer' GROUP BY dev";

/** A store in one folder, in SQLite (schema.ts; docs/protocol.md, F1 to F5). A change is one transaction. */
export class SqliteStore extends Standing implements Store {
  readonly folder: string;
  readonly #db: Connection;
  /** Holds the folder for this process; absent if this one only reads. */
  readonly #lock: Connection | undefined;
  readonly #files: string;
  readonly #facts: Kept['facts'];
  readonly #writeState;
  readonly #places;
  readonly #marks;
  readonly #owners;
  readonly #pending;

  private constructor(folder: string, db: Connection, lock: Connection | undefined, { facts, ...state }: Kept) {
    super(state.log);
    Object.assign(this, state);
    this.folder = folder;
    this.#db = db;
    this.#lock = lock;
    this.#files = filesOf(folder);
    this.#facts = facts;
    this.#writeState = stateWriter(db);
    this.#places = new Places(db, folder);
    const options = { readOnly: !lock, damaged: this.damaged };
    this.#marks = new Table(db, 'marks', { ...options, rescue: () => rowsOf(db, newestOfEach).map(toValues) });
    this.#owners = new Table(db, 'owners', options);
    this.#pending = new Table(db, 'pending', options);
    if (lock) this.read(this.head - checkedPlaces + 1, checkedPlaces);
  }

  /** Opens or makes the store in `folder`. Throws a ChatError: in use, not writable, damaged, of another version. */
  static open(folder: string, options: SqliteOptions = {}): SqliteStore {
    const opened: Connection[] = [];
    try {
      return inWords(folder, () => SqliteStore.#open(folder, options, opened));
    } catch (error) {
      for (const connection of opened) connection.close();
      throw error;
    }
  }

  /** `opened` is given what must be closed if this fails. */
  static #open(folder: string, { newLog = '', readOnly, program = 'program' }: SqliteOptions, opened: Connection[]) {
    prepareFolder(folder, !readOnly);
    const lock = readOnly ? undefined : connect(lockPath(folder));
    if (lock) opened.push(lock);
    if (lock) hold(lock, folder);
    const db = lock ? openWriter(dataPath(folder)) : openReader(dataPath(folder));
    opened.push(db);
    const known = readState(db, folder);
    if (!lock && !known) throw trouble('noLog', folder);
    const state = { log: newLog, first: 1, head: 0, baseHash: '', headHash: '', ranMs: 0 };
    const facts = { ...known?.facts, holder: `${program} (pid ${process.pid})` };
    const kept = { ...state, ...known, facts };
    if (lock) makeDurable(db, dataPath(folder));
    // Although nothing may be new: a disk that takes nothing more is to be found now.
    if (lock) transaction(db, () => writeFirst(db, kept, !known));
    return new SqliteStore(folder, db, lock, kept);
  }

  /** A fact kept beside the log, made the first time it is asked for. */
  fact(name: string, make: () => string): string {
    const known = this.#facts[name];
    if (known !== undefined) return known;
    const made = make();
    this.#facts[name] = made;
    inWords(this.folder, () => transaction(this.#db, () => this.#writeState({ ...this, facts: this.#facts })));
    return made;
  }

  read(from: number, limit: number): Place[] {
    return inWords(this.folder, () => this.#places.read(this, from, limit));
  }

  mark(dev: string): Mark | undefined {
    const row = inWords(this.folder, () => this.#marks.get(dev)) as [string, number, string | null] | undefined;
    return row && { dev, n: row[1], ...(row[2] !== null && { key: row[2] }) };
  }

  owner(name: string): Owner | undefined {
    const row = inWords(this.folder, () => this.#owners.get(name)) as [string, string, number] | undefined;
    return row && { name, key: row[1], seenMs: row[2] };
  }

  pending(): Message[] {
    return inWords(this.folder, () => this.#pending.all().flatMap((values) => readMessage(values) ?? []));
  }

  async close(): Promise<void> {
    // After what was given before in this turn.
    await undefined;
    this.failure ??= trouble('closed', this.folder);
    if (!this.#db.isOpen) return;
    // SQLite removes its journal by name, and by now it may be the journal of another program.
    if (this.#lock && filesOf(this.folder) === this.#files) closeWriter(this.#db);
    else this.#db.close();
    this.#lock?.close();
  }

  protected write(change: Change, after: State): void {
    inWords(this.folder, () => {
      if (filesOf(this.folder) !== this.#files) throw trouble('replaced', this.folder);
      transaction(this.#db, () => this.#writeAll(change, after));
    });
  }

  #writeAll(change: Change, after: State): void {
    const { restart, entries = [], mended = [], marks = [], owners = [], pending = [], dropped = [] } = change;
    if (restart) this.#db.exec('DELETE FROM entries');
    for (const place of entries) this.#places.put(place);
    for (const place of mended) if (place.seq >= after.first && place.seq <= after.head) this.#places.put(place);
    this.#places.remove(restart ? restart.seq + 1 : this.first, after.first);
    for (const { dev, n, key } of marks) this.#marks.put(dev, n, key ?? null);
    for (const { name, key, seenMs } of owners) this.#owners.put(name, key, seenMs);
    for (const message of pending) if (message.id) this.#pending.put(...messageValues(message));
    for (const { dev, n } of dropped) this.#pending.remove(dev, n);
    this.#writeState({ ...after, facts: this.#facts });
  }
}

function hold(lock: Connection, folder: string): void {
  try {
    lock.exec(lockSql);
  } catch (error) {
    throw isBusy(error) ? trouble('inUse', folder, holderOf(folder) ?? 'program') : error;
  }
}

/** Undefined if that program keeps the file to itself, or has only just begun: the lock says enough. */
function holderOf(folder: string): string | undefined {
  let db: Connection | undefined;
  try {
    db = openReader(dataPath(folder), 0);
    return readState(db, folder)?.facts.holder;
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}
