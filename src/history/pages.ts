import { fstatSync, readSync } from 'node:fs';

/** Where LMDB's file format (64 bit, little endian) keeps what is read here; in pages, from their start. */
const metaAt = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152, end: 160 };
const pageAt = { flags: 18, lower: 20, nodes: 24 };
const nodeAt = { flags: 4, keySize: 6, key: 8 };
const rootInDatabase = 40;
const magic = 0xbeefc0de;
const branch = 1;
const leaf = 2;
const overflow = 4;
const hasOverflow = 1;
const isDatabase = 2;
/** The root of an empty tree. */
const noPage = 2 ** 64;
/** The first page of every tree in use: read from the newer of two meta pages. */
type Snapshot = { transaction: number; pageSize: number; roots: number[] };

/**
 * What is wrong with an LMDB file, if anything. LMDB maps the file and trusts it: a page that is missing or none of
 * its own ends the process without a word. So every page in use is looked at before. Pages that are free are not: the
 * file may lawfully end before the last of them.
 */
export function findDamage(file: number): string | undefined {
  if (fstatSync(file).size === 0) return undefined;
  const snapshot = readSnapshot(file);
  if (!snapshot) return 'it is not a database';
  const problem = new Walk(file, snapshot.pageSize).findBroken(snapshot.roots);
  // Another process is writing: what was read belongs to no state, and LMDB takes care of itself.
  return readSnapshot(file)?.transaction === snapshot.transaction ? problem : undefined;
}

function readSnapshot(file: number): Snapshot | undefined {
  const first = readMeta(file, 0);
  const second = first && readMeta(file, first.pageSize);
  return first && second && first.transaction > second.transaction ? first : second;
}

function readMeta(file: number, at: number): Snapshot | undefined {
  const page = Buffer.alloc(metaAt.end);
  const isRead = readSync(file, page, 0, metaAt.end, at) === metaAt.end;
  const pageSize = page.readUInt32LE(metaAt.pageSize);
  if (!isRead || page.readUInt32LE(metaAt.magic) !== magic || pageSize < 512 || pageSize > 65_536) return undefined;
  const roots = [readNumber(page, metaAt.freeRoot), readNumber(page, metaAt.mainRoot)];
  return { pageSize, roots, transaction: readNumber(page, metaAt.transaction) };
}

class Walk {
  readonly #file: number;
  readonly #size: number;
  readonly #page: Buffer;
  readonly #seen = new Set<number>();

  constructor(file: number, pageSize: number) {
    this.#file = file;
    this.#size = fstatSync(file).size;
    this.#page = Buffer.alloc(pageSize);
  }

  findBroken(roots: number[]): string | undefined {
    const todo = [...roots];
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      if (number === noPage) continue;
      if (!this.#load(number, branch | leaf)) return `page ${number} is broken`;
      const children = this.#children();
      if (!children) return `page ${number} is broken`;
      todo.push(...children);
    }
    return undefined;
  }

  /** Reads a page; false if it is missing, not what it should be, or was met before. */
  #load(number: number, kinds: number): boolean {
    const { length } = this.#page;
    if ((number + 1) * length > this.#size || this.#seen.has(number)) return false;
    this.#seen.add(number);
    readSync(this.#file, this.#page, 0, length, number * length);
    return readNumber(this.#page, 0) === number && (this.#page.readUInt16LE(pageAt.flags) & kinds) !== 0;
  }

  /** The trees below the page that was read last; undefined if its nodes do not lie within it. */
  #children(): number[] | undefined {
    const page = Buffer.from(this.#page);
    const isBranch = (page.readUInt16LE(pageAt.flags) & branch) !== 0;
    const end = pageAt.nodes + page.readUInt16LE(pageAt.lower);
    const children: number[] = [];
    for (let slot = pageAt.nodes; slot < end; slot += 2) {
      const node = slot + 2 <= page.length ? pageAt.nodes + page.readUInt16LE(slot) : page.length;
      const child = node + nodeAt.key > page.length ? undefined : this.#child(page, node, isBranch);
      if (child === undefined) return undefined;
      children.push(child);
    }
    return children;
  }

  #child(page: Buffer, node: number, isBranch: boolean): number | undefined {
    const flags = page.readUInt16LE(node + nodeAt.flags);
    const size = page.readUInt32LE(node);
    if (isBranch) return size + flags * 2 ** 32;
    const data = node + nodeAt.key + page.readUInt16LE(node + nodeAt.keySize);
    const isBig = (flags & hasOverflow) !== 0;
    if (data + (isBig ? 8 : size) > page.length) return undefined;
    if (isBig) return this.#isWhole(readNumber(page, data), size) ? noPage : undefined;
    if ((flags & isDatabase) === 0) return noPage;
    return size < rootInDatabase + 8 ? undefined : readNumber(page, data + rootInDatabase);
  }

  /** A value too long for its page lies in pages of its own, of which only the first has a header. */
  #isWhole(first: number, size: number): boolean {
    return this.#load(first, overflow) && first * this.#page.length + pageAt.nodes + size <= this.#size;
  }
}

const readNumber = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));
