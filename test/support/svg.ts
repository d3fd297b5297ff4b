import type { Cell, Color, Cursor } from './screen.ts';

/** What one window shows. */
export type Shot = { title: string; cells: Cell[][]; cursor?: Cursor };
export type Theme = 'light' | 'dark';

type Colors = { page: string; text: string; title: string; bar: string; edge: string; palette: string[] };
type Look = { ink: string; paper: string | undefined; style: string };
type Run = { text: string; column: number; width: number; look: Look };

const size = 14;
const cell = { width: 8.4, height: 20 };
const bar = 32;
const padding = { x: 14, y: 10 };
const gap = 20;
const font = "ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";
/** Black to white, then the bright ones, as GitHub's own pages have them. */
const themes: Record<Theme, Colors> = {
  light: {
    page: '#ffffff',
    text: '#1f2328',
    title: '#59636e',
    bar: '#f6f8fa',
    edge: '#d1d9e0',
    palette: [
      ...['#24292f', '#cf222e', '#116329', '#9a6700', '#0969da', '#8250df', '#1b7c83', '#6e7781'],
      ...['#57606a', '#a40e26', '#1a7f37', '#633c01', '#218bff', '#a475f9', '#3192aa', '#8c959f'],
    ],
  },
  dark: {
    page: '#0d1117',
    text: '#e6edf3',
    title: '#9198a1',
    bar: '#161b22',
    edge: '#3d444d',
    palette: [
      ...['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
      ...['#6e7681', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#ffffff'],
    ],
  },
};

/**
 * Windows side by side as an SVG: text where it stands on the screen, whatever font there is. The same screens give
 * the same bytes. No scripts, nothing from elsewhere.
 */
export function draw(shots: readonly Shot[], theme: Theme): string {
  const colors = themes[theme];
  const widths = shots.map(({ cells }) => (cells[0]?.length ?? 0) * cell.width + 2 * padding.x);
  const height = Math.max(...shots.map(({ cells }) => cells.length)) * cell.height + bar + 2 * padding.y;
  const width = round(widths.reduce((sum, each) => sum + each + gap, -gap) + 2);
  const windows = shots.map((shot, at) => {
    const x = round(widths.slice(0, at).reduce((sum, each) => sum + each + gap, 1));
    return [
      `<g transform="translate(${x} 1)">`,
      ...frame(shot.title, widths[at] ?? 0, height, colors),
      ...contents(shot, colors),
      '</g>',
    ];
  });
  const box = `viewBox="0 0 ${width} ${height + 2}" width="${width}" height="${height + 2}"`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" ${box} font-family="${font}" font-size="${size}" xml:space="preserve" role="img">`,
    `<title>${asText(shots.map(({ title }) => title).join(' | '))}</title>`,
    ...windows.flat(),
    '</svg>',
  ].join('\n')}\n`;
}

function frame(title: string, width: number, height: number, { page, bar: back, edge, title: ink }: Colors): string[] {
  const w = round(width);
  const middle = bar / 2;
  return [
    `<rect width="${w}" height="${height}" rx="8" fill="${page}"/>`,
    `<path d="M0 ${bar}V8a8 8 0 0 1 8-8H${round(w - 8)}a8 8 0 0 1 8 8V${bar}z" fill="${back}"/>`,
    `<rect width="${w}" height="${height}" rx="8" fill="none" stroke="${edge}"/>`,
    `<path d="M0 ${bar}H${w}" stroke="${edge}"/>`,
    ...[18, 36, 54].map((x) => `<circle cx="${x}" cy="${middle}" r="5" fill="${edge}"/>`),
    `<text x="${round(w / 2)}" y="${middle + 4}" text-anchor="middle" font-size="12" fill="${ink}">${asText(title)}</text>`,
  ];
}

function contents({ cells, cursor }: Shot, colors: Colors): string[] {
  return cells.flatMap((row, at) => {
    const top = bar + padding.y + at * cell.height;
    const column = cursor?.visible && cursor.row === at ? cursor.column : undefined;
    const runs = runsOf(row, colors, column);
    return [...runs.flatMap((run) => paper(run, top)), ...runs.flatMap((run) => ink(run, top))];
  });
}

/** Neighbours that look the same, cut at blanks and around wide characters, so that no font can move them. */
function runsOf(row: Cell[], colors: Colors, cursor: number | undefined): Run[] {
  const runs: Run[] = [];
  for (const [column, each] of row.entries()) {
    if (each.width === 0) continue;
    const look = lookOf(each, colors, column === cursor);
    const text = each.chars || ' ';
    const last = runs.at(-1);
    if (last && joins(last, { text, column, width: each.width, look })) {
      last.text += text;
      last.width += each.width;
    } else runs.push({ text, column, width: each.width, look });
  }
  return runs;
}

const joins = (a: Run, b: Run) =>
  a.column + a.width === b.column &&
  isNarrow(a) &&
  isNarrow(b) &&
  isBlank(a) === isBlank(b) &&
  JSON.stringify(a.look) === JSON.stringify(b.look);
const isNarrow = ({ text, width }: Run) => [...text].length === width;
const isBlank = ({ text }: Run) => text.trim() === '';

function lookOf({ fg, bg, ...is }: Cell, colors: Colors, underCursor: boolean): Look {
  const front = colorOf(fg, colors) ?? colors.text;
  const back = colorOf(bg, colors);
  const swapped = is.inverse !== underCursor;
  const attributes = [
    is.bold && ' font-weight="bold"',
    is.italic && ' font-style="italic"',
    is.underline && ' text-decoration="underline"',
    is.dim && ' fill-opacity="0.7"',
  ];
  const style = attributes.filter((attribute) => attribute !== false).join('');
  return swapped ? { ink: back ?? colors.page, paper: front, style } : { ink: front, paper: back, style };
}

function paper({ column, width, look }: Run, top: number): string[] {
  if (!look.paper) return [];
  const [x, w] = [xOf(column), round(width * cell.width)];
  return [`<rect x="${x}" y="${top}" width="${w}" height="${cell.height}" fill="${look.paper}"/>`];
}

function ink({ text, column, width, look }: Run, top: number): string[] {
  const shown = text.trim() !== '' || look.style.includes('underline');
  if (!shown) return [];
  const place = `x="${xOf(column)}" y="${top + 14.5}" textLength="${round(width * cell.width)}"`;
  return [`<text ${place} lengthAdjust="spacingAndGlyphs" fill="${look.ink}"${look.style}>${asText(text)}</text>`];
}

function colorOf(color: Color, { palette }: Colors): string | undefined {
  if (color === 'default') return undefined;
  return typeof color === 'string' ? color : (palette[color] ?? ofCube(color));
}

/** The 216 colours and 24 greys behind the 16 of the palette. */
function ofCube(index: number): string {
  if (index >= 232) return hex(Array(3).fill(8 + (index - 232) * 10));
  const at = index - 16;
  const levels = [Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6];
  return hex(levels.map((level) => (level === 0 ? 0 : 55 + level * 40)));
}

const hex = (parts: number[]) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
const xOf = (column: number) => round(padding.x + column * cell.width);
const round = (value: number) => Math.round(value * 100) / 100;
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Safe inside an element; characters XML cannot hold become a replacement character. */
const asText = (text: string) =>
  text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (found) => entities[found] ?? found);
