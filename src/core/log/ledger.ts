import type { Message } from '../../protocol/frames.ts';
import { chainedText } from '../../protocol/signed.ts';
import type { Crypto } from '../crypto.ts';
import { nameKey } from '../names.ts';
import { type Change, type DeviceMark, type Entry, emptyHash, makeEntry, type Owner, type Store } from './store.ts';

/** How much of the log is kept: at most `entries`, none older than `ageMs`, whichever is less. */
export type Retention = { entries: number; ageMs: number };

/** Device marks held in memory; the rest is looked up. */
const maxCachedMarks = 10_000;
/** The log is trimmed when it is longer than allowed by this share, so that trimming is rare. */
const slack = 0.05;

/**
 * The writing end of the room's log. `append` gives a message its place at once; the place counts for nobody until
 * `settle` says that it is on disk.
 *
 *   L1 places and hashes follow each other without a gap; L2 per device n only rises.
 */
export class Ledger {
  readonly #store: Store;
  readonly #crypto: Crypto;
  readonly #retention: Retention;
  /** Appended, and not settled yet. */
  #unsettled: Entry[] = [];
  #change: Change = {};
  /** Changes taken and not settled. */
  #inFlight = 0;
  readonly #marks = new Map<string, DeviceMark>();
  readonly #owners = new Map<string, Owner>();

  constructor(store: Store, crypto: Crypto, retention: Retention) {
    this.#store = store;
    this.#crypto = crypto;
    this.#retention = retention;
  }

  /** Place of the newest entry, on disk or not. */
  get head(): number {
    return this.#unsettled.at(-1)?.seq ?? this.#store.head;
  }

  mark(dev: string): DeviceMark | undefined {
    return this.#marks.get(dev) ?? this.#store.mark(dev);
  }

  append(message: Message, nowMs: number): Entry {
    const previous = this.#unsettled.at(-1)?.hash ?? this.#store.hashAt(this.#store.head) ?? emptyHash;
    const hash = this.#crypto.hash(chainedText(previous, message));
    const entry = makeEntry(message, this.head + 1, hash, nowMs);
    this.#unsettled.push(entry);
    this.#change.entries ??= [];
    this.#change.entries.push(entry);
    const { id, key } = message;
    if (id) this.#marks.set(id.dev, key === undefined ? { n: id.n } : { n: id.n, key });
    return entry;
  }

  /** Who owns `name`. Ownership that was not used for longer than the log is kept lapses. */
  owner(name: string, nowMs: number): string | undefined {
    const owner = this.#owners.get(nameKey(name)) ?? this.#store.owner(nameKey(name));
    return owner && nowMs - owner.seenMs <= this.#retention.ageMs ? owner.key : undefined;
  }

  /** `key` uses `name`, which nobody else owns. */
  claim(name: string, key: string, nowMs: number): void {
    const owner = { name: nameKey(name), key, seenMs: nowMs };
    this.#owners.set(owner.name, owner);
    this.#change.owners ??= [];
    this.#change.owners.push(owner);
  }

  /** Forgets, with the next change, what is no longer to be kept. */
  trim(nowMs: number): void {
    const { first, head } = this.#store;
    const { entries, ageMs } = this.#retention;
    let keepFrom = head - first + 1 > entries * (1 + slack) ? head - entries + 1 : first;
    for (;;) {
      const old = this.#store.read(keepFrom, 100).findIndex(({ atMs }) => nowMs - atMs <= ageMs);
      if (old === 0 || keepFrom > head) break;
      keepFrom = old === -1 ? Math.min(keepFrom + 100, head + 1) : keepFrom + old;
    }
    if (keepFrom > first) this.#change.keepFrom = keepFrom;
  }

  /** What is to be written now, if anything. */
  takeChange(): Change | undefined {
    const change = this.#change;
    this.#change = {};
    if (Object.keys(change).length === 0) return undefined;
    this.#inFlight++;
    return change;
  }

  /** The change is on disk. Returns the entries that count from now on. */
  settle(change: Change): Entry[] {
    const settled = this.#unsettled.splice(0, change.entries?.length ?? 0);
    if (--this.#inFlight > 0 || Object.keys(this.#change).length > 0) return settled;
    // Everything is on disk, so the store knows it all; only then may the caches be emptied.
    this.#owners.clear();
    if (this.#marks.size > maxCachedMarks) this.#marks.clear();
    return settled;
  }
}
