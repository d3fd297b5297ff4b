import type { AuthorCount, Owner, Place } from '../core/log/store.ts';
import type { MessageId } from '../protocol/frames.ts';
import type { Connection } from './database.ts';
import { lineOf, placeOf, placesIn, rowsInText } from './line.ts';
import { type Cell, type Shape, seal, toCell, toValue, unseal } from './schema.ts';
import { trouble } from './trouble.ts';

/** With more rows than this a table is not looked through, for that would hold up the room. */
const maxChecked = 100_000;

/** So many rows are read as one text: even of the longest messages they are far from what fits in a string. */
const rowsAtOnce = 5_000;
/** So many lines go to the driver at once: a call of it costs as much as some lines. */
const linesAtOnce = 8;
/** So many rows of a table are remembered. */
const maxRemembered = 4_096;

/**
 * Rows by a key, each sealed: one that the disk has changed is as good as none. Whoever has the file alone reads a row once, and
 * nothing that it knows is not there: the room asks for each message whether its words are erased, and how far its device was.
 */
export class Table<T> {
  protected readonly db: Connection;
  readonly #shape: Shape<T>;
  readonly #where: string;
  #isChecked = false;
  readonly #remembered = new Map<string, T>();
  /** Of all rows, if nobody else writes and there are not too many. */
  #keys: Set<string> | undefined;

  constructor(db: Connection, shape: Shape<T>) {
    this.db = db;
    this.#shape = shape;
    this.#where = `FROM ${shape.name} WHERE ${shape.key.map((column) => `${column} = ?`).join(' AND ')}`;
  }

  get(key: string): T | undefined {
    const known = this.#remembered.get(key);
    if (known !== undefined || this.#keys?.has(key) === false) return known;
    const cells = this.#find(this.#keyOf(key));
    const isDoubtful = cells ? !unseal(cells) : !this.#isChecked;
    if (isDoubtful && this.#mend()) return this.get(key);
    const row = cells && this.rowOf(cells);
    if (row !== undefined) this.#remember(key, row);
    return row;
  }

  /** What was set and not committed is not there. */
  forget(): void {
    this.#remembered.clear();
    this.#keys = undefined;
  }

  #remember(key: string, row: T): void {
    if (!this.db.isOwn) return;
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(key, row);
  }

  values(): T[] {
    if (!this.#isChecked) this.#mend();
    return this.#all().flatMap((cells) => this.rowOf(cells) ?? []);
  }

  set(key: string, row: T): void {
    this.put(row);
    this.#keys?.add(key);
    if (this.#keys && this.#keys.size > maxChecked) this.#keys = undefined;
    // What nobody has asked for, and is only written, would be remembered in vain.
    if (this.#remembered.has(key)) this.#remembered.set(key, row);
  }

  protected put(row: T): void {
    const { name, values } = this.#shape;
    this.db.put(name, seal(values(row)));
  }

  delete(key: string): void {
    this.db.statement(`DELETE ${this.#where}`).run(...this.#keyOf(key));
    this.#keys?.delete(key);
    this.#remembered.delete(key);
  }

  /** As the store has it, `formatId` has put the two columns of a message in one. */
  #keyOf = (key: string): Cell[] => (this.#shape.key.length > 1 ? key.split('.') : [toCell(key)]);

  /** Writes all rows anew, and returns true, if one is damaged or not found: a changed key leads searches astray. */
  #mend(): boolean {
    this.#isChecked = true;
    const { name, key, lost, rescue } = this.#shape;
    const [what, column] = lost;
    const rows = this.#all(`LIMIT ${maxChecked + 1}`);
    const whole = rows.filter((cells) => unseal(cells));
    const isFine = whole.length === rows.length && whole.every((cells) => this.#find(cells.slice(0, key.length)));
    const areKnown = isFine && rows.length <= maxChecked && this.db.isOwn;
    if (areKnown) this.#keys = new Set(whole.map((cells) => cells.slice(0, key.length).map(toValue).join('.')));
    if (isFine || rows.length > maxChecked) return false;
    this.forget();
    for (const cells of rows)
      if (!unseal(cells)) this.db.damaged.add(`${what}: ${JSON.stringify(toValue(cells[column] ?? null) ?? null)}`);
    const rescued = rescue ? this.db.rows(rescue).map((cells) => seal(cells.map(toValue))) : [];
    this.db.transaction(() => {
      this.db.exec(`DELETE FROM ${name}`);
      for (const cells of [...rescued, ...whole]) this.db.put(name, cells);
    });
    return true;
  }

  protected rowOf(cells: Cell[]): T | undefined {
    const values = unseal(cells);
    return values && this.#shape.read(values);
  }

  #find = (key: Cell[]): Cell[] | undefined => this.db.statement(`SELECT * ${this.#where}`).get(...key);
  #all = (limit = '') => this.db.rows(`SELECT * FROM ${this.#shape.name} ${limit}`);
}

export class OwnerTable extends Table<Owner> {
  /** Whose each look is, and which each key has, if nobody else writes: for each who comes in all would be looked through. */
  #known: { keys: Map<string, string>; looks: Map<string, Set<string>> } | undefined;

  of(key: string): Owner[] {
    if (!this.db.isOwn) return this.#found(key);
    this.#known ??= this.#readAll();
    return [...(this.#known.looks.get(key) ?? [])].flatMap((look) => this.get(look) ?? []);
  }

  override set(look: string, owner: Owner): void {
    super.set(look, owner);
    this.#learn(owner);
  }

  override forget(): void {
    super.forget();
    this.#known = undefined;
  }

  #found = (key: string): Owner[] =>
    this.db.rows('SELECT * FROM owners WHERE key = ?', key).flatMap((cells) => this.rowOf(cells) ?? []);

  #readAll() {
    const owners = this.values();
    this.#known = { keys: new Map(), looks: new Map() };
    for (const owner of owners) this.#learn(owner);
    return this.#known;
  }

  #learn({ look, key }: Owner): void {
    if (!this.#known) return;
    const { keys, looks } = this.#known;
    looks.get(keys.get(look) ?? '')?.delete(look);
    keys.set(look, key);
    const known = looks.get(key);
    if (known) known.add(look);
    else looks.set(key, new Set([look]));
  }
}

/** The table of the entries, a line for each (line.ts). A changed `seq` leads every search for its neighbours astray. */
export class EntryTable {
  readonly #db: Connection;
  readonly #holes = new Set<number>();

  constructor(db: Connection) {
    this.#db = db;
  }

  /** Nothing is remembered here: what is read again stands at the end of the log, and is held there (core/log/log.ts). */
  forget(): void {}

  /** Each takes the place of what stands there. */
  put(places: readonly Place[]): void {
    const cells = places.flatMap((place) => [place.seq, lineOf(place)]);
    const most = 2 * linesAtOnce;
    let i = 0;
    for (; i + most <= cells.length; i += most) this.#db.put('entries', cells.slice(i, i + most), 2);
    for (; i < cells.length; i += 2) this.#db.put('entries', cells.slice(i, i + 2));
  }

  /** Those `from` … `to` that can be read, in order. */
  read(from: number, to: number): Place[] {
    const places: Place[] = [];
    for (let next = from; next <= to; next += rowsAtOnce) {
      const [text] = this.#db.statement(rowsInText).get(next, Math.min(next + rowsAtOnce - 1, to)) ?? [];
      if (typeof text === 'string') places.push(...placesIn(text));
    }
    if (places.length === to - from + 1 && places.every(({ seq }, i) => seq === from + i)) return places;
    const rows = this.#db.rows('SELECT seq, line FROM entries WHERE seq BETWEEN ? AND ?', from, to);
    const found = new Map(rows.flatMap((cells) => placeIn(cells) ?? []).map((place) => [place.seq, place]));
    const missing = new Set<number>();
    for (let seq = from; seq <= to; seq++) if (!found.has(seq) && !this.#holes.has(seq)) missing.add(seq);
    if (missing.size > 0) this.#findHoles(missing);
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }

  find({ dev, n }: MessageId): number | undefined {
    // As lineOf writes it: in a text each quote is escaped.
    const cells = `,"${dev}",${n},"`;
    const [seq] = this.#db.statement('SELECT seq FROM entries WHERE instr(line, ?)').get(cells) ?? [];
    return seq === undefined ? undefined : Number(seq);
  }

  /** In JSON: many rows cost the driver one value. */
  *texts(from: number, to: number): Generator<[number, string][]> {
    const shown = "text IS NOT NULL AND void IS NULL AND coalesce(type, 'action') = 'action'";
    for (let next = from; next <= to; next += rowsAtOnce) {
      const range = [next, Math.min(next + rowsAtOnce - 1, to)];
      const [json] = this.#db
        .statement(
          `SELECT json_group_array(json_array(seq, text)) FROM messages WHERE seq BETWEEN ? AND ? AND ${shown}`,
        )
        .get(...range) ?? ['[]'];
      yield JSON.parse(String(json));
    }
  }

  authors(from: number, to: number, spanMs: number): AuthorCount[] {
    const span = 'CAST(ran_ms / ? AS INTEGER)';
    const rows = this.#db.rows(
      `WITH said AS MATERIALIZED (SELECT key, ran_ms FROM messages WHERE seq BETWEEN ? AND ?)
      SELECT key, count(*), max(ran_ms) FROM said GROUP BY ${span}, key ORDER BY ${span}`,
      from,
      to,
      spanMs,
      spanMs,
    );
    return rows.map(([key, count, lastMs]) => ({
      key: String(key ?? ''),
      count: Number(count),
      lastMs: Number(lastMs),
    }));
  }

  clear(): void {
    this.#db.exec('DELETE FROM entries');
    this.#holes.clear();
  }

  drop(seq: number): void {
    this.#db.statement('DELETE FROM entries WHERE seq = ?').run(seq);
  }

  /** Removes those from `from` on that come before `to`. */
  trim(from: number, to: number): void {
    const remove = (where: string) => this.#db.statement(`DELETE FROM entries WHERE ${where}`).run(to).changes;
    // The plus keeps SQLite from searching: it looks at all rows.
    if (to > from && Number(remove('seq < ?')) !== to - from) remove('+seq < ?');
  }

  /** Looks at all rows for these, which rise. Where one is out of order, or is not found by a search, what is written next may be lost. */
  #findHoles(missing: ReadonlySet<number>): void {
    // A damaged row is one hole. Where its neighbour is missing too, there may be another page in the place of theirs.
    const areNeighbours = [...missing].some((seq) => missing.has(seq + 1));
    if (areNeighbours && this.#db.row('PRAGMA quick_check(entries)')[0] !== 'ok')
      throw trouble('damaged', this.#db.folder);
    const [least = 0] = missing;
    let last = 0;
    for (const cells of this.#db.statement('SELECT seq, line FROM entries').iterate()) {
      const { seq } = placeIn(cells) ?? {};
      if (seq === undefined) continue;
      if (seq <= last || missing.has(seq)) throw trouble('damaged', this.#db.folder);
      for (let hole = last > 0 ? last + 1 : least; hole < seq; hole++) this.#holes.add(hole);
      last = seq;
    }
    for (const seq of missing) this.#holes.add(seq);
  }
}

const placeIn = ([seq, line]: Cell[]): Place | undefined => placeOf(`${toValue(seq ?? null)} ${toValue(line ?? null)}`);
