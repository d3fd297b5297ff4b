import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import yargs from 'yargs';
import { normalizeName, safeName, whyNameRefused } from '../../core/names.ts';
import { ChatError } from '../../errors.ts';
import { completionFor, withCompletion } from './completion.ts';
import { isSwitch, type Option, type OptionTable, type Program, type Subcommands } from './flags.ts';
import { helpText, type Usage } from './help.ts';
import { rejectMistakes } from './mistakes.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Options below flags and above defaults: `ZMQCHAT_NAME`, `ZMQCHAT_PORT` … */
export const fromEnvironment = (option: string): string | undefined => process.env[`ZMQCHAT_${option}`] || undefined;

export const sharedOptions = {
  color: { type: 'boolean', describe: 'use colours, or not', defaultDescription: 'on a terminal' },
  verbose: { alias: 'v', type: 'boolean', default: false, describe: 'say more' },
  help: { alias: 'h', type: 'boolean', default: false, describe: 'show this' },
  version: { type: 'boolean', default: false, describe: 'show the version' },
} as const satisfies OptionTable;

export const nameOption = (fallback: string) =>
  ({
    type: 'string',
    value: 'NAME',
    default: fromEnvironment('NAME') ?? fallback,
    describe: 'your name in the chat',
    coerce: toName,
  }) as const;
export const portOption = (port: number) =>
  ({
    type: 'string',
    value: 'PORT',
    default: fromEnvironment('PORT') ?? String(port),
    describe: 'TCP port',
    coerce: toPort,
  }) as const;
export const ipOption = (ip: string | undefined, describe: string) =>
  ({ type: 'string', value: 'HOST', default: fromEnvironment('IP') ?? ip, describe, coerce: toHost }) as const;
export const countOption = (describe: string, defaultDescription?: string, value = 'N') =>
  ({ type: 'string', value, describe, defaultDescription, coerce: toCount }) as const;
export const countOptionOf = (count: number, describe: string) =>
  ({ ...countOption(describe), default: String(count) }) as const;
/** May be repeated, each time with one value. No `array` of yargs: that would not take `-` for a value. */
export const listOption = (alias: string, describe: string) =>
  ({ alias, type: 'string', value: 'TEXT', repeatable: true, describe, coerce: toList }) as const;

export const dataDirOption = {
  type: 'string',
  value: 'DIR',
  folder: true,
  default: fromEnvironment('DATA_DIR'),
  describe: 'folder for what must be kept',
  defaultDescription: 'a folder of your user',
  coerce: toFolder,
} as const;

/** Who is logged in, as a name that is allowed. */
export function loginName(): string {
  try {
    return safeName(userInfo().username);
  } catch {
    return 'somebody';
  }
}

/**
 * Parses the command line of a program; `completion` is a command of each. Resolves with undefined when help, the
 * version or a script was printed and nothing is left to do. Throws a ChatError USAGE for anything that is not
 * understood, with a suggestion where there is one.
 */
export async function parseOptions<Table extends OptionTable>(
  command: string,
  example: string,
  table: Table,
  args: string[],
  subcommands: Subcommands = {},
) {
  const program = { command, options: { ...table, ...sharedOptions }, subcommands: withCompletion(subcommands) };
  const script = askedForHelp(args) ? undefined : completionFor(program, args, process.env.SHELL);
  if (script !== undefined) process.stdout.write(script);
  return script === undefined ? parse(program, example, args) : undefined;
}

/** The same for a command of a program: `chat-server export`. */
export async function parseSubcommand<Table extends OptionTable>(
  command: string,
  example: string,
  table: Table,
  args: string[],
) {
  return parse({ command, options: { ...table, ...sharedOptions }, subcommands: {} }, example, args);
}

async function parse<Table extends OptionTable>(
  program: Program & { options: Table },
  example: string,
  args: string[],
) {
  if (askedForHelp(args)) return printHelp(program, example);
  rejectMistakes(args, program);
  const parsed = await parser(program).parseAsync(args);
  if (parsed.help) return printHelp(program, example);
  if (!parsed.version) return check(parsed, program.options);
  process.stdout.write(`${version}\n`);
  return undefined;
}

/** Also where the rest is not understood: who asks for help gets it. */
function askedForHelp(args: string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

const purposes: Record<string, string> = {
  p2p: 'chat of two',
  'chat-server': 'keeps a room',
  'chat-client': 'enters a room',
  'chat-server export': 'prints what is kept',
};

function printHelp({ command, options, subcommands }: Program, example: string): undefined {
  const usages: Usage[] = [
    [`${command} [options]`, purposes[command] ?? ''],
    ...Object.entries(subcommands).map(
      ([name, { usage, describe }]): Usage => [`${command} ${name} ${usage}`, describe],
    ),
  ];
  const help = { example, usages, options };
  process.stdout.write(helpText(help, process.stdout.columns || Number.POSITIVE_INFINITY));
}

/** yargs reads the values; what the values are, what is wrong and what the help says is ours. */
function parser<Table extends OptionTable>({ command, options }: Program & { options: Table }) {
  const plain = Object.entries<Option>(options).map(([name, { coerce: _, ...option }]) => [
    name,
    { ...option, requiresArg: !isSwitch(option) },
  ]);
  return yargs()
    .version(false)
    .help(false)
    .options(Object.fromEntries(plain) as Table)
    .strict()
    .locale('en')
    .parserConfiguration({ 'parse-numbers': false, 'dot-notation': false, 'camel-case-expansion': true })
    .exitProcess(false)
    .fail((message, error) => {
      throw usage(message ?? String(error), command);
    });
}

/**
 * Turns texts into values: of a repeated option the last counts, unless it is a list. Not left to yargs, which keeps
 * only the message of an error, and whose setting for repeated options cuts lists too.
 */
function check<Parsed extends Record<string, unknown>>(parsed: Parsed, table: OptionTable): Parsed {
  const values: Record<string, unknown> = { ...parsed };
  for (const [name, { coerce, repeatable }] of Object.entries(table)) {
    const given = parsed[name];
    const raw = !repeatable && Array.isArray(given) ? given.at(-1) : given;
    const property = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    values[property] = coerce && raw !== undefined ? coerce(raw, name) : raw;
  }
  return values as Parsed;
}

const usage = (message: string, command: string) =>
  new ChatError('USAGE', `${message.replace(/\s*\n\s*/g, ' ').replace(/\.$/, '')}.`, `See ${command} --help.`);

function toName(raw: string): string {
  const name = normalizeName(raw);
  const refusal = whyNameRefused(name);
  if (refusal) throw new ChatError('USAGE', `--name "${raw}": ${refusal}`);
  return name;
}

function toPort(raw: string): number {
  const port = /^\d{1,5}$/.test(raw) ? Number(raw) : Number.NaN;
  if (port <= 65_535) return port;
  throw new ChatError('USAGE', `--port "${raw}" is not a port.`, 'A port is a number from 0 to 65535.');
}

function toHost(raw: string): string {
  if (/^(\*|[\p{L}\p{N}._:%-]+)$/u.test(raw)) return raw;
  throw new ChatError(
    'USAGE',
    `--ip "${raw}" is not a host name or an address.`,
    'Examples: localhost, 192.168.1.7, all.',
  );
}

function toList(raw: string | string[]): string[] {
  return [raw].flat();
}

function toFolder(raw: string): string {
  if (raw !== '') return raw;
  throw new ChatError('USAGE', '--data-dir "" is not a folder.', 'Give its path, or leave the option out.');
}

function toCount(raw: string, option?: string): number {
  if (/^\d{1,9}$/.test(raw)) return Number(raw);
  throw new ChatError('USAGE', `--${option} "${raw}" is not a whole number.`, 'Give a number such as 10.');
}
