import { erasedAt } from '../core/log/log.ts';
import {
  type AuthorCount,
  type Change,
  type Device,
  type Erased,
  emptyHash,
  type Mark,
  type Membership,
  type Owner,
  type Pending,
  type Place,
  type Reachable,
  type RosterState,
  type Signature,
  type Signed,
  type Store,
} from '../core/log/store.ts';
import { isShown } from '../core/narrate.ts';
import type { Erasure } from '../protocol/erasure.ts';
import type { MessageId } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import type { EntryTable, OwnerTable, Table } from './tables.ts';
import { inWords } from './trouble.ts';

export type State = Pick<
  Store,
  'log' | 'first' | 'head' | 'baseHash' | 'headHash' | 'ranMs' | 'lc' | 'signed' | 'roster'
> &
  Device;

type Rows<T> = Map<string, T> | Table<T>;
type Tables = {
  entries: PlaceMap | EntryTable;
  marks: Rows<Mark>;
  owners: OwnerMap | OwnerTable;
  members: Rows<Membership>;
  addresses: Rows<Reachable>;
  pending: Rows<Pending>;
  erasures: Rows<Erasure>;
};

/** A store that knows where its log stands; where its tables are does not matter to it. */
export class LogStore implements Store {
  log: string;
  first = 1;
  head = 0;
  baseHash = emptyHash;
  headHash = emptyHash;
  ranMs = 0;
  signed: Signed | undefined;
  roster: RosterState = { last: 0, base: 0 };
  lc = 0;
  /** Whose store this is; '' for a server's. */
  dev: string;
  former: string[] = [];
  given = 0;
  piped: number | undefined;
  /** The folder is a copy of the one that `dev` belongs to. */
  readonly isCopied: boolean = false;
  readonly folder: string;
  readonly damaged: Set<string>;
  readonly #tables: Tables;
  protected committed = Promise.resolve();

  constructor(log: string, dev: string, tables: Tables, folder = '', damaged = new Set<string>()) {
    this.log = log;
    this.dev = dev;
    this.#tables = tables;
    this.folder = folder;
    this.damaged = damaged;
  }

  read(from: number, limit: number): Place[] {
    const begin = Math.max(from, this.first);
    return inWords(this.folder, () => this.#tables.entries.read(begin, Math.min(begin + limit - 1, this.head)));
  }

  mark = (dev: string): Mark | undefined => inWords(this.folder, () => this.#tables.marks.get(dev));
  owner = (look: string): Owner | undefined => inWords(this.folder, () => this.#tables.owners.get(look));
  member = (key: string): Membership | undefined => inWords(this.folder, () => this.#tables.members.get(key));
  members = (): Membership[] => inWords(this.folder, () => [...this.#tables.members.values()]);
  address = (dev: string): Reachable | undefined => inWords(this.folder, () => this.#tables.addresses.get(dev));
  addresses = (): Reachable[] => inWords(this.folder, () => [...this.#tables.addresses.values()]);
  erasure = (id: string): Erasure | undefined => inWords(this.folder, () => this.#tables.erasures.get(id));
  find = (id: MessageId): number | undefined => inWords(this.folder, () => this.#tables.entries.find(id));
  ownedBy = (key: string): Owner[] => inWords(this.folder, () => this.#tables.owners.of(key));
  texts = (): Iterable<[number, string][]> => this.#tables.entries.texts(this.first, this.head);
  authors = (sinceMs: number, spanMs: number): AuthorCount[] =>
    inWords(this.folder, () => this.#tables.entries.authors(this.#since(sinceMs), this.head, spanMs));

  /** The first place that was written then or later: that clock never goes back. */
  #since(ranMs: number): number {
    let [from, to] = [this.first, this.head + 1];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const [place] = this.#tables.entries.read(middle, middle);
      if (place && place.ranMs >= ranMs) to = middle;
      else from = middle + 1;
    }
    return from;
  }
  pending = (): Pending[] => inWords(this.folder, () => [...this.#tables.pending.values()]);

  /** Not at once: nobody may read what is not committed yet. After a failure all fail. */
  commit(change: Change): Promise<void> {
    this.committed = this.committed.then(() => this.apply(change));
    return this.committed;
  }

  /** What `commit` does, at once. */
  apply(change: Change): void {
    const after = this.#after(change);
    inWords(this.folder, () => this.write(() => this.#put(change, after), after, change.erased !== undefined));
    Object.assign(this, after);
  }

  async close(): Promise<void> {}

  /** Does all that changes the tables, or nothing of it. */
  protected write(work: () => void, _after: State, _erases: boolean): void {
    work();
  }

  #put(change: Change, { first, head }: State): void {
    const {
      restart,
      entries = [],
      mended = [],
      signatures = [],
      marks = [],
      owners = [],
      members = [],
      addresses = [],
      forgotten = [],
      pending = [],
      dropped = [],
      erased = [],
    } = change;
    const tables = this.#tables;
    if (restart) tables.entries.clear();
    const isKept = ({ seq }: { seq: number }) => seq >= first && seq <= head;
    tables.entries.put(entries);
    tables.entries.put(mended.filter(isKept));
    tables.entries.put(signatures.filter(isKept).flatMap(this.#signed));
    tables.entries.trim(restart ? restart.seq + 1 : this.first, first);
    for (const mark of marks) tables.marks.set(mark.dev, mark);
    for (const owner of owners) tables.owners.set(owner.look, owner);
    for (const one of forgotten) for (const table of [tables.members, tables.addresses]) table.delete(one);
    for (const member of members) tables.members.set(member.key, member);
    for (const address of addresses) tables.addresses.set(address.dev, address);
    for (const { first: _, ...message } of pending) if (message.id) tables.pending.set(formatId(message.id), message);
    for (const id of dropped) tables.pending.delete(formatId(id));
    for (const erasure of erased) this.#erase(erasure);
  }

  #erase(erased: Erased): void {
    const { entries, erasures } = this.#tables;
    const { seq, ...erasure } = erased;
    const [place] = seq === undefined ? [] : entries.read(seq, seq);
    if (place) entries.put([erasedAt(place, erased)]);
    // What cannot be read any more may hold the words all the same.
    else if (seq !== undefined) entries.drop(seq);
    erasures.set(formatId(erasure.id), erasure);
  }

  #signed = ({ seq, sig }: Signature): Place[] => {
    const [place] = this.#tables.entries.read(seq, seq);
    return place?.message ? [{ ...place, message: { ...place.message, sig } }] : [];
  };

  /** Throws if the change does not follow. */
  #after({ restart, entries = [], pending = [], keep, ranMs = this.ranMs, ...facts }: Change): State {
    let { log, first, head, baseHash, headHash, lc } = this;
    if (restart) ({ log, seq: head, hash: headHash } = restart);
    if (restart) [first, baseHash] = [head + 1, headHash];
    for (const { seq, hash, message } of entries) {
      if (seq !== head + 1) throw new Error(`place ${seq} does not follow ${head}`);
      [head, headHash, lc] = [seq, hash, Math.max(lc, message?.lc ?? 0)];
    }
    if (keep && keep.from > head + 1) throw new Error(`place ${keep.from} cannot be the first after ${head}`);
    if (keep && keep.from > first) [first, baseHash] = [keep.from, keep.hash];
    // What waits may be settled by another place, and leave nothing here but this.
    for (const message of pending) lc = Math.max(lc, message.lc ?? 0);
    const { signed = this.signed, roster = this.roster, device = this } = facts;
    const { dev, former, given, piped } = device;
    return { log, first, head, baseHash, headHash, ranMs, lc, signed, roster, dev, former, given, piped };
  }
}

export class MemoryStore extends LogStore {
  constructor(log = '', dev = '') {
    const people = { owners: new OwnerMap(), members: new Map(), addresses: new Map() };
    const tables = { marks: new Map(), ...people, pending: new Map(), erasures: new Map() };
    super(log, dev, { entries: new PlaceMap(), ...tables });
  }
}

class OwnerMap extends Map<string, Owner> {
  of(key: string): Owner[] {
    return [...this.values()].filter((owner) => owner.key === key);
  }
}

class PlaceMap extends Map<number, Place> {
  put(places: readonly Place[]): void {
    for (const place of places) this.set(place.seq, place);
  }

  authors(from: number, to: number, spanMs: number): AuthorCount[] {
    const counts = new Map<string, AuthorCount>();
    for (const { message, ranMs } of this.read(from, to)) {
      const key = message?.key ?? '';
      const span = `${Math.floor(ranMs / spanMs)} ${key}`;
      counts.set(span, { key, count: (counts.get(span)?.count ?? 0) + 1, lastMs: ranMs });
    }
    return [...counts.values()];
  }

  read(from: number, to: number): Place[] {
    const places: Place[] = [];
    for (let seq = from; seq <= to; seq++) places.push(this.get(seq) as Place);
    return places;
  }

  find({ dev, n }: MessageId): number | undefined {
    const places = [...this.values()];
    return places.find(({ message }) => message?.id?.dev === dev && message.id.n === n)?.seq;
  }

  *texts(from: number, to: number): Generator<[number, string][]> {
    for (const { seq, message } of this.read(from, to)) if (message && isShown(message)) yield [[seq, message.text]];
  }

  drop(seq: number): void {
    this.delete(seq);
  }

  trim(from: number, to: number): void {
    for (let seq = from; seq < to; seq++) this.delete(seq);
  }
}
