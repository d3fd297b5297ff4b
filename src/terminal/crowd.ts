import type { ChatEvent } from '../core/events.ts';
import { nameKey } from '../core/names.ts';

export type Passage = Extract<ChatEvent, { type: 'join' | 'leave' }>;
/** Between two people it is no passage. */
export const isPassage = (event: ChatEvent): event is Passage =>
  (event.type === 'join' || event.type === 'leave') && event.server !== undefined;

const deeds = ['joined', 'left', 'lost'] as const;
type Deed = (typeof deeds)[number];
/** What several people did at once, as one line. */
export type Group = { did: Deed; names: string[]; server: string; online: number };

/** After this long without another one a group is complete; it is shown after `maxHoldMs` anyway. */
const quietMs = 700;
export const maxHoldMs = 5_000;
/** So many at once are a crowd; what follows within `maxHoldMs` is held for as long. */
const crowdSize = 5;

/** Holds back who comes and goes, so that many at once give one line, and who leaves and is back at once gives none. */
export class Crowd {
  readonly #people = new Map<string, { name: string; did: Deed[] }>();
  #room = { server: '', online: 0 };
  #firstMs = 0;
  #lastMs = 0;
  #busyUntilMs = 0;

  has(name: string): boolean {
    return this.#people.has(nameKey(name));
  }

  /** When `take` should be called, in ms since 1970. */
  get dueMs(): number | undefined {
    if (this.#people.size === 0) return undefined;
    const latestMs = this.#firstMs + maxHoldMs;
    return this.#firstMs < this.#busyUntilMs ? latestMs : Math.min(this.#lastMs + quietMs, latestMs);
  }

  add(passage: Passage, nowMs: number): void {
    const { name, server = '', online } = passage;
    if (this.#people.size === 0) this.#firstMs = nowMs;
    this.#lastMs = nowMs;
    this.#room = { server, online };
    const key = nameKey(name);
    const before = this.#people.get(key)?.did ?? [];
    const came = before.filter((deed) => deed === 'joined');
    if (passage.type === 'leave') this.#people.set(key, { name, did: [...came, passage.reason] });
    else if (before.length > 0 && came.length === 0) this.#people.delete(key);
    else this.#people.set(key, { name, did: ['joined'] });
  }

  take(nowMs: number): Group[] {
    const people = [...this.#people.values()];
    this.#people.clear();
    if (people.length >= crowdSize) this.#busyUntilMs = nowMs + maxHoldMs;
    const namesOf = (deed: Deed) => people.filter(({ did }) => did.includes(deed)).map(({ name }) => name);
    return deeds.map((did) => ({ did, names: namesOf(did), ...this.#room })).filter(({ names }) => names.length > 0);
  }
}
