import { encode } from '../../protocol/codec.ts';
import { type Flow, guestFrames, retryFullMs } from '../limits.ts';
import type { Feed, Item, Position } from '../log/feed.ts';
import { plainMessage, plainText } from '../original.ts';
import type { Send } from '../turn.ts';

type Reader = {
  /** A client of the original: the device its own messages bear, which it does not want back. It acknowledges nothing. */
  guest: string | undefined;
  sent: Position;
  acked: number;
  /** Set while the connection's queue is full: when to try again, after which pause, and what it did not take. */
  retry?: { atMs: number; pauseMs: number; before: Position };
};
const tried = Number.NEGATIVE_INFINITY;
/** Readers at one position, with the same room for more. */
type Group = { at: Position; limit: number; to: string[]; readers: Reader[] };

/**
 * The reading end of the room's log: who has read how far, by routing id. A reader costs what is under way to it: at most
 * `windowEntries` entries, in as many frames as its connection's queue takes (transport/sockets.ts). All else waits in
 * the log. [I8]
 *
 * Always: `acked <= sent <= head` and `sent - acked <= windowEntries`.
 */
export class Readers {
  readonly #feed: Feed;
  readonly #flow: Flow;
  readonly #readers = new Map<string, Reader>();

  constructor(feed: Feed, flow: Flow) {
    this.#feed = feed;
    this.#flow = flow;
  }

  /** Reads on after `seq`, and hears the notices from now on. */
  open(routingId: string, seq: number, guest?: string): void {
    const { retry } = this.#readers.get(routingId) ?? {};
    const sent = { seq, notice: this.#feed.end.notice };
    this.#readers.set(routingId, { guest, sent, acked: seq, ...(retry && { retry }) });
  }

  close(routingId: string): void {
    this.#readers.delete(routingId);
  }

  sentTo(routingId: string): number {
    return this.#readers.get(routingId)?.sent.seq ?? 0;
  }

  /** A reader that was opened again may have read on meanwhile, further than it was sent since: it goes on from there. */
  acknowledge(routingId: string, seq: number): void {
    const reader = this.#readers.get(routingId);
    if (!reader || seq <= reader.acked || seq > this.#feed.end.seq) return;
    reader.acked = seq;
    if (seq > reader.sent.seq) reader.sent = { ...reader.sent, seq };
  }

  /** A frame that was sent from this position, and all after it, did not fit into the connection's queue. [P16] */
  holdBack(routingId: string, before: Position, nowMs: number): void {
    const reader = this.#readers.get(routingId);
    // Of several frames the first one counts.
    if (!reader || (before.seq >= reader.sent.seq && before.notice >= reader.sent.notice)) return;
    const { retry } = reader;
    const isStuck = retry?.before.seq === before.seq && retry.before.notice === before.notice;
    const pauseMs = isStuck ? Math.min(2 * retry.pauseMs, retryFullMs.longest) : retryFullMs.first;
    // What was acknowledged was taken, whatever else was not.
    reader.sent = { ...before, seq: Math.max(before.seq, reader.acked) };
    reader.retry = { atMs: nowMs + pauseMs, pauseMs, before };
  }

  /** What every reader that is behind is sent now; readers at one position share its bytes. */
  pump(nowMs: number): Send[] {
    const groups = new Map<string, Group>();
    const { end } = this.#feed;
    for (const [to, reader] of this.#readers) {
      // What was tried again was taken: the next full queue is a new one.
      if (reader.retry?.atMs === tried) delete reader.retry;
      if (!this.#isReady(reader, end, nowMs)) continue;
      const { sent, guest } = reader;
      const limit = this.#limit(reader);
      const place = `${sent.seq} ${sent.notice} ${limit} ${guest !== undefined}`;
      const group = groups.get(place) ?? { at: sent, limit, to: [], readers: [] };
      groups.set(place, group);
      group.to.push(to);
      group.readers.push(reader);
    }
    return [...groups.values()].flatMap((group) => this.#frames(group));
  }

  /** When the next pump is due although nothing arrives: ms from now, or undefined. */
  nextPumpMs(nowMs: number): number | undefined {
    let dueMs: number | undefined;
    const { end } = this.#feed;
    for (const reader of this.#readers.values()) {
      if (this.#isReady(reader, end, nowMs)) return 0;
      if (reader.retry && reader.retry.atMs > nowMs) dueMs = Math.min(dueMs ?? Infinity, reader.retry.atMs - nowMs);
    }
    return dueMs;
  }

  #frames({ at, limit, to, readers }: Group): Send[] {
    const { items, next } = this.#feed.read(at, limit, this.#flow.batchBytes);
    for (const reader of readers) {
      reader.sent = next;
      // If that is in vain, `holdBack` says so.
      if (reader.retry) reader.retry.atMs = tried;
    }
    if (items.length === 0) return [];
    if (readers[0]?.guest !== undefined) return plainFrames(items, at, to, readers);
    const data = items.map((item) => item.wire).join(',');
    return [{ type: 'send', to, data: items.length === 1 ? data : `[${data}]`, before: at }];
  }

  #isReady(reader: Reader, end: Position, nowMs: number): boolean {
    const { sent, retry } = reader;
    const isBehind = sent.seq < end.seq || sent.notice < end.notice;
    return isBehind && (retry === undefined || nowMs >= retry.atMs) && this.#limit(reader) > 0;
  }

  /** How many entries may be sent now. */
  #limit({ sent, acked, guest }: Reader): number {
    const { batchEntries, windowEntries } = this.#flow;
    return guest !== undefined
      ? Math.min(guestFrames, batchEntries)
      : Math.min(batchEntries, windowEntries - (sent.seq - acked));
  }
}

/** Places and notices in the original's form, a frame for each: name and text only, no voids, nobody's own words. [P18] */
function plainFrames(items: readonly Item[], at: Position, to: string[], readers: Reader[]): Send[] {
  let before = at;
  return items.flatMap((item): Send[] => {
    const sent = { type: 'send' as const, to: wantedBy(item, to, readers), data: plainFrame(item), before };
    before = item.place ? { ...before, seq: item.place.seq } : { ...before, notice: before.notice + 1 };
    return sent.data === '' || sent.to.length === 0 ? [] : [sent];
  });
}

function wantedBy({ place }: Item, to: string[], readers: Reader[]): string[] {
  const dev = place?.message?.id?.dev;
  return dev === undefined ? to : to.filter((_, i) => readers[i]?.guest !== dev);
}

function plainFrame({ place, notice }: Item): string {
  if (notice) return encode({ kind: 'message', name: notice.name, text: plainText(notice) });
  return place?.message && !place.message.void ? encode(plainMessage(place.message)) : '';
}
