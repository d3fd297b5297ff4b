import type { Frame } from '../../protocol/frames.ts';
import { blockEnd, type Flow } from '../limits.ts';
import type { Log } from '../log/log.ts';

type Answer = { to: string[]; frame: Frame };

/**
 * Gives out signatures, a block at a time. All members of a room ask for the same one when it is full, so what is asked in
 * one turn is answered together; of each session one question, so that nobody can ask for more than is sent. [P27]
 */
export class SignatureDesk {
  readonly #log: Log;
  readonly #flow: Flow;
  /** Where the block begins that a session wants. */
  readonly #asked = new Map<string, number>();

  constructor(log: Log, flow: Flow) {
    this.#log = log;
    this.#flow = flow;
  }

  ask(from: string, seq: number): void {
    this.#asked.set(from, seq);
  }

  answers(): Answer[] {
    const answers = new Map<number, Answer>();
    for (const [from, seq] of this.#asked) {
      const known = answers.get(seq);
      if (known) known.to.push(from);
      else answers.set(seq, { to: [from], frame: { kind: 'signatures', seq, sigs: this.#sigs(seq) } });
    }
    this.#asked.clear();
    return [...answers.values()];
  }

  /** Of the rest of the block: '' for what is no longer kept, or lost. */
  #sigs(seq: number): string[] {
    const count = Math.max(Math.min(blockEnd(seq, this.#flow), this.#log.head) - seq + 1, 0);
    const places = new Map(this.#log.read(seq, count).map((place) => [place.seq, place]));
    return Array.from({ length: count }, (_, i) => places.get(seq + i)?.message?.sig ?? '');
  }
}
