import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cell, draw, rewrapped, toCells, widthOf, wrap } from '../src/terminal/cells.ts';
import { graphemes } from '../src/text/graphemes.ts';
import { visible } from '../src/text/visible.ts';
import { Terminal } from './support/terminal.ts';

const cellsOf = (text: string) => toCells(text, visible);
const textOf = (row: readonly Cell[]) => row.map(({ text }) => text).join('');
const shownOf = (row: readonly Cell[]) => row.map(({ shown }) => shown).join('');
/** The last column that any terminal may use for a row. */
const reachOf = (row: readonly Cell[]) => Math.max(0, ...row.map(({ reach }, at) => widthOf(row.slice(0, at)) + reach));

/** What every terminal knows: its Unicode may be older than ours. */
const known = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }),
      fc.constantFrom(
        '漢字',
        '漢字かな交じり文',
        '한국어',
        'ﾊﾝ',
        '！',
        'é',
        'e\u0301',
        'a\u0301\u0302\u0303',
        'שלום',
        'مرحبا',
        'สวัสดี',
        'คำ',
        'हिन्दी',
      ),
      fc.constantFrom('👍', '👍🏽', '❤️', '☺', '⚠️', '👨‍👩‍👧‍👦', '🏳️‍🌈', '🇪🇸', '🇪', '1️⃣', '👩‍🚀', '¡', '…', '─', '①'),
      fc.constantFrom(
        '\x1b',
        '\x1b[31m',
        '\x1b]0;x\x07',
        '\n',
        '\r',
        '\t',
        '\b',
        '\x9b',
        '\u200b',
        '\u200d',
        '\u202e',
        '\u2028',
        '\ufeff',
        '\ud800',
      ),
      fc.integer({ min: 0, max: 0x5ff }).map((code) => String.fromCharCode(code)),
      fc.integer({ min: 0x4e00, max: 0x9fa5 }).map((code) => String.fromCharCode(code)),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));
const anything = fc.oneof(known, fc.string({ unit: 'binary', maxLength: 60 }));
const columns = fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 12 }));

describe('a cell', () => {
  test.each<[string, string, Omit<Cell, 'text' | 'shown'>]>([
    ['a letter', 'a', { width: 1, reach: 1, steady: true }],
    ['a letter with a mark', 'e\u0301', { width: 1, reach: 1, steady: true }],
    ['an ideograph', '漢', { width: 2, reach: 2, steady: true }],
    ['one that is wide in the East only', '¡', { width: 1, reach: 2, steady: false }],
    ['an emoji', '👍', { width: 2, reach: 2, steady: false }],
    ['an emoji that some draw narrow', '❤️', { width: 2, reach: 4, steady: false }],
    ['a skin', '👍🏽', { width: 2, reach: 4, steady: false }],
    ['a flag', '🇪🇸', { width: 2, reach: 4, steady: false }],
    ['a family', '👨‍👩‍👧‍👦', { width: 2, reach: 14, steady: false }],
    ['what stands for a hidden one', '\u202e', { width: 8, reach: 8, steady: true }],
    ['a tab', '\t', { width: 4, reach: 4, steady: true }],
  ])('is as wide as %s', (_name, text, expected) => {
    expect(cellsOf(text)).toEqual([{ text, shown: visible(text), ...expected }]);
  });

  test('holds one character as a person counts them', () => {
    expect(graphemes('ae\u0301漢👨‍👩‍👧‍👦🇪🇸\n')).toEqual(['a', 'e\u0301', '漢', '👨‍👩‍👧‍👦', '🇪🇸', '\n']);
    fc.assert(
      fc.property(anything, (text) => {
        const segments = [...new Intl.Segmenter('en').segment(text)].map(({ segment }) => segment);
        expect(graphemes(text)).toEqual(segments);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('rows', () => {
  test.each([
    ['', 4, ['']],
    ['abcd', 4, ['abcd']],
    ['abcde', 4, ['abcd', 'e']],
    ['abcdefghi', 4, ['abcd', 'efgh', 'i']],
    ['漢字漢', 4, ['漢字', '漢']],
    ['漢字漢', 5, ['漢字', '漢']],
    ['a漢字', 4, ['a漢', '字']],
    ['ab\u202ec', 9, ['ab', '<U+202E>c']],
    // Room for the widest a terminal may make of it, and no more than it needs.
    ['123456👍🏽ab', 10, ['123456👍🏽ab']],
    ['1234567👍🏽ab', 10, ['1234567', '👍🏽ab']],
    ['漢a', 1, ['?', 'a']],
    ['\u202ea', 7, ['?a']],
  ])('of %j in %i columns', (text, columns, expected) =>
    expect(wrap(cellsOf(text), columns).map(shownOf)).toEqual(expected),
  );

  test('are the text, none is too long, and none could have begun later', () => {
    fc.assert(
      fc.property(anything, columns, (text, columns) => {
        const rows = wrap(cellsOf(text), columns);
        expect(rows.map(textOf).join('')).toBe(text);
        for (const [n, row] of rows.entries()) {
          expect(reachOf(row)).toBeLessThanOrEqual(columns);
          const [next] = rows[n + 1] ?? [];
          if (next) expect(widthOf(row) + next.reach).toBeGreaterThan(columns);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a drawn row', () => {
  test('has each cell at its column, and the terminal never wraps it', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(known, columns, async (text, columns) => {
        // A mark needs a letter before it.
        for (const row of wrap(cellsOf(`x${text}`), columns)) {
          // One row of the screen for every beginning of it: the cursor tells where the next cell would be.
          const terminal = new Terminal(columns, row.length + 3);
          for (let count = 0; count <= row.length; count++) {
            const drawn = row.slice(0, count);
            terminal.output.write(draw(drawn, columns));
            await terminal.drained();
            expect(terminal.cursor.column, JSON.stringify(shownOf(drawn))).toBe(widthOf(drawn));
            terminal.output.write('\r\n');
          }
          await terminal.drained();
          expect(terminal.rows).toHaveLength(row.length + 2);
          expect(terminal.rows.some(({ wrapped }) => wrapped)).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });

  test.each(['👨‍👩‍👧‍👦', '👍🏽', '❤️', '\u202e'])('of %j alone is one row on the narrowest terminal', async (text) => {
    for (let columns = 1; columns < 20; columns++) {
      const terminal = new Terminal(columns, 5);
      const rows = wrap(cellsOf(text), columns);
      terminal.output.write(rows.map((row) => draw(row, columns)).join('\r\n'));
      await terminal.drained();
      expect(terminal.rows, `${columns}`).toHaveLength(1);
    }
  });

  test('has its cells at their columns behind an emoji the terminal does not know yet', async () => {
    const terminal = new Terminal(20, 3);
    terminal.output.write(draw(cellsOf('🥲🫠ab'), 20));
    await terminal.drained();
    expect(terminal.cursor.column).toBe(6);
  });

  test('leaves nothing of an emoji that the terminal made wider', async () => {
    const terminal = new Terminal(20, 3);
    terminal.output.write(draw(cellsOf('👨‍👩‍👧‍👦ab'), 20));
    await terminal.drained();
    expect(terminal.rows[0]?.text).toMatch(/^👨.*ab$/u);
    expect(terminal.cursor.column).toBe(4);
  });
});

describe('a row on a terminal that became narrower', () => {
  const simple = fc
    .array(fc.constantFrom('a', 'bc', ' ', '漢', '字', 'é', 'e\u0301', 'かな'), { minLength: 1, maxLength: 40 })
    .map((parts) => parts.join(''));

  test('takes as many rows as the terminal makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(simple, fc.integer({ min: 4, max: 80 }), fc.nat(), async (text, wide, less) => {
        const row = wrap(cellsOf(text), wide)[0] ?? [];
        const narrow = 2 + (less % (wide - 1));
        const terminal = new Terminal(wide, 50);
        terminal.output.write(`${draw(row, wide)}\r\n$`);
        await terminal.resize(narrow, 50);
        expect(terminal.rows).toHaveLength(rewrapped(row, narrow) + 1);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['', 5, 1],
    ['abcde', 5, 1],
    ['abcdef', 5, 2],
    ['漢字漢', 5, 2],
    ['ab漢字', 3, 3],
    ['ab漢字', 4, 2],
    // Some terminals break these and some do not: the fewest rows count.
    ['ab👨‍👩‍👧‍👦', 3, 2],
    ['abc\u202e', 11, 1],
    ['abc\u202e', 10, 2],
    ['abc\u202e', 5, 3],
    ['a👨‍👩‍👧‍👦b👨‍👩‍👧‍👦c', 2, 4],
  ])('takes for %j in %i columns %i', (text, columns, rows) => expect(rewrapped(cellsOf(text), columns)).toBe(rows));
});
