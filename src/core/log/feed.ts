import { encode } from '../../protocol/codec.ts';
import type { Notice } from '../../protocol/frames.ts';
import { maxNotices } from '../limits.ts';
import type { Log } from './log.ts';
import type { Place } from './store.ts';

/** What one reader was sent so far: places up to `seq`, notices before number `notice`. */
export type Position = { seq: number; notice: number };
export type Item = { wire: string; place?: Place; notice?: Notice };

/** The log's places, as far as they are on disk, with the room's notices between them, each where it happened. */
export class Feed {
  readonly #log: Log;
  #notices: { afterSeq: number; notice: Notice; wire: string }[] = [];
  #firstNotice = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** As far as anybody can read now. Who joins now hears the notices from here on. */
  get end(): Position {
    return { seq: this.#log.head, notice: this.#firstNotice + this.#notices.length };
  }

  announce(notice: Notice): void {
    this.#notices.push({ afterSeq: this.#log.head, notice, wire: encode(notice) });
    if (this.#notices.length <= maxNotices) return;
    this.#notices.shift();
    this.#firstNotice++;
  }

  /** Reads on from `at`: at most `maxItems` items of together `maxBytes` bytes (but always one), and the position after them. */
  read(at: Position, maxItems: number, maxBytes: number): { items: Item[]; next: Position } {
    const places = this.#log.read(at.seq + 1, maxItems);
    const next = { seq: at.seq, notice: Math.max(at.notice, this.#firstNotice) };
    const items: Item[] = [];
    let bytes = 0;
    while (items.length < maxItems) {
      const pending = this.#notices[next.notice - this.#firstNotice];
      const [place] = places;
      const isNotice = pending !== undefined && pending.afterSeq <= next.seq;
      const item: Item | undefined = isNotice ? pending : place && { wire: wireOf(place), place };
      if (!item) break;
      bytes += Buffer.byteLength(item.wire) + 1;
      if (bytes > maxBytes && items.length > 0) break;
      items.push(item);
      if (item.place) next.seq = (places.shift() as Place).seq;
      else next.notice++;
    }
    return { items, next };
  }
}

const wires = new WeakMap<Place, string>();

/** A place as its readers get it, encoded once for all of them; a lost one is just the chain going on. */
function wireOf(place: Place): string {
  const known = wires.get(place);
  if (known !== undefined) return known;
  const { seq, hash, message } = place;
  const wire = encode(message ?? { kind: 'lost', seq, ...(hash && { hash }) });
  wires.set(place, wire);
  return wire;
}
