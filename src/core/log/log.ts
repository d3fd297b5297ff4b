import { erase } from '../../protocol/erasure.ts';
import type { Join, Message, MessageId } from '../../protocol/frames.ts';
import { type Crypto, chainHash, formatId } from '../../protocol/signed.ts';
import { maxLost, maxTail } from '../limits.ts';
import type { Change, Entry, Erased, Place, Store } from './store.ts';

/**
 * The log as everybody reads it: verified. A disk may give back other bytes than it took, so a place counts only if its
 * message follows: with `prev` it comes to `hash`. What does not is lost: it has no message, and the chain goes on.
 *
 *   V1 a message that is read here is the one that was written there; V2 a damaged place hides no other.
 */
export class Log {
  readonly store: Store;
  readonly #crypto: Crypto;
  /** The newest places, as they were written, and how much text they hold. */
  #tail: Place[] = [];
  #tailSize = 0;
  /** What was written by an earlier run is part of the tail, as far as it has room. */
  #isWhole = false;
  /** Places that are lost, as far as somebody has come upon them: `maxLost` at most. MUST NOT be changed by others. */
  readonly lost = new Map<number, Place>();
  #found: Place[] = [];
  /** Rises when something is changed that may have been read before. */
  edition = 0;

  constructor(store: Store, crypto: Crypto) {
    this.store = store;
    this.#crypto = crypto;
  }

  get first(): number {
    return this.store.first;
  }

  get head(): number {
    return this.store.head;
  }

  /** The lost places that were come upon since the last call. */
  takeFound(): Place[] {
    return this.#found.splice(0);
  }

  /** The chain up to `seq`, for `first - 1 <= seq <= head`. */
  hashAt(seq: number): string | undefined {
    if (seq === this.head) return this.store.headHash;
    if (seq === this.first - 1) return this.store.baseHash;
    return seq < this.first ? undefined : this.read(seq, 1)[0]?.hash;
  }

  /** Places from `from` on, one after the other, at most `limit`; starts at `first` if `from` is no longer kept. */
  read(from: number, limit: number): Place[] {
    const begin = Math.max(from, this.first);
    const end = Math.min(begin + limit - 1, this.head);
    if (!this.#isWhole && begin > this.head - maxTail.entries) this.#complete();
    const inTail = begin - (this.head - this.#tail.length + 1);
    return inTail >= 0 ? this.#tail.slice(inTail, inTail + limit) : this.#readDisk(begin, end);
  }

  #readDisk(begin: number, end: number): Place[] {
    const rows: Place[] = [];
    // One more than wanted: it knows the chain before it.
    for (const row of this.store.read(begin, end - begin + 2)) rows[row.seq - begin] = row;
    const places: Place[] = [];
    for (let i = 0; i <= end - begin; i++)
      places.push(this.#verified(begin + i, places[i - 1]?.hash, rows[i], rows[i + 1]));
    return places;
  }

  /** All who come back after a restart read the same places. */
  #complete(): void {
    this.#isWhole = true;
    const [from, to] = [Math.max(this.head - maxTail.entries + 1, this.first), this.head - this.#tail.length];
    if (from > to) return;
    this.#tail = [...this.#readDisk(from, to), ...this.#tail];
    this.#tailSize = this.#tail.reduce((size, { message }) => size + (message?.text.length ?? 0), 0);
    this.#shorten(0);
  }

  /** The places of messages with such a text, the oldest first. */
  search(isWanted: (text: string) => boolean): number[] {
    const found: number[] = [];
    for (const texts of this.store.texts()) for (const [seq, text] of texts) if (isWanted(text)) found.push(seq);
    return found;
  }

  /** Where this message is kept, if anywhere. */
  find(id: MessageId): Place | undefined {
    const seq = this.store.find(id);
    return seq === undefined ? undefined : this.read(seq, 1)[0];
  }

  settle({ restart, entries = [], mended = [], signatures = [], erased = [], keep }: Change): void {
    if (restart) this.#shorten(Number.POSITIVE_INFINITY);
    if (restart) this.lost.clear();
    if (restart || keep || mended.length > 0 || erased.length > 0) this.edition++;
    for (const place of entries) if (!place.message) this.#remember(place);
    for (const { seq } of mended) this.lost.delete(seq);
    this.#tail.push(...entries);
    for (const { message } of entries) this.#tailSize += message?.text.length ?? 0;
    for (const { seq, sig } of signatures) this.#sign(seq, sig);
    for (const erasure of erased) this.#erase(erasure);
    this.#shorten(mended.length > 0 ? Number.POSITIVE_INFINITY : (keep?.from ?? 0));
    if (mended.length > 0) this.#isWhole = false;
    if (!keep) return;
    for (const seq of this.lost.keys()) if (seq < keep.from) this.lost.delete(seq);
  }

  #sign(seq: number, sig: string): void {
    this.#alter(seq, ({ message, ...place }) => (message ? { ...place, message: { ...message, sig } } : place));
  }

  #erase(erased: Erased): void {
    this.#alter(erased.seq ?? 0, (place) => erasedAt(place, erased));
  }

  #alter(seq: number, alter: (place: Place) => Place): void {
    const at = seq - (this.head - this.#tail.length + 1);
    const place = this.#tail[at];
    if (place) this.#tail[at] = alter(place);
  }

  /** Places before `from` are held no more, nor those that are too many; but always one. */
  #shorten(from: number): void {
    const isTooMuch = () => this.#tail.length > maxTail.entries || this.#tailSize > maxTail.characters;
    while (this.#tail[0] && (this.#tail[0].seq < from || (this.#tail.length > 1 && isTooMuch()))) {
      this.#isWhole ||= isTooMuch();
      this.#tailSize -= this.#tail.shift()?.message?.text.length ?? 0;
    }
  }

  mend(message: Message): Entry | undefined {
    const place = this.lost.get(message.seq ?? 0);
    return place && whole(place, message, this.#crypto);
  }

  #verified(seq: number, before: string | undefined, row?: Place, next?: Place): Place {
    if (row && this.#isProven(row)) return row;
    const prev = before ?? this.#hashBefore(seq, row);
    const hashes = this.#hashesAfter(seq, row, next);
    for (const hash of hashes) {
      const mended = row?.message && { ...row, prev, hash, message: { ...row.message, hash } };
      // Only what it says of the chain was damaged.
      if (mended && this.#isProven(mended)) return mended;
    }
    // Of what is missing the neighbour knows best how old it is.
    const { atMs = 0, ranMs = this.store.ranMs } = row ?? next ?? {};
    const place = { seq, prev, hash: hashes[0] ?? '', atMs, ranMs };
    this.#remember(place, this.#found);
    return place;
  }

  /** From the place before alone: of many that are damaged in a row, each would else lead to the one before it. */
  #hashBefore(seq: number, row: Place | undefined): string {
    const [before] = seq === this.first ? [] : this.store.read(seq - 1, 1);
    if (before?.seq !== seq - 1) return seq === this.first ? this.store.baseHash : (row?.prev ?? '');
    // If the two differ, its own message tells which of them was damaged.
    return row && this.#isProven({ ...before, hash: row.prev }) ? row.prev : before.hash;
  }

  /** What the chain may have been up to a place: the likeliest first. */
  #hashesAfter(seq: number, row: Place | undefined, next: Place | undefined): string[] {
    if (seq === this.head) return [this.store.headHash];
    const said = [...(row ? [row.hash] : []), ...(next ? [next.prev] : [])];
    return next && this.#isProven(next) ? [next.prev, ...said] : said;
  }

  #isProven({ prev, hash, message }: Place): boolean {
    return message !== undefined && chainHash(this.#crypto, prev, message) === hash;
  }

  #remember(place: Place, found: Place[] = []): void {
    if (this.lost.has(place.seq) || this.lost.size >= maxLost) return;
    this.lost.set(place.seq, place);
    found.push(place);
  }
}

/** The place without the words that are erased; what stands there under another id is as it is. */
export function erasedAt({ message, ...place }: Place, erased: Erased): Place {
  const isIt = message?.id && formatId(message.id) === formatId(erased.id) && !message.void;
  return message ? { ...place, message: isIt ? erase(message, erased) : message } : place;
}

/** The place with its message, if this is the one that is lost there. */
export function whole({ message: known, ...place }: Place, message: Message, crypto: Crypto): Entry | undefined {
  if (known || chainHash(crypto, place.prev, message) !== place.hash) return undefined;
  const { first: _, ...written } = message;
  const { seq, hash } = place;
  return { ...place, atMs: message.at ?? 0, message: { ...written, seq, hash } };
}

export type Resumption = { since: number; fork: boolean };

/**
 * Where a joining client reads on: after what it has; on a first join with the newest `history`; and from the start if
 * what it has is not what this log has: that is a `fork`. [P9, P35]
 */
export function resume(log: Log, { log: id, since, hash = '', history = 0 }: Join): Resumption {
  const oldest = log.first - 1;
  if (since === undefined) return { since: Math.max(log.head - history, oldest), fork: false };
  const isHere = id === log.store.log && since <= log.head;
  // What is no longer kept, or damaged beyond knowing, cannot be compared.
  const known = since < oldest ? undefined : log.hashAt(since);
  const isSame = isHere && (!known || known === hash);
  const fork = since > 0 && !isSame;
  return { since: Math.max(fork ? 0 : since, oldest), fork };
}
