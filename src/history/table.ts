import { type Connection, transaction } from './database.ts';
import { type Cell, seal, toCells, toValues, unseal, type Value } from './rows.ts';

/** The first columns, by which a row is found; how many there are; what is lost with a row, and the column that names it. */
const shapes = {
  marks: { key: ['dev'], width: 4, means: 'how far a device had come', what: 0 },
  owners: { key: ['name'], width: 4, means: 'who owns a name', what: 0 },
  pending: { key: ['dev', 'n'], width: 11, means: 'a waiting message', what: 3 },
};
/** With more rows than this a table is not looked through, for that would hold up the room. */
const maxChecked = 100_000;
type Options = {
  readOnly: boolean;
  /** Gets words for each row that is lost. */
  damaged: Set<string>;
  /** What may stand for the rows that are lost; what is whole counts more. */
  rescue?: () => Value[][];
};

/**
 * Rows by a key, each sealed. A row that the disk has changed is as good as none; and a changed key leads the search
 * for others astray, so at the first miss all of them are looked at. What is found damaged is written anew.
 */
export class Table {
  readonly #db: Connection;
  readonly #name: keyof typeof shapes;
  readonly #options: Options;
  readonly #find;
  readonly #all;
  readonly #put;
  readonly #remove;
  #isChecked = false;

  constructor(db: Connection, name: keyof typeof shapes, options: Options) {
    const { key, width } = shapes[name];
    const where = key.map((column) => `${column} = ?`).join(' AND ');
    this.#db = db;
    this.#name = name;
    this.#options = options;
    this.#find = db.prepare(`SELECT * FROM ${name} WHERE ${where}`);
    this.#all = db.prepare(`SELECT * FROM ${name} LIMIT ${maxChecked + 1}`);
    this.#put = db.prepare(`INSERT OR REPLACE INTO ${name} VALUES (${Array(width).fill('?').join()})`);
    this.#remove = db.prepare(`DELETE FROM ${name} WHERE ${where}`);
  }

  get(...key: Value[]): Value[] | undefined {
    const cells = this.#find.get(...toCells(key)) as Cell[] | undefined;
    const values = cells && unseal(cells);
    if (values || (!cells && this.#isChecked)) return values;
    return this.all().findLast((row) => key.every((value, i) => row[i] === value));
  }

  all(): Value[][] {
    const rows = this.#all.all() as Cell[][];
    const whole = rows.map(unseal).filter((values) => values !== undefined);
    const isKnown = this.#isChecked || rows.length > maxChecked;
    this.#isChecked = true;
    const isFine = whole.length === rows.length && (isKnown || whole.every((values) => this.#isFound(values)));
    return isFine || rows.length > maxChecked ? whole : this.#mend(rows, whole);
  }

  put(...values: Value[]): void {
    this.#put.run(...seal(values));
  }

  remove(...key: Value[]): void {
    this.#remove.run(...toCells(key));
  }

  #isFound(values: Value[]): boolean {
    return this.#find.get(...toCells(values.slice(0, shapes[this.#name].key.length))) !== undefined;
  }

  #mend(rows: Cell[][], whole: Value[][]): Value[][] {
    const { readOnly, damaged, rescue } = this.#options;
    const { means, what } = shapes[this.#name];
    for (const cells of rows) if (!unseal(cells)) damaged.add(`${means}: ${JSON.stringify(toValues(cells)[what])}`);
    const mended = [...(rescue?.() ?? []), ...whole];
    if (readOnly) return mended;
    transaction(this.#db, () => {
      this.#db.exec(`DELETE FROM ${this.#name}`);
      for (const values of mended) this.put(...values);
    });
    return mended;
  }
}
