import type { Message } from '../../protocol/frames.ts';
import type { Copy } from '../log/copy.ts';
import { canBeKept } from './giving-back.ts';

/**
 * What is in the log by its number, but was not read: its place may be lost here, and if the log is lost, too, these are the
 * words. They are held as long as a place is lost here, and no longer.
 */
export class Unread {
  readonly #copy: Copy;
  #messages: readonly Message[] = [];

  constructor(copy: Copy) {
    this.#copy = copy;
  }

  /** What has arrived. Returns what of that, and of what was held before, need not be held. */
  setAside(accepted: readonly Message[], isRead: (message: Message) => boolean): Message[] {
    const arrived = [...this.#messages, ...accepted];
    this.#messages = this.#copy.isWhole ? [] : arrived.filter((message) => canBeKept(message) && !isRead(message));
    return arrived.filter((message) => !this.#messages.includes(message));
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** A change is on disk: with the last lost place there is nothing more to hold words for. */
  settle(): void {
    if (!this.isEmpty && this.#copy.isWhole) this.#copy.buffer.drop(this.take());
  }

  take(): readonly Message[] {
    const taken = this.#messages;
    this.#messages = [];
    return taken;
  }

  /** Other words are kept in the place of these. */
  change(change: (message: Message) => Message): void {
    const changed = this.#messages.map(change);
    this.#copy.buffer.keep(changed.filter((message) => !this.#messages.includes(message)));
    this.#messages = changed;
  }
}
