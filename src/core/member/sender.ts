import type { Message, MessageId } from '../../protocol/frames.ts';
import { lateMs, mendPatienceMs } from '../limits.ts';
import type { Copy } from '../log/copy.ts';
import type { Outbox } from '../log/outbox.ts';
import type { Now, Work } from '../turn.ts';
import { GivingBack } from './giving-back.ts';

/** What waits, and the device that it waits for. */
type Waiting = { readonly dev: string; readonly outbox: Outbox };

/**
 * Decides what of an outbox goes to the room now, over one connection after the other: own words in their order, at once but
 * for what another place may bring before them; what was said near here, and what a log has lost, after a pause.
 */
export class Sender {
  /** From a fork until the log is read again: before that nobody knows what it lacks, and nothing is sent. */
  isMending: boolean;
  /** From a welcome until the log is read up to its head. */
  #isBehind = false;
  readonly #waiting: Waiting;
  readonly #copy: Copy;
  readonly #others: GivingBack;
  /** What was taken from a log that is gone. */
  #lost = new Set<Message>();
  /** Something of my own was sent on this connection. */
  #hasBegun = false;
  /** How far the room had my words, and until when another place may bring what it lacks. */
  #told = { n: 0, untilMs: 0 };

  constructor(waiting: Waiting, copy: Copy, chance: () => number) {
    this.#waiting = waiting;
    this.#copy = copy;
    this.#others = new GivingBack(chance);
    this.isMending = waiting.outbox.lost.length > 0;
  }

  /** A new connection to the room, which has the words of this device up to `n`. */
  restart(n: number, { ms }: Now): void {
    this.#told = { n, untilMs: ms + mendPatienceMs };
    this.#hasBegun = false;
    this.#isBehind = true;
    this.#others.restart();
  }

  /** The log is not the one these were read in. */
  fork(lost: readonly Message[]): void {
    this.isMending = true;
    this.#others.fork();
    const adopted = this.#waiting.outbox.adopt(lost);
    this.#lost = new Set(adopted);
    this.#copy.buffer.keep(adopted);
  }

  readonly isLost = (message: Message): boolean => this.#lost.has(message);

  /** The log is read again: what it does not hold can be given back. Returns how much that is. */
  mend({ ms }: Now): number {
    const { own, lost } = this.#waiting.outbox;
    this.isMending = false;
    this.#others.begin(lost.length, ms);
    return own.filter(this.isLost).length + lost.length;
  }

  /** The log is read up to where the session began. */
  caughtUp(): void {
    this.#isBehind = false;
  }

  /** A message is in the log. */
  accept(id: MessageId): void {
    const { hasOthers, older } = this.#waiting.outbox;
    this.#others.accept(id, this.isMending || hasOthers || older.length > 0);
  }

  /** What others wrote is being given back. */
  get work(): Work | undefined {
    return this.#others.work(this.#waiting.outbox.lost.length);
  }

  /** The room lacks what lies before this, and takes nothing more of others' until the next proof. [P35] */
  meetHole(id: MessageId, { ms }: Now): void {
    const { outbox } = this.#waiting;
    this.#others.meetHole(id, ms);
    outbox.recall();
    // Its own device may skip what is lost: it stays in doubt until that one runs.
    const { older } = outbox;
    if (older.length > 0) outbox.remove((message) => message.id?.dev === id.dev && older.includes(message));
  }

  /** What the room cannot take of others, as far as its log is read. */
  get holes(): MessageId[] {
    return this.isMending || this.#isBehind ? [] : this.#others.holes;
  }

  /** After a hole everything of other devices is given again, as long as there is something. */
  mayTryAgain({ ms }: Now): boolean {
    const { hasOthers, older } = this.#waiting.outbox;
    return this.#others.mayTryAgain(ms) && (hasOthers || older.length > 0);
  }

  /** What is to be sent now: own words, and, after a pause, those of others. */
  take(now: Now): Message[] {
    if (this.isMending) return [];
    this.#others.pause(now.ms);
    const { dev, outbox } = this.#waiting;
    const isHeld = now.ms < this.#told.untilMs && this.#isElsewhere;
    const take = (isRest: boolean) =>
      outbox.takeUnsent(
        (message) => this.#mayGo(message, now, isHeld, isRest),
        (message) => this.#isNear(message) && this.#blocks(message, now),
      );
    // After 30 s of holes what is sure to follow goes first, and the rest behind it. [P58]
    const unsent = this.#others.isOver(now.ms) ? [...take(false), ...take(true)] : take(true);
    // Everything that this device wrote below it has been seen in a log. [P17]
    const first = this.#hasBegun ? undefined : unsent.find(({ id }) => id?.dev === dev);
    this.#hasBegun ||= first !== undefined;
    return unsent.map((message) => ({
      ...late(message, now.wallMs),
      ...(message === first && { first: true as const }),
    }));
  }

  /** What lies before my next words was settled by another place, and the room has lost it since: that place may have kept it. */
  get #isElsewhere(): boolean {
    const { dev, outbox } = this.#waiting;
    const { lowest } = outbox;
    return lowest !== undefined && !this.#hasBegun && lowest > Math.max(this.#copy.buffer.seen(dev), this.#told.n) + 1;
  }

  #mayGo(message: Message, now: Now, isOwnHeld: boolean, isRest: boolean): boolean {
    const { dev, outbox } = this.#waiting;
    if (message.id?.dev === dev) return !isOwnHeld;
    // What is in doubt follows what its own place has had in the log: but for one that was lost it need not wait.
    if (outbox.isOlder(message) && !this.#others.isNeeded) return !this.#others.isHeld;
    // It may be in the log, or brought by its author.
    if (this.#isBehind && this.#isNear(message)) return false;
    return this.#others.mayGo(message, now.ms, isRest);
  }

  /** What the room may refuse goes alone: else what was said after it could have its place before it. */
  #blocks(message: Message, { ms }: Now): boolean {
    if (this.#waiting.outbox.isSent(message)) return this.#isDoubtful(message);
    return this.#isBehind || this.#others.blocks(message, ms);
  }

  /** The log may lack what lies before it. */
  #isDoubtful({ id }: Message): boolean {
    const { outbox } = this.#waiting;
    if (!id || id.n <= this.#copy.buffer.seen(id.dev) + 1) return false;
    return !outbox.isSent(outbox.find({ dev: id.dev, n: id.n - 1 }));
  }

  #isNear(message: Message): boolean {
    const { dev, outbox } = this.#waiting;
    return message.at === undefined && message.id?.dev !== dev && !outbox.isOlder(message);
  }
}

/** What was in a log has its time of acceptance; of what was not, only this clock knows how long ago it was typed. */
function late(message: Message, wallMs: number): Message {
  const ago = message.at === undefined ? wallMs - (message.ts ?? wallMs) : 0;
  return ago > lateMs ? { ...message, ago } : message;
}
