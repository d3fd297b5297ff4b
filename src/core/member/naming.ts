import { normalizeName } from '../names.ts';

/** The name a client goes by and the one it wants, which is only asked for until a server has taken it. */
export class Naming {
  /** What is typed bears it: the one a server has taken, or, before that, the one it was started with. */
  name: string;
  /** The name of the newest join. */
  asked: string;
  /** `name` itself belongs to somebody else. */
  isRefused = false;
  #wanted: string | undefined;

  constructor(name: string) {
    this.name = normalizeName(name);
    this.asked = this.name;
  }

  /** The server has not been asked for the newest wish. */
  get isOpen(): boolean {
    return this.#wanted !== undefined && this.#wanted !== this.asked;
  }

  want(name: string): void {
    this.#wanted = normalizeName(name);
  }

  ask(): string {
    this.asked = this.#wanted ?? this.name;
    return this.asked;
  }

  /** The server has taken what was asked for, as `name`. Returns the name before it if that was another. */
  take(name = this.asked): string | undefined {
    const was = this.name;
    if (!this.isOpen) this.#wanted = undefined;
    this.name = name;
    this.isRefused = false;
    return was === name ? undefined : was;
  }

  /** The server has refused what was asked for. Returns true if there is another name to ask for. */
  refuse(): boolean {
    if (this.asked === this.name) this.isRefused = true;
    if (this.isOpen) return true;
    this.#wanted = undefined;
    return !this.isRefused;
  }

  settle(): void {
    this.#wanted = undefined;
  }
}
