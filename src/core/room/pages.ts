import { maxPages } from '../limits.ts';
import type { Feed, Item, Position } from '../log/feed.ts';

/** A frame of places up to `to`, as it went out. `isFull`: there were more, which did not fit. */
type Page = { data: string; rows: number; to: number; isFull: boolean };

/**
 * The frames that went out last, for all who read on from the same place: of many who come back at once, each reads what the one
 * before it has just read. Notices are in none of them.
 */
export class Pages {
  readonly #feed: Feed;
  /** By the place that they follow, the oldest first. */
  readonly #pages = new Map<number, Page>();
  #edition: number;

  constructor(feed: Feed) {
    this.#feed = feed;
    this.#edition = feed.edition;
  }

  /** What a reader there is sent, if that went out and nothing more would be sent now. */
  after(at: Position, limit: number): Page | undefined {
    if (this.#edition !== this.#feed.edition) this.#pages.clear();
    this.#edition = this.#feed.edition;
    const page = this.#pages.get(at.seq);
    const isUsable = page && page.rows <= limit && page.to <= this.#feed.nextNotice(at);
    return isUsable && (page.isFull || page.to === this.#feed.end.seq) ? page : undefined;
  }

  /** These went out as `data`, and with more room no more of them would have. */
  keep(at: Position, items: readonly Item[], data: string): void {
    const to = items.at(-1)?.place?.seq;
    if (to === undefined || items.some(({ notice }) => notice)) return;
    this.#pages.delete(at.seq);
    this.#pages.set(at.seq, { data, rows: items.length, to, isFull: to < this.#feed.end.seq });
    if (this.#pages.size <= maxPages) return;
    for (const [oldest] of this.#pages) return void this.#pages.delete(oldest);
  }
}
