import type { Message } from '../../protocol/frames.ts';
import { heartbeatIntervalMs, missedMs } from '../limits.ts';

/** What is known of the server: when it was heard last in a session, and what of mine went out and was not answered. */
type Signs = { heardAtMs: number | undefined; awaited: Message | undefined };

/**
 * Whether the server is missed. MUST be asked when everything that had arrived was taken; a span in which this program
 * stood still says nothing. [P56]
 */
export class Watch {
  isMissed = false;
  /** When it was found again, or begun with. */
  #foundAtMs: number | undefined;
  /** Since when there is no session. */
  #downAtMs: number | undefined;
  #awaited: { message: Message | undefined; sinceMs: number } = { message: undefined, sinceMs: 0 };
  #stoodStillAtMs = Number.NEGATIVE_INFINITY;

  /** Returns true if it has changed. */
  look({ heardAtMs, awaited }: Signs, ms: number): boolean {
    if (awaited !== this.#awaited.message) this.#awaited = { message: awaited, sinceMs: ms };
    this.#downAtMs = heardAtMs === undefined ? (this.#downAtMs ?? ms) : undefined;
    const was = this.isMissed;
    this.isMissed = this.#isLate(this.#downAtMs ?? heardAtMs ?? ms, this.#downAtMs === undefined, ms);
    if (!this.isMissed && (was || this.#foundAtMs === undefined)) this.#foundAtMs = ms;
    return was !== this.isMissed;
  }

  /** For how long the server is back. */
  backForMs(ms: number): number {
    return this.isMissed ? 0 : ms - (this.#foundAtMs ?? ms);
  }

  stoodStill(ms: number): void {
    this.#stoodStillAtMs = ms;
  }

  #isLate(sinceMs: number, isLive: boolean, ms: number): boolean {
    const patience = isLive ? heartbeatIntervalMs + missedMs : missedMs;
    const { message, sinceMs: sentMs } = this.#awaited;
    const isUnanswered = isLive && message !== undefined && ms - this.#from(sentMs) >= missedMs;
    return ms - this.#from(sinceMs) >= patience || isUnanswered;
  }

  #from(sinceMs: number): number {
    return Math.max(sinceMs, this.#stoodStillAtMs);
  }
}
