import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { type Flag, flagsOf, type Option, type OptionTable, offeredOf, type Program } from './flags.ts';

type Known = Map<string, Option>;

/**
 * Throws a ChatError USAGE for the first word of a command line that is not understood: it says what to do instead.
 * `words` are options and their values, `rest` begins with a word that is neither. The parser keeps no order and no
 * spelling, so each word that begins with a dash is looked at here: a value can begin with one only behind `=`.
 */
export function rejectMistakes(words: readonly string[], rest: readonly string[], program: Program): void {
  const known = new Map(flagsOf(program.options));
  for (const [at, word] of words.entries())
    if (isFlag(word) && word !== '--' && !isCluster(word, known)) rejectFlag(word, words[at + 1], known, program);
  if (rest.length > 0) rejectStray(words, rest, known, program);
}

const isFlag = (word: string): boolean => /^-./.test(word) && !/^-(\d*\.)?\d+$/.test(word);

/** Several switches of one letter: `-vh`. */
const isCluster = (word: string, known: Known): boolean =>
  /^-[^-]{2,}$/.test(word) &&
  [...word.slice(1)].every((letter) => known.has(`-${letter}`) && !known.get(`-${letter}`)?.value);

function rejectFlag(word: string, next: string | undefined, known: Known, { options }: Program): void {
  const [, flag = '', given] = /^(--?[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const option = known.get(flag);
  if (!option) throw usage(`unknown option ${flag}.`, didYouMean(alike(flag, known, options)) ?? 'See --help.');
  const { value, choices } = option;
  if (!value) {
    if (given === undefined || (/^(true|false)$/.test(given) && !flag.startsWith('--no-'))) return;
    const ways = [...known].flatMap(([spelling, other]) => (other === option ? [spelling] : []));
    throw usage(`${flag} takes no value.`, `Write ${either(ways)}.`);
  }
  // The parser takes `-m=` for two options.
  if (given === undefined ? next !== undefined && !isFlag(next) : given !== '' || flag.length > 2) return;
  const isText = given === undefined && next !== undefined && !known.has(next.replace(/=.*/s, ''));
  const how = isText ? `If ${shown(next)} is its value, write ${flag}=${shown(next)}.` : undefined;
  throw usage(`${flag} needs a value.`, how ?? `Write ${flag} ${choices?.join('|') ?? value}.`);
}

/** What an unknown option can mean: those it begins, else the most similar one, else a short one with its value. */
function alike(flag: string, known: Known, options: OptionTable): string[] {
  const typed = flag.replace(/^-+/, '').toLowerCase();
  const long = (flags: Flag[]) => flags.flatMap(([spelling]) => /^--(.*)/.exec(spelling)?.[1] ?? []);
  const begun = long(offeredOf(options)).filter((name) => name.startsWith(typed || ' '));
  const sameSign = begun.filter((name) => name.startsWith('no-') === typed.startsWith('no'));
  const best = closest(typed, long([...known]));
  const names = sameSign.length === 0 && best ? [best] : sameSign;
  const short = flag.slice(0, 2);
  if (names.length === 0 && known.get(short)?.value) return [`${short} ${shown(flag.slice(2))}`];
  return names.map((name) => `--${name}`);
}

function rejectStray(words: readonly string[], rest: readonly string[], known: Known, program: Program): never {
  const { command, subcommands } = program;
  const [stray = ''] = rest;
  const commands = Object.keys(subcommands);
  const isLate = words.length > 0 && commands.includes(stray);
  // `name`, `name=Ana`, and dashes that an editor made long.
  const flag = `--${stray.replace(/^[\p{Pd}\u2212]+/u, '').replace(/=.*/s, '')}`;
  const first = words.length === 0 ? closest(stray.toLowerCase(), commands) : undefined;
  const likely = (known.has(flag) ? flag : first) ?? asWords(words, rest, known);
  const hint = didYouMean(likely ? [likely] : asValue(stray, known)) ?? `See ${command} --help.`;
  throw usage(`unknown argument ${quoted(stray)}.`, isLate ? `Write it first: ${command} ${stray}.` : hint);
}

/** Words that belong together, without quotes: `--name John Doe`. */
function asWords(words: readonly string[], rest: readonly string[], known: Known): string | undefined {
  const [flag = '', first] = words.slice(-2);
  if (!/^(NAME|TEXT)$/.test(known.get(flag)?.value ?? '')) return undefined;
  const end = rest.findIndex(isFlag);
  return `${flag} ${quoted([first, ...(end === -1 ? rest : rest.slice(0, end))].join(' '))}`;
}

/** What a value looks like whose option is missing, and how it is written with it. */
const shapes: [shape: RegExp, ...written: string[]][] = [
  [/^(?:tcp:\/\/)?([^\s/:]+):(\d{1,5})$/, '--ip $1 --port $2'],
  [/^\d{1,5}$/, '--port $&'],
  [/^(localhost|all|\*|[\w:-]*[.:][\w.:-]*)$/, '--ip $&'],
  [/^.*\S.*$/s, '--ip $&', '--name $&', '--message $&'],
];

function asValue(stray: string, known: Known): string[] {
  const isKnown = (written: string) => written.match(/--\w+/g)?.every((flag) => known.has(flag));
  for (const [shape, ...written] of shapes) {
    const ways = shape.test(stray) ? written.filter(isKnown) : [];
    if (ways.length > 0) return ways.map((way) => shown(stray).replace(shape, way));
  }
  return [];
}

const usage = (message: string, hint: string) => new ChatError('USAGE', message, hint);
const quoted = (text: string): string => `"${text}"`;
/** As it is typed: in quotes if it must be. */
const shown = (text: string): string => (/^[\p{L}\p{N}_./:@%+,*-]+$/u.test(text) ? text : quoted(text));
const either = (words: string[]): string => words.join(', ').replace(/, ([^,]*)$/, ' or $1');
const didYouMean = (meant: string[]): string | undefined =>
  meant.length > 0 ? `Did you mean ${either(meant)}?` : undefined;
