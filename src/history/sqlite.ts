import { fingerprint } from '../errors.ts';
import { Connection, closeWriter, makeDurable, openReader, openWriter } from './database.ts';
import { filesOf, lockPath, prepareFolder } from './folder.ts';
import { LogStore, type State } from './memory.ts';
import { entries, type Kept, marks, owners, pending, readState, writeFirst, writeState } from './schema.ts';
import { EntryTable, Table } from './tables.ts';
import { inWords, isBusy, trouble } from './trouble.ts';

export type SqliteOptions = {
  /** The id of a new log; a copy of another log begins without one. */
  newLog?: string;
  newDev?: () => string;
  /** Whose room the log is of, by its key: one of another room is refused. */
  room?: string;
  /** Beside a program that writes. */
  readOnly?: boolean;
  /** What this program is called when another one finds the folder in use. */
  program?: string;
};
/** So many of the newest places are looked at first: what comes next is written beside them. */
const checkedPlaces = 64;

/** A store in one folder, in SQLite (schema.ts; docs/protocol.md, F1 to F5). A change is one transaction. */
export class SqliteStore extends LogStore {
  readonly #facts: Kept['facts'];
  readonly #db: Connection;
  readonly #lock: Connection | undefined;
  readonly #files: string;

  private constructor(db: Connection, lock: Connection | undefined, { facts, ...state }: Kept) {
    const tables = {
      entries: new EntryTable(db, entries),
      marks: new Table(db, marks),
      owners: new Table(db, owners),
      pending: new Table(db, pending),
    };
    super(state.log, facts.dev ?? '', tables, db.folder, db.damaged);
    Object.assign(this, state);
    this.#facts = facts;
    this.#db = db;
    this.#lock = lock;
    this.#files = filesOf(db.folder);
    if (lock) this.read(this.head - checkedPlaces + 1, checkedPlaces);
  }

  /** Opens or makes the store in `folder`. Throws a ChatError: in use, not writable, damaged, of another version. */
  static open(folder: string, options: SqliteOptions = {}): SqliteStore {
    return inWords(folder, () => {
      prepareFolder(folder, !options.readOnly);
      const lock = options.readOnly ? undefined : hold(folder);
      let db: Connection | undefined;
      try {
        db = lock ? openWriter(folder) : openReader(folder);
        const kept = lock ? begin(db, options) : readState(db);
        if (!kept) throw trouble('noLog', folder);
        return new SqliteStore(db, lock, kept);
      } catch (error) {
        db?.close();
        lock?.close();
        throw error;
      }
    });
  }

  override async close(): Promise<void> {
    // After what was given before; what is given later fails.
    this.committed = this.committed.then(() => Promise.reject(trouble('closed', this.folder)));
    await this.committed.catch(() => undefined);
    if (!this.#db.isOpen) return;
    // SQLite removes its journal by name, and by now it may be the journal of another program.
    if (this.#lock && filesOf(this.folder) === this.#files) closeWriter(this.#db);
    else this.#db.close();
    this.#lock?.close();
  }

  protected override write(work: () => void, after: State): void {
    if (filesOf(this.folder) !== this.#files) throw trouble('replaced', this.folder);
    this.#db.transaction(() => {
      work();
      writeState(this.#db, { ...after, facts: this.#facts });
    });
  }
}

/** Makes a new log, or says in an old one who has it now. */
function begin(db: Connection, { newLog = '', newDev, room, program = 'program' }: SqliteOptions): Kept {
  const known = readState(db);
  const other = room && known?.facts.room;
  if (other && other !== room) throw trouble('otherRoom', db.folder, fingerprint(other));
  const state = { log: newLog, first: 1, head: 0, baseHash: '', headHash: '', ranMs: 0, lc: 0, signed: undefined };
  const dev = known?.facts.dev ?? newDev?.();
  const facts = { ...known?.facts, ...(room && { room }), dev, holder: `${program} (pid ${process.pid})` };
  const kept = { ...state, ...known, facts };
  makeDurable(db);
  // Although nothing may be new: a disk that takes nothing more is to be found now.
  db.transaction(() => writeFirst(db, kept, !known));
  return kept;
}

/** For the life of the process, however that ends. A file of its own: SQLite would only make a second writer wait. */
function hold(folder: string): Connection {
  const lock = new Connection(folder, lockPath(folder));
  try {
    // In memory, or the journal of this transaction would lie about as a file.
    lock.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw isBusy(error) ? trouble('inUse', folder, holderOf(folder)) : error;
  }
}

/** No more than "program" if that one keeps the file to itself, or has only just begun. */
function holderOf(folder: string): string {
  let db: Connection | undefined;
  try {
    db = openReader(folder, 0);
    return readState(db)?.facts.holder ?? 'program';
  } catch {
    return 'program';
  } finally {
    db?.close();
  }
}
