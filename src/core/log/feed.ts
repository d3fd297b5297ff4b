import { encode } from '../../protocol/codec.ts';
import type { Notice } from '../../protocol/frames.ts';
import type { Entry, Store } from './store.ts';

/** What one reader was sent so far: entries up to `seq`, notices before number `notice`. */
export type Position = { seq: number; notice: number };
export type Item = { wire: string; entry?: Entry; notice?: Notice };

/** How many notices are kept for readers that are behind; older ones are skipped, they are not part of the order. */
const maxNotices = 1_000;

/**
 * The log's entries with the room's notices between them, each notice where it happened, for readers that
 * each stand at a position of their own. Only what is on disk is read.
 */
export class Feed {
  readonly #store: Store;
  #notices: { afterSeq: number; notice: Notice; wire: string }[] = [];
  #firstNotice = 0;
  /** How many of the kept notices can be read. */
  #readable = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** As far as anybody can read now: entries on disk, and the notices up to there. */
  get end(): Position {
    const { head } = this.#store;
    while ((this.#notices[this.#readable]?.afterSeq ?? Number.POSITIVE_INFINITY) <= head) this.#readable++;
    return { seq: head, notice: this.#firstNotice + this.#readable };
  }

  /** The number the next notice will have: who joins now hears those from here on. */
  get nextNotice(): number {
    return this.#firstNotice + this.#notices.length;
  }

  /** Puts a notice behind the entry at `afterSeq`, which may not be on disk yet. */
  announce(notice: Notice, afterSeq: number): void {
    this.#notices.push({ afterSeq, notice, wire: encode(notice) });
    if (this.#notices.length <= maxNotices) return;
    this.#notices.shift();
    this.#firstNotice++;
    this.#readable = Math.max(this.#readable - 1, 0);
  }

  /** Reads on from `at`: at most `maxItems` items of together `maxBytes` bytes (but always one), and the position after them. */
  read(at: Position, maxItems: number, maxBytes: number): { items: Item[]; next: Position } {
    const entries = this.#store.read(at.seq + 1, maxItems);
    const next = { seq: at.seq, notice: Math.max(at.notice, this.#firstNotice) };
    const items: Item[] = [];
    let bytes = 0;
    while (items.length < maxItems) {
      const pending = this.#notices[next.notice - this.#firstNotice];
      const entry = entries[0];
      const item: Item | undefined =
        pending && pending.afterSeq <= next.seq ? pending : entry && { wire: entry.wire, entry };
      if (!item) break;
      bytes += Buffer.byteLength(item.wire) + 1;
      if (bytes > maxBytes && items.length > 0) break;
      items.push(item);
      if (item.entry) next.seq = (entries.shift() as Entry).seq;
      else next.notice++;
    }
    return { items, next };
  }
}
