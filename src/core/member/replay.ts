import type { ChatEvent } from '../events.ts';

export type Missed = {
  /** Places after `from` and up to `to` were written before the session opened. */
  from: number;
  to: number;
  /** Up to here they are taken, but not shown. */
  quietTo: number;
  /** Nothing was missed by who was never here. */
  isFirst: boolean;
};

/** Puts the two marks around what was missed. */
export class Replay {
  #missed: Missed = { from: 0, to: 0, quietTo: 0, isFirst: false };
  #isOpen = false;

  begin(missed: Missed): void {
    this.#missed = missed;
    this.#isOpen = false;
  }

  /** Messages up to this place count as missed. */
  get to(): number {
    return this.#missed.to;
  }

  isShown(seq: number): boolean {
    return seq > this.#missed.quietTo;
  }

  /** What comes before the message that is shown from this place. */
  before(seq: number, sinceMs: number): ChatEvent[] {
    const { from, to } = this.#missed;
    if (seq > to || this.#isOpen) return [];
    this.#isOpen = true;
    return [{ type: 'replay', count: to - seq + 1, total: to - from, sinceMs, ...this.#first }];
  }

  /** What comes after this place, shown or not. */
  after(seq: number): ChatEvent[] {
    if (seq !== this.#missed.to || !this.#isOpen) return [];
    this.#isOpen = false;
    return [{ type: 'replayed', ...this.#first }];
  }

  get #first(): { first?: true } {
    return this.#missed.isFirst ? { first: true } : {};
  }
}
