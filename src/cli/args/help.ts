import { type Row, table, wrapWords } from '../../text/table.ts';
import { visible } from '../../text/visible.ts';
import { type Option, type Program, variableOf } from './flags.ts';

const widest = 80;

/** The help of one command, at most 80 columns wide, and no wider than `columns`. The example is never wrapped. */
export function helpText(program: Program, columns: number): string {
  const { command, purpose, example, options, subcommands, exits } = program;
  const width = Math.min(widest, columns);
  const ways = Object.entries(subcommands).map(
    ([name, { words, purpose }]): Row => [`       ${command} ${name} [${words?.join('|') ?? 'options'}]`, purpose],
  );
  const usage = table([[`Usage: ${command} [options]`, purpose], ...ways], width);
  const rows = Object.entries(options)
    .filter(([, option]) => !option.isHidden)
    .map(rowOf);
  const codes = Object.entries(exits).map(([code, meaning]) => `${code} ${meaning}`);
  const variables = Object.keys(options).flatMap((name) => variableOf(name) ?? []);
  const rest = [`Exit codes: ${codes.join(', ')}`, `In the environment: ${variables.join(' ')}`];
  const ends = rest.flatMap((line) => wrapWords(line, width, 4));
  return `${[example, ...usage, 'Options [default]:', ...table(rows, width), ...ends].join('\n')}\n`;
}

/** What is spelled both ways shares a row. */
function rowOf([name, option]: [string, Option]): Row {
  const { alias, value, describe, default: standard, defaultDescription, choices = [] } = option;
  const no = value || standard === false ? '' : standard ? 'no-' : '[no-]';
  const left = `  ${alias ? `-${alias}, ` : '    '}--${no}${name} ${value ?? ''}`.trimEnd();
  const named = choices.every((choice) => describe.includes(choice)) ? '' : `: ${choices.join(', ')}`;
  const fallback = (value && standard) || defaultDescription;
  return [left, `${describe}${named}${fallback ? ` [${visible(String(fallback))}]` : ''}`];
}
