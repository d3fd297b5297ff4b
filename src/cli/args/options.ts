import { createRequire } from 'node:module';
import { Parser } from 'yargs/helpers';
import { completionFor } from './completion.ts';
import type { OptionTable, Program, Values } from './flags.ts';
import { helpText } from './help.ts';
import { rejectMistakes } from './mistakes.ts';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
/** `name` is read from `ZMQCHAT_NAME`, too: above the default and below the command line. */
const inEnvironment = ['name', 'port', 'ip', 'data-dir'];

/**
 * What a command line means: the values of the options, or the help, version or script that was asked for, to be
 * printed. Throws a ChatError USAGE for anything that is not understood.
 */
export function parse<Table extends OptionTable>(
  program: Program<Table>,
  given: readonly string[],
  { env, columns }: { env: NodeJS.ProcessEnv; columns: number },
): Values<Table> | string {
  const options = withVariables(program.options, env);
  const args = withBare(given, options);
  const { argv, words, rest } = read(args, options);
  const help = () => helpText({ ...program, options }, columns);
  // Who asks for help gets it, also where the rest is not understood.
  const asked = args.find((arg) => ['-h', '--help', '--'].includes(arg)) ?? '--';
  if (asked !== '--') return help();
  const script = completionFor(program, args, env.SHELL);
  if (script !== undefined) return script;
  rejectMistakes(words, rest, program);
  if (argv.help) return help();
  return argv.version ? `${version}\n` : valuesOf(argv, options);
}

/** The first word that belongs to no option is the value of the one that need not be written. */
function withBare(args: readonly string[], table: OptionTable): readonly string[] {
  const [name] = Object.entries(table).find(([, { isBare }]) => isBare) ?? [];
  const { rest } = read(args, table);
  const [word] = rest;
  return name && word !== undefined ? args.toSpliced(args.length - rest.length, 1, `--${name}=${word}`) : args;
}

function withVariables<Table extends OptionTable>(table: Table, env: NodeJS.ProcessEnv): Table {
  const options = Object.entries(table).map(([name, option]) => {
    const found = inEnvironment.includes(name) && env[`ZMQCHAT_${name.replace('-', '_').toUpperCase()}`];
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
  const valued = options.flatMap(([name, { value }]) => (value ? [name] : []));
  const argv = Parser([...args], {
    alias: Object.fromEntries(options.map(([name, { alias = [] }]) => [name, alias])),
    boolean: options.flatMap(([name, { value }]) => (value ? [] : [name])),
    string: valued,
    narg: Object.fromEntries(valued.map((name) => [name, 1])),
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
    const counting = repeatable ? given : given.slice(-1);
    const read = counting.map((raw) => (coerce && raw !== undefined ? coerce(raw, name) : raw));
    return [name, repeatable ? read : read[0]];
  });
  return Object.fromEntries(values);
}
