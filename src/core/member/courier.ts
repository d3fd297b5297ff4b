import type { Message, MessageId } from '../../protocol/frames.ts';
import { signedText } from '../../protocol/signed.ts';
import type { Crypto, Identity } from '../crypto.ts';
import { type Copy, canBeKept } from '../log/copy.ts';
import { Outbox } from '../log/outbox.ts';
import type { Store } from '../log/store.ts';

/** How long others have to give back what lies before a lost message known here. [P28] */
const mendPatienceMs = 30_000;

/** What an author says, and under which name. */
export type Words = { name: string; text: string; action?: true };
export type CourierOptions = { dev: string; identity: Identity; crypto: Crypto };

/**
 * Brings into the log what is not there yet: what was typed here, and, after the log has lost entries, what is known
 * of those. Everything stays in the outbox, and in the store, until it is seen in the log.
 */
export class Courier {
  readonly #options: CourierOptions;
  readonly #copy: Copy;
  readonly #outbox: Outbox;
  #lastN: number;
  /** Set from a fork until the log is read again: before that nobody knows what it lacks. */
  #mending: boolean;
  #mendedAtMs = 0;
  /** Devices of which something was sent on this connection. */
  readonly #begun = new Set<string>();

  constructor(options: CourierOptions, copy: Copy, store: Store) {
    this.#options = options;
    this.#copy = copy;
    this.#outbox = new Outbox(store.pending());
    this.#mending = this.#outbox.messages.some(({ sig }) => sig !== undefined);
    this.#lastN = Math.max(copy.seen(options.dev), ...this.own.map(({ id }) => id?.n ?? 0));
  }

  /** What was typed here and waits. */
  get own(): Message[] {
    return this.#outbox.messages.filter(({ id }) => id?.dev === this.#options.dev);
  }

  get isFull(): boolean {
    return this.#outbox.isFull;
  }

  get underWay(): number {
    return this.#outbox.underWay;
  }

  get isMending(): boolean {
    return this.#mending;
  }

  get lastN(): number {
    return this.#lastN;
  }

  write(words: Words, nowMs: number): void {
    const id = { dev: this.#options.dev, n: ++this.#lastN };
    const message: Message = { kind: 'message', ...words, id, lc: this.#copy.nextLc(), ts: nowMs };
    this.#outbox.add(message, false);
    this.#copy.keep([message]);
  }

  /** What was typed here and waits, or is given back, bears this name from now on. */
  rename(name: string, room: string): void {
    const isOld = (message: Message) => message.id?.dev === this.#options.dev && message.name !== name;
    const renamed = this.#outbox.change(isOld, (message) => {
      const changed = { ...message, name };
      return message.sig === undefined ? changed : this.#sign(changed, room);
    });
    this.#copy.keep(renamed);
  }

  /** On disk now, so it may be sent. */
  settle(messages: Message[]): void {
    this.#outbox.settle(messages);
  }

  /** A new connection. */
  restart(): void {
    this.#outbox.restart();
    this.#begun.clear();
  }

  /** The log is not the one these entries were read in. */
  fork(kept: Message[]): void {
    this.#mending = true;
    const lost = kept.filter(canBeKept).map(({ seq: _, hash: __, ...message }) => message);
    this.#outbox.adopt(lost);
    this.#copy.keep(lost);
  }

  /** The log is read again: what it does not hold can be given back, if it is genuine. Returns how much that is. */
  mend(room: string, nowMs: number): number {
    this.#mending = false;
    this.#mendedAtMs = nowMs;
    this.#copy.drop(this.#outbox.remove((message) => this.#isForged(message, room)));
    return this.#outbox.messages.filter(({ sig }) => sig !== undefined).length;
  }

  /** A message is in the log. Returns what waited here for that, up to its n. */
  accept(id: MessageId): Message[] {
    return this.#outbox.accept(id);
  }

  /** The log had everything up to `n` of this device, whether it is still kept or not. */
  acceptLogged(n: number): void {
    this.#copy.drop(this.#outbox.accept({ dev: this.#options.dev, n }));
  }

  /** What is to be sent to a version-1 room now, signed. */
  takeSigned(room: string, nowMs: number): Message[] {
    if (this.#mending) return [];
    return this.#outbox.takeUnsent().map((message) => {
      const signed = message.sig ? message : this.#sign(message, room);
      return this.#isFirst(message, nowMs) ? { ...signed, first: true } : signed;
    });
  }

  /** What is to be sent to an original server now: it counts as accepted. */
  takePlain(): Message[] {
    const plain = this.#outbox.takeUnsent().filter(({ id, sig }) => id?.dev === this.#options.dev && !sig);
    this.#outbox.remove((message) => plain.includes(message));
    this.#copy.drop(plain);
    return plain;
  }

  #sign(message: Message, room: string): Message {
    const { identity } = this.#options;
    return { ...message, key: identity.key, sig: identity.sign(signedText(room, message)) };
  }

  /**
   * True for the lowest n of a device on this connection, if nothing below it is to come: all that this device wrote
   * below has been seen in a log; what others wrote below could have been given back meanwhile. [P26]
   */
  #isFirst({ id }: Message, nowMs: number): boolean {
    const dev = id?.dev ?? '';
    const lowest = !this.#begun.has(dev);
    this.#begun.add(dev);
    return lowest && (dev === this.#options.dev || nowMs - this.#mendedAtMs >= mendPatienceMs);
  }

  #isForged(message: Message, room: string): boolean {
    const { crypto, dev, identity } = this.#options;
    const { id, key = '', sig } = message;
    if (sig === undefined || (id?.dev === dev && key === identity.key)) return false;
    return !crypto.verify(key, signedText(room, message), sig);
  }
}
