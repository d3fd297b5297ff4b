import { encode } from '../protocol/codec.ts';
import type { Frame } from '../protocol/frames.ts';
import type { Effect } from './turn.ts';

/** What a core says in one turn, in order. */
export class Effects {
  #effects: Effect[] = [];

  push(...effects: Effect[]): void {
    this.#effects.push(...effects);
  }

  /** To one connection, or to many at once. */
  send(to: string | string[], frame: Frame): void {
    if (to.length > 0) this.push({ type: 'send', to: [to].flat(), data: encode(frame) });
  }

  take(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
