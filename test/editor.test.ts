import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Editor } from '../src/terminal/editor.ts';
import { Past } from '../src/terminal/past.ts';
import { graphemes } from '../src/text/graphemes.ts';

let editor: Editor;
beforeEach(() => {
  editor = new Editor(1_000);
});
const press = (...keys: string[]) => {
  for (const key of keys) expect(editor.press(key), key).toBe(true);
};
/** `he|llo`: the bar is the cursor. */
const drawn = () =>
  `${editor.draft.text.slice(0, editor.draft.cursor)}|${editor.draft.text.slice(editor.draft.cursor)}`;
const after = (key: string) => {
  press(key);
  return drawn();
};
const say = (...texts: string[]) => {
  for (const text of texts) {
    editor.insert(text);
    editor.take();
  }
};

const family = '👨‍👩‍👧‍👦';
const pieces = ['a', 'B', '7', ' ', '  ', ', ', '\n', '漢', 'é', 'e\u0301', family, '👍🏽', '❤️', '🇪🇸', '🇪', '👩'];
/** What joins the character before it, if it is one of these. */
const joining = [
  ['\u0301', /^\p{L}/u],
  ['\u200d', /^\p{Extended_Pictographic}/u],
  ['\u{1f3fd}', /^👩$/u],
] as const;

/** The same keys on an array of characters and a place in it: as plain as it can be, and as slow. */
class Model {
  glyphs: string[] = [];
  at = 0;
  killed = '';
  undo: { glyphs: string[]; at: number }[] = [];
  sent: string[] = [];
  /** What Up and Down go through: what was sent, as it is now, and last the draft. */
  stops: string[] = [''];
  stop = 0;
  isKilling = false;
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get text(): string {
    return this.glyphs.join('');
  }

  get cursor(): number {
    return this.glyphs.slice(0, this.at).join('').length;
  }

  insert(text: string): void {
    this.isKilling = false;
    this.#put([...this.glyphs.slice(0, this.at), text], this.glyphs.slice(this.at));
  }

  press(key: string): void {
    this.#press(key);
    this.isKilling = ['ctrl-w', 'meta-d', 'meta-backspace', 'ctrl-u', 'ctrl-k'].includes(key);
  }

  #press(key: string): void {
    if (key === 'left') this.at = Math.max(this.at - 1, 0);
    else if (key === 'right') this.at = Math.min(this.at + 1, this.glyphs.length);
    else if (key === 'home') this.at = 0;
    else if (key === 'end') this.at = this.glyphs.length;
    else if (key === 'meta-b') this.at = this.#wordLeft();
    else if (key === 'meta-f') this.at = this.#wordRight();
    else if (key === 'backspace') this.#cut(this.at - 1, this.at, false);
    else if (key === 'delete') this.#cut(this.at, this.at + 1, false);
    else if (key === 'ctrl-w') this.#cut(this.#blankLeft(), this.at, true);
    else if (key === 'meta-d') this.#cut(this.at, this.#wordRight(), true);
    else if (key === 'meta-backspace') this.#cut(this.#wordLeft(), this.at, true);
    else if (key === 'ctrl-u') this.#cut(0, this.at, true);
    else if (key === 'ctrl-k') this.#cut(this.at, this.glyphs.length, true);
    else if (key === 'ctrl-y') this.insert(this.killed);
    else if (key === 'ctrl-t') this.#transpose();
    else if (key === 'ctrl-_') Object.assign(this, this.undo.pop());
    else if (key === 'up') this.#visit(-1);
    else if (key === 'down') this.#visit(1);
    else this.#take();
  }

  #take(): void {
    const draft = this.stop < this.sent.length ? (this.stops.at(-1) ?? '') : '';
    for (const text of [draft, this.text]) if (text.trim() !== '' && this.sent.at(-1) !== text) this.sent.push(text);
    this.stops = [...this.sent, ''];
    this.stop = this.sent.length;
    Object.assign(this, { glyphs: [], at: 0, undo: [] });
  }

  #visit(step: -1 | 1): void {
    const text = this.stops[this.stop + step];
    if (text === undefined) return;
    this.stops[this.stop] = this.text;
    this.stop += step;
    this.#put([text], []);
  }

  #cut(from: number, to: number, keeps: boolean): void {
    const taken = this.glyphs.slice(Math.max(from, 0), to).join('');
    const killed = this.isKilling ? this.killed : '';
    if (keeps && taken !== '') this.killed = from < this.at ? taken + killed : killed + taken;
    this.#put(this.glyphs.slice(0, Math.max(from, 0)), this.glyphs.slice(to));
  }

  #transpose(): void {
    const at = Math.min(this.at, this.glyphs.length - 1);
    const [one, other] = [this.glyphs[at - 1], this.glyphs[at]];
    if (one === undefined || other === undefined) return;
    this.#put([...this.glyphs.slice(0, at - 1), other, one], this.glyphs.slice(at + 1));
  }

  /** The cursor comes between the two, or behind the character that they make. */
  #put(head: string[], tail: string[]): void {
    const [before, text] = [head.join(''), [...head, ...tail].join('')];
    if (Buffer.byteLength(text) > this.maxBytes) return;
    if (text !== this.text) this.undo = [...this.undo, { glyphs: this.glyphs, at: this.at }].slice(-100);
    this.glyphs = graphemes(text);
    this.at = 0;
    while (this.cursor < before.length) this.at++;
  }

  #wordLeft(): number {
    let at = this.at;
    while (at > 0 && !isWord(this.glyphs[at - 1])) at--;
    while (at > 0 && isWord(this.glyphs[at - 1])) at--;
    return at;
  }

  #wordRight(): number {
    let at = this.at;
    while (at < this.glyphs.length && !isWord(this.glyphs[at])) at++;
    while (at < this.glyphs.length && isWord(this.glyphs[at])) at++;
    return at;
  }

  #blankLeft(): number {
    let at = this.at;
    while (at > 0 && /^\s/.test(this.glyphs[at - 1] ?? '')) at--;
    while (at > 0 && !/^\s/.test(this.glyphs[at - 1] ?? '')) at--;
    return at;
  }
}
const isWord = (glyph = '') => /^[\p{L}\p{N}_]/u.test(glyph);

test('any sequence of keys does what it does to a list of characters', () => {
  const keys = ['left', 'right', 'home', 'end', 'meta-b', 'meta-f', 'backspace', 'delete', 'ctrl-t', 'ctrl-_', 'take'];
  const more = ['ctrl-w', 'meta-d', 'meta-backspace', 'ctrl-u', 'ctrl-k', 'ctrl-y', 'ctrl-y', 'up', 'up', 'down'];
  const insert = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const step = fc.oneof(
    insert.map((text) => ({ text, behind: /^/u })),
    fc.constantFrom(...joining).map(([text, behind]) => ({ text, behind })),
    fc.constantFrom(...keys, ...more).map((key) => ({ key })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.constantFrom(30, 1_000), (steps, maxBytes) => {
      const [editor, model] = [new Editor(maxBytes), new Model(maxBytes)];
      for (const one of steps) {
        if ('text' in one) {
          if (!one.behind.test(model.glyphs[model.at - 1] ?? '')) continue;
          editor.insert(one.text);
          model.insert(one.text);
        } else {
          if (one.key === 'take') expect(editor.take()).toBe(model.text);
          else expect(editor.press(one.key)).toBe(true);
          model.press(one.key);
        }
        expect(editor.draft).toEqual({ text: model.text, cursor: model.cursor });
      }
    }),
    { numRuns: 2_000 },
  );
});

describe('what was killed', () => {
  test.each(['ctrl-w', 'meta-backspace', 'meta-d', 'ctrl-delete', 'ctrl-u', 'ctrl-k'])('by %s comes back', (key) => {
    editor.insert('one, two three');
    press('meta-b', 'left', 'left', key);
    expect(editor.draft.text).not.toBe('one, two three');
    press('ctrl-y');
    expect(editor.draft.text).toBe('one, two three');
  });

  test.each([
    [
      'backward, what was before it goes before',
      ['ctrl-w', 'meta-backspace', 'ctrl-w'],
      '|five six',
      'two three four ',
    ],
    [
      'forward, what was behind it goes behind',
      ['meta-d', 'ctrl-delete', 'meta-d'],
      'one two three four |',
      'five six',
    ],
    ['in both directions', ['ctrl-w', 'meta-d', 'ctrl-w', 'ctrl-k'], 'one two |', 'three four five six'],
    ['to both ends', ['ctrl-u', 'ctrl-k'], '|', 'one two three four five six'],
    ['that finds nothing more', ['ctrl-k', 'ctrl-k', 'ctrl-k'], 'one two three four |', 'five six'],
    ['that finds nothing at first', ['ctrl-k', 'ctrl-w'], 'one two three |', 'four five six'],
  ])('one after the other adds up: %s', (name, keys, left, killed) => {
    editor.insert('one two three four five six');
    press('meta-b', 'meta-b', ...keys);
    expect(drawn(), name).toBe(name.startsWith('backward') ? 'one |five six' : left);
    press('end');
    editor.insert('<');
    press('ctrl-y');
    expect(drawn().split('<')[1]).toBe(`${killed}|`);
  });

  test.each([
    'left',
    'right',
    'end',
    'backspace',
    'delete',
    'ctrl-t',
    'ctrl-_',
    'ctrl-y',
    'up',
    'down',
    'f5',
    'an insert',
    'one that does not fit',
  ])('begins anew after %s', (key) => {
    editor = new Editor(20);
    editor.insert('one two three');
    press('ctrl-w');
    if (key === 'an insert') editor.insert('x');
    else if (key === 'one that does not fit') expect(editor.insert('x'.repeat(21))).toBe(false);
    else editor.press(key);
    press('home', 'meta-d');
    const { text } = editor.draft;
    press('ctrl-y');
    expect(editor.draft.text).toBe(`one${text}`);
  });

  test.each(['tab', 'shift-tab'])('begins anew after %s', (key) => {
    editor.completer = () => ['Ana'];
    editor.insert('killed');
    press('ctrl-u', key, 'ctrl-u', 'ctrl-y');
    expect(drawn()).toBe('Ana|');
  });

  test('begins anew after a movement that goes nowhere, too', () => {
    editor.insert('one two');
    press('ctrl-w', 'end', 'ctrl-w', 'ctrl-y');
    expect(drawn()).toBe('one |');
  });

  test('comes back as often as wanted, and in the next draft', () => {
    editor.insert('ab');
    press('ctrl-u');
    editor.insert('x');
    editor.take();
    press('ctrl-y', 'ctrl-y');
    expect(drawn()).toBe('abab|');
  });

  test('is not what Backspace and Delete took, nor nothing', () => {
    editor.insert('ab cd');
    press('ctrl-w', 'backspace', 'home', 'delete', 'ctrl-u', 'end', 'ctrl-k', 'ctrl-y');
    expect(drawn()).toBe('bcd|');
  });

  test('stays killed if it does not fit', () => {
    editor = new Editor(5);
    editor.insert('abc');
    press('ctrl-u', 'ctrl-y', 'ctrl-y');
    expect(drawn()).toBe('abc|');
  });
});

describe('Ctrl-_', () => {
  test('takes back one change after the other, up to a hundred', () => {
    for (let n = 0; n < 150; n++) editor.insert('x');
    for (let n = 0; n < 100; n++) press('ctrl-_');
    expect(editor.draft.text).toBe('x'.repeat(50));
    press('ctrl-_');
    expect(editor.draft.text).toBe('x'.repeat(50));
  });

  test('brings back the place of the cursor, too', () => {
    editor.insert('one two');
    press('meta-b', 'ctrl-k', 'home', 'ctrl-_');
    expect(drawn()).toBe('one |two');
  });

  test('does not bring back what was sent', () => {
    editor.insert('sent');
    editor.take();
    press('ctrl-_');
    expect(drawn()).toBe('|');
  });
});

describe('Up and Down', () => {
  test('go through what was sent, and back to the draft one came from', () => {
    say('one', 'two\nlines');
    editor.insert('draft');
    press('left');
    const seen = ['up', 'up', 'up', 'down', 'down', 'down'].map(after);
    expect(seen).toEqual(['two\nlines|', 'one|', 'one|', 'two\nlines|', 'draft|', 'draft|']);
  });

  test('are Ctrl-P and Ctrl-N, too', () => {
    say('one', 'two');
    press('ctrl-p', 'ctrl-p', 'ctrl-n');
    expect(drawn()).toBe('two|');
  });

  test('keep one of the same twice, and nothing blank', () => {
    say('one', 'same', 'same', '  ', '\n');
    press('up', 'up');
    expect(drawn()).toBe('one|');
  });

  test('begin at the newest after Enter, whatever it sent', () => {
    for (const sent of ['two', '', ' ']) {
      editor = new Editor(100);
      say('one', 'two');
      press('up', 'up', 'ctrl-u');
      editor.insert(sent);
      editor.take();
      press('up');
      expect(drawn(), sent).toBe('two|');
    }
  });

  test('bring back what was made of it, on the way up and on the way down', () => {
    say('one', 'two', 'three');
    editor.insert('draft');
    press('up', 'up');
    editor.insert('!');
    press('up');
    editor.insert('?');
    expect(['down', 'down', 'down', 'up', 'up', 'up'].map(after)).toEqual([
      'two!|',
      'three|',
      'draft|',
      'three|',
      'two!|',
      'one?|',
    ]);
  });

  test('keep what was emptied empty', () => {
    say('one', 'two');
    press('up', 'ctrl-u', 'up');
    expect(['down', 'down', 'up'].map(after)).toEqual(['|', '|', '|']);
  });

  test.each([
    ['sent as it was', '', 'two'],
    ['sent changed', '!', 'one!'],
  ])('after a recalled one was %s bring back all as it was sent', (_name, more, newest) => {
    say('one', 'two');
    press('up');
    editor.insert(' changed');
    press('up');
    editor.insert(more);
    expect(editor.take()).toBe(`one${more}`);
    const texts = more === '' ? ['one|', 'two|', 'one|', 'one|'] : ['one!|', 'two|', 'one|', 'one|'];
    expect(['up', 'up', 'up', 'up'].map(after), newest).toEqual(texts);
    expect(['down', 'down', 'down', 'down'].map(after)).toEqual([texts[1], texts[0], '|', '|']);
  });

  test('never lose the draft one came from', () => {
    say('one', 'two');
    editor.insert('precious');
    press('up', 'up');
    expect(editor.take()).toBe('one');
    expect(['up', 'up', 'up', 'up'].map(after)).toEqual(['one|', 'precious|', 'two|', 'one|']);
  });

  test('never lose it, though one went there and back and changed it', () => {
    say('one');
    editor.insert('precious');
    press('up', 'down');
    editor.insert(' draft');
    press('up');
    editor.insert('!');
    editor.take();
    expect(['up', 'up', 'up', 'up'].map(after)).toEqual(['one!|', 'precious draft|', 'one|', 'one|']);
  });

  test('do not keep the draft one came from twice, nor a blank one', () => {
    say('one', 'two');
    editor.insert('two');
    press('up', 'up');
    editor.take();
    expect(['up', 'up', 'up'].map(after)).toEqual(['one|', 'two|', 'one|']);
    editor.take();
    editor.insert('  ');
    press('up', 'up');
    editor.take();
    expect(['up', 'up', 'up', 'up'].map(after)).toEqual(['two|', 'one|', 'two|', 'one|']);
  });

  test('keep no draft that was sent itself', () => {
    say('one');
    editor.insert('draft');
    press('up', 'down');
    editor.insert('!');
    editor.take();
    expect(['up', 'up', 'up'].map(after)).toEqual(['draft!|', 'one|', 'one|']);
  });

  test('can be taken back', () => {
    say('one');
    editor.insert('draft');
    press('up', 'ctrl-_');
    expect(drawn()).toBe('draft|');
  });

  test('reach back two hundred texts', () => {
    const past = new Past();
    for (let n = 0; n < 250; n++) past.add(`${n}`);
    const seen = Array.from({ length: 201 }, () => past.go(-1, ''));
    expect([seen[0], seen[199], seen[200]]).toEqual(['249', '50', undefined]);
  });
});

describe('a text that does not fit', () => {
  test('changes nothing at all', () => {
    editor = new Editor(10);
    editor.insert('漢字 é');
    press('left');
    const { draft } = editor;
    for (const text of ['xx', '漢', 'a'.repeat(1_000), '\n\n']) expect(editor.insert(text)).toBe(false);
    expect(editor.draft).toBe(draft);
    expect(editor.insert('x')).toBe(true);
    press('ctrl-_');
    expect(editor.draft).toEqual(draft);
  });

  test('is measured in bytes', () => {
    editor = new Editor(4);
    expect(editor.insert('👍')).toBe(true);
    expect(editor.insert('')).toBe(true);
    expect(editor.insert('a')).toBe(false);
  });

  test('is no completion', () => {
    editor = new Editor(6);
    editor.completer = () => ['Annabel: ', 'Ana: '];
    editor.insert('a');
    press('tab');
    expect(drawn()).toBe('a|');
    press('tab');
    expect(drawn()).toBe('Ana: |');
  });
});

describe('a paste that does not fit', () => {
  const huge = 'x'.repeat(1_001);
  const refusal = 'that does not fit: a message has at most 1000 bytes';

  test('is said until it was seen: Enter sends nothing, and says it again', () => {
    editor.paste(huge);
    for (let i = 0; i < 3; i++) {
      expect(editor.hint).toBe(refusal);
      editor.key('return', '');
    }
    expect([editor.draft.text, editor.lines.isClosed]).toEqual(['', false]);
    editor.key('a', 'a');
    expect([editor.hint, editor.draft.text]).toEqual(['', 'a']);
  });

  test('is dropped by Ctrl-C, which then does not end the program; the next one does', () => {
    editor.paste(huge);
    editor.key('ctrl-c', '');
    expect([editor.hint, editor.lines.isClosed]).toEqual(['', false]);
    editor.key('ctrl-c', '');
    expect(editor.lines.isClosed).toBe(true);
  });

  test('behind a draft: the draft is sent only by a second Enter', async () => {
    editor.insert('look: ');
    editor.paste(huge);
    editor.key('return', '');
    expect([editor.draft.text, editor.hint]).toEqual(['look: ', `${refusal}; Enter sends the draft without it`]);
    editor.key('return', '');
    expect(editor.draft.text).toBe('');
    editor.lines.close();
    for await (const line of editor.lines) expect(line).toBe('look: ');
  });
});

describe('Tab', () => {
  beforeEach(() => {
    editor.completer = (before) =>
      ['Ana: ', 'Abe: ', 'Bo: '].filter((name) => name.toLowerCase().startsWith(before.toLowerCase()));
  });

  test.each([
    ['forward', ['tab', 'tab', 'tab', 'tab'], ['Ana: |', 'Abe: |', 'a|', 'Ana: |']],
    ['backward', ['shift-tab', 'shift-tab', 'shift-tab'], ['Abe: |', 'Ana: |', 'a|']],
    [
      'there and back',
      ['tab', 'tab', 'shift-tab', 'shift-tab', 'shift-tab'],
      ['Ana: |', 'Abe: |', 'Ana: |', 'a|', 'Abe: |'],
    ],
  ])('goes %s through what can be meant, and to what was typed', (_name, keys, expected) => {
    editor.insert('a');
    expect(keys.map(after)).toEqual(expected);
  });

  test('completes what stands before the cursor and leaves the rest', () => {
    editor.insert('b hello');
    press('home', 'right', 'tab');
    expect(drawn()).toBe('Bo: | hello');
    press('tab');
    expect(drawn()).toBe('b| hello');
  });

  test('where nothing can be meant changes nothing', () => {
    editor.insert('xyz');
    press('tab', 'shift-tab');
    expect(drawn()).toBe('xyz|');
  });

  test('begins anew after any other key', () => {
    for (const key of ['left', 'end', 'up', 'ctrl-y', 'ctrl-_', 'f5']) {
      editor = new Editor(100);
      const asked: string[] = [];
      editor.completer = (before) => {
        asked.push(before);
        return ['Ana', 'Abe'];
      };
      editor.insert('a');
      press('tab');
      editor.press(key);
      press('tab');
      expect(asked, key).toHaveLength(2);
    }
  });

  test('begins anew after more was typed, and in the next draft', () => {
    editor.insert('a');
    press('tab');
    editor.insert('!');
    press('tab');
    expect(drawn()).toBe('Ana: !|');
    press('ctrl-u');
    editor.insert('a');
    press('tab');
    editor.take();
    editor.completer = () => [];
    press('tab');
    expect(drawn()).toBe('|');
  });

  test('can be taken back', () => {
    editor.insert('a');
    press('tab', 'ctrl-_');
    expect(drawn()).toBe('a|');
  });
});

test('a key without a meaning is not taken', () => {
  for (const key of ['f5', 'escape', 'return', 'a', 'ctrl-x', 'meta-x', '']) expect(editor.press(key), key).toBe(false);
  expect(drawn()).toBe('|');
});
