import type { ChatEvent } from '../core/events.ts';
import type { Feed, Item, Position } from '../core/log/feed.ts';
import { messageEvent, noticeEvent } from '../core/narrate.ts';
import type { View } from '../terminal/view.ts';

/** The server's diary. */
export type Diary = { log(level: 'error' | 'warn' | 'info' | 'debug', message: string): void };

const maxItems = 64;
const maxBytes = 1_048_576;

/**
 * Whoever reads along at the server: its standard output is one more reader of the log, which nobody waits for. What it
 * has not taken waits in the log; what is no longer kept when it goes on is counted.
 */
export class Watch {
  readonly #feed: Feed;
  readonly #view: View | undefined;
  readonly #diary: Diary;
  #at: Position;

  constructor(feed: Feed, view: View | undefined, diary: Diary) {
    this.#feed = feed;
    this.#view = view;
    this.#diary = diary;
    this.#at = feed.end;
  }

  /** Tells what has happened since, as far as the output takes it. */
  pump(): void {
    while (!this.#view?.isBehind) {
      const { items, next } = this.#feed.read(this.#at, maxItems, maxBytes);
      if (items.length === 0) return;
      this.#tellSkipped(next, items);
      for (const item of items) this.#tell(item);
      this.#at = next;
    }
  }

  /** Something that is no part of the log. */
  show(event: ChatEvent): void {
    if (event.type === 'lost') this.#diary.log('warn', `message ${event.seq} is damaged; members are asked for it`);
    this.#view?.show(event);
  }

  /** `pump` goes on when the newest text has left the program. */
  #tell({ place, notice }: Item): void {
    const event = notice
      ? noticeEvent(notice)
      : place?.message && !place.message.void && messageEvent(place.message, false);
    if (!event) return;
    this.#view?.show(event, () => this.pump());
    if (event.type === 'join') this.#diary.log('info', `${event.name} joined (${event.online} online)`);
    if (event.type === 'rename') this.#diary.log('info', `${event.from} is ${event.name} now (${event.online} online)`);
    if (event.type === 'leave') this.#diary.log('info', `${event.name} ${event.reason} (${event.online} online)`);
    if (event.type === 'message') this.#diary.log('debug', `#${event.seq} ${event.from.name}: ${event.text}`);
  }

  #tellSkipped(next: Position, items: readonly Item[]): void {
    const places = items.filter(({ place }) => place !== undefined).length;
    const entries = next.seq - this.#at.seq - places;
    const notices = next.notice - this.#at.notice - (items.length - places);
    const left = entries + notices;
    const message = `${left} ${left === 1 ? 'event was' : 'events were'} left out while the output stood still`;
    if (left > 0) this.#view?.show({ type: 'status', code: 'FOLDED', message });
  }
}
