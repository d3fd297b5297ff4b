import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import yargs, { type Options } from 'yargs';
import { normalizeName, safeName, whyNameRefused } from '../core/names.ts';
import { ChatError } from '../errors.ts';
import { closest } from './closest.ts';

/** Options of one command: yargs' own description; `coerce` checks the text and turns it into its value. */
export type OptionTable = Record<string, Options>;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Options below flags and above defaults: `ZMQCHAT_NAME`, `ZMQCHAT_PORT` … */
export const fromEnvironment = (option: string): string | undefined => process.env[`ZMQCHAT_${option}`] || undefined;

export const sharedOptions = {
  color: { type: 'boolean', describe: 'colours; default: on a terminal (--no-color turns them off)' },
  verbose: { alias: 'v', type: 'boolean', default: false, describe: 'say more on stderr' },
} as const satisfies OptionTable;

export const nameOption = (fallback: string) =>
  ({
    type: 'string',
    requiresArg: true,
    default: fromEnvironment('NAME') ?? fallback,
    describe: 'your name in the chat',
    coerce: toName,
  }) as const;
export const portOption = (port: number) =>
  ({
    type: 'string',
    requiresArg: true,
    default: fromEnvironment('PORT') ?? String(port),
    describe: 'TCP port',
    coerce: toPort,
  }) as const;
export const ipOption = (ip: string | undefined, describe: string) =>
  ({ type: 'string', requiresArg: true, default: fromEnvironment('IP') ?? ip, describe, coerce: toHost }) as const;
export const countOption = (describe: string) =>
  ({ type: 'string', requiresArg: true, describe, coerce: toCount }) as const;
export const countOptionOf = (count: number, describe: string) =>
  ({ ...countOption(describe), default: String(count) }) as const;
/** May be repeated, each time with one value. No `array` of yargs: that would not take `-` for a value. */
export const listOption = (alias: string, describe: string) =>
  ({ alias, type: 'string', requiresArg: true, describe, coerce: toList }) as const;

export const dataDirOption = {
  type: 'string',
  requiresArg: true,
  default: fromEnvironment('DATA_DIR'),
  describe: 'folder for what must be kept',
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
 * Parses the command line. Resolves with undefined when help or the version was printed and nothing is left to do.
 * Throws a ChatError USAGE for anything that is not understood, with a suggestion where there is one.
 */
export async function parseOptions<Table extends OptionTable>(
  command: string,
  example: string,
  table: Table,
  args: string[],
) {
  const all = { ...table, ...sharedOptions };
  rejectUnknown(args, all);
  const options = Object.fromEntries(
    Object.entries<Options>(all).map(([name, { coerce: _, ...option }]) => [name, option]),
  );
  let answered = false;
  const parser = yargs(args)
    .scriptName(command)
    .locale('en')
    .usage(`${example}\n\nUsage: $0 [options]`)
    .options(options as typeof all)
    .strict()
    .version(version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(80, process.stdout.columns || 80))
    .parserConfiguration({
      'parse-numbers': false,
      'dot-notation': false,
      'camel-case-expansion': true,
    })
    .exitProcess(false)
    .fail((message, error) => {
      throw usage(message ?? String(error), command);
    });
  const parsed = await parser.parseAsync(args, {}, (_error, _argv, output) => {
    if (output === '') return;
    answered = true;
    process.stdout.write(`${output}\n`);
  });
  return answered ? undefined : check(parsed, all);
}

/**
 * Turns texts into values: of a repeated option the last counts, unless it is a list. Not left to yargs, which keeps
 * only the message of an error, and whose setting for repeated options cuts lists too.
 */
function check<Parsed extends Record<string, unknown>>(parsed: Parsed, table: OptionTable): Parsed {
  const values: Record<string, unknown> = { ...parsed };
  for (const [name, { coerce }] of Object.entries(table)) {
    const given = parsed[name];
    const raw = coerce !== toList && Array.isArray(given) ? given.at(-1) : given;
    const property = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    values[property] = coerce && raw !== undefined ? coerce(raw) : raw;
  }
  return values as Parsed;
}

/** yargs knows no "did you mean" for options, so unknown ones are found before it looks. */
function rejectUnknown(args: string[], table: OptionTable): void {
  const known = ['help', 'version', ...Object.keys(table)].flatMap((name) =>
    table[name]?.type === 'boolean' ? [name, `no-${name}`] : [name],
  );
  const end = args.indexOf('--');
  for (const arg of end === -1 ? args : args.slice(0, end)) {
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name === undefined || known.includes(name)) continue;
    const suggestion = closest(name, known);
    throw new ChatError(
      'USAGE',
      `unknown option --${name}.`,
      suggestion ? `Did you mean --${suggestion}?` : 'See --help.',
    );
  }
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

function toCount(raw: string): number {
  if (/^\d{1,9}$/.test(raw)) return Number(raw);
  throw new ChatError('USAGE', `"${raw}" is not a whole number.`, 'Give a number such as 10.');
}
