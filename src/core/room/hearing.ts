import { Bucket } from '../bucket.ts';
import type { Pace } from '../limits.ts';

type Ear = { budget: Bucket; deafUntilMs: number; hasGone: boolean };

/**
 * How much of what a connection says is listened to. It is asked before a frame is decoded, so that nobody can make the room
 * work for others' time: beyond its budget a connection is not heard for a while, and is told once. [P48]
 */
export class Hearing {
  readonly #pace: Pace | undefined;
  readonly #ears = new Map<string, Ear>();
  #deafened: string[] = [];
  /** So many points of frames were not heard since this was set to 0. */
  unheard = 0;

  constructor(pace: Pace | undefined) {
    this.#pace = pace;
  }

  /** @param isEnd libzmq's word that the connection has ended: heard in any case, but only once where nothing else is heard */
  hears(from: string, bytes: number, isEnd: boolean, ms: number): boolean {
    if (!this.#pace) return true;
    const { connection, deafMs } = this.#pace;
    const points = 1 + bytes / 1_024;
    let ear = this.#ears.get(from);
    if (!ear) this.#ears.set(from, (ear = { budget: new Bucket(connection, ms), deafUntilMs: 0, hasGone: false }));
    if (ms >= ear.deafUntilMs) {
      if (ear.budget.take(points, ms)) return true;
      ear.deafUntilMs = ms + deafMs;
      ear.hasGone = false;
      this.#deafened.push(from);
    }
    this.unheard += points;
    const isHeard = isEnd && !ear.hasGone;
    ear.hasGone ||= isEnd;
    return isHeard;
  }

  /** What a frame cost besides, as it turned out. */
  charge(from: string, points: number): void {
    this.#ears.get(from)?.budget.charge(points);
  }

  /** Whoever is not heard since the last call. */
  takeDeafened(): string[] {
    return this.#deafened.length === 0 ? none : this.#deafened.splice(0);
  }

  /** Whose budget is whole again needs none. */
  tidy(ms: number): void {
    for (const [from, { budget, deafUntilMs }] of this.#ears)
      if (ms >= deafUntilMs && budget.isFull(ms)) this.#ears.delete(from);
  }
}

const none: string[] = [];
