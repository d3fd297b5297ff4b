import type { Lost } from '../../protocol/frames.ts';
import type { Log } from '../log/log.ts';
import type { Entry, Place } from '../log/store.ts';
import type { Effects } from '../turn.ts';
import type { Presence } from './presence.ts';

/** Places of the log that the disk has damaged, here or at a member: whoever still has such an entry gives it. [P28] */
export class LostPlaces {
  readonly #log: Log;
  readonly #presence: Presence;
  readonly #effects: Effects;

  constructor(log: Log, presence: Presence, effects: Effects) {
    this.#log = log;
    this.#presence = presence;
    this.#effects = effects;
  }

  /** Somebody asks for an entry that its own copy has lost. */
  answer(from: string, { seq, hash = '' }: Lost): void {
    const [place] = this.#log.read(seq, 1);
    if (place?.seq === seq && place.hash === hash && place.message) this.#effects.send(from, place.message);
  }

  /** What was come upon since the last call is said, and asked for. */
  tellFound(): void {
    for (const place of this.#log.takeFound()) {
      this.#effects.push({ type: 'show', event: { type: 'lost', seq: place.seq } });
      this.#ask(place);
    }
  }

  /** All of them are asked for again and again, for a question may be lost. */
  askAgain(): void {
    for (const place of this.#log.lost.values()) this.#ask(place);
  }

  /** One is whole again: so it may be for whoever has read it. */
  tellMended({ seq, message }: Entry): void {
    this.#effects.send(this.#readersOf(seq), message);
  }

  /** One who has read that far may still have it. */
  #ask({ seq, hash }: Place): void {
    this.#effects.send(this.#readersOf(seq), { kind: 'lost', seq, ...(hash && { hash }) });
  }

  /** Version-1 sessions that were sent this place. */
  #readersOf(seq: number): string[] {
    return this.#presence.proven.filter(({ sent }) => sent.seq >= seq).map(({ from }) => from);
  }
}
