import { createRequire } from 'node:module';
import { completionFor } from './completion.ts';
import type { Option, OptionTable, Program, Values } from './flags.ts';
import { helpText } from './help.ts';
import { type Given, readWords } from './words.ts';

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string };
/** `name` is read from `ZMQCHAT_NAME`, too: above the default and below the command line. */
const inEnvironment = ['name', 'port', 'ip', 'data-dir'];

/** The values of the options, or the help, version or script to be printed. Throws a ChatError USAGE. */
export function parse<Table extends OptionTable>(
  program: Program<Table>,
  args: readonly string[],
  { env, columns }: { env: NodeJS.ProcessEnv; columns: number },
): Values<Table> | string {
  const options = withVariables(program.options, env);
  const help = () => helpText({ ...program, options }, columns);
  // Who asks for help gets it, also where the rest is not understood.
  const asked = args.find((arg) => ['-h', '--help', '--'].includes(arg)) ?? '--';
  if (asked !== '--') return help();
  const script = completionFor(program, args, env.SHELL);
  if (script !== undefined) return script;
  const given = readWords(args, { ...program, options });
  const isAsked = (option: Option | undefined) => option !== undefined && given.get(option)?.at(-1) === true;
  if (isAsked(options.help)) return help();
  return isAsked(options.version) ? `${version}\n` : valuesOf(given, options);
}

function withVariables<Table extends OptionTable>(table: Table, env: NodeJS.ProcessEnv): Table {
  const options = Object.entries(table).map(([name, option]) => {
    const found = inEnvironment.includes(name) && env[`ZMQCHAT_${name.replace('-', '_').toUpperCase()}`];
    return [name, found ? { ...option, default: found } : option];
  });
  return Object.fromEntries(options);
}

function valuesOf<Table extends OptionTable>(given: Given, table: Table): Values<Table> {
  const values = Object.entries(table).map(([name, option]) => {
    const { coerce, repeatable, default: standard } = option;
    const texts = given.get(option) ?? [];
    const raw = repeatable ? texts : (texts.at(-1) ?? standard);
    return [name, coerce && typeof raw === 'string' ? coerce(raw, name) : raw];
  });
  return Object.fromEntries(values);
}
