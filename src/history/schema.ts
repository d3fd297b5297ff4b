import { crc32 } from 'node:zlib';
import type { Mark, Membership, Owner, Pending, Reachable } from '../core/log/store.ts';
import { decode } from '../protocol/codec.ts';
import type { Erasure } from '../protocol/erasure.ts';
import type { Message } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import type { Connection } from './database.ts';
import { messagesView } from './line.ts';
import type { State } from './memory.ts';
import { trouble } from './trouble.ts';

/** What `log.db` holds (docs/protocol.md, F3 and F5). An index that disagrees with its table would be damage of its own. */
const version = 2;
const message = `dev TEXT, n INTEGER, name TEXT, text TEXT, lc INTEGER, ts INTEGER, seen INTEGER, salt TEXT, key TEXT,
  type TEXT, re TEXT, ext TEXT, words TEXT, void INTEGER, guest INTEGER, ago INTEGER`;
const tables = [
  `CREATE TABLE state (copy INTEGER PRIMARY KEY, version INTEGER, facts TEXT, log TEXT, first INTEGER, head INTEGER,
  base_hash TEXT, head_hash TEXT, ran_ms INTEGER, lc INTEGER, sum INTEGER)`,
  'CREATE TABLE entries (seq INTEGER PRIMARY KEY, line TEXT)',
  messagesView,
  `CREATE TABLE pending (${message}, sig TEXT, erased TEXT, at_ms INTEGER, unshown INTEGER, sum INTEGER, PRIMARY KEY (dev, n)) WITHOUT ROWID`,
  `CREATE TABLE marks (dev TEXT PRIMARY KEY, n INTEGER, hash TEXT, hole INTEGER, hole_day INTEGER, hole_days INTEGER,
  sum INTEGER) WITHOUT ROWID`,
  'CREATE TABLE owners (look TEXT PRIMARY KEY, name TEXT, key TEXT, seen_ms INTEGER, sum INTEGER) WITHOUT ROWID',
  `CREATE TABLE members (key TEXT PRIMARY KEY, name TEXT, version INTEGER, first_ms INTEGER, seen_ms INTEGER,
  sum INTEGER) WITHOUT ROWID`,
  `CREATE TABLE addresses (dev TEXT PRIMARY KEY, key TEXT, ts INTEGER, hosts TEXT, sig TEXT, version INTEGER,
  sum INTEGER) WITHOUT ROWID`,
  'CREATE TABLE erasures (id TEXT PRIMARY KEY, words TEXT, proof TEXT, sum INTEGER) WITHOUT ROWID',
];

/**
 * `holder` is the program that has the file open, or had it last; `roots` says where the tables begin, `file` in which
 * folder (folder.ts). `traces`: of what was erased there may still be traces in free parts of the file.
 */
export type Kept = State & {
  facts: { room?: string; file?: string | undefined; holder: string; roots?: string; traces?: true | undefined };
};

/** What the file says of itself; undefined if it is empty. Throws if it is not ours, or of another version. */
export function readState(db: Connection): Kept | undefined {
  const marked = Number(db.row('PRAGMA user_version')[0]);
  const found = db.rows('SELECT sql FROM sqlite_schema').map(([sql]) => sql);
  if (found.length === 0 && marked === 0) return undefined;
  const isOurs = tables.every((sql) => found.includes(sql));
  const copies = isOurs ? db.rows('SELECT * FROM state') : [];
  const values = copies.map((cells) => unseal(cells)).find(Boolean);
  // A flipped bit can change the mark of the file, but not what is sealed.
  const written = values?.[1] ?? marked;
  if (written !== version && (values || marked > 0))
    throw trouble('version', db.folder, `${written}, this program knows ${version}`);
  if (!values) throw trouble('damaged', db.folder);
  const [, , json, log, first, head, baseHash, headHash, ranMs, lc] = values;
  const { dev = '', former = [], given = 0, piped, signed, roster, ...facts } = JSON.parse(String(json));
  // Somebody has tidied up (VACUUM), or a table has another one's rows. To find out may take long, but is seldom asked.
  if (facts.roots !== rootsOf(db) && db.row('PRAGMA quick_check(1)')[0] !== 'ok') throw trouble('damaged', db.folder);
  const device = { dev, former, given, piped };
  return { facts, log, first, head, baseHash, headHash, ranMs, lc, signed, roster, ...device } as Kept;
}

const rootsOf = (db: Connection) => db.rows('SELECT rootpage FROM sqlite_schema').join();

/** MUST be called within a transaction. */
export function writeState(db: Connection, kept: Kept): void {
  const { log, first, head, baseHash, headHash, ranMs, lc, signed, roster, dev, former, given, piped } = kept;
  const facts = JSON.stringify({ ...kept.facts, signed, roster, ...(dev && { dev, former, given, piped }) });
  for (const copy of [1, 2])
    db.put('state', seal([copy, version, facts, log, first, head, baseHash, headHash, ranMs, lc]));
}

/** Makes the tables of a new file. Of an old one it writes the state anew, for damage may have left something there. */
export function writeFirst(db: Connection, kept: Kept, isNew: boolean): void {
  for (const sql of isNew ? tables : []) db.exec(sql);
  // 0x306d7163, "0mqc", tells programs like `file` what this is.
  db.exec(`PRAGMA user_version=${version}; PRAGMA application_id=${0x306d7163}; DELETE FROM state`);
  writeRoots(db, kept);
}

/** Where the tables begin now. MUST be called within a transaction. */
export function writeRoots(db: Connection, kept: Kept): void {
  kept.facts.roots = rootsOf(db);
  writeState(db, kept);
}

/** What a row says, and what the database has for it. */
export type Value = string | number | undefined;
export type Cell = string | number | bigint | null | Uint8Array;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** The driver cuts a string at U+0000, so such a one is kept as bytes. */
export const toCell = (value: Value): Cell =>
  typeof value === 'string' && value.includes('\0') ? Buffer.from(value) : (value ?? null);

/** Total: a flipped bit can give a cell any type. */
export function toValue(cell: Cell): Value {
  if (typeof cell === 'bigint') return Number(cell);
  return cell instanceof Uint8Array ? utf8.decode(cell) : (cell ?? undefined);
}

const sumOf = (values: Value[]) => crc32(JSON.stringify(values));
/** Puts behind the values the sum that tells later whether the disk has kept them. */
export const seal = (values: Value[]): Cell[] => [...values.map(toCell), sumOf(values)];

/** What was sealed; undefined if the disk gives back something else. */
export function unseal(cells: Cell[]): Value[] | undefined {
  const values = cells.map(toValue);
  const sum = values.pop();
  return sum === sumOf(values) ? values : undefined;
}

/** A table, and how its rows are written and read. */
export type Shape<T> = {
  name: string;
  /** The first columns, by which a row is found. */
  key: string[];
  values(row: T): Value[];
  read(values: Value[]): T | undefined;
  /** What is lost with a row, and the column that names it. */
  lost: [what: string, column: number];
  /** Finds what may stand for lost rows. */
  rescue?: string;
};

export const marks: Shape<Mark> = {
  name: 'marks',
  key: ['dev'],
  values: ({ dev, n, hash, hole }) => [dev, n, hash, hole?.n, hole?.day, hole?.days],
  read([dev, n, hash, from, day, days]) {
    const hole = from === undefined ? {} : { hole: { n: from, day, days } };
    return { dev, n, ...(hash !== undefined && { hash }), ...hole } as Mark;
  },
  lost: ['how far a device had come', 0],
  rescue: `SELECT dev, max(n), NULL, NULL, NULL, NULL FROM messages
    WHERE typeof(dev) = 'text' AND typeof(n) = 'integer' GROUP BY dev`,
};
export const owners: Shape<Owner> = {
  name: 'owners',
  key: ['look'],
  values: ({ look, name, key, seenMs }) => [look, name, key, seenMs],
  read: ([look, name, key, seenMs]) => ({ look, name, key, seenMs }) as Owner,
  lost: ['who owns a name', 0],
};
export const members: Shape<Membership> = {
  name: 'members',
  key: ['key'],
  values: ({ key, name, version, firstMs, seenMs }) => [key, name, version, firstMs, seenMs],
  read: ([key, name, version, firstMs, seenMs]) =>
    ({ key, ...(name !== undefined && { name }), version, firstMs, seenMs }) as Membership,
  lost: ['who is a member', 0],
};
export const addresses: Shape<Reachable> = {
  name: 'addresses',
  key: ['dev'],
  values: ({ dev, key, ts, hosts, sig, version }) => [dev, key, ts, hosts.join(' '), sig, version],
  read: ([dev, key, ts, hosts, sig, version]) =>
    ({ dev, key, ts, hosts: hosts ? String(hosts).split(' ') : [], sig, version }) as Reachable,
  lost: ['where a device can be reached', 0],
};
export const pending: Shape<Pending> = {
  name: 'pending',
  key: ['dev', 'n'],
  values: (message) => [
    ...messageValues(message),
    message.sig,
    message.erased,
    message.at,
    message.unshown ? 1 : undefined,
  ],
  read(values) {
    const [sig, erased, at, unshown] = values.splice(-4);
    const message = readMessage(values, { sig, erased, at });
    return message && { ...message, ...(unshown === 1 && { unshown: true as const }) };
  },
  lost: ['a waiting message', 3],
};
export const erasures: Shape<Erasure> = {
  name: 'erasures',
  key: ['id'],
  values: ({ id, words, proof }) => [formatId(id), words, proof],
  read([id, words, proof]) {
    const [dev, n] = String(id).split('.');
    return { id: { dev, n: Number(n) }, words, proof } as Erasure;
  },
  lost: ['that a message was erased', 0],
  rescue: "SELECT dev || '.' || n, words, erased FROM messages WHERE typeof(erased) = 'text'",
};

function messageValues(message: Message): Value[] {
  const { id, name, text, type, lc, ts, in: seen, re, ext, salt, words, key, void: isVoid, guest, ago } = message;
  const plain = [id?.dev, id?.n, name, words === undefined ? text : undefined, lc, ts, seen, salt, key];
  return [...plain, type, re && formatId(re), ext, words, isVoid && 1, guest && 1, ago];
}

/** What comes from the disk, and is proven by nothing, is judged as what comes over the wire. */
function readMessage([dev, n, name, said, ...more]: Value[], proofs: Record<string, Value>): Message | undefined {
  const [lc, ts, seen, salt, key, type, re, ext, words, isVoid, guest, ago] = more;
  const text = said === undefined ? undefined : `${said}\n`;
  const signed = { id: dev && `${dev}.${n}`, name, text, type, lc, ts, in: seen, re, ext, salt, words, key };
  const frame = decode(Buffer.from(JSON.stringify({ ...signed, ...proofs, void: isVoid, guest, ago })));
  return frame.kind === 'message' ? frame : undefined;
}
