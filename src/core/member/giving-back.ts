import { isTooLong, type Message, type MessageId } from '../../protocol/frames.ts';
import { isSigned } from '../../protocol/signed.ts';
import { givingPauseMs, holePatienceMs, holeRetryMs, mendPatienceMs } from '../limits.ts';
import type { Work } from '../turn.ts';

/** When what others wrote, and a log has lost, may go there: behind what it follows, and not from all who hold it at once. */
export class GivingBack {
  readonly #chance: () => number;
  /** When a log that lacks something was read again; undefined if none was met. */
  #mendedAtMs: number | undefined;
  /** So much was to be given when the log was read again. */
  #total = 0;
  /** Highest n of each device that is in this log, and that is on its way there over this connection. */
  readonly #inLog = new Map<string, number>();
  readonly #onWay = new Map<string, number>();
  /** When it begins on this connection, and since when the room takes none of it. */
  #startAtMs: number | undefined;
  #heldAtMs: number | undefined;
  /** The message of each device that the room could not take, for it lacks what lies before. */
  readonly #holes = new Map<string, { n: number; sinceMs: number }>();
  /** Since when one hole was found after the other: what is behind them waits no longer for many than for one. */
  readonly #series = { firstMs: 0, lastMs: Number.NEGATIVE_INFINITY };

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** A new connection. */
  restart(): void {
    this.#onWay.clear();
    this.#startAtMs = undefined;
    this.#heldAtMs = undefined;
  }

  /** Another log: nobody knows what it has. */
  fork(): void {
    this.#inLog.clear();
    this.#holes.clear();
  }

  /** The log is read again. */
  begin(total: number, ms: number): void {
    this.#total = total;
    this.#mendedAtMs = ms;
  }

  work(left: number): Work | undefined {
    const isUnderWay = left > 0 && left < this.#total;
    return isUnderWay ? { what: 'givenBack', done: this.#total - left, total: this.#total } : undefined;
  }

  /** It is in the log. Only what is given back has to know what it follows. */
  accept({ dev, n }: MessageId, isNeeded: boolean): void {
    if (n + 1 >= (this.#holes.get(dev)?.n ?? Number.POSITIVE_INFINITY)) this.#holes.delete(dev);
    if (isNeeded) raise(this.#inLog, dev, n);
  }

  meetHole({ dev, n }: MessageId, ms: number): void {
    this.#heldAtMs = ms;
    if (this.#holes.get(dev)?.n === n) return;
    this.#holes.set(dev, { n, sinceMs: ms });
    if (ms - this.#series.lastMs >= 2 * holePatienceMs) this.#series.firstMs = ms;
    this.#series.lastMs = ms;
  }

  /** What the room could not take, of each device, and has not taken since. */
  get holes(): MessageId[] {
    return [...this.#holes].map(([dev, { n }]) => ({ dev, n }));
  }

  /** The log may lack what it had. */
  get isNeeded(): boolean {
    return this.#mendedAtMs !== undefined;
  }

  /** After a hole the room takes nothing more of others until the next proof. [P35] */
  get isHeld(): boolean {
    return this.#heldAtMs !== undefined;
  }

  mayTryAgain(ms: number): boolean {
    return this.#heldAtMs !== undefined && ms - this.#heldAtMs >= holeRetryMs;
  }

  /** So that not all who hold the same give it back at once. */
  pause(ms: number): void {
    const { shortest, longest } = givingPauseMs;
    this.#startAtMs ??= ms + shortest + this.#chance() * (longest - shortest);
  }

  /** Others may bring theirs themselves meanwhile. Whoever is told yes sends it. */
  mayGo(message: Message, ms: number, isRest: boolean): boolean {
    const { id } = message;
    if (!id || this.isHeld || ms < (this.#startAtMs ?? 0) || this.#heldForMs(id, ms) >= holePatienceMs) return false;
    if (id.n > this.#before(id) + 1 && !this.#mayTry(message, ms, isRest)) return false;
    raise(this.#onWay, id.dev, id.n);
    return true;
  }

  /** Nobody else seems to have what lies before it. What may lead to one hole more is the rest. */
  #mayTry({ id, in: seen = 0 }: Message, ms: number, isRest: boolean): boolean {
    return this.#isPatient(ms) && (isRest || !this.isOver(ms) || (id?.n ?? 0) <= seen + 1);
  }

  /** Since one hole was found after the other, the patience is over: whoever means harm can make any number. */
  isOver(ms: number): boolean {
    const { firstMs, lastMs } = this.#series;
    return ms - firstMs >= holePatienceMs && ms - lastMs < 2 * holePatienceMs;
  }

  #isPatient(ms: number): boolean {
    return this.#mendedAtMs === undefined || ms - this.#mendedAtMs >= mendPatienceMs;
  }

  /** It may not go yet, and neither may what was said after it: but for what has waited for long enough. [P58] */
  blocks({ id }: Message, ms: number): boolean {
    if (id && this.#heldForMs(id, ms) >= holePatienceMs) return false;
    return ms < (this.#startAtMs ?? 0) || (this.isHeld && !this.isOver(ms));
  }

  /** How long the room has lacked what lies before it. What is below a hole may be just that. */
  #heldForMs({ dev, n }: MessageId, ms: number): number {
    const hole = this.#holes.get(dev);
    return hole && hole.n <= n ? ms - hole.sinceMs : 0;
  }

  /** The highest n of this device that is in the log, or goes there before. */
  #before({ dev }: MessageId): number {
    return Math.max(this.#inLog.get(dev) ?? 0, this.#onWay.get(dev) ?? 0);
  }
}

const raise = (highest: Map<string, number>, dev: string, n: number) =>
  highest.set(dev, Math.max(n, highest.get(dev) ?? 0));

/** Only what its author signed can be given back to a log that lost it. */
export const canBeKept = (message: Message): boolean => {
  const { id, key, text, void: isVoid } = message;
  const isWhole = id !== undefined && key !== undefined && !isVoid;
  return isWhole && isSigned(message) && !isTooLong(text);
};
