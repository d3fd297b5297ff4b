/** What was sent or dropped before, to be brought back; the draft one comes from is kept meanwhile. */
export class Past {
  readonly #limit: number;
  #texts: string[] = [];
  #at = 0;
  #draft = '';

  constructor(limit = 200) {
    this.#limit = limit;
  }

  add(text: string): void {
    if (text.trim() !== '' && this.#texts.at(-1) !== text) this.#texts = [...this.#texts, text].slice(-this.#limit);
    this.#at = this.#texts.length;
  }

  /** The text before; undefined at the oldest. */
  older(draft: string): string | undefined {
    if (this.#at === this.#texts.length) this.#draft = draft;
    return this.#at === 0 ? undefined : this.#texts[--this.#at];
  }

  /** The text after, at last the draft itself; undefined there. */
  newer(): string | undefined {
    if (this.#at === this.#texts.length) return undefined;
    return this.#texts[++this.#at] ?? this.#draft;
  }
}
