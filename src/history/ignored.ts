import { join } from 'node:path';
import { readOrNothing, write } from './rooms.ts';

/** Whom a person does not want to read, by key, and how they were called then: the file `ignored` in the person's folder. */
export class IgnoredFile {
  readonly #path: string;
  #known: ReadonlyMap<string, string> | undefined;

  /** @param person the folder of the person */
  constructor(person: string) {
    this.#path = join(person, 'ignored');
  }

  /** Read once: what another program of this person changes counts at the next start. */
  get all(): ReadonlyMap<string, string> {
    this.#known ??= this.#read();
    return this.#known;
  }

  /** Without a name the key is ignored no longer. Throws a ChatError if that cannot be kept. */
  set(key: string, name?: string): void {
    const all = new Map(this.#read());
    if (name === undefined) all.delete(key);
    else all.set(key, name);
    write(this.#path, [...all].map((line) => `${line.join(' ')}\n`).join(''));
    this.#known = all;
  }

  /** What is no such line is nobody, and so is what cannot be read. */
  #read(): ReadonlyMap<string, string> {
    const text = readOrNothing(this.#path);
    const lines = [...text.matchAll(/^([\w-]{43}) (.+)$/gm)];
    return new Map(lines.map(([, key = '', name = '']) => [key, name]));
  }
}
