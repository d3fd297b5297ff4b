/**
 * What was sent or dropped before, to be brought back. What is changed on the way stays changed until something is
 * added; the draft one came from is never lost.
 */
export class Past {
  readonly #limit: number;
  #texts: string[] = [];
  /** The place one is at; that behind the newest text is the draft's. */
  #at = 0;
  readonly #changed = new Map<number, string>();

  constructor(limit = 200) {
    this.#limit = limit;
  }

  add(text: string): void {
    const draft = this.#at < this.#texts.length ? (this.#changed.get(this.#texts.length) ?? '') : '';
    for (const added of [draft, text])
      if (added.trim() !== '' && this.#texts.at(-1) !== added)
        this.#texts = [...this.#texts, added].slice(-this.#limit);
    this.#at = this.#texts.length;
    this.#changed.clear();
  }

  /** The text before; undefined at the oldest. @param now what the text here has become */
  older(now: string): string | undefined {
    return this.#go(-1, now);
  }

  /** The text after, at last the draft; undefined there. */
  newer(now: string): string | undefined {
    return this.#go(1, now);
  }

  #go(step: 1 | -1, now: string): string | undefined {
    const to = this.#at + step;
    if (to < 0 || to > this.#texts.length) return undefined;
    this.#changed.set(this.#at, now);
    this.#at = to;
    return this.#changed.get(to) ?? this.#texts[to] ?? '';
  }
}
