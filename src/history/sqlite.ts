import { fingerprint } from '../errors.ts';
import { Connection, closeWriter, makeDurable, openReader, openWriter, removeTraces } from './database.ts';
import { fileOf, filesOf, lockPath, prepareFolder } from './folder.ts';
import { LogStore, type State } from './memory.ts';
import {
  addresses,
  erasures,
  type Kept,
  marks,
  members,
  owners,
  pending,
  readState,
  writeFirst,
  writeRoots,
  writeState,
} from './schema.ts';
import { EntryTable, OwnerTable, Table } from './tables.ts';
import { inWords, isBusy, trouble } from './trouble.ts';

export type SqliteOptions = {
  /** The id of a new log; a copy of another log begins without one. */
  newLog?: string;
  newDev?: () => string;
  /** Gives the key of the room that the log is of, when nobody else can write: it is told which one that was so far. */
  room?: (known: string | undefined) => string;
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
  override readonly isCopied: boolean;
  readonly #db: Connection;
  readonly #lock: Connection | undefined;
  readonly #files: string;
  readonly #tables: readonly { forget(): void }[];

  private constructor(db: Connection, lock: Connection | undefined, { facts, ...state }: Kept) {
    const tables = {
      entries: new EntryTable(db),
      marks: new Table(db, marks),
      owners: new OwnerTable(db, owners),
      members: new Table(db, members),
      addresses: new Table(db, addresses),
      pending: new Table(db, pending),
      erasures: new Table(db, erasures),
    };
    super(state.log, state.dev, tables, db.folder, db.damaged);
    this.#tables = Object.values(tables);
    Object.assign(this, state);
    this.#facts = facts;
    this.isCopied = facts.file !== undefined && facts.file !== fileOf(db.folder);
    this.#db = db;
    this.#lock = lock;
    this.#files = filesOf(db.folder);
    if (lock) this.read(this.head - checkedPlaces + 1, checkedPlaces);
    if (lock) this.#clean();
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

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  /** Whose room the log is of. */
  get room(): string | undefined {
    return this.#facts.room;
  }

  /** The oldest place kept now: whoever only reads does not learn by itself what a server trims meanwhile. */
  get firstNow(): number {
    return inWords(this.folder, () => readState(this.#db)?.first ?? this.first);
  }

  /** Throws a ChatError if the log is of another room than this. */
  check(room: string): void {
    checkRoom(this.folder, this.#facts, room);
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

  protected override write(work: () => void, after: State, erases: boolean): void {
    if (filesOf(this.folder) !== this.#files) throw trouble('replaced', this.folder);
    if (after.dev !== this.dev) this.#facts.file = fileOf(this.folder);
    if (erases) this.#facts.traces = true;
    try {
      this.#db.transaction(() => {
        work();
        writeState(this.#db, { ...after, facts: this.#facts });
      });
    } catch (error) {
      for (const table of this.#tables) table.forget();
      throw error;
    }
    this.#clean(after);
  }

  /** Again after the next change, as long as somebody who reads needs the journal. A start goes on with what a kill has left. */
  #clean(state: State = this): void {
    if (!this.#facts.traces || !removeTraces(this.#db)) return;
    const facts = Object.assign(this.#facts, { traces: undefined });
    const kept = { ...state, facts };
    this.#db.transaction(() => writeRoots(this.#db, kept));
  }
}

/** Makes a new log, or says in an old one who has it now. */
function begin(db: Connection, { newLog = '', newDev, room: roomOf, program = 'program' }: SqliteOptions): Kept {
  const known = readState(db);
  const room = roomOf?.(known?.facts.room);
  checkRoom(db.folder, known?.facts, room);
  const dev = newDev?.() ?? '';
  const state = {
    log: newLog,
    first: 1,
    head: 0,
    baseHash: '',
    headHash: '',
    ranMs: 0,
    lc: 0,
    roster: { last: 0, base: 0 },
  };
  const made = { ...state, signed: undefined, dev, former: [], given: 0, piped: undefined };
  const file = !known && dev ? fileOf(db.folder) : known?.facts.file;
  const facts = {
    ...known?.facts,
    ...(room && { room }),
    ...(file && { file }),
    holder: `${program} (pid ${process.pid})`,
  };
  const kept = { ...made, ...known, facts };
  makeDurable(db);
  // Although nothing may be new: a disk that takes nothing more is to be found now.
  db.transaction(() => writeFirst(db, kept, !known));
  return kept;
}

function checkRoom(folder: string, facts: Kept['facts'] | undefined, room: string | undefined): void {
  const other = room && facts?.room;
  if (other && other !== room) throw trouble('otherRoom', folder, fingerprint(other));
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
