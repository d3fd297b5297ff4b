/** One line: where it goes through, from the left to the right. */
export type Series = { name: string; points: readonly (readonly [x: number, y: number])[] };
export type Chart = {
  title: string;
  x: string;
  y: string;
  isLog: { x: boolean; y: boolean };
  series: readonly Series[];
};

const [width, height] = [720, 400];
const frame = { left: 70, right: 200, top: 40, bottom: 50 };
/** Told apart by who sees no colours, too: in the order of their brightness (Okabe and Ito). */
const colours = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** A picture of it, as SVG that reads well on any background. */
export function draw({ title, x, y, isLog, series }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const across = axis(
    points.map(([at]) => at),
    isLog.x,
    frame.left,
    width - frame.right,
  );
  const up = axis(
    points.map(([, at]) => at),
    isLog.y,
    height - frame.bottom,
    frame.top,
  );
  const [bottom, right] = [height - frame.bottom, width - frame.right];
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(frame.left, 22, title, 'font-size="15" font-weight="bold"'),
    text((frame.left + right) / 2, height - 12, x, 'text-anchor="middle"'),
    text(0, 0, y, `text-anchor="middle" transform="translate(16 ${(frame.top + bottom) / 2}) rotate(-90)"`),
    ...across.ticks.flatMap((tick) => [
      line(across.at(tick), frame.top, across.at(tick), bottom),
      text(across.at(tick), bottom + 18, named(tick), 'text-anchor="middle"'),
    ]),
    ...up.ticks.flatMap((tick) => [
      line(frame.left, up.at(tick), right, up.at(tick)),
      text(frame.left - 8, up.at(tick) + 4, named(tick), 'text-anchor="end"'),
    ]),
    ...series.flatMap(({ name, points }, i) => {
      const colour = colours[i % colours.length];
      const places = points.map(([a, b]) => [across.at(a), up.at(b)].map((one) => one.toFixed(1)));
      const path = places.map((place) => place.join()).join(' ');
      const key = frame.top + 8 + 20 * i;
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`),
        `<circle cx="${right + 16}" cy="${key}" r="5" fill="${colour}"/>`,
        text(right + 28, key + 4, name),
      ];
    }),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

type Axis = { at(value: number): number; ticks: number[] };
function axis(values: readonly number[], isLog: boolean, from: number, to: number): Axis {
  const known = isLog ? values.filter((value) => value > 0) : values;
  const most = Math.max(...known);
  const ticks = isLog ? powers(Math.min(...known), most) : steps(most);
  const scale = isLog ? Math.log10 : (value: number) => value;
  const [low, high] = [scale(ticks[0] ?? 0), scale(ticks.at(-1) ?? 1)];
  return { ticks, at: (value) => from + ((scale(value) - low) / (high - low || 1)) * (to - from) };
}

/** Powers of ten, and those numbers between that a person would choose, around all values. */
function powers(least: number, most: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= most * 10; power++)
    for (const digit of [1, 2, 5]) ticks.push(Number((digit * 10 ** power).toPrecision(1)));
  const first = ticks.findLastIndex((tick) => tick <= least);
  const last = ticks.findIndex((tick) => tick >= most);
  return ticks.slice(Math.max(first, 0), last + 1);
}

function steps(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((digit) => digit * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

const named = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 4 });
const line = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#d0d0d0"/>`;
const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
