import type { Message, MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { maxAdopted, maxWaiting, uploadWindow } from '../limits.ts';

/** What is not in the log yet: sent again on every new connection, until the log is known to have it. */
export class Outbox {
  readonly #dev: string;
  /**
   * What was typed here, with what another device of the same person has left in doubt, and what others wrote and a log has
   * lost; each in the order (lc, dev, n).
   */
  own: Message[] = [];
  others: Message[] = [];
  /** Devices of which something may wait, but for this one. */
  readonly #devices = new Set<string>();
  /** By id: of `own`, what is another device's. */
  readonly #older: Set<string>;
  /** Sent on this connection. */
  readonly #sent = new Set<Message>();
  #kept = 0;

  constructor(dev: string, messages: readonly Message[] = [], older: readonly Message[] = []) {
    this.#dev = dev;
    this.#older = new Set(older.map(idOf));
    this.adopt([...messages, ...older]);
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#sent.size;
  }

  /** Of those it is not known either that the server has them. */
  get isAwaiting(): boolean {
    return [...this.#sent].some((message) => !this.#isKept(message));
  }

  /** What members near here have said, and no log that is known here has had: it has no time of acceptance. */
  get near(): Message[] {
    return this.others.filter(({ at }) => at === undefined);
  }

  /** What others wrote, and a log has lost. */
  get lost(): Message[] {
    return this.others.filter(({ at }) => at !== undefined);
  }

  /** The oldest of my own that was sent on this connection, and the server is not known to have. */
  get awaited(): Message | undefined {
    for (const message of this.#sent) if (message.id?.dev === this.#dev && !this.#isKept(message)) return message;
    return undefined;
  }

  /** Those of my own that the server is not known to have on its disk. */
  get unkept(): Message[] {
    return this.own.filter((message) => !this.#isKept(message));
  }

  /** What another device of the same person has left in doubt. */
  get older(): Message[] {
    return this.#older.size === 0 ? [] : this.own.filter(this.isOlder);
  }

  readonly isOlder = (message: Message): boolean => this.#older.has(idOf(message));

  /** The highest n of this device that `takeUnsent` would reach now. */
  get next(): number {
    const unsent = this.own.filter((message) => !this.#sent.has(message)).slice(0, uploadWindow - this.#sent.size);
    return unsent.findLast((message) => !this.isOlder(message))?.id?.n ?? 0;
  }

  /** The lowest n of this device that waits. */
  get lowest(): number | undefined {
    return this.own.find(({ id }) => id?.dev === this.#dev)?.id?.n;
  }

  get isFull(): boolean {
    return this.own.length >= maxWaiting;
  }

  /** A message newer than all others. */
  add(message: Message): void {
    this.own.push(message);
  }

  /** Messages of a log that is gone. Returns those that were taken: not those of others beyond the limit. */
  adopt(messages: readonly Message[]): Message[] {
    const known = new Set([...this.own, ...this.others].map(idOf));
    const taken = messages.filter((message) => !known.has(idOf(message)) && this.#take(message));
    for (const waiting of [this.own, this.others]) waiting.sort(byCause);
    return taken;
  }

  /**
   * What to send now of all that `mayGo`, as far as the window reaches: own words and what was said near here in one order,
   * then what a log has lost. Behind one that `blocks` nothing goes. MUST be on disk. [P58]
   */
  takeUnsent(mayGo: (message: Message) => boolean = () => true, blocks = (_: Message) => false): Message[] {
    const unsent: Message[] = [];
    for (const message of this.#inOrder) {
      if (this.#sent.size >= uploadWindow) break;
      if (this.#sent.has(message)) continue;
      if (!mayGo(message)) {
        if (blocks(message)) break;
        continue;
      }
      this.#sent.add(message);
      unsent.push(message);
    }
    return unsent;
  }

  get #inOrder(): Message[] {
    const { near } = this;
    return near.length === 0 ? [...this.own, ...this.others] : [...[...this.own, ...near].sort(byCause), ...this.lost];
  }

  restart(): void {
    this.#sent.clear();
    this.#kept = 0;
  }

  /** What another device wrote is to be sent again. */
  recall(): void {
    for (const message of [...this.others, ...this.older]) this.#sent.delete(message);
  }

  /** The server has my own up to this n on its disk: they will come back. [P22] */
  keepUpTo(n: number): void {
    this.#kept = Math.max(this.#kept, n);
  }

  find({ dev, n }: MessageId): Message | undefined {
    const waiting = dev === this.#dev ? this.own : this.#devices.has(dev) ? [...this.others, ...this.older] : [];
    return waiting.find(({ id }) => id?.n === n && id.dev === dev);
  }

  /** Everything of this device up to and including its n has arrived for good. */
  accept({ dev, n }: MessageId): Message[] {
    // Each entry that is read comes here: it must not look at everything that waits.
    if (dev === this.#dev ? (this.lowest ?? n + 1) > n : !this.#devices.has(dev)) return [];
    return this.remove((message) => message.id?.dev === dev && message.id.n <= n);
  }

  remove(isUnwanted: (message: Message) => boolean): Message[] {
    const removed = [...this.own, ...this.others].filter(isUnwanted);
    for (const message of removed) this.#sent.delete(message);
    for (const message of removed) this.#older.delete(idOf(message));
    this.own = this.own.filter((message) => !isUnwanted(message));
    this.others = this.others.filter((message) => !isUnwanted(message));
    if (this.others.length + this.#older.size === 0) this.#devices.clear();
    return removed;
  }

  /** Puts other words in the place of these, with the same ids: they are not sent yet. Returns those that changed. */
  change(change: (message: Message) => Message): Message[] {
    const old = new Set([...this.own, ...this.others]);
    this.own = this.own.map(change);
    this.others = this.others.map(change);
    const now = new Set([...this.own, ...this.others]);
    for (const message of old) if (!now.has(message)) this.#sent.delete(message);
    return [...now].filter((message) => !old.has(message));
  }

  #take(message: Message): boolean {
    if (!this.#isOwn(message) && this.others.length >= maxAdopted) return false;
    (this.#isOwn(message) ? this.own : this.others).push(message);
    if (message.id) this.#devices.add(message.id.dev);
    return true;
  }

  #isKept({ id }: Message): boolean {
    return id?.dev === this.#dev && id.n <= this.#kept;
  }

  #isOwn(message: Message): boolean {
    return message.id?.dev === this.#dev || this.isOlder(message);
  }
}

export const idOf = ({ id }: Message): string => (id ? formatId(id) : '');

/** What somebody had seen when writing e has a lower lc than e; the rest makes the order total. */
export function byCause(a: Message, b: Message): number {
  const lc = (a.lc ?? 0) - (b.lc ?? 0);
  if (lc !== 0 || !a.id || !b.id) return lc;
  return a.id.dev === b.id.dev ? a.id.n - b.id.n : a.id.dev < b.id.dev ? -1 : 1;
}
