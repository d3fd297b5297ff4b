import { pathToFileURL } from 'node:url';
import { DatabaseSync, type StatementSyncInstance } from '@photostructure/sqlite';
import { dataPath, isRemote, sizeOf } from './folder.ts';
import type { Cell } from './schema.ts';
import { busyMs, isUnopened } from './trouble.ts';

/** After a long transaction the journal is cut to this. */
const maxIdleJournalBytes = 4_194_304;

export class Connection extends DatabaseSync {
  readonly folder: string;
  /** Nobody else changes what is in the file. */
  readonly isOwn: boolean;
  /** What the disk has changed and is lost, in words; it grows as things are read. */
  readonly damaged = new Set<string>();
  readonly #statements = new Map<string, StatementSyncInstance>();
  readonly #puts = new Map<string, StatementSyncInstance>();

  constructor(folder: string, location: string, options: { readOnly?: boolean; timeout?: number } = {}) {
    super(location, { ...options, readBigInts: true, returnArrays: true });
    this.folder = folder;
    this.isOwn = !options.readOnly;
  }

  /** Prepared once: the driver lets go of a statement only when it is collected. */
  statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql) ?? this.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  /** The first row. Unlike `rows` it says which error it met. */
  row = (sql: string): Cell[] => this.statement(sql).get() ?? [];
  rows = (sql: string, ...cells: Cell[]): Cell[][] => this.statement(sql).all(...cells);

  /** The cells of one row, or of many one after the other, each of `columns`. */
  put(table: string, cells: Cell[], columns = cells.length): void {
    const shape = columns === cells.length ? table : `${table} ${cells.length}`;
    let known = this.#puts.get(shape);
    if (!known) this.#puts.set(shape, (known = this.statement(insertOf(table, cells.length / columns, columns))));
    known.run(...cells);
  }

  /** All of it is on disk when this returns, nothing if it throws. */
  transaction(work: () => void): void {
    this.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.exec('COMMIT');
    } catch (error) {
      if (this.isTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }
}

function insertOf(table: string, rows: number, columns: number): string {
  const row = `(${new Array(columns).fill('?').join()})`;
  return `INSERT OR REPLACE INTO ${table} VALUES ${new Array(rows).fill(row).join()}`;
}

/** Opens for writing, and changes nothing yet. */
export function openWriter(folder: string): Connection {
  const db = new Connection(folder, dataPath(folder), { timeout: busyMs });
  // A WAL would share memory even for the first look.
  if (isRemote(folder)) db.exec('PRAGMA locking_mode=EXCLUSIVE');
  return db;
}

/**
 * From here on what is committed is on disk. The users of a WAL share memory, which machines cannot: on a network file
 * system one connection has the file for itself, with a plain journal.
 */
export function makeDurable(db: Connection): void {
  const [mode] = isRemote(db.folder) ? [] : db.row('PRAGMA journal_mode=WAL');
  if (mode !== 'wal') db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE');
  // EXTRA is FULL, and with a plain journal one sync more. On macOS only fullfsync makes a sync one.
  db.exec('PRAGMA synchronous=EXTRA; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON; PRAGMA cell_size_check=ON');
  // What is deleted is overwritten.
  db.exec(`PRAGMA journal_size_limit=${maxIdleJournalBytes}; PRAGMA secure_delete=ON`);
}

/**
 * Makes the file anew, and its journal empty: where rows were moved, parts of them are left in free space, which is not
 * overwritten with what is deleted. Returns false if somebody who reads still needs the journal.
 */
export function removeTraces(db: Connection): boolean {
  db.exec('VACUUM; PRAGMA busy_timeout=0');
  try {
    const [isBusy] = db.row('PRAGMA wal_checkpoint(TRUNCATE)');
    return Number(isBusy) === 0;
  } finally {
    db.exec(`PRAGMA busy_timeout=${busyMs}`);
  }
}

/** Opens for reading, beside a program that writes. */
export function openReader(folder: string, timeout = busyMs): Connection {
  const path = dataPath(folder);
  const db = new Connection(folder, path, { readOnly: true, timeout });
  try {
    db.exec('PRAGMA user_version');
    return db;
  } catch (error) {
    db.close();
    // A WAL wants files beside it, even to be read. Where none is and none can be made, nobody writes.
    if (!isUnopened(error) || sizeOf(`${path}-wal`) > 0) throw error;
    return new Connection(folder, `${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  }
}

/** Leaves one file. In SQL: the driver lets go of a connection only when its statements have been collected. */
export function closeWriter(db: Connection): void {
  try {
    db.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=NORMAL; PRAGMA journal_mode=DELETE; PRAGMA user_version');
  } catch {
    // A reader is there, or the disk is full: whoever opens the file next goes on from the journal.
  } finally {
    db.close();
  }
}
