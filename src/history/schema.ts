import type { Connection } from './database.ts';
import type { State } from './memory.ts';
import { seal, unseal } from './rows.ts';
import { trouble } from './trouble.ts';

/** What `log.db` holds (docs/protocol.md, F3 and F5). An index that disagrees with its table would be damage of its own. */
const version = 1;
const tables = [
  `CREATE TABLE state (copy INTEGER PRIMARY KEY, version INTEGER, facts TEXT, log TEXT, first INTEGER, head INTEGER,
  base_hash TEXT, head_hash TEXT, ran_ms INTEGER, sum INTEGER)`,
  `CREATE TABLE entries (seq INTEGER PRIMARY KEY, prev TEXT, hash TEXT, at_ms INTEGER, ran_ms INTEGER, sum INTEGER,
  dev TEXT, n INTEGER, name TEXT, text TEXT, action INTEGER, lc INTEGER, ts INTEGER, key TEXT, sig TEXT, void INTEGER)`,
  `CREATE TABLE pending (dev TEXT, n INTEGER, name TEXT, text TEXT, action INTEGER, lc INTEGER, ts INTEGER, key TEXT,
  sig TEXT, void INTEGER, sum INTEGER, PRIMARY KEY (dev, n)) WITHOUT ROWID`,
  'CREATE TABLE marks (dev TEXT PRIMARY KEY, n INTEGER, key TEXT, sum INTEGER) WITHOUT ROWID',
  'CREATE TABLE owners (name TEXT PRIMARY KEY, key TEXT, seen_ms INTEGER, sum INTEGER) WITHOUT ROWID',
];

/** `holder` is the program that has the file open, or had it last; `roots` says where the tables begin. */
export type Kept = State & { facts: { dev?: string | undefined; holder: string; roots?: string } };

/** What the file says of itself; undefined if it is empty. Throws if it is not ours, or of another version. */
export function readState(db: Connection): Kept | undefined {
  const marked = Number(db.rows('PRAGMA user_version').flat()[0]);
  const found = db.rows('SELECT sql FROM sqlite_schema').map(([sql]) => sql);
  if (found.length === 0 && marked === 0) return undefined;
  const isOurs = tables.every((sql) => found.includes(sql));
  const copies = isOurs ? db.rows('SELECT * FROM state') : [];
  const values = copies.map((cells) => unseal(cells)).find(Boolean);
  // A flipped bit can change the mark of the file, but not what is sealed.
  const written = values?.[1] ?? marked;
  if (written !== version && (values || marked > version))
    throw trouble('version', db.folder, `${written}, this program knows ${version}`);
  if (!values) throw trouble('damaged', db.folder);
  const [, , json, log, first, head, baseHash, headHash, ranMs] = values;
  const facts = JSON.parse(String(json));
  // Somebody has tidied up (VACUUM), or a table has another one's rows. To find out may take long, but is seldom asked.
  if (facts.roots !== rootsOf(db) && db.rows('PRAGMA quick_check(1)').join() !== 'ok')
    throw trouble('damaged', db.folder);
  return { facts, log, first, head, baseHash, headHash, ranMs } as Kept;
}

const rootsOf = (db: Connection) => db.rows('SELECT rootpage FROM sqlite_schema').join();

/** MUST be called within a transaction. */
export function writeState(db: Connection, kept: Kept): void {
  const { facts, log, first, head, baseHash, headHash, ranMs } = kept;
  for (const copy of [1, 2])
    db.put('state', seal([copy, version, JSON.stringify(facts), log, first, head, baseHash, headHash, ranMs]));
}

/** Makes the tables of a new file. Of an old one it writes the state anew, for damage may have left something there. */
export function writeFirst(db: Connection, kept: Kept, isNew: boolean): void {
  for (const sql of isNew ? tables : []) db.exec(sql);
  // 0x306d7163, "0mqc", tells programs like `file` what this is.
  db.exec(`PRAGMA user_version=${version}; PRAGMA application_id=${0x306d7163}; DELETE FROM state`);
  kept.facts.roots = rootsOf(db);
  writeState(db, kept);
}
