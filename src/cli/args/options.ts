import { readFileSync } from 'node:fs';
import { Parser } from 'yargs/helpers';
import { completionFor } from './completion.ts';
import { isSwitch, type OptionTable, type Program, type Values } from './flags.ts';
import { helpText } from './help.ts';
import { rejectMistakes } from './mistakes.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What a command line is read in. */
export type Surroundings = { env: NodeJS.ProcessEnv; columns: number };

/**
 * The options of a command of ours as it was called. Returns undefined when help, the version or a script was printed
 * and nothing is left to do. Throws a ChatError USAGE for anything that is not understood.
 */
export function parseOptions<Table extends OptionTable>(
  program: Program<Table>,
  args: readonly string[] = process.argv.slice(2),
): Values<Table> | undefined {
  const columns = process.stdout.columns || Number.POSITIVE_INFINITY;
  const parsed = parse(program, args, { env: process.env, columns });
  if (typeof parsed !== 'string') return parsed;
  process.stdout.write(parsed);
  return undefined;
}

/** What a command line means: values, or the text that was asked for. */
export function parse<Table extends OptionTable>(
  program: Program<Table>,
  args: readonly string[],
  { env, columns }: Surroundings,
): Values<Table> | string {
  const here = { ...program, options: withVariables(program.options, env) };
  if (asksForHelp(args)) return helpText(here, columns);
  const script = completionFor(here, args, env.SHELL);
  if (script !== undefined) return script;
  const { argv, words, rest } = read(args, here.options);
  rejectMistakes(words, rest, here);
  if (argv.help) return helpText(here, columns);
  return argv.version ? `${version}\n` : valuesOf(argv, here.options);
}

/** Also where the rest is not understood: who asks for help gets it. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

function withVariables<Table extends OptionTable>(table: Table, env: NodeJS.ProcessEnv): Table {
  const options = Object.entries(table).map(([name, option]) => {
    const found = option.variable && env[`ZMQCHAT_${option.variable}`];
    return [name, found ? { ...option, default: found } : option];
  });
  return Object.fromEntries(options);
}

type Argv = ReturnType<typeof Parser>;

/**
 * yargs says which word is the value of which option, and stops at the first that belongs to none: `words` is what it
 * has read, `rest` what it has not. What a value means, and whether an option is known, is not left to it.
 */
function read(args: readonly string[], table: OptionTable): { argv: Argv; words: string[]; rest: string[] } {
  const options = Object.entries(table);
  const switches = options.flatMap(([name, option]) => (isSwitch(option) ? [name] : []));
  const others = options.flatMap(([name, option]) => (isSwitch(option) ? [] : [name]));
  const argv = Parser([...args], {
    alias: Object.fromEntries(options.flatMap(([name, { alias }]) => (alias ? [[name, alias]] : []))),
    boolean: switches,
    string: others,
    narg: Object.fromEntries(others.map((name) => [name, 1])),
    configuration: { 'halt-at-non-option': true, 'populate--': true },
  });
  // `--no---` would stand there, too.
  const rest = [argv['--'] ?? []].flat().filter((word) => typeof word === 'string');
  return { argv, words: args.slice(0, args.length - rest.length), rest };
}

/** Of a repeated option the last value counts, unless each does. */
function valuesOf<Table extends OptionTable>(argv: Argv, table: Table): Values<Table> {
  const values = Object.entries(table).map(([name, { coerce, repeatable, default: standard }]) => {
    const given = [argv[name] ?? standard ?? []].flat();
    const raw = repeatable ? given : given.at(-1);
    const property = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    return [property, coerce && given.length > 0 ? coerce(raw, name) : given.at(-1)];
  });
  return Object.fromEntries(values);
}
