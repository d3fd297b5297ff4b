import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { type Flag, flagsOf, type Option, type OptionTable, offeredOf, type Program } from './flags.ts';

type Known = Map<string, Option>;
/** What a command line says of each option, in its order. A switch is given as true or false. */
export type Given = Map<Option, (string | boolean)[]>;

/** Throws a ChatError USAGE for the first word it does not understand. A value can begin with a dash only behind `=`. */
export function readWords(args: readonly string[], program: Program): Given {
  const known: Known = new Map(flagsOf(program.options));
  const given: Given = new Map();
  const rest = [...args];
  while (isFlag(rest[0]) && rest[0] !== '--') {
    const word = rest.shift() ?? '';
    const [, whole = '', text] = /^(--?[^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    for (const flag of switchesOf(word, known) ?? [whole]) {
      const option = known.get(flag);
      if (!option)
        throw usage(`unknown option ${flag}.`, didYouMean(alike(flag, known, program.options)) ?? 'See --help.');
      const next = text === undefined ? rest[0] : undefined;
      const isOurs = next !== undefined && (option.value ? !isFlag(next) : isBoolean(next) && !isNo(flag));
      const said = isOurs ? rest.shift() : text;
      // Nobody wants `-m=` to send an empty message.
      const value = text === '' && flag.length === 2 ? undefined : valueFrom(flag, option, said);
      given.set(option, [...(given.get(option) ?? []), value ?? rejectValue(flag, option, next, known)]);
    }
  }
  if (rest[0] === '--') rest.shift();
  if (rest.length > 0) rejectStray(args.slice(0, args.length - rest.length), rest, known, program);
  return given;
}

const isFlag = (word = ''): boolean => /^-./.test(word) && !/^-(\d*\.)?\d+$/.test(word);
const isBoolean = (word = ''): boolean => /^(true|false)$/.test(word);
const isNo = (flag: string): boolean => flag.startsWith('--no-');

/** Several switches of one letter: `-vh`. */
function switchesOf(word: string, known: Known): string[] | undefined {
  if (!/^-[^-]{2,}$/.test(word)) return undefined;
  const flags = [...word.slice(1)].map((letter) => `-${letter}`);
  return flags.every((flag) => known.has(flag) && !known.get(flag)?.value) ? flags : undefined;
}

/** Undefined if the option needs a value, or takes none. */
function valueFrom(flag: string, option: Option, text: string | undefined): string | boolean | undefined {
  if (option.value) return text;
  if (text === undefined) return !isNo(flag);
  return isBoolean(text) && !isNo(flag) ? text === 'true' : undefined;
}

function rejectValue(flag: string, option: Option, next: string | undefined, known: Known): never {
  const { value, choices } = option;
  const ways = [...known].flatMap(([spelling, other]) => (other === option ? [spelling] : []));
  if (!value) throw usage(`${flag} takes no value.`, `Write ${either(ways)}.`);
  const isText = next !== undefined && !known.has(next.replace(/=.*/s, ''));
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
