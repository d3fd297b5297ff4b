import { type Erasure, erasureOf, isProper } from '../../protocol/erasure.ts';
import type { Entries, Message, MessageId, Received, Welcome } from '../../protocol/frames.ts';
import type { Row } from '../../protocol/rows.ts';
import { formatId, signedHash } from '../../protocol/signed.ts';
import type { ChatEvent } from '../events.ts';
import { levelledMs, maxLost } from '../limits.ts';
import { emptyHash } from '../log/store.ts';
import { isShown, messageEvent, saidMs } from '../narrate.ts';
import type { Now, Work } from '../turn.ts';
import type { Member } from './member.ts';

type Missed = { from: number; to: number; quietTo: number; mark: { first?: true } };

/**
 * Reads the room's log: takes entries in their order, shows what was never shown, and finds what was missed or lost.
 *
 *   I2 entries are taken in order, each once, without a gap; I3 a message is shown once, whatever logs hold it.
 */
export class Reading {
  readonly #member: Member;
  /** Entries up to here were in the log when the session opened. */
  #head = 0;
  /** What the log had of a device when its head was at `seq`, whether it is still kept or not: the newest word of each. */
  readonly #had = new Map<string, { seq: number; id: MessageId; hash?: string }>();
  /** Places after `from` and up to `to` were missed: they are shown between two marks, or not at all up to `quietTo`. */
  #missed: Missed = { from: 0, to: 0, quietTo: 0, mark: {} };
  /** Between the two marks. */
  #isReplaying = false;
  /** Places that were lost when they came, so that nobody has seen their messages. */
  readonly #neverShown = new Set<number>();
  /** A log was lost in this run, or some places of it were never seen. */
  #hasForked = false;
  #hasGap = false;
  /** What came last did not follow. */
  #isBroken = false;

  constructor(member: Member) {
    this.#member = member;
  }

  /** So much was read and not shown that no more is taken: what comes now is read later. */
  get isFull(): boolean {
    const { copy, flow } = this.#member;
    return copy.buffer.behind >= 2 * flow.windowEntries;
  }

  /** How much of what was missed is read. */
  get work(): Work | undefined {
    const { from, to } = this.#missed;
    const { cursor } = this.#member.copy;
    return cursor < to ? { what: 'read', done: Math.max(cursor - from, 0), total: to - from } : undefined;
  }

  /** Makes the copy continue where the session begins. */
  begin(welcome: Welcome): void {
    const { copy } = this.#member;
    const isFirst = copy.log === '';
    const isOther = welcome.fork === true || welcome.log !== copy.log;
    this.#place(welcome);
    this.#head = welcome.head;
    this.#had.clear();
    const { n, nHash, head } = welcome;
    if (n) this.#hear({ dev: this.#member.courier.dev, n }, head, nHash);
    if (isOther || !this.#member.availability.isResuming) this.#beginReplay(isFirst);
  }

  /** What was sent to the log was there already. */
  had({ ids, head }: Received & { kind: 'had' }, now: Now): void {
    for (const id of ids) this.#hear(id, head);
    this.caughtUp(now);
  }

  #hear(id: MessageId, seq: number, hash?: string): void {
    const known = this.#had.get(id.dev);
    if (!known || known.id.n <= id.n) this.#had.set(id.dev, { seq, id, ...(hash && { hash }) });
  }

  /** Takes what follows; false if it is not what the log says here, which is said once. */
  take(entries: Entries, now: Now): boolean {
    const isBroken = !this.#takeAll(entries, now);
    if (isBroken && !this.#isBroken) this.#member.show({ type: 'error', code: 'CHAIN_BROKEN', message: brokenChain });
    this.#isBroken = isBroken;
    return !isBroken;
  }

  /** The newest entry may be signed by the room, as in a heartbeat. */
  #takeAll({ from, rows, hash = emptyHash, sig }: Entries, now: Now): boolean {
    const { copy, heads } = this.#member;
    const [first, fresh] = [copy.cursor + 1, rows.slice(copy.cursor + 1 - from)];
    const hashes = copy.hashesOf(fresh, this.#member.room ?? '');
    if (!hashes || (fresh.length > 0 && hashes.at(-1) !== hash)) return false;
    for (const [i, row] of fresh.entries()) if (!this.isFull) this.#takeOne(row, first + i, hashes[i] as string, now);
    if (sig !== undefined) heads.hear({ head: from + rows.length - 1, headHash: hash, sig });
    return true;
  }

  #takeOne(row: Row, seq: number, hash: string, now: Now): void {
    const { copy, courier } = this.#member;
    const { atMs } = copy;
    const message = row.kind === 'message' && this.#isProper(row) ? courier.withKnownSignature(row) : undefined;
    const taken = copy.take(seq, hash, message, now);
    if (taken === 'lost' && this.#neverShown.size < maxLost) this.#neverShown.add(seq);
    const erasure = message && this.#erasureOf(message);
    const { events, isShown } = this.#placing(message);
    const news = this.#eventsOf(isShown ? undefined : taken, seq, atMs);
    this.#member.showPlace([...events, ...news, ...(erasure ? this.#erase(erasure) : [])]);
    if (message && copy.isOfAuthor(message)) this.#accept(message);
    this.#member.heads.reached();
    this.caughtUp(now);
  }

  /** An entry for a place that is lost here. */
  mend(message: Message): void {
    const { copy } = this.#member;
    if (!this.#isProper(message) || !copy.mend(message)) return;
    // It may be what waits here: nothing else would say that it has come.
    if (copy.isOfAuthor(message)) this.#accept(message);
    const erasure = this.#erasureOf(message);
    for (const event of erasure ? this.#erase(erasure) : []) this.#member.show(event);
    if (!this.#neverShown.delete(message.seq ?? 0) || !isShown(message)) return;
    this.#member.show({ ...this.#eventOf(copy.buffer.erasedIn(message)), replay: true, mended: true } as ChatEvent);
  }

  /** What is here without its words because of this is told once, by the entry that it came with. */
  #erase(erasure: Erasure): ChatEvent[] {
    const { copy, courier } = this.#member;
    courier.erase(erasure);
    const seq = copy.erase(erasure);
    return [{ type: 'erased', id: formatId(erasure.id), ...(seq !== undefined && { seq }) }];
  }

  #erasureOf(message: Message): Erasure | undefined {
    const { options, room = '' } = this.#member;
    return message.words === undefined ? erasureOf(options.crypto, room, message) : undefined;
  }

  #isProper(message: Message): boolean {
    const { options, room = '' } = this.#member;
    return isProper(options.crypto, room, message);
  }

  /** When the session has read up to where it began. */
  caughtUp(now: Now): void {
    const { copy, courier } = this.#member;
    for (const [dev, { seq, id, hash }] of this.#had) {
      if (copy.cursor < seq) continue;
      // What the log had and no longer keeps was not seen, but it has arrived.
      this.#had.delete(dev);
      this.#pass(courier.acceptLogged(id, hash));
    }
    if (copy.cursor < this.#head) return;
    courier.sender.caughtUp();
    this.#member.askAboutLeft();
    if (!courier.sender.isMending) return;
    const count = courier.sender.mend(now);
    const given =
      count === 0 ? 'it was read again.' : `${count} lost ${count === 1 ? 'message was' : 'messages were'} given back.`;
    const message = `the server's log is not the one known here; ${given}`;
    this.#member.show({ type: 'status', code: 'RESTORED', message });
  }

  #place({ log, since, hash = emptyHash, fork, firstMs }: Welcome): void {
    const { copy, courier } = this.#member;
    if (log === copy.log && since === copy.cursor && !fork) return;
    if (!fork && copy.log === log)
      this.#member.show({ type: 'gap', from: copy.cursor + 1, to: since, ...(firstMs !== undefined && { firstMs }) });
    // What waits for a log that was lost may be lost again before anything of the next one was read.
    this.#hasForked ||= fork === true;
    this.#hasGap ||= !fork;
    const isOther = fork || (log !== copy.log && courier.outbox.hasOthers);
    const kept = copy.restart(log, since, hash);
    this.#neverShown.clear();
    if (isOther) courier.fork(kept);
  }

  /** What was written before this program started is shown only if that is wanted; of a long replay, only the end. */
  #beginReplay(isFirst: boolean): void {
    const { replay, maxReplay, history } = this.#member.options;
    const wanted = this.#member.availability.everLive || replay || history > 0;
    const quietTo = wanted ? Math.max(this.#head - maxReplay, 0) : this.#head;
    const mark = isFirst ? { first: true as const } : {};
    this.#missed = { from: this.#member.copy.cursor, to: this.#head, quietTo, mark };
    this.#isReplaying = false;
  }

  #eventsOf(taken: Message | 'lost' | undefined, seq: number, beforeMs: number | undefined): ChatEvent[] {
    const { to, quietTo, mark } = this.#missed;
    const events = taken && seq > quietTo ? [...setBack(taken, beforeMs), ...this.#shown(taken, seq)] : [];
    if (seq !== to || !this.#isReplaying) return events;
    this.#isReplaying = false;
    return [...events, { type: 'replayed', ...mark }];
  }

  #shown(taken: Message | 'lost', seq: number): ChatEvent[] {
    if (taken === 'lost') return [{ type: 'lost', seq }];
    const isOwn = this.#isOwn(taken);
    if (taken.void && isOwn)
      return [{ type: 'error', code: 'REFUSED', message: 'The room refused a message of yours.' }];
    if (!isShown(taken)) return [];
    const { from, to, quietTo, mark } = this.#missed;
    const isOpening = seq <= to && !this.#isReplaying;
    this.#isReplaying ||= isOpening;
    const count = to - seq + 1;
    // What was shown before it had a place was not missed.
    const total = quietTo > from ? to - from : count;
    const replay = { type: 'replay' as const, count, total, sinceMs: saidMs(taken), ...mark };
    return [...(isOpening ? [replay] : []), this.#eventOf(taken)];
  }

  #eventOf(message: Message): ChatEvent {
    return messageEvent(message, this.#isOwn(message), this.#missed.to);
  }

  #isOwn({ id }: Message): boolean {
    return id?.dev === this.#member.courier.dev;
  }

  /** Other words stand under a number of mine, or one that I never used; of what is void their digest tells. */
  #isShared(entry: Message): boolean {
    const { courier, options, room = '' } = this.#member;
    return courier.isShared(room, entry.id?.n ?? 0, signedHash(options.crypto, room, entry));
  }

  /** What was shown before it had a place is not shown again. [P58] */
  #placing(message: Message | undefined) {
    const counts = message && this.#member.copy.isOfAuthor(message);
    return counts ? this.#member.peers.provisional.place(message) : { events: [], isShown: false };
  }

  /** What waited was in the log, and is not kept there any more; but for what a log has lost, and its author says next. */
  #pass(passed: readonly Message[]): void {
    const isLost = ({ id, in: seen = 0 }: Message) => this.#hasForked && !this.#hasGap && (id?.n ?? 0) > seen;
    for (const event of this.#member.peers.provisional.passed(passed, isLost)) this.#member.show(event);
  }

  #accept(message: Message): void {
    const { id } = message;
    if (!id) return;
    const { copy, courier } = this.#member;
    if (this.#isOwn(message) && this.#isShared(message)) this.#member.renew();
    const accepted = courier.accept(id);
    const mine = accepted.find(({ id: { dev, n } = id }) => n === id.n && dev === courier.dev);
    this.#pass(accepted.filter((one) => one.id?.n !== id.n));
    if (this.#isOwn(message)) courier.see(message, mine);
    courier.findLeft(message);
    copy.buffer.drop(accepted);
  }
}

const brokenChain = 'what the server sent does not follow from what it sent before: it is read again.';

/** The room's clock went back from one place to the next: what follows seems to be older than it is. */
function setBack(taken: Message | 'lost', beforeMs: number | undefined): ChatEvent[] {
  if (taken === 'lost' || taken.at === undefined || beforeMs === undefined) return [];
  const byMs = beforeMs - taken.at;
  return byMs > levelledMs ? [{ type: 'clock', setBackMs: byMs }] : [];
}
