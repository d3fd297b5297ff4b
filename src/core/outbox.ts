import type { Message } from '../protocol.ts';

/** Most messages waiting to be accepted; what is typed beyond is refused in words. */
export const maxWaiting = 10_000;
/** Most messages under way at once: a long outbox must not flood the socket's queue. */
const windowMessages = 256;

/**
 * What was typed and is not accepted yet, in order of n. A message leaves only when `accept` has seen its n:
 * until then every new connection sends it again, and whoever gets it twice knows it by its id.
 */
export class Outbox {
  readonly #dev: string;
  #messages: Message[] = [];
  #lastN = 0;
  #sent = 0;

  constructor(dev: string) {
    this.#dev = dev;
  }

  get size(): number {
    return this.#messages.length;
  }

  get texts(): string[] {
    return this.#messages.map((message) => message.text);
  }

  get isFull(): boolean {
    return this.size >= maxWaiting;
  }

  add(name: string, text: string, nowMs: number): void {
    const id = { dev: this.#dev, n: ++this.#lastN };
    this.#messages.push({ kind: 'message', name, text, id, ts: nowMs });
  }

  /** The messages to send now: those never sent on this connection, as far as the window reaches. */
  takeUnsent(): Message[] {
    const unsent = this.#messages.slice(this.#sent, windowMessages);
    this.#sent += unsent.length;
    return unsent;
  }

  /** A new connection: nothing was sent on it yet. */
  restart(): void {
    this.#sent = 0;
  }

  /** Everything up to and including `n` has arrived for good. */
  accept(n: number): Message[] {
    const count = this.#messages.findIndex((message) => (message.id?.n ?? 0) > n);
    const accepted = this.#messages.splice(0, count === -1 ? this.#messages.length : count);
    this.#sent = Math.max(this.#sent - accepted.length, 0);
    return accepted;
  }
}
