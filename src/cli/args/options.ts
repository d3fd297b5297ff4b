import { createRequire } from 'node:module';
import { Parser } from 'yargs/helpers';
import { ChatError } from '../../errors.ts';
import { withPortOf } from './address.ts';
import { completionFor } from './completion.ts';
import { type OptionTable, type Program, strayVariableIn, type Values, variableOf, variables } from './flags.ts';
import { helpText } from './help.ts';
import { rejectMistakes } from './mistakes.ts';

const { version } = createRequire(import.meta.url)('0mq-chat/package.json') as { version: string };

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
  rejectStray(env);
  if (argv.help) return help();
  return argv.version ? `${version}\n` : valuesOf(argv, options);
}

/** The first word that belongs to no option is the value of the one that need not be written. */
function withBare(args: readonly string[], table: OptionTable): readonly string[] {
  const [name] = Object.entries(table).find(([, { isBare }]) => isBare) ?? [];
  if (name === undefined) return args;
  const { rest } = read(args, table);
  const [word] = rest;
  return word !== undefined ? args.toSpliced(args.length - rest.length, 1, `--${name}=${word}`) : args;
}

function withVariables<Table extends OptionTable>(table: Table, env: NodeJS.ProcessEnv): Table {
  const options = Object.entries(table).map(([name, option]) => {
    const source = variableOf(name);
    const found = source && env[source];
    return [name, found ? { ...option, default: found, source } : option];
  });
  return Object.fromEntries(options);
}

function rejectStray(env: NodeJS.ProcessEnv): void {
  const stray = strayVariableIn(env);
  if (stray === undefined) return;
  const option = stray.slice('ZMQCHAT_'.length).toLowerCase().replaceAll('_', '-');
  throw new ChatError(
    'USAGE',
    `there is no variable ${stray}: only ${variables.join(', ')} are read.`,
    `If --${option} is an option, say it in the command line.`,
  );
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

/** Which values come from the environment: the names of the options, and of the variables. */
export function variablesIn(program: Program, given: readonly string[], env: NodeJS.ProcessEnv): Map<string, string> {
  const options = withVariables(program.options, env);
  const { argv } = read(withBare(given, options), options);
  const sources = Object.entries(options).flatMap(([name, { source }]): [string, string][] =>
    source && argv[name] === undefined ? [[name, source]] : [],
  );
  return new Map(sources);
}

/** Of a repeated option the last value counts, unless each does. */
function valuesOf<Table extends OptionTable>(argv: Argv, table: Table): Values<Table> {
  const options = withPortOf(argv, table);
  const values = Object.entries(options).map(([name, { coerce, repeatable, default: standard, source }]) => {
    const isStandard = argv[name] === undefined || options[name] !== table[name];
    const given = [(isStandard ? standard : argv[name]) ?? []].flat();
    const counting = repeatable ? given : given.slice(-1);
    const spelled = (isStandard && source) || `--${name}`;
    const read = counting.map((raw) => (coerce && raw !== undefined ? coerce(raw, spelled) : raw));
    return [name, repeatable ? read : read[0]];
  });
  return Object.fromEntries(values);
}
