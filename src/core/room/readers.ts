import { encode } from '../../protocol/codec.ts';
import { isErased } from '../../protocol/erasure.ts';
import type { Single } from '../../protocol/frames.ts';
import { type Flow, guestFrames, maxRelayed, noticePause, retryFullMs, signedHeadMs } from '../limits.ts';
import { type Feed, framesOf, type Item, type Position } from '../log/feed.ts';
import type { Place } from '../log/store.ts';
import { isShown, isSilent, plainMessage, plainNotice } from '../narrate.ts';
import type { Send } from '../turn.ts';
import type { HeadSigner } from './head-signer.ts';
import { Pages } from './pages.ts';
import type { Session } from './presence.ts';
import type { Sessions } from './sessions.ts';

type Group = [Session, ...Session[]];

/**
 * Who has read how far. A reader costs what is under way to it: at most `windowEntries` entries, in as many frames as its
 * connection's queue takes (transport/sockets.ts). All else waits in the log. [I8]
 *
 * Always: `acked <= sent <= head` and `sent - acked <= windowEntries`. A position only moves forward.
 */
export class Readers {
  readonly #feed: Feed;
  readonly #pages: Pages;
  readonly #flow: Flow;
  readonly #sessions: Sessions;
  readonly #signer: Pick<HeadSigner, 'head' | 'lost'>;
  #signedAtMs = Number.NEGATIVE_INFINITY;
  /** Before that nobody is sent notices alone behind this one: who comes and goes in a crowd is told together. */
  #notices = { fromMs: Number.NEGATIVE_INFINITY, behind: 0 };
  /** How far the feed went when all readers were looked at last, and those that are behind it. Between two news nobody else is. */
  #seen: Position;
  readonly #late = new Set<Session>();
  /** Who said what stands at a place, of the newest that clients of the original said. */
  readonly #relayed = new Map<number, string>();
  /** What was said, as clients of the original read it. */
  readonly #plain = new WeakMap<object, string>();

  constructor(feed: Feed, flow: Flow, sessions: Sessions, signer: Pick<HeadSigner, 'head' | 'lost'>) {
    this.#feed = feed;
    this.#pages = new Pages(feed);
    this.#flow = flow;
    this.#sessions = sessions;
    this.#signer = signer;
    this.#seen = feed.end;
  }

  /** What stands at this place was said by a client of the original: it does not get that back. */
  relayed(seq: number, from: string): void {
    this.#relayed.set(seq, from);
    if (this.#relayed.size <= maxRelayed) return;
    for (const [oldest] of this.#relayed) return void this.#relayed.delete(oldest);
  }

  /** A reader that was opened again may have read on meanwhile, further than it was sent since: it goes on from there. */
  acknowledge(routingId: string, seq: number): void {
    const reader = this.#sessions.get(routingId);
    if (!reader || seq <= reader.acked || seq > this.#feed.end.seq) return;
    reader.acked = seq;
    if (seq > reader.sent.seq) reader.sent = { ...reader.sent, seq };
  }

  /** A frame that was sent from this position, and all after it, did not fit into the connection's queue. [P32] */
  holdBack(routingId: string, before: Position, nowMs: number): void {
    const reader = this.#sessions.get(routingId);
    // Of several frames the first one counts.
    if (!reader || !isBehind(before, reader.sent)) return;
    const { untaken, pauseMs: lastMs } = reader.full;
    const isStuck = untaken && !isBehind(untaken, before);
    const pauseMs = isStuck ? Math.min(2 * lastMs, retryFullMs.longest) : retryFullMs.first;
    reader.full = { untaken: before, retryAtMs: nowMs + pauseMs, pauseMs };
    // What was acknowledged was taken, whatever else was not.
    reader.sent = { ...before, seq: Math.max(before.seq, reader.acked) };
    this.#late.add(reader);
  }

  /** What every reader that is behind is sent now; readers at one position share its bytes. */
  pump(nowMs: number): Send[] {
    const groups = new Map<string, Group>();
    const { end } = this.#feed;
    const looked = this.#lookAt(nowMs);
    for (const reader of looked) {
      if (this.#dueAtMs(reader, end) > nowMs) continue;
      const { sent, guest } = reader;
      const place = `${sent.seq} ${sent.notice} ${this.#limit(reader)} ${guest !== undefined}`;
      const group = groups.get(place);
      if (group) group.push(reader);
      else groups.set(place, [reader]);
    }
    const isNew = [...groups.values()].some(
      ([{ sent }]) => sent.seq === end.seq && sent.notice >= this.#notices.behind,
    );
    if (isNew) this.#notices = { fromMs: nowMs + this.#pauseMs, behind: end.notice };
    const isDue = nowMs - this.#signedAtMs >= signedHeadMs;
    const sends = [...groups.values()].flatMap((group) => this.#frames(group, isDue ? nowMs : undefined));
    for (const reader of looked)
      if (isBehind(reader.sent, this.#seen)) this.#late.add(reader);
      else this.#late.delete(reader);
    return sends;
  }

  /** Who may be behind: everybody when there is news for all; many come and go in between, and most of those who are there wait. */
  #lookAt(nowMs: number): Session[] {
    const { end } = this.#feed;
    const areNoticesDue = end.notice > this.#seen.notice && nowMs >= this.#notices.fromMs;
    for (const reader of this.#sessions.takeFresh()) this.#late.add(reader);
    for (const reader of this.#late) if (this.#sessions.get(reader.from) !== reader) this.#late.delete(reader);
    if (end.seq === this.#seen.seq && !areNoticesDue) return [...this.#late];
    this.#seen = end;
    return [...this.#sessions.values()];
  }

  /** When the next pump is due although nothing arrives: ms from now, or undefined. */
  nextPumpMs(nowMs: number): number | undefined {
    const { end } = this.#feed;
    const isNews = this.#sessions.size > 0 && isBehind(this.#seen, end);
    let dueAtMs = isNews ? this.#notices.fromMs : Number.POSITIVE_INFINITY;
    for (const reader of this.#late) dueAtMs = Math.min(dueAtMs, this.#dueAtMs(reader, end));
    return dueAtMs === Number.POSITIVE_INFINITY ? undefined : Math.max(dueAtMs - nowMs, 0);
  }

  /** @param signMs that a signed head may go out again, and what time it is */
  #frames(group: Group, signMs: number | undefined): Send[] {
    const [{ sent: before, guest }] = group;
    const limit = this.#limit(group[0]);
    const to = group.map(({ from }) => from);
    const page = guest === undefined ? this.#pages.after(before, limit) : undefined;
    if (page && (signMs === undefined || page.isFull)) {
      for (const reader of group) reader.sent = { ...before, seq: page.to };
      return [{ type: 'send', to, data: page.data, before }];
    }
    const { items, next } = this.#feed.read(before, limit, guest === undefined ? this.#flow.batchBytes : undefined);
    // If that is in vain, `holdBack` says so.
    for (const reader of group) reader.sent = next;
    if (guest !== undefined) return this.#plainFrames(items, before, group);
    const frames = framesOf(items, this.#gap);
    const [first, ...more] = frames;
    if (!first) return [];
    const isSigned = signMs !== undefined && this.#sign(frames, next, signMs);
    const data = encode(more.length === 0 ? first : { kind: 'batch', frames: [first, ...more] });
    if (!isSigned && limit === this.#flow.batchEntries) this.#pages.keep(before, items, data);
    return [{ type: 'send', to, data, before }];
  }

  /** The chain before it as its readers have it: none of them knows better than the log here. */
  #gap = ({ seq, hash }: Place, before?: string): string =>
    this.#signer.lost({ seq, prev: before ?? this.#feed.hashAt(seq - 1), hash });

  /** What ends with the newest entry says so under the room's key: nobody can tell others another one. [P26] */
  #sign(frames: readonly Single[], { seq }: Position, nowMs: number): boolean {
    const last = frames.findLast((frame) => frame.kind === 'entries');
    const { head, sig } = last?.hash && seq === this.#feed.end.seq ? this.#signer.head : {};
    if (!last || !sig || head !== seq) return false;
    last.sig = sig;
    this.#signedAtMs = nowMs;
    return true;
  }

  /** In the original's form, a frame for each: name and text only, no voids, no absences, nobody's own words. [P37] */
  #plainFrames(items: readonly Item[], at: Position, group: Group): Send[] {
    let before = at;
    const frames = items.flatMap((item) => {
      const frame = { data: this.#plainFrame(item), before, author: this.#relayed.get(item.place?.seq ?? 0) };
      before = item.place ? { ...before, seq: item.place.seq } : { ...before, notice: before.notice + 1 };
      return frame.data === '' ? [] : [frame];
    });
    const authors = new Set(frames.map(({ author }) => author));
    const readers = group.map(({ from }) => from);
    const others = readers.filter((from) => !authors.has(from));
    // Whoever is sent the same shares one list.
    return [others, ...readers.filter((from) => authors.has(from)).map((from) => [from])].flatMap((to) =>
      frames
        .filter(({ author }) => to.length > 0 && author !== to[0])
        .map(({ data, before }): Send => ({ type: 'send', to, data, before })),
    );
  }

  /** Made once for all, although few of these readers are at one position for long: their queues take a message each. */
  #plainFrame(item: Item): string {
    const said = item.place ?? item.notice ?? item;
    const known = this.#plain.get(said) ?? plainFrame(item);
    this.#plain.set(said, known);
    return known;
  }

  /** Each notice goes to everybody: when a crowd comes at once, that is the square of it. */
  get #pauseMs(): number {
    const { crowd, leastMs, ofReaderMs } = noticePause;
    const { size } = this.#sessions;
    return size > crowd ? Math.max(leastMs, ofReaderMs * size) : 0;
  }

  /** Nothing waits any more: there will be no later. */
  hurry(): void {
    this.#notices.fromMs = Number.NEGATIVE_INFINITY;
  }

  #dueAtMs(reader: Session, end: Position): number {
    const { sent, full } = reader;
    if (!isBehind(sent, end) || this.#limit(reader) <= 0) return Number.POSITIVE_INFINITY;
    const isHeld = sent.seq === end.seq && sent.notice >= this.#notices.behind;
    return isHeld ? Math.max(full.retryAtMs, this.#notices.fromMs) : full.retryAtMs;
  }

  #limit({ sent, acked, guest }: Session): number {
    const { batchEntries, windowEntries } = this.#flow;
    const window = windowEntries - (sent.seq - acked);
    return Math.min(batchEntries, guest === undefined ? window : guestFrames);
  }
}

const isBehind = (a: Position, b: Position): boolean => a.seq < b.seq || a.notice < b.notice;

function plainFrame({ place, notice }: Item): string {
  if (notice) return isSilent(notice) ? '' : encode(plainNotice(notice));
  return place?.message && isShown(place.message) && !isErased(place.message)
    ? encode(plainMessage(place.message))
    : '';
}
