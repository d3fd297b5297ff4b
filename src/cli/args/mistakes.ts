import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { flagsOf, isSwitch, type Option, type Program, spellingsOf } from './flags.ts';

/**
 * Throws a ChatError USAGE for the first word of a command line that is not understood: it says what to do instead.
 * `words` are options and their values, `rest` begins with a word that is neither. The parser keeps no order and no
 * spelling, so each word that begins with a dash is looked at here: a value can begin with one only behind `=`.
 */
export function rejectMistakes(words: readonly string[], rest: readonly string[], program: Program): void {
  const known = spellingsOf(program.options);
  for (const [at, word] of words.entries())
    if (isFlag(word) && word !== '--' && !isCluster(word, known)) rejectFlag(word, words[at + 1], known, program);
  if (rest.length > 0) rejectStray(words, rest, program);
}

const isFlag = (word: string): boolean => /^-./.test(word) && !/^-(\d*\.)?\d+$/.test(word);

/** Several switches of one letter: `-vh`. */
const isCluster = (word: string, known: Map<string, Option>): boolean =>
  /^-[^-]{2,}$/.test(word) && [...word.slice(1)].every((letter) => known.get(`-${letter}`)?.type === 'boolean');

function rejectFlag(word: string, next: string | undefined, known: Map<string, Option>, program: Program): void {
  const [, flag = '', given] = /^(--?[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const option = known.get(flag) ?? rejectUnknown(flag, program);
  if (isSwitch(option)) rejectValue(flag, given);
  else if (given === undefined && (next === undefined || isFlag(next))) rejectMissing(flag, option, next, known);
  // The parser takes `-m=` for two options.
  else if (given === '' && flag.length === 2) rejectMissing(flag, option, undefined, known);
}

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
  const begun = flagsOf(options).flatMap(({ long }) => (typed && long.startsWith(`--${typed}`) ? [long] : []));
  if (typed.length === 1) return begun.filter((long) => !long.startsWith('--no-'));
  const best = closest(typed, all);
  return best ? [`--${best}`] : begun;
}

function rejectValue(flag: string, given: string | undefined): void {
  if (given === undefined || (/^(true|false)$/.test(given) && !flag.startsWith('--no-'))) return;
  const other = flag.startsWith('--no-') ? flag.replace('--no-', '--') : flag.replace('--', '--no-');
  throw usage(`${flag} takes no value.`, `Write ${either([...new Set([flag, other])])}.`);
}

function rejectMissing(flag: string, option: Option, next: string | undefined, known: Map<string, Option>): never {
  const isText = next !== undefined && !known.has(next.replace(/=.*/s, ''));
  const how = isText ? `If ${shown(next)} is its value, write ${flag}=${shown(next)}.` : undefined;
  const what = option.choices?.join('|') ?? option.value ?? 'VALUE';
  throw usage(`${flag} needs a value.`, how ?? `Write ${flag} ${what}.`);
}

function rejectStray(words: readonly string[], rest: readonly string[], program: Program): never {
  const [stray = ''] = rest;
  const hint =
    withDashes(stray, program) ??
    asCommand(stray, words.length === 0, program) ??
    asWords(words, rest, program) ??
    asValue(stray, program) ??
    `See ${program.command} --help.`;
  throw usage(`unknown argument ${quoted(stray)}.`, hint);
}

/** `name`, `name=Ana`, and dashes that an editor made long. */
function withDashes(stray: string, { options }: Program): string | undefined {
  const name = stray.replace(/^[\p{Pd}\u2212]+/u, '').replace(/=.*/s, '');
  return spellingsOf(options).has(`--${name}`) ? didYouMean([`--${name}`]) : undefined;
}

function asCommand(stray: string, isFirst: boolean, { command, subcommands }: Program): string | undefined {
  const names = Object.keys(subcommands);
  if (!isFirst) return names.includes(stray) ? `Write it first: ${command} ${stray}.` : undefined;
  const best = closest(stray.toLowerCase(), names);
  return best && didYouMean([best]);
}

/** Words that belong together, without quotes: `--name John Doe`. */
function asWords(words: readonly string[], rest: readonly string[], { options }: Program): string | undefined {
  const [flag = '', first] = words.slice(-2);
  const value = spellingsOf(options).get(flag)?.value;
  if (value !== 'NAME' && value !== 'TEXT') return undefined;
  const end = rest.findIndex(isFlag);
  return didYouMean([`${flag} ${quoted([first, ...(end === -1 ? rest : rest.slice(0, end))].join(' '))}`]);
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
