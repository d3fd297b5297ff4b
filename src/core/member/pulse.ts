import type { Heartbeat, Lost, Receipt } from '../../protocol/frames.ts';
import { isSigned } from '../../protocol/signed.ts';
import { ackIntervalMs, maxLost, maxUnanswered, tidyIntervalMs } from '../limits.ts';
import { emptyHash } from '../log/store.ts';
import { slowedEvent } from '../narrate.ts';
import type { Held, Now } from '../turn.ts';
import type { Member } from './member.ts';

/**
 * What passes between a session and its server besides words: how far the log was shown, what of it is lost on either disk,
 * and whether what went out comes back.
 *
 *   C2 what is acknowledged was shown.
 */
export class Pulse {
  readonly #member: Member;
  #acked = 0;
  #ackedAtMs = 0;
  #askedAtMs = 0;
  /** Questions that were answered since the last ack. */
  #answers = 0;
  /** Heartbeats that brought no echo, although something is under way. */
  #unanswered = 0;
  /** What the room has of mine and takes later, for it comes faster than the room takes it from one member. */
  held: Held | undefined;

  constructor(member: Member) {
    this.#member = member;
  }

  /** A session opens. */
  begin(now: Now): void {
    this.#acked = this.#member.copy.buffer.shown;
    this.#ackedAtMs = now.ms;
    this.held = undefined;
    this.#ask(now);
  }

  /** The room says how much of mine it has; that it is too fast is told once, until all of it is taken. [P22] */
  hold({ held = 0, heldMs }: Pick<Receipt, 'held' | 'heldMs'>): void {
    const known = this.held;
    this.held = heldMs === undefined ? undefined : { count: held, ms: heldMs };
    if (this.held && !known) this.#member.show(slowedEvent(this.held));
  }

  /** What went out comes back, or is sent again. */
  echoed(): void {
    this.#unanswered = 0;
  }

  tick(now: Now): void {
    if (now.ms - this.#ackedAtMs >= ackIntervalMs) this.#ack(now);
    if (now.ms - this.#askedAtMs >= tidyIntervalMs) this.#ask(now);
  }

  /** The server sends no more than a window beyond what was acknowledged. */
  keepUp(now: Now): void {
    const { copy, flow } = this.#member;
    if (copy.buffer.shown - this.#acked >= flow.windowEntries / 4) this.#ack(now);
  }

  #ack({ ms }: Now): void {
    this.#answers = 0;
    this.#acked = this.#member.copy.buffer.shown;
    this.#ackedAtMs = ms;
    this.#member.send({ kind: 'ack', seq: this.#acked });
  }

  /** What is lost in the copy kept here, the server may have; and it knows who the members are by now. [P28, P43] */
  #ask(now: Now): void {
    this.#askedAtMs = now.ms;
    this.#member.roster.ask(now);
    for (const { seq, hash } of this.#member.copy.lost) this.#member.send({ kind: 'lost', seq, hash });
  }

  /** Nobody asks for more in so short a time but to do harm, and nobody takes what is not signed. */
  answer({ seq, hash = emptyHash }: Lost): void {
    const answer = this.#answers < maxLost ? this.#member.copy.entryAt(seq, hash) : undefined;
    if (!answer || !isSigned(answer)) return;
    this.#answers++;
    this.#member.send(answer);
  }

  /**
   * True if a frame was lost: the server sent more than came, or what went out does not come back, although my own output
   * has taken everything, which the server waits for, and the server holds nothing. [P12]
   */
  misses({ seq, kept = 0, held = 0 }: Heartbeat, isFull: boolean): boolean {
    const { copy, courier } = this.#member;
    courier.outbox.keepUpTo(kept);
    if (copy.buffer.behind > 0 || held > 0 || !courier.outbox.isAwaiting) this.#unanswered = 0;
    else this.#unanswered++;
    const isBehind = seq > copy.cursor && !isFull;
    return isBehind || this.#unanswered >= maxUnanswered;
  }
}
