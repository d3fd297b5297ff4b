import { encode } from '../../protocol/codec.ts';
import type { Flow } from '../limits.ts';
import type { Feed, Item, Position } from '../log/feed.ts';
import { plainMessage } from '../narrate.ts';

const retryFullMs = 30;

type Reader = {
  legacy: boolean;
  sent: Position;
  /** `sent` before the newest batch, to fall back to when that batch was not taken. */
  sentBefore: Position;
  acked: number;
  /** A legacy client does not want its own messages back: the places of those it has not passed yet. */
  own: Set<number>;
  /** Set while the connection's queue is full. */
  retryAtMs?: number;
};
/** Readers at one position, with the same room for more. */
type Group = { at: Position; limit: number; to: string[]; readers: Reader[] };
export type Batch = { to: string[]; data: string };

/**
 * The reading end of the room's log: who has read how far, by routing id.
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
  open(routingId: string, seq: number, legacy: boolean): void {
    const sent = { seq, notice: this.#feed.nextNotice };
    this.#readers.set(routingId, { legacy, sent, sentBefore: sent, acked: seq, own: new Set() });
  }

  close(routingId: string): void {
    this.#readers.delete(routingId);
  }

  sentTo(routingId: string): number {
    return this.#readers.get(routingId)?.sent.seq ?? 0;
  }

  acknowledge(routingId: string, seq: number): void {
    const reader = this.#readers.get(routingId);
    if (reader && seq > reader.acked && seq <= reader.sent.seq) reader.acked = seq;
  }

  /** The entry at `seq` is this reader's own. */
  wrote(routingId: string, seq: number): void {
    const reader = this.#readers.get(routingId);
    if (reader?.legacy) reader.own.add(seq);
  }

  /** The newest batch did not fit into the connection's queue. */
  holdBack(routingId: string, nowMs: number): void {
    const reader = this.#readers.get(routingId);
    // Nothing can be sent again to a legacy client without the risk of sending it twice. [P16]
    if (!reader || reader.legacy) return;
    reader.sent = reader.sentBefore;
    reader.retryAtMs = nowMs + retryFullMs;
  }

  /** One batch for every reader that is behind; readers at one position share its bytes. */
  pump(nowMs: number): Batch[] {
    const groups = new Map<string, Group>();
    const { end } = this.#feed;
    for (const [to, reader] of this.#readers) {
      if (reader.retryAtMs !== undefined && nowMs >= reader.retryAtMs) delete reader.retryAtMs;
      reader.sentBefore = reader.sent;
      if (!this.#isReady(reader, end)) continue;
      const { sent, legacy } = reader;
      const limit = this.#limit(reader);
      const place = `${sent.seq} ${sent.notice} ${limit} ${legacy}`;
      const group = groups.get(place) ?? { at: sent, limit, to: [], readers: [] };
      groups.set(place, group);
      group.to.push(to);
      group.readers.push(reader);
    }
    return [...groups.values()].flatMap((group) => this.#batches(group));
  }

  /** When the next pump is due although nothing arrives: ms from now, or undefined. */
  nextPumpMs(nowMs: number): number | undefined {
    let dueMs: number | undefined;
    const { end } = this.#feed;
    for (const reader of this.#readers.values()) {
      if (this.#isReady(reader, end)) return 0;
      const { retryAtMs } = reader;
      if (retryAtMs !== undefined) dueMs = Math.min(dueMs ?? retryFullMs, Math.max(retryAtMs - nowMs, 1));
    }
    return dueMs;
  }

  #batches({ at, limit, to, readers }: Group): Batch[] {
    const { items, next } = this.#feed.read(at, limit, this.#flow.batchBytes);
    for (const reader of readers) reader.sent = next;
    if (items.length === 0) return [];
    if (readers[0]?.legacy) return items.flatMap((item) => legacyFrame(item, to, readers));
    const data = items.map((item) => item.wire).join(',');
    return [{ to, data: items.length === 1 ? data : `[${data}]` }];
  }

  #isReady(reader: Reader, end: Position): boolean {
    const { sent, retryAtMs } = reader;
    const behind = sent.seq < end.seq || sent.notice < end.notice;
    return behind && retryAtMs === undefined && this.#limit(reader) > 0;
  }

  /** How many entries may be sent now. A legacy client acknowledges nothing. */
  #limit({ sent, acked, legacy }: Reader): number {
    const { batchEntries, windowEntries } = this.#flow;
    return legacy ? batchEntries : Math.min(batchEntries, windowEntries - (sent.seq - acked));
  }
}

/** One entry or notice in the original's form: name and text only, never a void, never to its own author. [P18] */
function legacyFrame({ entry, notice }: Item, to: string[], readers: Reader[]): Batch[] {
  const readBy = entry ? to.filter((_, i) => !readers[i]?.own.delete(entry.seq)) : to;
  const said = entry?.message.void ? undefined : entry ? plainMessage(entry.message) : notice;
  if (!said || readBy.length === 0) return [];
  const text = notice ? said.text.replace(' lost the connection.', ' left the room.') : said.text;
  return [{ to: readBy, data: encode({ kind: 'message', name: said.name, text }) }];
}
