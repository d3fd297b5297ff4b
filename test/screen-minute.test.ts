import { describe, expect } from 'vitest';
import { Editor } from '../src/terminal/editor.ts';
import { Random } from './sim/random.ts';
import { type Command, type Stage, test } from './support/command.ts';
import type { Screen } from './support/screen.ts';
import { Terminal } from './support/terminal.ts';

/**
 * The same as the hour, shorter, but with the real programs and a real pseudo-terminal: lines come in while drafts are
 * typed, pasted, edited, dropped and sent, and the window is resized. At every checkpoint the rows are those of a fresh
 * terminal that was given the log and the draft once.
 */
const drafts = 25;
const pieces = ['hello ', 'a', '漢字', 'ñ', '👍', 'x'.repeat(25), ' ', 'שלום'];
const edits = ['left', 'home', 'end', 'backspace'] as const;
const compared = 40;

describe.concurrent('a minute of chat', () => {
  test.for([80, 40, 20])('at %i columns', { timeout: 60_000 }, async (columns, { stage }) => {
    const minute = await Minute.begin(stage, columns);
    for (let draft = 1; draft <= drafts; draft++) await minute.write();
    expect(minute.heard).toBeGreaterThan(drafts);
  });
});

class Minute {
  heard = 0;
  readonly #random: Random;
  readonly #ana: Screen;
  readonly #bo: Command;
  readonly #log: string[];
  /** What the draft should be. */
  #editor = new Editor(4_096);
  #columns: number;

  constructor(ana: Screen, bo: Command, columns: number) {
    this.#random = new Random(columns);
    this.#ana = ana;
    this.#bo = bo;
    this.#columns = columns;
    this.#log = ana.lines.slice(0, -1);
  }

  static async begin(stage: Stage, columns: number): Promise<Minute> {
    const { port } = await stage.server('--name', 'room', '--no-history');
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana', ['--timestamps', 'off'], { columns, rows: 20 });
    await ana.settled();
    return new Minute(ana, bo, columns);
  }

  /** One draft, with a checkpoint while it is there and one after it. */
  async write(): Promise<void> {
    for (let step = 1 + this.#random.below(4); step > 0; step--) {
      this.#type();
      await this.#hear();
    }
    if (this.#random.chance(0.3)) await this.#resize();
    await this.#check();
    if (this.#editor.draft.text.trim() === '' || this.#random.chance(0.5)) this.#ana.press('end', 'ctrl-u');
    else await this.#send();
    this.#editor = new Editor(4_096);
    await this.#check();
  }

  #type(): void {
    const kind = this.#random.below(3);
    if (kind === 0) this.#insert(this.#text(6), (text) => this.#ana.type(text));
    else if (kind === 1) this.#insert(`${this.#text(3)}\n${this.#text(3)}`, (text) => this.#ana.paste(text));
    else for (let n = 1 + this.#random.below(4); n > 0; n--) this.#press(this.#random.pick(edits));
  }

  #insert(text: string, into: (text: string) => void): void {
    this.#editor.insert(text);
    into(text);
  }

  #press(key: (typeof edits)[number]): void {
    this.#editor.press(key);
    this.#ana.press(key);
  }

  async #hear(): Promise<void> {
    const text = `${this.#text(5)}#${++this.heard}.`;
    this.#bo.write(`${text}\n`);
    this.#log.push(`[bo] ${text}`);
    await this.#ana.until(`#${this.heard}.`);
  }

  async #send(): Promise<void> {
    const mark = `!${this.#log.length}!`;
    this.#press('end');
    this.#insert(mark, (text) => this.#ana.type(text));
    const [first = '', ...rest] = this.#editor.draft.text.split('\n');
    this.#ana.press('enter');
    this.#log.push(`[ana] ${first}`, ...rest.map((line) => `      | ${line}`));
    await this.#ana.until(({ lines }) => lines.some((line) => /^(\[ana\]| {6}\|)/.test(line) && line.includes(mark)));
  }

  async #resize(): Promise<void> {
    this.#press('end');
    await this.#ana.settled();
    this.#columns = 20 + this.#random.below(70);
    await this.#ana.resize(this.#columns, 20);
  }

  async #check(): Promise<void> {
    await this.#ana.settled();
    const expected = new Terminal(this.#columns, 500);
    const draft = this.#editor.draft.text.replaceAll('\n', '⏎');
    expected.output.write(`${this.#log.map((line) => `${line}\n`).join('')}> ${draft}`);
    await expected.drained();
    const seen = trimmed(this.#ana.history).slice(-compared);
    const wanted = expected.rows.map(({ text }) => text.trimEnd());
    expect(seen, this.#ana.picture).toEqual(trimmed(wanted).slice(-seen.length));
  }

  #text(length: number): string {
    return Array.from({ length: 1 + this.#random.below(length) }, () => this.#random.pick(pieces)).join('');
  }
}

/** Without the blank rows at the end. */
const trimmed = (rows: string[]) => rows.slice(0, rows.findLastIndex((row) => row !== '') + 1);
