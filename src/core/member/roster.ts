import type { ChatEvent } from '../events.ts';
import { maxNames } from '../limits.ts';
import { nameKey } from '../names.ts';

/**
 * Who is there besides me, as far as known: from the welcome on, by what the room says and who speaks. Always: a
 * name is in it once, mine never, and no more than `maxNames`.
 */
export class Roster {
  readonly #key: string;
  /** By what makes names the same; who spoke last is last. */
  #speakers = new Map<string, string>();
  /** In order of coming. */
  #silent = new Map<string, string>();
  readonly #mine = new Set<string>();
  #isComplete = false;
  #present = 0;

  /** @param key my public key: what bears it is mine, from whatever device */
  constructor(key: string) {
    this.#key = key;
  }

  /** How many are online, as last said; 0 while nobody can say. */
  get present(): number {
    return this.#present;
  }

  /** Latest speaker first, then in order of coming. */
  get others(): string[] {
    return [...[...this.#speakers.values()].reverse(), ...this.#silent.values()];
  }

  /** I go by this name. */
  goBy(name: string): void {
    this.#go(name);
    if (this.#mine.size < maxNames) this.#mine.add(nameKey(name));
  }

  /** A welcome: `members`, or more if `present` is higher, and nobody else is there. Who spoke before keeps its place. */
  begin(members: readonly string[], present: number): void {
    this.#present = present;
    this.#isComplete = members.length >= present;
    const names = new Map(members.map((name) => [nameKey(name), name]));
    this.#speakers = new Map([...this.#speakers].filter(([key]) => names.has(key)));
    this.#silent = new Map();
    for (const name of members) this.#come(name);
  }

  /** The connection is lost: who is there is not known, only who was. */
  lose(): void {
    this.#present = 0;
  }

  hear(event: ChatEvent): void {
    if (event.type === 'message') return this.#hearMessage(event);
    if (event.type !== 'join' && event.type !== 'leave' && event.type !== 'rename') return;
    this.#present = event.online;
    if (event.type === 'join') this.#come(event.name);
    else if (event.type === 'leave') this.#go(event.name);
    else this.#rename(event.from, event.name);
  }

  /** Where all who come are announced, only those can be there: a message may be older than its author's name. */
  #hearMessage({ from, own, replay }: ChatEvent & { type: 'message' }): void {
    const key = nameKey(from.name);
    if (from.id === this.#key) return this.goBy(from.name);
    if (own || replay || this.#mine.has(key)) return;
    if (this.#isComplete && !this.#isKnown(key)) return;
    this.#go(from.name);
    this.#speakers.set(key, from.name);
    this.#bound();
  }

  #come(name: string): void {
    const key = nameKey(name);
    if (this.#mine.has(key) || this.#isKnown(key)) return;
    this.#silent.set(key, name);
    this.#bound();
  }

  #go(name: string): void {
    this.#speakers.delete(nameKey(name));
    this.#silent.delete(nameKey(name));
  }

  /** In the same place. Who has my name is me, at another device. */
  #rename(from: string, name: string): void {
    const [old, key] = [nameKey(from), nameKey(name)];
    if (this.#mine.has(old)) return this.goBy(name);
    if (this.#mine.has(key)) return this.#go(from);
    if (key !== old) this.#go(name);
    if (!this.#isKnown(old)) return this.#come(name);
    const place = ([known, as]: [string, string]): [string, string] => (known === old ? [key, name] : [known, as]);
    this.#speakers = new Map([...this.#speakers].map(place));
    this.#silent = new Map([...this.#silent].map(place));
  }

  #isKnown(key: string): boolean {
    return this.#speakers.has(key) || this.#silent.has(key);
  }

  /** Who has been silent for the longest time is forgotten first. */
  #bound(): void {
    if (this.#speakers.size + this.#silent.size <= maxNames) return;
    const names = this.#silent.size > 0 ? this.#silent : this.#speakers;
    for (const key of names.keys()) {
      names.delete(key);
      return;
    }
  }
}
