import type { Message, MessageId } from '../../protocol/frames.ts';
import { maxAdopted, maxWaiting, uploadWindow } from '../limits.ts';
import { idOf, merged, Ordered } from './ordered.ts';

/** What is not in the log yet: sent again on every new connection, until the log is known to have it. */
export class Outbox {
  readonly #dev: string;
  /** What was typed here, with what another device of the same person has left in doubt. */
  readonly #own = new Ordered();
  /** What members near here have said, and no log that is known here has had: it has no time of acceptance. */
  readonly #near = new Ordered();
  /** What others wrote, and a log has lost. */
  readonly #lost = new Ordered();
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

  get own(): readonly Message[] {
    return this.#own.all;
  }

  get near(): readonly Message[] {
    return this.#near.all;
  }

  get lost(): readonly Message[] {
    return this.#lost.all;
  }

  /** What others wrote, in one order. */
  get others(): Message[] {
    return [...merged(this.near, this.lost)];
  }

  get hasOthers(): boolean {
    return this.#near.length + this.#lost.length > 0;
  }

  /** No more is kept of what members near here say. */
  get isLaden(): boolean {
    return this.#near.length >= maxAdopted;
  }

  /** Somebody near here has said this, and it waits. */
  isNear({ id }: Message): boolean {
    return id !== undefined && this.#near.find(id) !== undefined;
  }

  hasNearOf(dev: string): boolean {
    return this.#near.hasOf(dev);
  }

  /** How much waits of what these authors, by key, have said near here. */
  nearOf(are: (key: string | undefined) => boolean): number {
    let count = 0;
    for (const [key, ofKey] of this.#near.counts) if (are(key)) count += ofKey;
    return count;
  }

  /** How many were sent on this connection and have not come back. */
  get underWay(): number {
    return this.#sent.size;
  }

  /** Of those it is not known either that the server has them. */
  get isAwaiting(): boolean {
    return [...this.#sent].some((message) => !this.#isKept(message));
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
    let [next, left] = [0, uploadWindow - this.#sent.size];
    for (const message of this.own) {
      if (left === 0) break;
      if (this.#sent.has(message)) continue;
      left--;
      if (!this.isOlder(message)) next = message.id?.n ?? 0;
    }
    return next;
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
    this.#own.add(message);
  }

  /** What others have said, or a log has lost. Returns those that were taken: not those of others beyond the limit. */
  adopt(messages: readonly Message[]): Message[] {
    return messages.filter((message) => this.#take(message));
  }

  /** The same message, known better, in the place of what waits of it: it is not sent yet. Returns false beyond the limit. */
  replace(message: Message): boolean {
    const before = message.id && this.find(message.id);
    if (before) this.#remove(before);
    return this.#take(message);
  }

  /**
   * What to send now of all that `mayGo`, as far as the window reaches: own words and what was said near here in one order,
   * then what a log has lost. Behind one that `blocks`, sent or not, nothing goes. MUST be on disk. [P58]
   */
  takeUnsent(mayGo: (message: Message) => boolean = () => true, blocks = (_: Message) => false): Message[] {
    const unsent: Message[] = [];
    for (const message of this.#inOrder()) {
      if (this.#sent.size >= uploadWindow) break;
      if (!this.#sent.has(message) && mayGo(message)) {
        this.#sent.add(message);
        unsent.push(message);
      }
      if (blocks(message)) break;
    }
    return unsent;
  }

  isSent(message: Message | undefined): boolean {
    return message !== undefined && this.#sent.has(message);
  }

  *#inOrder(): Generator<Message> {
    yield* merged(this.own, this.near);
    yield* this.lost;
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

  find(id: MessageId): Message | undefined {
    for (const waiting of this.#all) {
      const message = waiting.find(id);
      if (message) return message;
    }
    return undefined;
  }

  /** Something of another device than this waits. */
  waitsFor(dev: string): boolean {
    return this.#all.some((waiting) => waiting.hasOf(dev));
  }

  /** Everything of this device up to and including its n has arrived for good. */
  accept(id: MessageId): Message[] {
    const accepted = this.#all.flatMap((waiting) => waiting.upTo(id));
    for (const message of accepted) this.#remove(message);
    return accepted;
  }

  remove(isUnwanted: (message: Message) => boolean): Message[] {
    const removed = this.#all.flatMap(({ all }) => all.filter(isUnwanted));
    for (const message of removed) this.#remove(message);
    return removed;
  }

  /** Puts other words in the place of these, with the same ids: they are not sent yet. Returns those that changed. */
  change(change: (message: Message) => Message): Message[] {
    const changed: Message[] = [];
    for (const waiting of this.#all)
      for (const message of [...waiting.all]) {
        const now = change(message);
        if (now === message) continue;
        waiting.remove(message);
        waiting.add(now);
        this.#sent.delete(message);
        changed.push(now);
      }
    return changed;
  }

  get #all(): Ordered[] {
    return [this.#own, this.#near, this.#lost];
  }

  #take(message: Message): boolean {
    const isOwn = message.id?.dev === this.#dev || this.isOlder(message);
    const others = message.at === undefined ? this.#near : this.#lost;
    if (!isOwn && others.length >= maxAdopted) return false;
    if (message.id && this.find(message.id)) return false;
    (isOwn ? this.#own : others).add(message);
    return true;
  }

  #remove(message: Message): void {
    const isIn = (one: Ordered) => (message.id ? one.find(message.id) === message : one.all.includes(message));
    this.#all.find(isIn)?.remove(message);
    this.#sent.delete(message);
    this.#older.delete(idOf(message));
  }

  #isKept({ id }: Message): boolean {
    return id?.dev === this.#dev && id.n <= this.#kept;
  }
}
