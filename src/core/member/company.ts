import type { ChatEvent } from '../events.ts';
import { maxNames } from '../limits.ts';
import { nameKey } from '../names.ts';

/** Who is there besides me, by what the room says and who speaks. Each name once, mine never, at most `maxNames`. */
export class Company {
  /** How many are online, as last said; 0 while nobody can say. */
  present = 0;
  readonly #key: string;
  /** By what makes names the same, in order of coming; `spoke` is higher for who spoke later, 0 for who has not. */
  #others = new Map<string, { name: string; spoke: number }>();
  readonly #mine = new Set<string>();
  #spoken = 0;
  #isComplete = false;

  /** @param key my public key: what bears it is mine, from whatever device */
  constructor(key: string) {
    this.#key = key;
  }

  get others(): string[] {
    return [...this.#others.values()].sort((a, b) => b.spoke - a.spoke).map(({ name }) => name);
  }

  goBy(name: string): void {
    this.#others.delete(nameKey(name));
    if (this.#mine.size < maxNames) this.#mine.add(nameKey(name));
  }

  /** A welcome: `members`, or more if `present` is higher, and nobody else is there. Who spoke before keeps its place. */
  begin(members: readonly string[], present: number): void {
    const before = this.#others;
    this.present = present;
    this.#isComplete = members.length >= present;
    this.#others = new Map();
    for (const name of members) this.#come(name, before.get(nameKey(name))?.spoke);
  }

  hear(event: ChatEvent): void {
    if (event.type === 'message') return this.#hearMessage(event);
    if (event.type !== 'join' && event.type !== 'leave' && event.type !== 'rename') return;
    this.present = event.online;
    if (event.type === 'join') this.#come(event.name);
    else if (event.type === 'leave') this.#others.delete(nameKey(event.name));
    else this.#rename(event.from, event.name);
  }

  /** Where all who come are announced, only those can be there: a message may be older than its author's name. */
  #hearMessage({ from: { id, name }, own, replay }: ChatEvent & { type: 'message' }): void {
    const key = nameKey(name);
    if (id === this.#key) return this.goBy(name);
    if (own || replay || (this.#isComplete && !this.#others.has(key))) return;
    this.#others.delete(key);
    this.#come(name, ++this.#spoken);
  }

  /** Who has been silent for the longest time is forgotten first. */
  #come(name: string, spoke = 0): void {
    const key = nameKey(name);
    if (this.#mine.has(key) || this.#others.has(key)) return;
    this.#others.set(key, { name, spoke });
    if (this.#others.size <= maxNames) return;
    const longest = [...this.#others].reduce((a, b) => (b[1].spoke < a[1].spoke ? b : a));
    this.#others.delete(longest[0]);
  }

  /** In the same place. Who has my name is me, at another device. */
  #rename(from: string, name: string): void {
    const [old, key] = [nameKey(from), nameKey(name)];
    if (this.#mine.has(old)) return this.goBy(name);
    if (this.#mine.has(key)) return void this.#others.delete(old);
    if (key !== old) this.#others.delete(key);
    if (!this.#others.has(old)) return this.#come(name);
    this.#others = new Map(
      [...this.#others].map(([at, other]) => (at === old ? [key, { ...other, name }] : [at, other])),
    );
  }
}
