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

type Person = { name: string; did: Deed[]; sinceMs: number; hasSpoken?: true };
const isVisitor = ({ hasSpoken }: Person) => hasSpoken === true;

/**
 * Holds back who comes and goes, so that many at once give one line, who leaves and is back at once gives none, and who only
 * comes to say something is seen by what is said.
 */
export class Crowd {
  readonly #people = new Map<string, Person>();
  #room = { server: '', online: 0 };
  #firstMs = 0;
  #lastMs = 0;
  #busyUntilMs = 0;

  /** Somebody says something: true if what is held must be shown before that. Who has just come may be gone at once. */
  isPassedBy(name: string): boolean {
    const person = this.#people.get(nameKey(name));
    if (person?.did.join() !== 'joined') return person !== undefined;
    person.hasSpoken = true;
    return false;
  }

  /** When `take` should be called, in ms since 1970. */
  get dueMs(): number | undefined {
    const people = [...this.#people.values()];
    const visitors = people.filter(isVisitor).map(({ sinceMs }) => sinceMs + maxHoldMs);
    const latestMs = this.#firstMs + maxHoldMs;
    const others = this.#firstMs < this.#busyUntilMs ? latestMs : Math.min(this.#lastMs + quietMs, latestMs);
    const due = [...visitors, ...(visitors.length < people.length ? [others] : [])];
    return due.length === 0 ? undefined : Math.min(...due);
  }

  add(passage: Passage, nowMs: number): void {
    const { name, server = '', online } = passage;
    if ([...this.#people.values()].every(isVisitor)) this.#firstMs = nowMs;
    this.#lastMs = nowMs;
    this.#room = { server, online };
    const key = nameKey(name);
    const person = this.#people.get(key);
    const before = person?.did ?? [];
    const came = before.filter((deed) => deed === 'joined');
    const hasOnlySpoken = passage.type === 'leave' && person?.hasSpoken;
    if (hasOnlySpoken || (passage.type === 'join' && before.length > 0 && came.length === 0)) this.#people.delete(key);
    else if (passage.type === 'leave') this.#people.set(key, { name, did: [...came, passage.reason], sinceMs: nowMs });
    else this.#people.set(key, { name, did: ['joined'], sinceMs: nowMs });
  }

  /** Who has spoken is held longer. */
  take(nowMs: number): Group[] {
    const isDue = (person: Person) =>
      !isVisitor(person) || nowMs - person.sinceMs >= maxHoldMs || nowMs < person.sinceMs;
    const people = [...this.#people.values()].filter(isDue);
    for (const { name } of people) this.#people.delete(nameKey(name));
    if (people.length >= crowdSize) this.#busyUntilMs = nowMs + maxHoldMs;
    const namesOf = (deed: Deed) => people.filter(({ did }) => did.includes(deed)).map(({ name }) => name);
    return deeds.map((did) => ({ did, names: namesOf(did), ...this.#room })).filter(({ names }) => names.length > 0);
  }
}
