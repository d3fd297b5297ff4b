import type { Message } from '../../protocol/frames.ts';
import { chainedText } from '../../protocol/signed.ts';
import type { Crypto } from '../crypto.ts';
import { maxLost, maxTail } from '../limits.ts';
import type { Change, Entry, Mark, Owner, Place, Store } from './store.ts';

/** As many of the newest places as may be held in memory, and at least one. */
function newest(places: Place[]): Place[] {
  let characters = 0;
  let first = places.length;
  while (first > 0 && characters < maxTail.characters && places.length - first < maxTail.entries)
    characters += places[--first]?.message?.text.length ?? 0;
  return places.slice(first);
}

/**
 * The log as everybody reads it: verified. A disk may give back other bytes than it took, so a place counts only if its
 * message follows: with `prev` it comes to `hash`. What does not is lost: it has no message, and the chain goes on.
 *
 *   V1 a message that is read here is the one that was written there; V2 a damaged place hides no other.
 */
export class Log {
  readonly #store: Store;
  readonly #crypto: Crypto;
  /** The newest places, as they were written. */
  #tail: Place[] = [];
  readonly #lost = new Map<number, Place>();
  #found: Place[] = [];

  constructor(store: Store, crypto: Crypto) {
    this.#store = store;
    this.#crypto = crypto;
  }

  get id(): string {
    return this.#store.log;
  }

  get first(): number {
    return this.#store.first;
  }

  get head(): number {
    return this.#store.head;
  }

  get headHash(): string {
    return this.#store.headHash;
  }

  get ranMs(): number {
    return this.#store.ranMs;
  }

  /** Places that are lost, as far as somebody has come upon them: `maxLost` at most. */
  get lost(): ReadonlyMap<number, Place> {
    return this.#lost;
  }

  /** The lost places that were come upon since the last call. */
  takeFound(): Place[] {
    return this.#found.splice(0);
  }

  mark(dev: string): Mark | undefined {
    return this.#store.mark(dev);
  }

  owner(name: string): Owner | undefined {
    return this.#store.owner(name);
  }

  /** The chain up to `seq`, for `first - 1 <= seq <= head`. */
  hashAt(seq: number): string | undefined {
    if (seq === this.head) return this.headHash;
    if (seq === this.first - 1) return this.#store.baseHash;
    return seq < this.first ? undefined : this.read(seq, 1)[0]?.hash;
  }

  /** Places from `from` on, one after the other, at most `limit`; starts at `first` if `from` is no longer kept. */
  read(from: number, limit: number): Place[] {
    const begin = Math.max(from, this.first);
    const end = Math.min(begin + limit - 1, this.head);
    const inTail = begin - (this.head - this.#tail.length + 1);
    if (inTail >= 0) return this.#tail.slice(inTail, inTail + limit);
    // One more than wanted: it knows the chain before it.
    const rows = new Map(this.#store.read(begin, end - begin + 2).map((row) => [row.seq, row]));
    const places: Place[] = [];
    for (let seq = begin; seq <= end; seq++) places.push(this.#verified(seq, rows, places.at(-1)?.hash));
    return places;
  }

  /** A change has become part of the log. */
  settle({ restart, entries = [], mended = [], keep }: Change): void {
    if (restart) this.#tail = [];
    if (restart) this.#lost.clear();
    if (entries.length > 0) this.#tail = newest([...this.#tail, ...entries]);
    for (const place of entries) if (!place.message) this.#remember(place);
    for (const { seq } of mended) this.#lost.delete(seq);
    if (mended.length > 0) this.#tail = [];
    if (!keep) return;
    this.#tail = this.#tail.filter(({ seq }) => seq >= keep.from);
    for (const seq of this.#lost.keys()) if (seq < keep.from) this.#lost.delete(seq);
  }

  /** The entry that was lost at its place, if this is it: judged by the chain alone. */
  mend(message: Message): Entry | undefined {
    const place = this.#lost.get(message.seq ?? 0);
    return place && whole(place, message, this.#crypto);
  }

  #verified(seq: number, rows: Map<number, Place>, before: string | undefined): Place {
    const row = rows.get(seq);
    if (row && this.#isProven(row)) return row;
    const prev = before ?? this.#hashBefore(seq, row);
    const hashes = this.#hashesAfter(seq, row, rows.get(seq + 1));
    for (const hash of hashes) {
      const mended = row?.message && { ...row, prev, hash, message: { ...row.message, hash } };
      // Only what it says of the chain was damaged.
      if (mended && this.#isProven(mended)) return mended;
    }
    // Of what is missing the neighbour knows best how old it is.
    const { atMs = 0, ranMs = this.ranMs } = row ?? rows.get(seq + 1) ?? {};
    const place = { seq, prev, hash: hashes[0] ?? '', atMs, ranMs };
    this.#find(place);
    return place;
  }

  /** From the place before alone: of many that are damaged in a row, each would else lead to the one before it. */
  #hashBefore(seq: number, row: Place | undefined): string {
    const [before] = seq === this.first ? [] : this.#store.read(seq - 1, 1);
    if (before?.seq === seq - 1) return before.hash;
    return seq === this.first ? this.#store.baseHash : (row?.prev ?? '');
  }

  /** What the chain may have been up to a place: the likeliest first. */
  #hashesAfter(seq: number, row: Place | undefined, next: Place | undefined): string[] {
    if (seq === this.head) return [this.headHash];
    const said = [...(row ? [row.hash] : []), ...(next ? [next.prev] : [])];
    return next && this.#isProven(next) ? [next.prev, ...said] : said;
  }

  #isProven({ prev, hash, message }: Place): boolean {
    return message !== undefined && this.#crypto.hash(chainedText(prev, message)) === hash;
  }

  #find(place: Place): void {
    if (this.#lost.has(place.seq) || this.#lost.size >= maxLost) return;
    this.#remember(place);
    this.#found.push(place);
  }

  #remember(place: Place): void {
    if (this.#lost.size < maxLost) this.#lost.set(place.seq, place);
  }
}

/** The place with its message, if this is the one that is lost there. */
export function whole({ message: known, ...place }: Place, message: Message, crypto: Crypto): Entry | undefined {
  if (known || crypto.hash(chainedText(place.prev, message)) !== place.hash) return undefined;
  const { first: _, ...written } = message;
  return { ...place, message: { ...written, seq: place.seq, hash: place.hash } };
}
