import type { Place } from '../core/log/store.ts';
import type { Connection } from './database.ts';
import { type Cell, placeCells, placeWidth, readPlace, unseal } from './rows.ts';
import { trouble } from './trouble.ts';

type Range = { first: number; head: number };

/** The table of the entries. A changed `seq` leads every search for its neighbours astray, which is met here. */
export class Places {
  readonly #folder: string;
  readonly #select;
  readonly #all;
  readonly #put;
  readonly #remove;
  readonly #removeSlowly;
  /** Places that are known to be missing. */
  #holes = new Set<number>();

  constructor(db: Connection, folder: string) {
    this.#folder = folder;
    this.#select = db.prepare('SELECT * FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq');
    this.#all = db.prepare('SELECT seq, prev, hash, at_ms, ran_ms, sum FROM entries');
    this.#put = db.prepare(`INSERT OR REPLACE INTO entries VALUES (${Array(placeWidth).fill('?').join()})`);
    this.#remove = db.prepare('DELETE FROM entries WHERE seq < ?');
    // The plus keeps SQLite from searching: it looks at all rows.
    this.#removeSlowly = db.prepare('DELETE FROM entries WHERE +seq < ?');
  }

  /** What is whole from place `from` on, at most `limit` places. */
  read(range: Range, from: number, limit: number): Place[] {
    const places: Place[] = [];
    for (let next = Math.max(from, range.first); next <= range.head && places.length < limit; ) {
      const last = Math.min(next + limit - places.length - 1, range.head);
      places.push(...this.#find(next, last, range));
      next = last + 1;
    }
    return places;
  }

  put(place: Place): void {
    this.#put.run(...placeCells(place));
  }

  /** Removes the places from `from` on that come before `to`. */
  remove(from: number, to: number): void {
    if (to > from && Number(this.#remove.run(to).changes) !== to - from) this.#removeSlowly.run(to);
  }

  #find(from: number, to: number, range: Range): Place[] {
    const rows = this.#select.all(from, to) as Cell[][];
    const places = rows.map(readPlace).filter((place) => place !== undefined);
    const asked = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    if (asked.every((seq, i) => places[i]?.seq === seq)) return places;
    const found = new Set(places.map(({ seq }) => seq));
    const isMissing = (seq: number) => !found.has(seq) && !this.#holes.has(seq);
    if (asked.some(isMissing)) this.#holes = this.#findHoles(range);
    if (asked.some(isMissing)) throw trouble('damaged', this.#folder);
    return places;
  }

  /** Looks at all rows. Where one is out of order, or is not found by a search, what is written next may be lost. */
  #findHoles({ first, head }: Range): Set<number> {
    const holes = new Set<number>();
    let next = 0;
    const pass = (seq: number) => {
      for (let hole = Math.max(next, first); hole < seq && hole <= head; hole++) holes.add(hole);
      next = seq + 1;
    };
    for (const cells of this.#all.iterate() as Iterable<Cell[]>) {
      const seq = unseal(cells)?.[0] as number | undefined;
      if (seq !== undefined && seq < next) throw trouble('damaged', this.#folder);
      if (seq !== undefined) pass(seq);
    }
    pass(head + 1);
    return holes;
  }
}
