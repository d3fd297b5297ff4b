import { type Message, maxTextBytes } from '../../protocol/frames.ts';
import { type Change, type Entry, emptyHash, makeEntry, type Store } from './store.ts';

/** A client's copy of the log is trimmed to `limit` entries when it is this share longer. */
const slack = 0.1;

/**
 * A client's copy of the room's log: what was seen, one place after the other. It runs ahead of its store, which
 * learns of each step by the changes that `takeChange` gives.
 *
 *   K1 `log`, `cursor` and `hash` always belong together; K2 an id counts as seen once, for ever.
 */
export class Copy {
  readonly #store: Store;
  readonly #limit: number;
  #log: string;
  #cursor: number;
  #hash: string;
  #lc = 0;
  readonly #seen = new Map<string, number>();
  /** Seen, and not on disk yet. */
  #unsettled: Entry[] = [];
  #change: Change = {};

  constructor(store: Store, limit: number) {
    this.#store = store;
    this.#limit = limit;
    this.#log = store.log;
    this.#cursor = store.head;
    this.#hash = store.hashAt(store.head) ?? emptyHash;
    const kept = store.read(store.first, store.head - store.first + 1).map(({ message }) => message);
    for (const { lc = 0 } of [...kept, ...store.pending()]) this.#lc = Math.max(this.#lc, lc);
  }

  /** The log this is a copy of; '' before the first. */
  get log(): string {
    return this.#log;
  }

  /** Place of the last entry seen. */
  get cursor(): number {
    return this.#cursor;
  }

  get hash(): string {
    return this.#hash;
  }

  /** A Lamport counter above everything seen and written here; at its end, which only malice reaches, it stays. [P27] */
  nextLc(): number {
    this.#lc = Math.min(this.#lc + 1, Number.MAX_SAFE_INTEGER);
    return this.#lc;
  }

  /** Highest n seen of a device. */
  seen(dev: string): number {
    return this.#seen.get(dev) ?? this.#store.mark(dev)?.n ?? 0;
  }

  /** Takes the next entry. Returns false if its message was seen before, in another log. */
  take(message: Message, seq: number, nowMs: number): boolean {
    const entry = makeEntry(message, seq, message.hash ?? emptyHash, nowMs);
    this.#cursor = seq;
    this.#hash = entry.hash;
    this.#lc = Math.max(this.#lc, message.lc ?? 0);
    this.#unsettled.push(entry);
    this.#change.entries ??= [];
    this.#change.entries.push(entry);
    const { id } = message;
    if (!id) return true;
    if (id.n <= this.seen(id.dev)) return false;
    this.#seen.set(id.dev, id.n);
    return true;
  }

  /** Goes on from another place or in another log. Returns the messages that were kept of the old one. */
  restart(log: string, seq: number, hash: string): Message[] {
    const { first, head } = this.#store;
    const kept = [...this.#store.read(first, head - first + 1), ...this.#unsettled].map(({ message }) => message);
    this.#log = log;
    this.#cursor = seq;
    this.#hash = hash;
    this.#unsettled = [];
    this.#change = { ...this.#change, restart: { log, seq, hash } };
    delete this.#change.entries;
    return kept;
  }

  /** Messages that must be kept until they are seen in the log. */
  keep(messages: Message[]): void {
    if (messages.length > 0) this.#change.pending = [...(this.#change.pending ?? []), ...messages];
  }

  /** Messages that will never be seen in a log. */
  drop(messages: Message[]): void {
    if (messages.length > 0) this.#change.dropped = [...(this.#change.dropped ?? []), ...messages];
  }

  /** What is to be written now, if anything. */
  takeChange(): Change | undefined {
    const length = this.#cursor - this.#store.first + 1;
    if (this.#change.entries && length > this.#limit * (1 + slack))
      this.#change.keepFrom = this.#cursor - this.#limit + 1;
    const change = this.#change;
    this.#change = {};
    return Object.keys(change).length > 0 ? change : undefined;
  }

  settle({ entries = [] }: Change): void {
    const newest = entries.at(-1);
    const settled = newest ? this.#unsettled.indexOf(newest) + 1 : 0;
    this.#unsettled.splice(0, settled);
  }
}

/** Only what its author signed can be given back to a log that lost it. */
export const canBeKept = ({ id, key, sig, text, void: isVoid }: Message): boolean =>
  id !== undefined && key !== undefined && sig !== undefined && !isVoid && Buffer.byteLength(text) <= maxTextBytes;
