import { encode } from '../../protocol/codec.ts';
import type { Message, Notice, Single } from '../../protocol/frames.ts';
import { RowWriter } from '../../protocol/rows.ts';
import { isPlain } from '../../protocol/signed.ts';
import { maxNotices } from '../limits.ts';
import type { Log } from './log.ts';
import { emptyHash, type Place } from './store.ts';

const leastStep = 16;
/** Of what does not share a frame, so many are read at once: not much more than a connection takes of long texts. */
const maxCharacters = 16_384;

/** What one reader was sent so far: places up to `seq`, notices before number `notice`. */
export type Position = { seq: number; notice: number };
export type Item = { place?: Place; notice?: Notice };

/** The log's places, as far as they are on disk, with the room's notices between them, each where it happened. */
export class Feed {
  readonly #log: Log;
  #notices: { afterSeq: number; notice: Notice }[] = [];
  #firstNotice = 0;
  /** So many places fitted last: about as many will the next time. */
  #step = leastStep;

  constructor(log: Log) {
    this.#log = log;
  }

  /** As far as anybody can read now. Who joins now hears the notices from here on. */
  get end(): Position {
    return { seq: this.#log.head, notice: this.#firstNotice + this.#notices.length };
  }

  /** Rises when something is changed that may have been read before. */
  get edition(): number {
    return this.#log.edition;
  }

  /** Behind which place the next notice stands for who reads there. */
  nextNotice(at: Position): number {
    return this.#notices[Math.max(at.notice - this.#firstNotice, 0)]?.afterSeq ?? Number.POSITIVE_INFINITY;
  }

  /** The chain up to `seq`, '' if it is not known. */
  hashAt(seq: number): string {
    return this.#log.hashAt(seq) ?? emptyHash;
  }

  announce(notice: Notice): void {
    this.#notices.push({ afterSeq: this.#log.head, notice });
    if (this.#notices.length <= maxNotices) return;
    this.#notices.shift();
    this.#firstNotice++;
  }

  /**
   * Reads on from `at`: at most `maxItems` items of together `maxBytes` bytes (but always one), and the position after them.
   * Without `maxBytes`, for what does not share a frame, only characters are counted.
   */
  read(at: Position, maxItems: number, maxBytes?: number): { items: Item[]; next: Position } {
    const places = this.#placesFrom(at.seq + 1, maxItems);
    let place: Place | undefined;
    const next = { seq: at.seq, notice: Math.max(at.notice, this.#firstNotice) };
    const items: Item[] = [];
    let writer = new RowWriter();
    let bytes = 0;
    while (items.length < maxItems) {
      place ??= places.next().value;
      const pending = this.#notices[next.notice - this.#firstNotice];
      const isNotice = pending !== undefined && pending.afterSeq <= next.seq;
      const item: Item | undefined = isNotice ? pending : place && { place };
      if (!item) break;
      // What follows a notice begins a frame of its own.
      if (isNotice) writer = new RowWriter();
      bytes += maxBytes === undefined ? (item.place?.message?.text.length ?? 0) : sizeOf(item, writer);
      if (bytes > (maxBytes ?? maxCharacters) && items.length > 0) break;
      items.push(item);
      if (!item.place) next.notice++;
      else {
        next.seq = item.place.seq;
        place = undefined;
      }
    }
    // With one more it is known that no more fit.
    if (next.seq < this.#log.head) this.#step = Math.max(items.length + 1, leastStep);
    return { items, next };
  }

  /** The same of notices alone. */
  notices(at: Position): { items: Item[]; next: Position } {
    const items = this.#notices.slice(Math.max(at.notice - this.#firstNotice, 0));
    return { items, next: { seq: at.seq, notice: this.end.notice } };
  }

  /** About as many as will fit, then more: of long texts few do, and each that is read from the disk is verified. */
  *#placesFrom(from: number, most: number): Generator<Place, undefined> {
    let next = from;
    for (let step = Math.min(this.#step, most); next <= this.#log.head; step *= 2) {
      const places = this.#log.read(next, step);
      yield* places;
      next = Math.max(next, places[0]?.seq ?? 0) + step;
    }
  }
}

/**
 * What version-1 readers get: places that follow each other share a frame. [P25]
 *
 * @param signed the room's word for a lost place; `before` is the chain before it, if that is in the same frame
 */
export function framesOf(items: readonly Item[], signed: (place: Place, before?: string) => string): Single[] {
  const frames: Single[] = [];
  for (const { place, notice } of items) {
    const last = frames.at(-1);
    if (notice) frames.push(notice);
    if (!place) continue;
    const { seq, hash, message } = place;
    const before = last?.kind === 'entries' ? last.hash : undefined;
    const row = message ?? { kind: 'lost', seq, ...(hash && { hash }), sig: signed(place, before) };
    if (last?.kind !== 'entries') frames.push({ kind: 'entries', from: seq, rows: [row], hash });
    else {
      last.rows.push(row);
      last.hash = hash;
    }
  }
  return frames;
}

/** At most so many bytes an item adds to what is sent, as the next row of `writer`. */
function sizeOf({ place, notice }: Item, writer: RowWriter): number {
  if (notice) return Buffer.byteLength(encode(notice)) + 1;
  const { message } = place as Place;
  const known = writer.authors.length;
  const frame = known === 0 ? bytesOf.frame : 0;
  if (!message) return frame + bytesOf.lost;
  const cells = writer.cells(message);
  const line = writer.authors.length > known ? bytesOf.author + jsonBytes(message.name) : 0;
  let numbers = 0;
  for (let i = 1; i <= 5; i++) numbers += widthOf(cells[i] as number);
  return frame + line + bytesOf.row + numbers + jsonBytes(message.text) + moreBytes(message);
}

const moreBytes = ({ type, re, ext = '', ago, erased = '', void: isVoid }: Message): number =>
  type || re || ext || ago || erased || isVoid ? bytesOf.more + jsonBytes(ext) + erased.length : 0;

/** A text as JSON, in UTF-8: of most texts nothing is escaped. */
const jsonBytes = (text: string): number => (isPlain(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text)));
const widthOf = (number: number): number => (Math.abs(number) < 100_000 ? 6 : 17);

/** The most that each takes without its texts and numbers: a frame, a line of its table, rows, and what is seldom said in one. */
const bytesOf = { frame: 200, author: 140, row: 60, lost: 160, more: 180 };
