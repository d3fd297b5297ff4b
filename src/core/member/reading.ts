import { ChatError } from '../../errors.ts';
import type { Entries, Message, Welcome } from '../../protocol/frames.ts';
import type { Row } from '../../protocol/rows.ts';
import type { ChatEvent } from '../events.ts';
import { levelledMs, maxLost } from '../limits.ts';
import { emptyHash } from '../log/store.ts';
import { isShown, messageEvent, saidMs } from '../narrate.ts';
import type { Now } from '../turn.ts';
import type { Member } from './member.ts';

type Missed = { from: number; to: number; quietTo: number; mark: { first?: true } };

/**
 * Reads the room's log: takes entries in their order, shows what was never shown, and finds what was missed or lost.
 *
 *   I2 entries are taken in order, each once, without a gap; I3 a message is shown once, whatever logs hold it.
 */
export class Reading {
  readonly #member: Member;
  /** Entries up to here were in the log when the session opened, and own messages up to this n. */
  #head = 0;
  #logged = 0;
  /** Places after `from` and up to `to` were missed: they are shown between two marks, or not at all up to `quietTo`. */
  #missed: Missed = { from: 0, to: 0, quietTo: 0, mark: {} };
  /** Between the two marks. */
  #isReplaying = false;
  /** Places that were lost when they came, so that nobody has seen their messages. */
  readonly #neverShown = new Set<number>();

  constructor(member: Member) {
    this.#member = member;
  }

  /** So much was read and not shown that no more is taken: what comes now is read later. */
  get isFull(): boolean {
    const { copy, flow } = this.#member;
    return copy.behind >= 2 * flow.windowEntries;
  }

  /** Makes the copy continue where the session begins. */
  begin(welcome: Welcome): void {
    const { copy } = this.#member;
    const isFirst = copy.log === '';
    const isOther = welcome.fork === true || welcome.log !== copy.log;
    this.#place(welcome);
    this.#head = welcome.head;
    this.#logged = welcome.n ?? 0;
    if (isOther || !this.#member.isResuming) this.#beginReplay(isFirst);
  }

  /** Takes what follows; false if it is not what the log says here, for then it was changed on its way. */
  take({ from, rows, hash = emptyHash }: Entries, now: Now): boolean {
    const { copy } = this.#member;
    const [first, fresh] = [copy.cursor + 1, rows.slice(copy.cursor + 1 - from)];
    const hashes = copy.hashesOf(fresh);
    if (fresh.length > 0 && hashes.at(-1) !== hash) return false;
    for (const [i, row] of fresh.entries()) if (!this.isFull) this.#takeOne(row, first + i, hashes[i] as string, now);
    return true;
  }

  #takeOne(row: Row, seq: number, hash: string, now: Now): void {
    const { copy, courier } = this.#member;
    const { atMs } = copy;
    const taken = copy.take(seq, hash, row.kind === 'message' ? courier.withOwnSignature(row) : row, now);
    if (taken === 'lost' && this.#neverShown.size < maxLost) this.#neverShown.add(seq);
    this.#member.showPlace(this.#eventsOf(taken, seq, atMs));
    if (row.kind === 'message') this.#accept(row);
    this.#member.heads.reached();
    this.caughtUp(now);
  }

  /** An entry for a place that is lost here. */
  mend(message: Message): void {
    const { copy } = this.#member;
    if (!copy.mend(message) || !this.#neverShown.delete(message.seq ?? 0) || !isShown(message)) return;
    this.#member.show({ ...this.#eventOf(message), replay: true, mended: true } as ChatEvent);
  }

  /** When the session has read up to where it began. */
  caughtUp(now: Now): void {
    const { copy, courier } = this.#member;
    if (copy.cursor < this.#head) return;
    // What the log had and no longer keeps was not seen, but it has arrived.
    if (this.#logged > 0) courier.acceptLogged(this.#logged);
    this.#logged = 0;
    if (!courier.isMending) return;
    const count = courier.mend(now);
    const given =
      count === 0 ? 'it was read again.' : `${count} lost ${count === 1 ? 'message was' : 'messages were'} given back.`;
    const message = `the server's log is not the one known here; ${given}`;
    this.#member.show({ type: 'status', code: 'RESTORED', message });
  }

  /** Two programs that count with one device would each lose messages of the other. */
  failCopied(what: string, more: readonly Message[] = []): void {
    const { courier, options } = this.#member;
    const texts = [...more, ...courier.outbox.own].map(({ text }) => `"${text}"`);
    const unsent = texts.length === 0 ? '' : ` Not sent: ${texts.join(', ')}.`;
    const message = `this data folder is a copy of another one, or was restored from an older state; ${what}.${unsent}`;
    const hint = `Use each data folder in one place only. To begin anew, remove ${options.folder ?? 'it'}.`;
    this.#member.effects.push({ type: 'fail', error: new ChatError('DATA_COPIED', message, hint) });
  }

  #place({ log, since, hash = emptyHash, fork, firstMs }: Welcome): void {
    const { copy, courier } = this.#member;
    if (log === copy.log && since === copy.cursor && !fork) return;
    if (!fork && copy.log === log)
      this.#member.show({ type: 'gap', from: copy.cursor + 1, to: since, ...(firstMs !== undefined && { firstMs }) });
    const kept = copy.restart(log, since, hash);
    this.#neverShown.clear();
    if (fork) courier.fork(kept);
  }

  /** What was written before this program started is shown only if that is wanted; of a long replay, only the end. */
  #beginReplay(isFirst: boolean): void {
    const { replay, maxReplay, history } = this.#member.options;
    const wanted = this.#member.everLive || replay || history > 0;
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
    const isOwn = taken.id?.dev === this.#member.options.dev;
    if (taken.void && isOwn)
      return [{ type: 'error', code: 'REFUSED', message: 'The room refused a message of yours.' }];
    if (!isShown(taken)) return [];
    const { from, to, mark } = this.#missed;
    const isOpening = seq <= to && !this.#isReplaying;
    this.#isReplaying ||= isOpening;
    const replay = { type: 'replay' as const, count: to - seq + 1, total: to - from, sinceMs: saidMs(taken), ...mark };
    return [...(isOpening ? [replay] : []), this.#eventOf(taken)];
  }

  #eventOf(message: Message): ChatEvent {
    return messageEvent(message, message.id?.dev === this.#member.options.dev, this.#missed.to);
  }

  #accept({ id, text, void: isVoid }: Message): void {
    if (!id) return;
    const { copy, courier, options } = this.#member;
    const accepted = courier.accept(id);
    const mine = accepted.find((message) => message.id?.n === id.n && id.dev === options.dev);
    if (mine && mine.text !== text && !isVoid) this.failCopied('other words stand under the same numbers', accepted);
    copy.drop(accepted);
  }
}

/** The room's clock went back from one place to the next: what follows seems to be older than it is. */
function setBack(taken: Message | 'lost', beforeMs: number | undefined): ChatEvent[] {
  if (taken === 'lost' || taken.at === undefined || beforeMs === undefined) return [];
  const byMs = beforeMs - taken.at;
  return byMs > levelledMs ? [{ type: 'clock', setBackMs: byMs }] : [];
}
