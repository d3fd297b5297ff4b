import type { ChatEvent } from '../core/events.ts';
import { nameKey } from '../core/names.ts';

export type Passage = Extract<ChatEvent, { type: 'join' | 'leave' }>;
/** Between two people it is no passage. */
export const isPassage = (event: ChatEvent): event is Passage =>
  (event.type === 'join' || event.type === 'leave') && event.server !== undefined;
/** What several people did at once, as one line. */
export type Group = { did: 'joined' | 'left' | 'lost'; names: string[]; server: string; online: number };

/** After this long without another one a group is complete; it is shown after `maxHoldMs` anyway. */
const quietMs = 700;
export const maxHoldMs = 5_000;
/** So many at once are a crowd; what follows within `maxHoldMs` is held for as long. */
const crowdSize = 5;

/**
 * Holds back who comes and goes for a moment, so that many at once give one line. Who leaves and is back at once gives
 * none; nobody else is left out.
 */
export class Crowd {
  readonly #people = new Map<string, { name: string; came: boolean; went?: 'left' | 'lost' }>();
  #server = '';
  #online = 0;
  #firstMs = 0;
  #lastMs = 0;
  #busyUntilMs = 0;

  has(name: string): boolean {
    return this.#people.has(nameKey(name));
  }

  /** When `take` should be called, in ms since 1970. */
  get dueMs(): number | undefined {
    if (this.#people.size === 0) return undefined;
    const isBusy = this.#firstMs < this.#busyUntilMs;
    return Math.min(isBusy ? Number.POSITIVE_INFINITY : this.#lastMs + quietMs, this.#firstMs + maxHoldMs);
  }

  add(passage: Passage, nowMs: number): void {
    const { name, server = '', online } = passage;
    if (this.#people.size === 0) this.#firstMs = nowMs;
    this.#lastMs = nowMs;
    this.#server = server;
    this.#online = online;
    const key = nameKey(name);
    const { came = false, went } = this.#people.get(key) ?? {};
    if (passage.type === 'leave') this.#people.set(key, { name, came, went: passage.reason });
    else if (went && !came) this.#people.delete(key);
    else this.#people.set(key, { name, came: true });
  }

  /** Everything held, and nothing is held any more. */
  take(nowMs: number): Group[] {
    const people = [...this.#people.values()];
    this.#people.clear();
    if (people.length >= crowdSize) this.#busyUntilMs = nowMs + maxHoldMs;
    const [server, online] = [this.#server, this.#online];
    const group = (did: Group['did'], has: (one: { came: boolean; went?: string }) => boolean): Group[] => {
      const names = people.filter(has).map(({ name }) => name);
      return names.length > 0 ? [{ did, names, server, online }] : [];
    };
    return [
      ...group('joined', ({ came }) => came),
      ...group('left', ({ went }) => went === 'left'),
      ...group('lost', ({ went }) => went === 'lost'),
    ];
  }
}
