import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { choicesOf, flagsOf, isSwitch, type Option, type Program, spellingsOf } from './flags.ts';

/** Throws a ChatError USAGE for the first word of a command line that is not understood: it says what to do instead. */
export function rejectMistakes(args: readonly string[], program: Program): void {
  const known = spellingsOf(program.options);
  for (let at = 0; at < args.length; ) {
    const arg = args[at] ?? '';
    if (!isFlag(arg) || arg === '--') rejectStray(args, arg === '--' ? at + 1 : at, program);
    at += isFlag(arg) && arg !== '--' ? wordsOf(args, at, known, program) : 1;
  }
}

const isFlag = (arg: string): boolean => /^-./.test(arg) && !/^-\d+(\.\d+)?$/.test(arg);
const isYesOrNo = (value = ''): boolean => /^(true|false)$/.test(value);

/** How many words the option at this place takes, its own included. */
function wordsOf(args: readonly string[], at: number, known: Map<string, Option>, program: Program): number {
  const [, flag = '', given] = /^(--?[^=]*)(?:=(.*))?$/s.exec(args[at] ?? '') ?? [];
  if (isCluster(flag, known)) return 1;
  const option = known.get(flag) ?? rejectUnknown(flag, program);
  const next = args[at + 1];
  if (isSwitch(option)) {
    rejectValue(flag, given);
    return given === undefined && isYesOrNo(next) ? 2 : 1;
  }
  if (given === undefined && (next === undefined || isFlag(next))) rejectMissing(flag, option, next, known);
  rejectChoice(flag, option, given ?? next ?? '');
  return given === undefined ? 2 : 1;
}

/** Several switches of one letter: `-vh`. */
const isCluster = (flag: string, known: Map<string, Option>): boolean =>
  /^-[^-]{2,}$/.test(flag) &&
  [...flag.slice(1)].every((letter) => {
    const option = known.get(`-${letter}`);
    return option && isSwitch(option);
  });

function rejectUnknown(flag: string, program: Program): never {
  const meant = alike(flag, program);
  const start = spellingsOf(program.options).get(flag.slice(0, 2));
  const apart = start && !isSwitch(start) ? `${flag.slice(0, 2)} ${shown(flag.slice(2))}` : undefined;
  const suggestions = meant.length === 0 && apart ? [apart] : meant;
  throw usage(`unknown option ${flag}.`, didYouMean(suggestions) ?? 'See --help.');
}

/** Options like this word: those one letter can stand for, else the most similar one, else those it begins. */
function alike(flag: string, { options }: Program): string[] {
  const typed = flag.replace(/^-+/, '').toLowerCase();
  const all = [...spellingsOf(options).keys()].flatMap((name) => (name.startsWith('--') ? [name.slice(2)] : []));
  const begun = flagsOf(options).flatMap(({ long }) => (long.startsWith(`--${typed}`) ? [long] : []));
  if (typed.length === 1) return begun.filter((long) => !long.startsWith('--no-'));
  const best = closest(typed, all);
  return best ? [`--${best}`] : begun;
}

function rejectValue(flag: string, given: string | undefined): void {
  if (given === undefined || isYesOrNo(given)) return;
  const other = flag.startsWith('--no-') ? flag.replace('--no-', '--') : flag.replace('--', '--no-');
  throw usage(`${flag} takes no value.`, `Write ${flag} or ${other}.`);
}

function rejectMissing(flag: string, option: Option, next: string | undefined, known: Map<string, Option>): never {
  const isText = next !== undefined && !known.has(next.replace(/=.*/s, ''));
  const how = isText ? `If ${shown(next)} is its value, write ${flag}=${shown(next)}.` : undefined;
  const what = choicesOf(option).join('|') || (option.value ?? 'VALUE');
  throw usage(`${flag} needs a value.`, how ?? `Write ${flag} ${what}.`);
}

function rejectChoice(flag: string, option: Option, value: string): void {
  const choices = choicesOf(option);
  if (choices.length === 0 || choices.includes(value)) return;
  const best = closest(value.toLowerCase(), choices);
  throw usage(
    `${flag} "${value}" is none of ${choices.join(', ')}.`,
    didYouMean(best ? [best] : []) ?? 'Choose one of them.',
  );
}

function rejectStray(args: readonly string[], at: number, program: Program): void {
  const stray = args[at];
  if (stray === undefined) return;
  const hint =
    withDashes(stray, program) ??
    asCommand(stray, at, program) ??
    asWords(args, at, program) ??
    asValue(stray, program) ??
    `See ${program.command} --help.`;
  throw usage(`unknown argument ${quoted(stray)}.`, hint);
}

/** `name`, `name=Ana`, and dashes that an editor made long. */
function withDashes(stray: string, { options }: Program): string | undefined {
  const name = stray.replace(/^[\p{Pd}\u2212]+/u, '').replace(/=.*/s, '');
  return spellingsOf(options).has(`--${name}`) ? didYouMean([`--${name}`]) : undefined;
}

function asCommand(stray: string, at: number, { command, subcommands }: Program): string | undefined {
  const names = Object.keys(subcommands);
  if (at > 0) return names.includes(stray) ? `Write it first: ${command} ${stray}.` : undefined;
  const best = closest(stray.toLowerCase(), names);
  return best && didYouMean([best]);
}

/** Words that belong together, without quotes: `--name John Doe`. */
function asWords(args: readonly string[], at: number, { options }: Program): string | undefined {
  const flag = args[at - 2] ?? '';
  const value = spellingsOf(options).get(flag)?.value;
  if (value !== 'NAME' && value !== 'TEXT') return undefined;
  const rest = args.slice(at);
  const end = rest.findIndex(isFlag);
  return didYouMean([`${flag} ${quoted([args[at - 1], ...(end === -1 ? rest : rest.slice(0, end))].join(' '))}`]);
}

/** A value whose option is missing. */
function asValue(stray: string, { options }: Program): string | undefined {
  const has = (...names: string[]) => names.every((name) => name in options);
  const [, host, port] = /^(?:tcp:\/\/)?([^\s/:]+):(\d{1,5})$/.exec(stray) ?? [];
  if (has('ip', 'port') && host) return didYouMean([`--ip ${host} --port ${port}`]);
  if (has('port') && /^\d{1,5}$/.test(stray)) return didYouMean([`--port ${stray}`]);
  if (has('ip') && /^(localhost|all|\*|[\w:-]*[.:][\w.:-]*)$/.test(stray)) return didYouMean([`--ip ${stray}`]);
  const ways = ['ip', 'name', 'message'].filter((name) => has(name)).map((name) => `--${name} ${shown(stray)}`);
  return ways.length > 0 && stray.trim() !== '' ? `A value needs its option: ${either(ways)}.` : undefined;
}

const usage = (message: string, hint: string) => new ChatError('USAGE', message, hint);
const quoted = (text: string): string => `"${text}"`;
/** As it is typed: in quotes if it must be. */
const shown = (text: string): string => (/^[\p{L}\p{N}_./:@%+,-]+$/u.test(text) ? text : quoted(text));
const either = (words: string[]): string => words.join(', ').replace(/, ([^,]*)$/, ' or $1');
const didYouMean = (words: string[]): string | undefined =>
  words.length > 0 ? `Did you mean ${either(words)}?` : undefined;
