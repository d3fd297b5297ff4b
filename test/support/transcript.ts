/** What happened to a program, in order, with the seconds since its start; of a long story the middle is left out. */
export class Transcript {
  readonly #said: string[] = [];
  readonly #startedMs = performance.now();

  say(what: string, text: string): void {
    const at = ((performance.now() - this.#startedMs) / 1_000).toFixed(3).padStart(7);
    this.#said.push(`${at} ${what.padStart(4)}| ${text.trimEnd()}`);
    if (this.#said.length > 2_000) this.#said.splice(100, 1_000, '        (many lines left out)');
  }

  get text(): string {
    return this.#said.join('\n');
  }
}
