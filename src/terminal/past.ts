const maxTexts = 200;

/** Texts that were sent or dropped. Changes on the way stay until one is added; the draft one came from is never lost. */
export class Past {
  #texts: string[] = [];
  /** The texts as they have become on the way, and at last the draft. */
  #stops = [''];
  #at = 0;

  /** Nobody looks at what was sent or dropped. */
  get isLeft(): boolean {
    return this.#at === this.#texts.length;
  }

  add(text: string): void {
    const draft = this.#at < this.#texts.length ? (this.#stops.at(-1) ?? '') : '';
    for (const added of [draft, text])
      if (added.trim() !== '' && this.#texts.at(-1) !== added) this.#texts = [...this.#texts, added].slice(-maxTexts);
    this.#stops = [...this.#texts, ''];
    this.#at = this.#texts.length;
  }

  /** The text before (-1) or after (1); undefined where there is none. @param now what the text here has become */
  go(step: 1 | -1, now: string): string | undefined {
    const text = this.#stops[this.#at + step];
    if (text === undefined) return undefined;
    this.#stops[this.#at] = now;
    this.#at += step;
    return text;
  }
}
