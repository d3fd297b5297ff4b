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
  mayGo({ id }: Message, ms: number): boolean {
    if (!id || this.isHeld || ms < (this.#startAtMs ?? 0)) return false;
    return this.#heldForMs(id, ms) < holePatienceMs && this.#canFollow(id, this.#isPatient(ms));
  }

  #isPatient(ms: number): boolean {
    return this.#mendedAtMs === undefined || ms - this.#mendedAtMs >= mendPatienceMs;
  }

  /** It may not go yet, and neither may what was said after it: but for what has waited for long enough. [P58] */
  blocks({ id }: Message, ms: number): boolean {
    if (id && this.#heldForMs(id, ms) >= holePatienceMs) return false;
    return ms < (this.#startAtMs ?? 0) || (this.isHeld && ms - this.#series.firstMs < holePatienceMs);
  }

  /** How long the room has lacked what lies before it. What is below a hole may be just that. */
  #heldForMs({ dev, n }: MessageId, ms: number): number {
    const hole = this.#holes.get(dev);
    return hole && hole.n <= n ? ms - hole.sinceMs : 0;
  }

  /** It goes behind what lies before it, or when nobody else seems to have that. */
  #canFollow({ dev, n }: MessageId, isPatient: boolean): boolean {
    const before = Math.max(this.#inLog.get(dev) ?? 0, this.#onWay.get(dev) ?? 0);
    if (n > before + 1 && !isPatient) return false;
    raise(this.#onWay, dev, n);
    return true;
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
