import { describe, expect, test } from 'vitest';
import type { Cell, Color } from './support/screen.ts';
import { draw } from './support/svg.ts';

describe('a screen as SVG', () => {
  test('words stand where their cells are, whatever the font', () => {
    expect(texts(draw([shot(row('ab  cd'))], 'light'))).toEqual([
      ['14', '16.8', 'ab'],
      ['47.6', '16.8', 'cd'],
    ]);
  });

  test('a wide character and a cluster have a run of their own', () => {
    const wide = [...row('a'), { ...blank, chars: '漢', width: 2 }, { ...blank, width: 0 }, ...row('b')];
    const cluster = { ...blank, chars: 'e\u0301' };
    expect(texts(draw([shot([...wide, cluster])], 'light'))).toEqual([
      ['14', '8.4', 'a'],
      ['22.4', '16.8', '漢'],
      ['39.2', '8.4', 'b'],
      ['47.6', '8.4', 'e\u0301'],
    ]);
  });

  test('what is written is text, never markup', () => {
    const svg = draw([{ title: '<script>"&', cells: [row('</svg><a>&amp;"\u0007')] }], 'dark');
    expect(svg).not.toMatch(/<script|<a>|\u0007/);
    expect(svg).toContain('&lt;/svg&gt;&lt;a&gt;&amp;amp;&quot;\ufffd');
    expect(svg.match(/<\/svg>/g)).toHaveLength(1);
  });

  const colored: [Color, string][] = [
    [1, '#cf222e'],
    [9, '#a40e26'],
    [16, '#000000'],
    [196, '#ff0000'],
    [231, '#ffffff'],
    [232, '#080808'],
    [255, '#eeeeee'],
    ['#123456', '#123456'],
    ['default', '#1f2328'],
  ];
  for (const [fg, wanted] of colored)
    test(`colour ${fg}`, () => {
      expect(draw([shot([{ ...blank, chars: 'x', fg }])], 'light')).toContain(`fill="${wanted}">x</text>`);
    });

  test('bold, dim, italic and underline; inverse and the cursor swap ink and paper', () => {
    const of = (is: Partial<Cell>) => draw([shot([{ ...blank, chars: 'x', ...is }])], 'light');
    expect(of({ bold: true })).toContain('font-weight="bold">x<');
    expect(of({ dim: true })).toContain('fill-opacity="0.7">x<');
    expect(of({ italic: true, underline: true })).toContain('font-style="italic" text-decoration="underline">x<');
    const inverse = of({ inverse: true, fg: 4 });
    expect(inverse).toContain('height="20" fill="#0969da"/>');
    expect(inverse).toContain('fill="#ffffff">x<');
    const cursor = { row: 0, column: 0, visible: true };
    expect(draw([{ title: '', cells: [[blank]], cursor }], 'light')).toContain('height="20" fill="#1f2328"/>');
    expect(draw([{ title: '', cells: [[blank]], cursor: { ...cursor, visible: false } }], 'light')).not.toContain(
      'height="20"',
    );
  });

  test('the same screens give the same bytes, and both themes the same words', () => {
    const shots = [shot(row('one')), shot(row('two'))];
    expect(draw(shots, 'dark')).toBe(draw(shots, 'dark'));
    expect(texts(draw(shots, 'dark'))).toEqual(texts(draw(shots, 'light')));
    expect(draw(shots, 'dark')).not.toBe(draw(shots, 'light'));
  });
});

const look = { bold: false, dim: false, italic: false, underline: false, inverse: false };
const blank: Cell = { chars: '', width: 1, fg: 'default', bg: 'default', ...look };
const row = (text: string): Cell[] => [...text].map((chars) => ({ ...blank, chars: chars === ' ' ? '' : chars }));
const shot = (cells: Cell[]) => ({ title: '', cells: [cells] });

/** Where each run begins, how wide it is, and its words. */
const texts = (svg: string) =>
  [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" textLength="([\d.]+)"[^>]*>([^<]*)</g)].map(([, ...found]) => found);
