import { expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import type { Rewrap } from '../src/terminal/ability.ts';
import { draw, toCells, widthOf, wrap } from '../src/terminal/cells.ts';
import { Editor } from '../src/terminal/editor.ts';
import { Renderer } from '../src/terminal/render.ts';
import { ScreenView } from '../src/terminal/screen-view.ts';
import { visible } from '../src/text/visible.ts';
import { Random } from './sim/random.ts';
import { Terminal } from './support/terminal.ts';

/**
 * An hour of chat in seconds: lines come in while drafts are typed, pasted, edited, recalled, and the window is resized.
 * At every checkpoint the screen must be what a fresh terminal of that size shows when it is given the log and the
 * draft once, one after the other.
 */
const hours = [
  { columns: 80, rows: 24, rewrap: 'all', drafts: 200 },
  { columns: 40, rows: 12, rewrap: 'all', drafts: 80 },
  { columns: 20, rows: 8, rewrap: 'all', drafts: 80 },
  { columns: 80, rows: 24, rewrap: 'all but the cursor line', drafts: 80 },
] as const;
const pieces = ['hello ', 'a', '漢字', 'ñ', '👨‍👩‍👧‍👦', '👍🏽', '🇪🇸', 'é', 'x'.repeat(30), ' ', '❤️', 'שלום', '\t'];
/** xterm.js mixes up joined emoji when it wraps a line anew, so in the log there are none. */
const heard = ['hello ', 'a', '漢字', 'ñ', '👍', 'x'.repeat(30), ' ', 'שלום', '\t', '\n', '\u202e', '\x1b[31m'];
const keys = ['\x1b[D', '\x1b[C', '\x01', '\x05', '\x17', '\x7f', '\x1bb', '\x1bf', '\x1b[A', '\x1b[B', '\x14', '\x19'];
/** So many lines come in while one draft is written. */
const linesPerDraft = 5;
const compared = 60;

test.each(hours)('$columns columns, $rewrap', { timeout: 120_000 }, async (options) => {
  const hour = new Hour({ ...options, seed: options.columns });
  await hour.pass();
  expect(hour.checkpoints).toBeGreaterThan(options.drafts);
  expect(hour.incoming).toBeGreaterThanOrEqual(options.drafts * linesPerDraft);
});

type HourOptions = { seed: number; columns: number; rows: number; rewrap: Rewrap; drafts: number };

class Hour {
  checkpoints = 0;
  incoming = 0;
  readonly #random: Random;
  readonly #drafts: number;
  readonly #terminal: Terminal;
  readonly #editor = new Editor(4_096);
  readonly #view: ScreenView;
  readonly #log: string[] = [];
  readonly #model = new Renderer({ colorLevel: 0, timestamps: 'off', multiline: true, ascii: false });
  #size: { columns: number; rows: number };

  constructor({ seed, columns, rows, rewrap, drafts }: HourOptions) {
    this.#drafts = drafts;
    this.#random = new Random(seed);
    this.#size = { columns, rows };
    this.#terminal = new Terminal(columns, rows, rewrap);
    const { input, output } = this.#terminal;
    const renderer = new Renderer({ colorLevel: 0, timestamps: 'off', multiline: true, ascii: false });
    this.#view = new ScreenView({
      input,
      output,
      renderer,
      rewrap,
      settings: { joins: 'auto', bell: 'off' },
      editor: this.#editor,
      now: () => 0,
      force: () => {},
      suspend: () => {},
    });
  }

  async pass(): Promise<void> {
    for (let draft = 0; draft < this.#drafts; draft++) {
      for (let step = this.#random.below(8) + 3; step > 0; step--) await this.#step();
      await this.#check(`draft ${draft}`);
      this.#terminal.type(this.#random.chance(0.5) ? '\r\r' : '\x03');
      await this.#check(`after draft ${draft}`);
    }
    while (this.incoming < this.#drafts * linesPerDraft) this.#hear();
    await this.#check('the end');
    this.#view.close();
  }

  async #step(): Promise<void> {
    const kind = this.#random.below(10);
    if (kind < 3) this.#hear();
    else if (kind < 6) for (let n = this.#random.below(12); n > 0; n--) this.#terminal.type(this.#random.pick(pieces));
    else if (kind < 8) for (let n = this.#random.below(6); n > 0; n--) this.#terminal.type(this.#random.pick(keys));
    else if (kind < 9) this.#terminal.paste(this.#text([...pieces, '\n'], 40));
    else await this.#resize();
    for (let n = this.#random.below(4); n > 0; n--) this.#hear();
  }

  #hear(): void {
    this.incoming++;
    const text = this.#text(heard, 12).trim() || 'x';
    const event: ChatEvent = { type: 'message', from: { name: 'bob' }, text, own: false, replay: false };
    this.#view.show(event);
    this.#log.push(this.#model.render(event, 0)?.text ?? '');
  }

  #text(from: readonly string[], length: number): string {
    return Array.from({ length: this.#random.below(length) + 1 }, () => this.#random.pick(from)).join('');
  }

  async #resize(): Promise<void> {
    const [columns, rows] = [18 + this.#random.below(80), 5 + this.#random.below(30)];
    // What a narrower window pushes off its top is history that no program can take back.
    const tallest = 2 * this.#area(Math.min(columns, this.#size.columns), 1_000).split('\n').length;
    if (tallest >= rows) return;
    if (columns < this.#size.columns && !this.#mayNarrow()) return;
    this.#size = { columns, rows };
    await this.#terminal.resize(this.#size.columns, this.#size.rows);
    await this.#terminal.drained();
  }

  /**
   * Where terminals differ a row of the draft may stay behind: xterm.js loses its cursor when rows below it are wrapped
   * anew, and joined emoji are broken or not.
   */
  #mayNarrow(): boolean {
    this.#terminal.type('\x05');
    return !/\p{Extended_Pictographic}\p{M}|\p{Emoji_Modifier}|\u200d|\p{Regional_Indicator}/u.test(
      this.#editor.draft.text,
    );
  }

  async #check(when: string): Promise<void> {
    this.checkpoints++;
    await this.#terminal.drained();
    const { columns, rows } = this.#size;
    const expected = new Terminal(columns, 200);
    expected.output.write(
      `${this.#log
        .slice(-200)
        .map((text) => `${text}\n`)
        .join('')}${this.#area(columns, rows - 1)}`,
    );
    await expected.drained();
    const seen = this.#terminal.last(compared);
    expect({ when, rows: seen }).toEqual({ when, rows: expected.last(seen.length) });
  }

  /** The draft in rows; of more than `height` those around the cursor. */
  #area(columns: number, height: number): string {
    const { text, cursor } = this.#editor.draft;
    const show = (grapheme: string) => (grapheme === '\n' ? '⏎' : visible(grapheme));
    const rows = wrap(toCells(`> ${text}`, show), columns);
    const before = wrap(toCells(`> ${text.slice(0, cursor)}`, show), columns);
    const isFull = widthOf(before.at(-1) ?? []) === columns;
    const row = before.length - 1 + (isFull ? 1 : 0);
    while (rows.length <= row) rows.push([]);
    const first = Math.max(Math.min(row, rows.length - height), 0);
    return rows
      .slice(first, first + height)
      .map((cells) => draw(cells, columns))
      .join('\n');
  }
}
