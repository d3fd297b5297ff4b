import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import type { Waiting } from '../src/core/turn.ts';
import type { Rewrap } from '../src/terminal/ability.ts';
import { Editor } from '../src/terminal/editor.ts';
import { Renderer, type Style } from '../src/terminal/render.ts';
import { ScreenView } from '../src/terminal/screen-view.ts';
import type { Settings } from '../src/terminal/view.ts';
import { Terminal } from './support/terminal.ts';

type Options = {
  columns?: number;
  rows?: number;
  maxBytes?: number;
  style?: Partial<Style>;
  settings?: Partial<Settings>;
  rewrap?: Rewrap;
  resizeMs?: number;
  notification?: string;
};
const startMs = new Date(2026, 10, 24, 14, 4).getTime();

/** A screen at a terminal, with the time as it is set here. */
class Screen {
  readonly terminal: Terminal;
  readonly view: ScreenView;
  readonly editor: Editor;
  readonly settings: Settings;
  readonly sent: string[] = [];
  forced = 0;
  suspended: (() => void) | undefined;
  ended = false;

  constructor({
    columns = 80,
    rows = 24,
    maxBytes = 200,
    style,
    settings,
    rewrap = 'all',
    resizeMs = 0,
    notification,
  }: Options = {}) {
    this.terminal = new Terminal(columns, rows, rewrap);
    this.settings = { joins: 'auto', bell: 'mention', ...settings };
    const { input, output } = this.terminal;
    this.editor = new Editor(maxBytes);
    this.view = new ScreenView({
      input,
      output,
      renderer: new Renderer({ colorLevel: 0, timestamps: 'off', multiline: true, ascii: false, ...style }),
      rewrap,
      resizeMs,
      ...(notification && { notification }),
      settings: this.settings,
      editor: this.editor,
      now: () => Date.now(),
      force: () => void this.forced++,
      suspend: () => this.suspended?.(),
    });
    void this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const line of this.editor.lines) this.sent.push(line);
    this.ended = true;
  }

  type(...keys: string[]): void {
    for (const key of keys) this.terminal.type(key);
  }

  hear(text: string, more: Partial<ChatEvent & { type: 'message' }> = {}): void {
    this.view.show({ type: 'message', from: { name: 'bob' }, text, own: false, replay: false, ...more });
  }

  wait(...texts: string[]): void {
    this.view.waiting(texts.map((text): Waiting => ({ text, ts: Date.now() })));
  }

  /** What a person sees, from the oldest row that is kept. */
  async rows(): Promise<string[]> {
    await this.#settled();
    return this.terminal.rows.map(({ text }) => text);
  }

  /** Rows that the terminal itself has wrapped are one. */
  async lines(): Promise<string[]> {
    await this.#settled();
    return this.terminal.lines;
  }

  /** How many rows above the last one the cursor is, and its column. */
  async cursor(): Promise<[up: number, column: number]> {
    await this.#settled();
    const { up, column } = this.terminal.cursor;
    return [up, column];
  }

  /** The terminal, too, works with timers, so that a look at it takes a little of the time that is set. */
  async #settled(): Promise<void> {
    await vi.advanceTimersByTimeAsync(1);
    const drained = this.terminal.drained();
    await vi.advanceTimersByTimeAsync(1);
    await drained;
  }
}

const left = '\x1b[D';
const up = '\x1b[A';
const altEnter = '\x1b\r';
let open: Screen[] = [];
const openScreen = (options?: Options) => {
  const screen = new Screen(options);
  open.push(screen);
  return screen;
};
beforeEach(() => {
  vi.useFakeTimers({ now: startMs, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  for (const { view } of open) view.close();
  open = [];
  vi.useRealTimers();
});

describe('the screen, cell by cell', () => {
  type Case = {
    columns: number;
    rows?: number;
    does: (screen: Screen) => void | Promise<void>;
    expected: string[];
    cursor: [up: number, column: number];
  };
  const cases: Record<string, Case> = {
    'is a prompt at first': { columns: 80, does: () => {}, expected: ['> '], cursor: [0, 2] },
    'has lines above the draft': {
      columns: 80,
      does: (screen) => {
        screen.type('hel');
        screen.hear('one');
        screen.type('lo');
        screen.hear('two');
      },
      expected: ['[bob] one', '[bob] two', '> hello'],
      cursor: [0, 7],
    },
    'has the cursor in the middle while lines come in': {
      columns: 40,
      does: async (screen) => {
        screen.type('hello world', '\x1bb', left);
        await screen.rows();
        screen.hear('one');
        await screen.rows();
        screen.type('!');
      },
      expected: ['[bob] one', '> hello! world'],
      cursor: [0, 8],
    },
    'wraps the draft': {
      columns: 20,
      does: (screen) => {
        screen.type('hello world, this is a draft');
        screen.hear('x');
      },
      expected: ['[bob] x', '> hello world, this ', 'is a draft'],
      cursor: [0, 10],
    },
    'has a row for the cursor behind a full one': {
      columns: 20,
      does: async (screen) => {
        screen.type('123456789012345678');
        await screen.rows();
        screen.hear('x');
      },
      expected: ['[bob] x', '> 123456789012345678', ''],
      cursor: [0, 0],
    },
    'has the cursor in an upper row of the draft': {
      columns: 20,
      does: async (screen) => {
        screen.type('x'.repeat(50), '\x01', '\x1b[C');
        await screen.rows();
        for (let n = 0; n < 3; n++) {
          screen.hear(`${n}`);
          await screen.rows();
        }
      },
      expected: ['[bob] 0', '[bob] 1', '[bob] 2', `> ${'x'.repeat(18)}`, 'x'.repeat(20), 'x'.repeat(12)],
      cursor: [2, 3],
    },
    'breaks no ideograph': {
      columns: 20,
      does: async (screen) => {
        screen.type(`a${'漢'.repeat(12)}`);
        await screen.rows();
        screen.hear('漢字');
      },
      expected: ['[bob] 漢字', `> a${'漢'.repeat(8)}`, '漢漢漢漢'],
      cursor: [0, 8],
    },
    'has the cursor before an ideograph': {
      columns: 40,
      does: (screen) => {
        screen.type('漢字 ab', left, left, left, left);
        screen.hear('x');
      },
      expected: ['[bob] x', '> 漢字 ab'],
      cursor: [0, 4],
    },
    'has what follows an emoji at its place, however wide the terminal draws it': {
      columns: 40,
      does: async (screen) => {
        screen.type('👍🏽 🇪🇸 ok', left, left);
        await screen.rows();
        screen.hear('x');
        await screen.rows();
        screen.type('\x05', '!');
      },
      expected: ['[bob] x', expect.stringMatching(/^> 👍.* .*🇪.* ok!$/u)],
      cursor: [0, 11],
    },
    'shows a new line of the draft as a mark': {
      columns: 80,
      does: (screen) => screen.type('a', altEnter, 'b', '\x1b\n', 'c'),
      expected: ['> a⏎b⏎c'],
      cursor: [0, 7],
    },
    'shows what is hidden in the draft': {
      columns: 80,
      does: (screen) => {
        screen.terminal.paste('a\u202eb\x1b[31mc\td');
        screen.type(left);
      },
      expected: ['> a<U+202E>b␛[31mc    d'],
      cursor: [0, 22],
    },
    'has lines that the terminal wraps above a draft that does not fit': {
      columns: 20,
      does: async (screen) => {
        screen.type('hello world, this is a draft', left, left);
        await screen.rows();
        screen.hear('y'.repeat(20));
        await screen.rows();
        screen.hear('a\nb');
      },
      expected: ['[bob] yyyyyyyyyyyyyy', 'yyyyyy', '[bob] a', '      | b', '> hello world, this ', 'is a draft'],
      cursor: [0, 8],
    },
    'has what waits between the lines and the draft': {
      columns: 20,
      does: async (screen) => {
        screen.type('a draft of two rows, it is');
        screen.wait('first', 'second that is long');
        await screen.rows();
        screen.hear('x');
      },
      expected: ['[bob] x', '… first', '… second that is lon', 'g', '> a draft of two row', 's, it is'],
      cursor: [0, 8],
    },
    'shows the rows around the cursor of a draft taller than the screen': {
      columns: 20,
      rows: 5,
      does: async (screen) => {
        screen.type('a'.repeat(18), 'b'.repeat(20), 'c'.repeat(20), 'd'.repeat(20), 'e'.repeat(20), 'f');
        await screen.rows();
        screen.hear('x');
      },
      expected: ['[bob] x', 'c'.repeat(20), 'd'.repeat(20), 'e'.repeat(20), 'f'],
      cursor: [0, 1],
    },
    'becomes small again when the draft is sent': {
      columns: 20,
      does: async (screen) => {
        screen.type('x'.repeat(50));
        await screen.rows();
        screen.type('\r');
        await screen.rows();
        screen.hear('x'.repeat(10), { own: true, from: { name: 'me' } });
      },
      expected: ['[me] xxxxxxxxxx', '> '],
      cursor: [0, 2],
    },
    'is narrower than its prompt': {
      columns: 2,
      does: (screen) => screen.type('abc'),
      expected: ['> ', 'ab', 'c'],
      cursor: [0, 1],
    },
    'has a draft that begins with a mark': {
      columns: 80,
      does: (screen) => screen.type('\u0301ab', left),
      expected: ['> \u0301ab'],
      cursor: [0, 3],
    },
  };

  test.each(Object.entries(cases))('%s', async (_name, { columns, rows = 24, does, expected, cursor }) => {
    const screen = openScreen({ columns, rows });
    await screen.rows();
    await does(screen);
    expect(await screen.rows()).toEqual(expected);
    expect(await screen.cursor()).toEqual(cursor);
  });

  test('is what it was after the window became narrow and wide again', async () => {
    const screen = openScreen({ columns: 80 });
    screen.hear('one two three four five six seven eight');
    screen.type('a draft that has about forty characters!', left);
    await screen.rows();
    const narrowed = screen.terminal.resize(20, 24);
    await vi.advanceTimersByTimeAsync(1);
    await narrowed;
    expect(await screen.lines()).toEqual([
      '[bob] one two three four five six seven eight',
      '> a draft that has a',
      'bout forty character',
      's!',
    ]);
    expect(await screen.cursor()).toEqual([0, 1]);
    const widened = screen.terminal.resize(80, 24);
    await vi.advanceTimersByTimeAsync(1);
    await widened;
    expect(await screen.rows()).toEqual([
      '[bob] one two three four five six seven eight',
      '> a draft that has about forty characters!',
    ]);
    expect(await screen.cursor()).toEqual([0, 41]);
  });
});

test('what stands above the prompt is not left behind when the window becomes narrow', async () => {
  const screen = openScreen({ columns: 80 });
  screen.hear('one');
  screen.wait('x'.repeat(60), 'y'.repeat(30));
  screen.type('draft');
  await screen.rows();
  const narrowed = screen.terminal.resize(40, 24);
  await vi.advanceTimersByTimeAsync(1);
  await narrowed;
  const waiting = [`… ${'x'.repeat(38)}`, 'x'.repeat(22), `… ${'y'.repeat(30)}`];
  expect(await screen.rows()).toEqual(['[bob] one', ...waiting, '> draft']);
  screen.wait();
  expect(await screen.rows()).toEqual(['[bob] one', '> draft']);
});

describe('a terminal that wraps nothing anew', () => {
  const log = (count: number) => Array.from({ length: count }, (_, n) => `[bob] line ${n}`);
  const resize = async (screen: Screen, columns: number) => {
    await screen.rows();
    const resized = screen.terminal.resize(columns, 24);
    await vi.advanceTimersByTimeAsync(1);
    await resized;
  };

  test.each([
    ['at the end', [], [0, 32]],
    ['at the beginning', ['\x01'], [1, 2]],
    ['in the middle', ['\x01', '\x1bf'], [0, 32]],
  ])(
    'loses no row of the log when it becomes narrow, with the cursor %s, and has one prompt',
    async (_name, keys, at) => {
      const screen = openScreen({ columns: 80, rewrap: 'none' });
      for (let n = 0; n < 5; n++) screen.hear(`line ${n}`);
      screen.type('d'.repeat(70), ...keys);
      await resize(screen, 40);
      expect(await screen.rows()).toEqual([...log(5), `> ${'d'.repeat(38)}`, 'd'.repeat(32)]);
      expect(await screen.cursor()).toEqual(at);
      await resize(screen, 80);
      expect(await screen.rows()).toEqual([...log(5), `> ${'d'.repeat(70)}`]);
      await resize(screen, 40);
      screen.hear('line 5');
      expect(await screen.rows()).toEqual([...log(6), `> ${'d'.repeat(38)}`, 'd'.repeat(32)]);
      screen.type('\r');
      expect(await screen.rows()).toEqual([...log(6), '> ']);
      expect(screen.sent).toEqual(['d'.repeat(70)]);
    },
  );

  test('loses none either where something waits, and the draft has several rows', async () => {
    const screen = openScreen({ columns: 80, rewrap: 'none' });
    for (let n = 0; n < 5; n++) screen.hear(`line ${n}`);
    screen.wait('w'.repeat(60));
    screen.type('d'.repeat(140));
    await resize(screen, 40);
    const area = [`… ${'w'.repeat(38)}`, 'w'.repeat(22), `> ${'d'.repeat(38)}`, 'd'.repeat(40), 'd'.repeat(40)];
    expect(await screen.rows()).toEqual([...log(5), ...area, 'd'.repeat(22)]);
  });
});

describe('of a draft that wants the whole screen', () => {
  const offline: ChatEvent = { type: 'state', state: 'offline', reason: 'lost' };
  const lost = '-- connection lost. What you write now is kept and sent when it is back.';
  const hint = '-- that does not fit: a message has at most 150 bytes';
  const draft = Array.from({ length: 15 }, (_, n) => String.fromCharCode(97 + n).repeat(10)).join('');
  /** The rows of the draft from one to another, in a window of ten columns less than this. */
  const row = (n: number) => draft.slice(n === 0 ? 0 : n * 60 - 2, n * 60 + 58);
  const tall = async (rows: number, ...keys: string[]) => {
    const screen = openScreen({ columns: 60, rows, maxBytes: 150 });
    screen.view.show(offline);
    screen.wait('waits');
    screen.type(draft, ...keys, 'too much');
    await screen.rows();
    return screen;
  };
  const shown = async (screen: Screen, rows: number) => (await screen.rows()).slice(-(rows - 1));

  test.each([
    [8, ['-- offline 0 s', '… waits', hint, `> ${row(0)}`, row(1), row(2)]],
    [7, ['-- offline 0 s', '… waits', hint, `> ${row(0)}`, row(1), row(2)]],
    [6, ['… waits', hint, `> ${row(0)}`, row(1), row(2)]],
    [5, ['… waits', hint, row(1), row(2)]],
    [4, [hint, row(1), row(2)]],
    [3, [hint, row(2)]],
    [2, [row(2)]],
    [1, [row(2)]],
  ])(
    'a screen of %i rows shows the rows at the cursor, and above them the last of what else there is',
    async (rows, expected) => {
      const screen = await tall(rows);
      expect((await screen.rows()).slice(-expected.length)).toEqual(expected);
      expect(expected.length).toBeLessThanOrEqual(Math.max(rows - 1, 1));
      expect(await screen.cursor()).toEqual([0, 32]);
      expect((await screen.rows()).join('').split('> aaa').length - 1).toBeLessThanOrEqual(1);
    },
  );

  test('those around the cursor', async () => {
    const screen = await tall(5, '\x01', '\x1b[C');
    expect(await shown(screen, 5)).toEqual(['… waits', hint, `> ${row(0)}`, row(1)]);
    expect(await screen.cursor()).toEqual([1, 3]);
  });

  test('what the draft leaves is for the others, also more than half', async () => {
    const screen = openScreen({ columns: 60, rows: 7 });
    screen.wait('1', '2', '3', '4', '5', '6', '7');
    screen.type('draft');
    expect(await shown(screen, 7)).toEqual(['… 2', '… 3', '… 4', '… 5', '… and 2 more', '> draft']);
  });

  test('the log goes on above it, and all goes when the draft does', async () => {
    const screen = await tall(6);
    for (const text of ['one', 'two', 'three']) screen.hear(text);
    expect(await shown(screen, 6)).toEqual(['… waits', hint, `> ${row(0)}`, row(1), row(2)]);
    screen.type('\x03');
    const log = [lost.slice(0, 60), lost.slice(60), '[bob] one', '[bob] two', '[bob] three'];
    expect(await screen.rows()).toEqual([...log, '-- offline 0 s', '… waits', '> ']);
  });
});

describe('what waits', () => {
  test.each([
    [0, ['> ']],
    [1, ['… text 1', '> ']],
    [5, ['… text 1', '… text 2', '… text 3', '… text 4', '… text 5', '> ']],
    [6, ['… text 1', '… text 2', '… text 3', '… text 4', '… text 5', '… and 1 more', '> ']],
    [9, ['… text 1', '… text 2', '… text 3', '… text 4', '… text 5', '… and 4 more', '> ']],
  ])('of %i messages is shown, the oldest five', async (count, expected) => {
    const screen = openScreen();
    screen.wait(...Array.from({ length: count }, (_, n) => `text ${n + 1}`));
    expect(await screen.rows()).toEqual(expected);
  });

  test('goes when it is accepted', async () => {
    const screen = openScreen();
    screen.wait('one', 'two');
    await screen.rows();
    screen.hear('one', { own: true, from: { name: 'me' } });
    screen.wait('two');
    expect(await screen.rows()).toEqual(['[me] one', '… two', '> ']);
    screen.wait();
    expect(await screen.rows()).toEqual(['[me] one', '> ']);
  });

  test('is told to be slow after ten seconds', async () => {
    const screen = openScreen();
    screen.wait('one');
    await vi.advanceTimersByTimeAsync(9_000);
    expect(await screen.rows()).toEqual(['… one', '> ']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await screen.rows()).toEqual(['… one (not sent yet)', '> ']);
  });

  test('is shown as it is written: an action, lines, hidden characters', async () => {
    const screen = openScreen();
    screen.view.waiting([
      { text: 'waves', type: 'action', ts: startMs },
      { text: 'a\nb\u202e', ts: startMs },
    ]);
    expect(await screen.rows()).toEqual(['… /me waves', '… a⏎b<U+202E>', '> ']);
  });

  test.each([
    ['x', 100, 'x'.repeat(100)],
    ['x', 101, `${'x'.repeat(100)}…`],
    ['👨‍👩‍👧‍👦', 101, undefined],
  ])('of %j × %i is shown as far as a hundred characters', async (character, count, expected) => {
    const screen = openScreen({ columns: 500 });
    screen.wait(character.repeat(count));
    const [row = ''] = await screen.rows();
    if (expected) expect(row).toBe(`… ${expected}`);
    else expect(row).toMatch(/…$/);
  });
});

describe('offline', () => {
  const offline: ChatEvent = { type: 'state', state: 'offline', reason: 'lost' };

  test('is counted in seconds above what waits, until it is over', async () => {
    const screen = openScreen();
    screen.view.show(offline);
    screen.wait('one');
    const said = '-- connection lost. What you write now is kept and sent when it is back.';
    expect(await screen.rows()).toEqual([said, '-- offline 0 s', '… one', '> ']);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(await screen.rows()).toEqual([said, '-- offline 12 s', '… one (not sent yet)', '> ']);
    screen.view.show({ type: 'state', state: 'online', server: 's', online: 2, legacy: false, afterMs: 12_000 });
    screen.wait();
    expect(await screen.rows()).toEqual([said, '-- back online after 12 s.', '> ']);
  });

  test('is not counted while the first connection is made', async () => {
    const screen = openScreen();
    screen.view.show({ type: 'state', state: 'connecting', endpoint: 'tcp://x:1' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await screen.rows()).toEqual(['-- connecting to tcp://x:1', '> ']);
  });
});

describe('Enter', () => {
  test('sends the draft, and Up brings it back', async () => {
    const screen = openScreen();
    screen.type('hello', '\r', 'again', '\n', up, up);
    expect(await screen.rows()).toEqual(['> hello']);
    expect(screen.sent).toEqual(['hello', 'again']);
  });

  test('sends nothing blank', async () => {
    const screen = openScreen();
    screen.type('\r', '  ', '\r', altEnter, '\r');
    expect(await screen.rows()).toEqual(['> ']);
    expect(screen.sent).toEqual([]);
  });

  test('sends what Alt-Enter made several lines of, as one, and asks nothing', async () => {
    const screen = openScreen();
    screen.type('1', altEnter, '2', altEnter, '3', altEnter, '4', altEnter, '5', altEnter, '6', '\r');
    await screen.rows();
    expect(screen.sent).toEqual(['1\n2\n3\n4\n5\n6']);
  });
});

describe('a paste', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}`).join('\r');
  const question = '-- 6 lines as one message: Enter sends them, Ctrl-C drops them';

  test('of five lines is one message', async () => {
    const screen = openScreen();
    screen.terminal.paste(`${lines(5)}\r`);
    expect(await screen.rows()).toEqual(['> 1⏎2⏎3⏎4⏎5']);
    screen.type('\r');
    await screen.rows();
    expect(screen.sent).toEqual(['1\n2\n3\n4\n5']);
  });

  test('of six lines is asked for, and a second Enter sends it', async () => {
    const screen = openScreen();
    screen.terminal.paste(lines(6));
    expect(await screen.rows()).toEqual(['> 1⏎2⏎3⏎4⏎5⏎6']);
    screen.type('\r');
    expect(await screen.rows()).toEqual([question, '> 1⏎2⏎3⏎4⏎5⏎6']);
    expect(screen.sent).toEqual([]);
    screen.type('\r');
    expect(await screen.rows()).toEqual(['> ']);
    expect(screen.sent).toEqual(['1\n2\n3\n4\n5\n6']);
  });

  test('is asked for again after another key', async () => {
    const screen = openScreen();
    screen.terminal.paste(lines(6));
    screen.type('\r', left);
    expect(await screen.rows()).toEqual(['> 1⏎2⏎3⏎4⏎5⏎6']);
    screen.type('\r');
    expect(await screen.rows()).toEqual([question, '> 1⏎2⏎3⏎4⏎5⏎6']);
    expect(screen.sent).toEqual([]);
  });

  test('is asked for again after more was pasted', async () => {
    const screen = openScreen();
    screen.terminal.paste(lines(6));
    screen.type('\r');
    screen.terminal.paste('\r7\r8');
    screen.type('\r');
    expect((await screen.rows())[0]).toBe('-- 8 lines as one message: Enter sends them, Ctrl-C drops them');
    expect(screen.sent).toEqual([]);
  });

  test('is dropped by Ctrl-C, and Up brings it back', async () => {
    const screen = openScreen();
    screen.terminal.paste(lines(6));
    screen.type('\r', '\x03');
    expect(await screen.rows()).toEqual(['> ']);
    screen.type(up);
    expect(await screen.rows()).toEqual(['> 1⏎2⏎3⏎4⏎5⏎6']);
    expect([screen.sent, screen.ended, screen.forced]).toEqual([[], false, 0]);
  });

  test('that does not fit is refused in words, and the draft stays', async () => {
    const screen = openScreen({ maxBytes: 20 });
    screen.type('draft', left);
    screen.terminal.paste('x'.repeat(16));
    expect(await screen.rows()).toEqual(['-- that does not fit: a message has at most 20 bytes', '> draft']);
    expect(await screen.cursor()).toEqual([0, 6]);
    screen.type('!');
    expect(await screen.rows()).toEqual(['> draf!t']);
  });

  test('of a megabyte is refused, too', async () => {
    const screen = openScreen({ maxBytes: 65_536 });
    screen.type('draft');
    screen.terminal.paste('x'.repeat(1_000_000));
    expect(await screen.rows()).toEqual(['-- that does not fit: a message has at most 65536 bytes', '> draft']);
  });

  test('with Enter, Ctrl-D and Ctrl-Z in it does nothing but to be there', async () => {
    const screen = openScreen();
    screen.suspended = vi.fn();
    screen.terminal.paste('/quit\r\x04\x1a');
    expect(await screen.rows()).toEqual(['> /quit⏎␄␚']);
    expect([screen.sent, screen.ended]).toEqual([[], false]);
    expect(screen.suspended).not.toHaveBeenCalled();
  });
});

test('a key that does not fit is refused in words', async () => {
  const screen = openScreen({ maxBytes: 3 });
  screen.type('abc', altEnter);
  expect(await screen.rows()).toEqual(['-- that does not fit: a message has at most 3 bytes', '> abc']);
});

test('what Ctrl-Y brings back and does not fit is refused in words', async () => {
  const screen = openScreen({ maxBytes: 3 });
  screen.type('abc', '\x15', '\x19', '\x19');
  expect(await screen.rows()).toEqual(['-- that does not fit: a message has at most 3 bytes', '> abc']);
});

describe('Ctrl-C', () => {
  test('drops the draft, which Up brings back, and ends nothing', async () => {
    const screen = openScreen();
    screen.type('draft', '\x03');
    expect(await screen.rows()).toEqual(['> ']);
    screen.type(up);
    expect(await screen.rows()).toEqual(['> draft']);
    screen.type('\x03', 'another', '\x03');
    expect(await screen.rows()).toEqual(['> ']);
    expect([screen.sent, screen.ended, screen.forced]).toEqual([[], false, 0]);
  });

  test('on an empty line ends the lines, behind those that were entered before; a second one forces the end', async () => {
    const screen = openScreen();
    screen.type('a\rb\r\x03');
    expect([screen.sent, screen.ended]).toEqual([[], false]);
    await screen.rows();
    expect([screen.sent, screen.ended, screen.forced]).toEqual([['a', 'b'], true, 0]);
    screen.type('\x03');
    expect(screen.forced).toBe(1);
  });

  test('twice at once: what was entered before is still there to be read', async () => {
    const screen = openScreen();
    screen.type('a\r\x03\x03');
    expect(screen.forced).toBe(1);
    await screen.rows();
    expect([screen.sent, screen.ended]).toEqual([['a'], true]);
  });

  test('on blanks drops them and stays', async () => {
    const screen = openScreen();
    screen.type('  ', '\x03');
    expect(await screen.rows()).toEqual(['> ']);
    expect([screen.ended, screen.forced]).toEqual([false, 0]);
  });

  test.each<[string, (screen: Screen) => void]>([
    ['Ctrl-C', ({ terminal }) => terminal.type('\x03')],
    ['Ctrl-D', ({ terminal }) => terminal.type('\x04')],
    ['the end of the input', ({ terminal }) => terminal.input.emit('end')],
  ])('after %s forces the end, and with a draft, too; nothing else does', async (_name, quit) => {
    const screen = openScreen();
    quit(screen);
    screen.type('\r', '\x04', 'draft', '\r', 'more');
    await screen.rows();
    expect([screen.sent, screen.ended, screen.forced]).toEqual([[], true, 0]);
    screen.type('\x03');
    expect(screen.forced).toBe(1);
  });
});

test('Ctrl-D ends an empty draft, and deletes in another', async () => {
  const screen = openScreen();
  screen.type('ab', '\x01', '\x04');
  expect(await screen.rows()).toEqual(['> b']);
  expect(screen.ended).toBe(false);
  screen.type('\x04', '\x04');
  await screen.rows();
  expect([screen.ended, screen.forced]).toEqual([true, 0]);
});

test('Ctrl-D ends the lines behind those that were entered before', async () => {
  const screen = openScreen();
  screen.type('a\rb\r\x04');
  await screen.rows();
  expect([screen.sent, screen.ended, screen.forced]).toEqual([['a', 'b'], true, 0]);
});

describe('Ctrl-Z', () => {
  test('gives the terminal to the shell, and takes it again where that left it', async () => {
    const screen = openScreen();
    screen.hear('one');
    screen.type('draft');
    await screen.rows();
    screen.suspended = () => {
      expect(screen.terminal.raw).toBe(false);
      screen.terminal.output.write('$ ls\r\nfile\r\n');
    };
    screen.type('\x1a');
    expect(await screen.rows()).toEqual(['[bob] one', '$ ls', 'file', '> draft']);
    expect([screen.terminal.raw, screen.terminal.bracketedPaste]).toEqual([true, true]);
    screen.type('!');
    expect(await screen.rows()).toEqual(['[bob] one', '$ ls', 'file', '> draft!']);
  });
});

test('a program that was stopped from outside takes the terminal again where the shell left it', async () => {
  const screen = openScreen();
  screen.type('draft');
  await screen.rows();
  screen.terminal.output.write('\r\n\x1b[?2004l$ fg\r\n');
  screen.terminal.raw = false;
  screen.view.continued();
  expect(await screen.rows()).toEqual(['> draft', '$ fg', '> draft']);
  expect([screen.terminal.raw, screen.terminal.bracketedPaste]).toEqual([true, true]);
  screen.type('!');
  expect(await screen.rows()).toEqual(['> draft', '$ fg', '> draft!']);
});

test('the signal that follows Ctrl-Z is no news', async () => {
  const screen = openScreen();
  screen.type('draft', '\x1a');
  await screen.rows();
  screen.view.continued();
  expect(await screen.rows()).toEqual(['> draft']);
});

describe('the bell', () => {
  const rung = async (bell: Settings['bell'], more: Partial<ChatEvent & { type: 'message' }>) => {
    const screen = openScreen({ settings: { bell } });
    screen.hear('hi', more);
    await screen.rows();
    return screen.terminal.bells;
  };

  test.each<[string, Partial<ChatEvent & { type: 'message' }>, mention: number, all: number]>([
    ['a message', {}, 0, 1],
    ['a message that names me', { mention: true }, 1, 1],
    ['what I said', { own: true }, 0, 0],
    ['what I said of me', { own: true, mention: true }, 0, 0],
    ['what was missed', { replay: true, mention: true }, 0, 0],
    ['what was lost', { mended: true, mention: true }, 0, 0],
    ['an action that names me', { action: true, mention: true }, 1, 1],
  ])('rings as it is set for %s', async (_name, more, mention, all) => {
    expect([await rung('mention', more), await rung('all', more), await rung('off', more)]).toEqual([mention, all, 0]);
  });

  test('cannot be rung by anybody, nor by anything else that happens', async () => {
    const screen = openScreen({ settings: { bell: 'mention', joins: 'all' } });
    screen.hear('\x07', { from: { name: '\x07' } });
    screen.view.show({ type: 'join', server: '\x07', name: '\x07', online: 1 });
    screen.view.show({ type: 'notice', server: 's', text: '\x07' });
    screen.view.show({ type: 'error', code: 'USAGE', message: '\x07' });
    screen.wait('\x07');
    screen.terminal.paste('\x07');
    await screen.rows();
    expect([screen.terminal.bells, screen.terminal.titles]).toEqual([0, []]);
  });

  test('can be changed at any time', async () => {
    const screen = openScreen({ settings: { bell: 'off' } });
    screen.hear('one');
    screen.settings.bell = 'all';
    screen.hear('two');
    await screen.rows();
    expect(screen.terminal.bells).toBe(1);
  });

  test('is not rung again by Ctrl-L', async () => {
    const screen = openScreen({ settings: { bell: 'all' } });
    screen.hear('one');
    await screen.rows();
    screen.type('\x0c');
    await screen.rows();
    expect(screen.terminal.bells).toBe(1);
  });
});

describe('who comes and goes', () => {
  const join = (name: string, online = 2): ChatEvent => ({ type: 'join', server: 's', name, online });
  const leave = (name: string, online = 1): ChatEvent => ({ type: 'leave', server: 's', name, online, reason: 'left' });

  test('is shown at once, if all are wanted', async () => {
    const screen = openScreen({ settings: { joins: 'all' } });
    screen.view.show(join('Ana'));
    screen.view.show(leave('Ana'));
    expect(await screen.rows()).toEqual([
      '[s] Ana joined the room. 2 online.',
      '[s] Ana left the room. 1 online.',
      '> ',
    ]);
  });

  test('is not shown, if none are wanted', async () => {
    const screen = openScreen({ settings: { joins: 'none' } });
    screen.view.show(join('Ana'));
    screen.hear('hi', { from: { name: 'Ana' } });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await screen.rows()).toEqual(['[Ana] hi', '> ']);
  });

  test('is shown in one line a moment later', async () => {
    const screen = openScreen();
    for (let n = 40; n > 0; n--) screen.view.show(leave(`p${n}`, n));
    await vi.advanceTimersByTimeAsync(600);
    expect(await screen.rows()).toEqual(['> ']);
    await vi.advanceTimersByTimeAsync(100);
    expect(await screen.rows()).toEqual(['[s] p40, p39, p38 and 37 others left the room. 1 online.', '> ']);
  });

  test('comes before everything but what somebody says', async () => {
    const screen = openScreen();
    screen.view.show(leave('Ana'));
    screen.hear('one');
    expect(await screen.rows()).toEqual(['[bob] one', '> ']);
    screen.hear('two', { from: { name: 'Ana' } });
    const ana = ['[s] Ana left the room. 1 online.', '[Ana] two'];
    expect(await screen.rows()).toEqual(['[bob] one', ...ana, '> ']);
    screen.view.show(leave('Bo'));
    screen.view.show({ type: 'shutdown', server: 's' });
    const end = ['[s] Bo left the room. 1 online.', '[s] Server is off.'];
    expect(await screen.rows()).toEqual(['[bob] one', ...ana, ...end, '> ']);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await screen.rows()).toEqual(['[bob] one', ...ana, ...end, '> ']);
  });

  test('is seen by what they say if that is all they came for; who stays is named later', async () => {
    const screen = openScreen();
    for (const name of ['Ana', 'Bo']) {
      screen.view.show(join(name));
      screen.hear(`I am ${name}`, { from: { name } });
    }
    screen.view.show(leave('Ana'));
    await vi.advanceTimersByTimeAsync(4_900);
    expect(await screen.rows()).toEqual(['[Ana] I am Ana', '[Bo] I am Bo', '> ']);
    await vi.advanceTimersByTimeAsync(200);
    expect(await screen.rows()).toEqual([
      '[Ana] I am Ana',
      '[Bo] I am Bo',
      expect.stringMatching(/^\[s\] Bo joined the room\. \d online\.$/),
      '> ',
    ]);
  });

  test('is no news for who was away for a moment', async () => {
    const screen = openScreen();
    screen.view.show(leave('Ana'));
    await vi.advanceTimersByTimeAsync(300);
    screen.view.show(join('Ana'));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await screen.rows()).toEqual(['> ']);
  });

  test('is shown at once between two people', async () => {
    const screen = openScreen();
    screen.view.show({ type: 'join', name: 'bob', online: 2 });
    expect(await screen.rows()).toEqual(['-- bob is here.', '> ']);
  });

  test('is not lost at the end', async () => {
    const screen = openScreen();
    screen.view.show(join('Ana'));
    screen.view.close();
    expect(await screen.rows()).toEqual(['[s] Ana joined the room. 2 online.', '']);
  });
});

describe('the log', () => {
  test('is painted again by Ctrl-L, as much as the screen holds', async () => {
    const screen = openScreen({ columns: 40, rows: 6 });
    for (let n = 0; n < 20; n++) screen.hear(`${n}`);
    screen.type('draft', left);
    await screen.rows();
    screen.terminal.output.write('\x1b[2;5Hgarbage\x1b[H');
    screen.type('\x0c');
    expect((await screen.rows()).slice(-6)).toEqual([
      '[bob] 15',
      '[bob] 16',
      '[bob] 17',
      '[bob] 18',
      '[bob] 19',
      '> draft',
    ]);
    expect(await screen.cursor()).toEqual([0, 6]);
    screen.hear('next');
    expect((await screen.rows()).slice(-2)).toEqual(['[bob] next', '> draft']);
  });

  test('is gone after it was cleared, and Ctrl-L does not bring it back', async () => {
    const screen = openScreen();
    screen.hear('one');
    screen.hear('two');
    screen.type('draft');
    screen.wait('waits');
    await screen.rows();
    screen.view.clear();
    expect(await screen.rows()).toEqual(['… waits', '> draft']);
    screen.type('\x0c');
    expect(await screen.rows()).toEqual(['… waits', '> draft']);
    screen.hear('three');
    expect(await screen.rows()).toEqual(['[bob] three', '… waits', '> draft']);
  });
});

describe('Tab', () => {
  test('asks who completes, and goes back', async () => {
    const screen = openScreen();
    screen.view.completer = (before) => (before === 'l' ? ['Luis: '] : []);
    screen.type('l', '\t');
    expect(await screen.rows()).toEqual(['> Luis: ']);
    screen.type('\x1b[Z');
    expect(await screen.rows()).toEqual(['> l']);
  });

  test('begins anew after Enter', async () => {
    const screen = openScreen();
    screen.view.completer = (before) => (before === 'l' ? ['Luis: ', 'Lu: '] : []);
    screen.type('l', '\t', '\r', '\t');
    expect(await screen.rows()).toEqual(['> ']);
    expect(screen.sent).toEqual(['Luis: ']);
  });
});

describe('names and texts of nobody', () => {
  test.each([
    ['of zero width', '\u200b\u200d\u2060', '[<U+200B><U+200D><U+2060>] <U+200B><U+200D><U+2060>'],
    ['of marks alone', 'a\u0301\u0302', '[a\u0301\u0302] a\u0301\u0302'],
    ['that turn around', '\u202eabc', '[<U+202E>abc] <U+202E>abc'],
    ['that move the cursor', '\x1b[2J\x1b[H\r', '[␛[2J␛[H␍] ␛[2J␛[H␍'],
    ['that end the paste mode', '\x1b[?2004l', '[␛[?2004l] ␛[?2004l'],
    ['that are empty', '', '[] '],
  ])('%s leave the draft where it is', async (_name, text, expected) => {
    const screen = openScreen();
    screen.type('draft', left);
    await screen.rows();
    screen.hear(text, { from: { name: text } });
    expect(await screen.rows()).toEqual([expected, '> draft']);
    expect(await screen.cursor()).toEqual([0, 6]);
    expect(screen.terminal.bracketedPaste).toBe(true);
  });
});

describe('the end', () => {
  test('leaves an unsent draft on the screen and the terminal as it was', async () => {
    const screen = openScreen();
    screen.hear('one');
    screen.wait('waits');
    screen.type('a draft', left, left);
    await screen.rows();
    expect([screen.terminal.raw, screen.terminal.bracketedPaste]).toEqual([true, true]);
    screen.view.close();
    expect(await screen.rows()).toEqual(['[bob] one', '> a draft', '']);
    expect(await screen.cursor()).toEqual([0, 0]);
    expect([screen.terminal.raw, screen.terminal.bracketedPaste]).toEqual([false, false]);
    expect(screen.ended).toBe(true);
  });

  test('takes an empty prompt away', async () => {
    const screen = openScreen();
    screen.hear('one');
    await screen.rows();
    screen.view.close();
    expect(await screen.rows()).toEqual(['[bob] one', '']);
  });

  test('shows what was said in the last moment', async () => {
    const screen = openScreen();
    await screen.rows();
    screen.hear('goodbye');
    screen.view.close();
    expect(await screen.rows()).toEqual(['[bob] goodbye', '']);
  });

  test('comes once: nothing is written after it', async () => {
    const screen = openScreen();
    screen.type('draft');
    await screen.rows();
    screen.view.close();
    const { written } = screen.terminal;
    screen.view.close();
    screen.hear('late');
    screen.wait('late');
    screen.type('x', '\r');
    screen.terminal.output.emit('resize');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(screen.terminal.written).toBe(written);
    expect(screen.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a draft of several lines is shown with its marks', async () => {
    const screen = openScreen();
    screen.type('a', altEnter, 'b');
    await screen.rows();
    screen.view.close();
    expect(await screen.rows()).toEqual(['> a⏎b', '']);
  });

  test('is when the terminal is gone', async () => {
    const screen = openScreen();
    screen.terminal.input.emit('end');
    await screen.rows();
    expect(screen.ended).toBe(true);
  });
});

describe('what is shown', () => {
  const shown: ChatEvent = { type: 'status', code: 'X', message: 'hello' };
  const hidden: ChatEvent = { type: 'join', server: 's', name: 'bob', online: 2 };
  const open = () => {
    const screen = openScreen({ settings: { joins: 'none' } });
    const taken: string[] = [];
    const show = (name: string, event: ChatEvent) =>
      screen.view.show(event, () => taken.push(`${name}: ${screen.terminal.written.split('hello').length - 1}`));
    return { screen, taken, show };
  };

  test('is taken once it is painted, in order, with what shows nothing', async () => {
    const { screen, taken, show } = open();
    show('a', shown);
    show('b', hidden);
    show('c', shown);
    expect([taken, screen.view.isBehind]).toEqual([[], true]);
    await screen.rows();
    expect([taken, screen.view.isBehind]).toEqual([['a: 2', 'b: 2', 'c: 2'], false]);
    show('d', hidden);
    await screen.rows();
    expect(taken.slice(3)).toEqual(['d: 2']);
  });

  test('is taken when the screen is closed right behind it', () => {
    const { screen, taken, show } = open();
    show('a', shown);
    screen.view.close();
    show('late', shown);
    expect([taken, screen.view.isBehind]).toEqual([['a: 1'], false]);
  });

  test('is not taken by a terminal that is gone', async () => {
    const { screen, taken, show } = open();
    Object.assign(screen.terminal.output, { errored: new Error('EIO') });
    show('a', shown);
    await screen.rows();
    screen.view.close();
    expect(taken).toEqual([]);
  });
});

describe('on a terminal that knows ASCII only', () => {
  test('nothing else is written', async () => {
    const screen = openScreen({ style: { ascii: true } });
    screen.hear('漢字 año 👍\nx', { from: { name: 'José' } });
    screen.wait('größe', ...'12345');
    screen.type('ñ漢', altEnter, 'b', left);
    expect(await screen.rows()).toEqual([
      '[Jose] ?? ano ?',
      '      | x',
      '... gro?e',
      '... 1',
      '... 2',
      '... 3',
      '... 4',
      '... and 1 more',
      '> n?\\nb',
    ]);
    expect(await screen.cursor()).toEqual([0, 6]);
    screen.view.close();
    await screen.rows();
    expect(screen.terminal.written).toMatch(/^[\x07\x1b\r\n -~]*$/);
  });
});

test('asides are dim, the log and the draft are not', async () => {
  const screen = openScreen({ style: { colorLevel: 1 } });
  screen.wait('waits');
  screen.type('draft');
  await screen.rows();
  expect(screen.terminal.written).toMatch(/\x1b\[2m….* waits\x1b\[22m/);
  expect(screen.terminal.written).toMatch(/\n> draft/);
});

describe('in a terminal that says late that it was resized', () => {
  const long = 'a draft that is long enough to be broken in a window of forty columns, or of sixty';
  /** The first of several resizes is told at once, the last one after a quarter of a second, those between never. */
  async function resizeFast(screen: Screen, act: (step: number) => void): Promise<void> {
    const widths = [70, 60, 50, 40];
    for (const [step, columns] of widths.entries()) {
      await screen.rows();
      const resized = screen.terminal.resizeUntold(columns, 24);
      await vi.advanceTimersByTimeAsync(1);
      await resized;
      if (step === 0) screen.terminal.tell(columns, 24);
      act(step);
      await vi.advanceTimersByTimeAsync(60);
    }
    screen.terminal.tell(40, 24);
    await vi.advanceTimersByTimeAsync(600);
  }

  test.each<[string, (screen: Screen, step: number) => void]>([
    ['a key', (screen, step) => screen.type(String(step))],
    ['a message', (screen, step) => screen.hear(`line ${step}`)],
    ['a key and a message', (screen, step) => [screen.type(String(step)), screen.hear(`line ${step}`)]],
  ])('one draft is left of fast resizes with %s between', async (_name, act) => {
    const screen = openScreen({ resizeMs: 500 });
    screen.hear('a first line of the log');
    screen.type(long);
    await resizeFast(screen, (step) => act(screen, step));
    const text = (await screen.rows()).join('');
    expect(text.split('a draft that').length - 1).toBe(1);
    expect(text.split('a first line of the log').length - 1).toBe(1);
    for (const step of _name === 'a key' ? [] : [0, 1, 2, 3]) expect(text).toContain(`[bob] line ${step}`);
    screen.view.close();
  });

  test('what comes while it is resized is painted at the end, also when the program ends before', async () => {
    const screen = openScreen({ resizeMs: 500 });
    await screen.rows();
    await screen.terminal.resize(40, 24);
    screen.hear('late');
    expect(await screen.lines()).not.toContain('[bob] late');
    screen.view.close();
    expect(await screen.lines()).toContain('[bob] late');
  });
});

describe('after Ctrl-Z', () => {
  test('the signal that comes behind a key leaves nothing of the area behind', async () => {
    const screen = openScreen();
    screen.view.show({ type: 'state', state: 'offline', reason: 'lost' });
    screen.type('half');
    await screen.rows();
    screen.type('\x1a');
    await screen.rows();
    screen.type('!');
    await screen.rows();
    screen.view.continued();
    expect((await screen.rows()).filter((row) => row.startsWith('-- offline'))).toHaveLength(1);
  });

  test('offline is counted from when the program stood still', async () => {
    const screen = openScreen();
    screen.view.show({ type: 'state', state: 'offline', reason: 'lost', forMs: 26_000 });
    expect(await screen.lines()).toContain('-- offline 26 s');
  });
});

describe('a long work', () => {
  const work = (done: number) => ({ what: 'read', done, total: 12_000 }) as const;

  test.each([80, 40, 20])('says at %i columns how far it is, once it has lasted a second', async (columns) => {
    const screen = openScreen({ columns, style: { columns: () => columns } });
    screen.view.work(work(10));
    expect((await screen.rows()).join('')).not.toContain('reading');
    await vi.advanceTimersByTimeAsync(1_000);
    screen.view.work(work(5_000));
    const text = (await screen.rows()).map((row) => row.trim()).join(' ');
    expect(text).toContain('-- reading what was missed: 5,000 of 12,000');
    screen.view.work(undefined);
    expect(await screen.lines()).toEqual(['> ']);
  });
});

describe('a notification', () => {
  const notification = '\x1b]9;0mq-chat: Somebody wrote to you.\x07';
  const count = ({ terminal }: Screen) => terminal.written.split(notification).length - 1;

  test.each([
    ['mention', 1],
    ['all', 2],
    ['off', 1],
  ] as const)('with the bell at %s comes %i times, in its own words', async (bell, times) => {
    const screen = openScreen({ notification, settings: { bell } });
    screen.hear('\x1b]9;evil\x07');
    screen.hear('Ana, \x1b]9;evil\x07', { mention: true });
    screen.hear('missed', { mention: true, replay: true });
    screen.hear('mine', { mention: true, own: true });
    await screen.rows();
    expect(count(screen)).toBe(times);
    expect(screen.terminal.written.split('\x1b]').length - 1).toBe(times);
  });
});

describe('cut off', () => {
  const offline: ChatEvent = { type: 'state', state: 'offline', reason: 'lost', seeking: true };
  const online: ChatEvent = { type: 'state', state: 'online', server: 's', online: 3, legacy: false };
  const back: ChatEvent = { ...online, afterMs: 12_000 };
  const near = (...names: string[]): ChatEvent => ({ type: 'near', names });
  const id = { dev: 'dev', n: 1 };
  const cutScreen = (columns = 80) => {
    const screen = openScreen({ columns, style: { columns: () => columns } });
    screen.view.show(online);
    screen.view.show(offline);
    screen.view.show(near('Ana', 'Bo'));
    return screen;
  };
  const talking = '-- the server does not answer; talking with Ana and Bo directly';

  /** As a person reads them, however they are broken. */
  const words = async (screen: Screen) => (await screen.rows()).map((row) => row.trim()).join(' ');

  test.each([80, 40, 20])('at %i columns it says who is near, and through whom it is online', async (columns) => {
    const screen = cutScreen(columns);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(await words(screen)).toContain(`${talking} -- offline 12 s; near: Ana and Bo >`);
    screen.view.show({ ...near('Ana', 'Bo'), through: ['Ana'] } as ChatEvent);
    expect(await words(screen)).toContain(`${talking} -- online through Ana >`);
    screen.view.show(near());
    expect(await words(screen)).toMatch(/-- offline 12 s >$/);
    for (const row of await screen.rows()) expect(row.length).toBeLessThanOrEqual(columns);
  });

  test.each([80, 40, 20])('at %i columns what has no place yet is marked', async (columns) => {
    const screen = cutScreen(columns);
    screen.hear('the table is free', { id: 'a.1', provisional: true });
    screen.hear('waves to all of you', { id: 'a.2', provisional: true, action: true });
    const said = (await screen.lines()).filter((line) => line.startsWith('~'));
    expect(said).toEqual(['~[bob] the table is free', '~* bob waves to all of you']);
  });

  test('before the server was met in this run, it says who is near', async () => {
    const screen = openScreen();
    screen.view.show({ type: 'state', state: 'connecting', endpoint: 'localhost:9999' });
    screen.view.show(near('Ana', 'Bo'));
    expect(await screen.lines()).toContain('-- offline 0 s; near: Ana and Bo');
    screen.view.show(online);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await screen.lines()).at(-2)).toBe('-- back with the server');
  });

  test('who has the server sees nothing of links', async () => {
    const screen = openScreen();
    screen.view.show(online);
    const before = await screen.lines();
    screen.view.show(near('Ana'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await screen.lines()).toEqual(before);
  });

  test('what is handed over all at once rings once, and what names me later rings again', async () => {
    const screen = cutScreen();
    for (let n = 1; n <= 20; n++) screen.hear('me?', { id: `a.${n}`, provisional: true, mention: true });
    await screen.rows();
    expect(screen.terminal.bells).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    screen.hear('me?', { id: 'a.21', provisional: true, mention: true });
    screen.view.show({ type: 'placed', id: 'a.21', seq: 21 });
    screen.hear('me?', { id: 'a.22', provisional: true });
    await screen.rows();
    expect(screen.terminal.bells).toBe(2);
  });

  test('the end is said in one line, when it is due', async () => {
    const screen = cutScreen();
    const gone: string[] = [];
    screen.view.show({ ...message('a.1'), provisional: true } as ChatEvent, () => void gone.push('a.1'));
    screen.view.show(back);
    screen.view.show({ type: 'placed', id: 'a.1', seq: 1 }, () => void gone.push('placed'));
    await screen.rows();
    expect([gone, screen.view.isBehind]).toEqual([['a.1'], true]);
    await vi.advanceTimersByTimeAsync(300);
    expect((await screen.lines()).slice(1)).toEqual([
      talking,
      '~[bob] text',
      '-- back with the server: 1 line has its place',
      '> ',
    ]);
    expect([gone, screen.view.isBehind]).toEqual([['a.1', 'placed'], false]);
  });

  test('what the room does not take is found under Up', async () => {
    const screen = cutScreen();
    screen.view.show({ ...message('dev.1', true), provisional: true } as ChatEvent);
    screen.view.show({ type: 'withdrawn', id: 'dev.1', reason: 'refused' });
    screen.type(up);
    expect((await screen.lines()).slice(-3)).toEqual([
      '-- your line, "text", was not taken by the room. Up brings it back.',
      '-- offline 0 s; near: Ana and Bo',
      '> text',
    ]);
  });

  /** The turn in which it comes is not over: what waits is told after it. */
  describe('an echo that arrives while its line still waits below', () => {
    const waiting: Waiting = { id, text: 'text', ts: startMs };
    const shown = async (screen: Screen) => (await screen.lines()).filter((line) => line.includes('text'));

    test('stands in one place at every moment', async () => {
      const screen = openScreen();
      screen.view.waiting([waiting, { id: { dev: 'dev', n: 2 }, text: 'text 2', ts: startMs }]);
      expect(await shown(screen)).toEqual(['… text', '… text 2']);
      screen.view.show({ ...message('dev.1', true), seq: 1 } as ChatEvent);
      expect(await shown(screen)).toEqual(['[bob] text', '… text 2']);
      screen.view.waiting([{ id: { dev: 'dev', n: 2 }, text: 'text 2', ts: startMs }]);
      expect(await shown(screen)).toEqual(['[bob] text', '… text 2']);
    });

    test('stands above once, when somebody near has it, and no more when it gets its place', async () => {
      const screen = cutScreen();
      screen.view.waiting([waiting]);
      screen.view.show({ ...message('dev.1', true), provisional: true } as ChatEvent);
      expect(await shown(screen)).toEqual(['~[bob] text']);
      screen.view.waiting([]);
      screen.view.show(back);
      screen.view.show({ type: 'placed', id: 'dev.1', seq: 1 });
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await shown(screen)).toEqual(['~[bob] text']);
    });

    test('waits on below while it is said what became of all, and then stands above', async () => {
      const screen = cutScreen();
      await vi.advanceTimersByTimeAsync(2_000);
      screen.view.waiting([waiting]);
      screen.view.show(back);
      screen.view.show({ ...message('dev.1', true), seq: 1 } as ChatEvent);
      screen.view.waiting([]);
      expect(await shown(screen)).toEqual(['… text']);
      await vi.advanceTimersByTimeAsync(300);
      expect(await shown(screen)).toEqual(['[bob] text']);
    });
  });

  function message(of: string, own = false): ChatEvent {
    return { type: 'message', id: of, from: { name: 'bob' }, text: 'text', own, replay: false };
  }
});
