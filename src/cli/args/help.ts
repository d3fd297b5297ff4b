import stringWidth from 'string-width';
import { visible } from '../../text/visible.ts';
import { type Flag, flagsOf, isSwitch, type Option, type OptionTable, type Program } from './flags.ts';

const widest = 80;
/** Below this the text stands under its option, not beside it. */
const narrowestText = 24;

/** The help of one command, at most 80 columns wide, and no wider than `columns`. The example is never wrapped. */
export function helpText({ command, purpose, example, options, subcommands }: Program, columns: number): string {
  const width = Math.min(widest, columns);
  const others = Object.entries(subcommands).map(
    ([name, { usage, purpose }]) => [`${name} ${usage}`, purpose] as const,
  );
  const usages = [['[options]', purpose] as const, ...others];
  const beside = Math.max(...usages.map(([way]) => way.length)) + 2;
  const ways = usages.map(([way, what], i) =>
    `${i === 0 ? 'Usage: ' : '       '}${command} ${way.padEnd(beside)}${what}`.trimEnd(),
  );
  const lines = [example, '', ...ways.flatMap((way) => wrap(way, width, 9)), 'Options [default]:'];
  return `${[...lines, ...optionLines(options, width)].join('\n')}\n`;
}

function optionLines(table: OptionTable, width: number): string[] {
  const rows = rowsOf(table);
  const beside = Math.max(...rows.map(([left]) => left.length)) + 2;
  if (width - beside >= narrowestText)
    return rows.flatMap(([left, right]) => wrap(`${left.padEnd(beside)}${right}`, width, beside));
  return rows.flatMap(([left, right]) => [left, ...wrap(`        ${right}`, width, 8)]);
}

/** What is spelled both ways shares a line. */
function rowsOf(table: OptionTable): [left: string, right: string][] {
  const flags = flagsOf(table);
  const both = new Set(flags.filter(({ long }, i) => long === `--no-${flags[i - 1]?.long.slice(2)}`));
  const isBoth = (flag: Flag) => [...both].some(({ option }) => option === flag.option);
  return flags.filter((flag) => !both.has(flag)).map((flag) => [leftOf(flag, isBoth(flag)), rightOf(flag.option)]);
}

function leftOf({ long, short, option }: Flag, isBoth: boolean): string {
  const name = isBoth ? long.replace('--', '--[no-]') : long;
  const value = isSwitch(option) ? '' : ` ${option.value ?? 'VALUE'}`;
  return `  ${short ? `${short}, ` : '    '}${name}${value}`;
}

function rightOf(option: Option): string {
  const { describe, defaultDescription, default: value, choices = [] } = option;
  const named = choices.every((choice) => describe.includes(choice)) ? '' : `: ${choices.join(', ')}`;
  const fallback = isSwitch(option) ? defaultDescription : (value ?? defaultDescription);
  return `${describe}${named}${fallback === undefined ? '' : ` [${visible(String(fallback))}]`}`;
}

/** Breaks at spaces; further lines are indented. A word that is too long stays whole, to be copied. */
function wrap(text: string, width: number, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S)(?=\s)/)) {
    const fits = stringWidth(line + word) <= width || line.trim() === '';
    if (!fits) lines.push(line);
    line = fits ? line + word : ' '.repeat(indent) + word.trimStart();
  }
  return [...lines, line];
}
