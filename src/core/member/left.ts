import type { Message } from '../../protocol/frames.ts';

/**
 * What was typed for a device of before, in the order it was typed: the folder was copied, and the other one may have
 * said it. It stays, and is sent by nobody, until it is read in the log or its person has decided.
 */
export class Left {
  messages: readonly Message[];
  /** Nothing is sent until it is decided what becomes of them, which nobody knows before the log is read. */
  isAwaited = false;
  #isDecided = false;
  /** Typed in this run, and maybe said from elsewhere. */
  readonly #inDoubt = new Set<Message>();

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }

  get devices(): string[] {
    return [...new Set(this.messages.flatMap(({ id }) => id?.dev ?? []))];
  }

  get inDoubt(): number {
    return this.messages.filter((message) => this.#inDoubt.has(message)).length;
  }

  /** Another device begins, and its person is asked anew. */
  add(messages: readonly Message[], isOfRun: (message: Message) => boolean): void {
    for (const message of messages) if (isOfRun(message)) this.#inDoubt.add(message);
    this.messages = [...this.messages, ...messages];
    this.#isDecided = false;
  }

  hold(): void {
    this.isAwaited = this.messages.length > 0 && !this.#isDecided;
  }

  /** Returns those that are kept here no more. */
  decide(wish: 'resend' | 'discard' | 'keep'): readonly Message[] {
    this.isAwaited = false;
    this.#isDecided = true;
    return wish === 'keep' ? [] : this.take(() => true);
  }

  take(isSaid: (message: Message) => boolean): readonly Message[] {
    const said = this.messages.filter(isSaid);
    if (said.length > 0) this.messages = this.messages.filter((message) => !said.includes(message));
    return said;
  }
}
