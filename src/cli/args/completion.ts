import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { type Flag, flagsOf, isSwitch, type Option, type Program, type Subcommands } from './flags.ts';

const writers = { bash, zsh, fish };
export type Shell = keyof typeof writers;
export const shells = Object.keys(writers) as Shell[];

/** The commands of a program, and `completion`, which each program has. */
export const withCompletion = (subcommands: Subcommands): Subcommands => ({
  ...subcommands,
  completion: { usage: `[${shells.join('|')}]`, purpose: 'prints a script: Tab completes', words: shells },
});

/**
 * What `completion SHELL` prints; undefined if something else is asked for. Without a word the shell is the one of
 * `$SHELL`. Throws a ChatError USAGE for a shell that is not known.
 */
export function completionFor(program: Program, args: readonly string[], loginShell = ''): string | undefined {
  const [command, wanted, stray] = args;
  if (command !== 'completion' || !program.subcommands.completion) return undefined;
  const shell = wanted ?? loginShell.replace(/^.*[\\/]/, '').replace(/\.exe$/, '');
  const known = shells.find((name) => name === shell);
  if (known && stray === undefined) return completionScript(known, program);
  const best = wanted && closest(wanted.toLowerCase(), shells);
  const hint = best && !known ? `Did you mean ${best}?` : `Write ${program.command} completion ${shells.join('|')}.`;
  throw new ChatError('USAGE', known ? `unknown argument "${stray}".` : whyUnknown(wanted, shell), hint);
}

function whyUnknown(wanted: string | undefined, shell: string): string {
  if (wanted === undefined && shell === '') return 'completion needs the name of a shell.';
  return `no completion for the shell "${shell}"${wanted === undefined ? ' of $SHELL' : ''}.`;
}

/** The script for this shell: all of it is fixed, the program is not started at a Tab. */
export const completionScript = (shell: Shell, program: Program): string => `${writers[shell](program)}\n`;

/** The program itself is the part without a name. */
type Part = { name: string; flags: Flag[]; words: readonly string[] };
const partsOf = ({ options, subcommands }: Program): Part[] => [
  { name: '', flags: flagsOf(options), words: [] },
  ...Object.entries(subcommands).map(([name, { options = {}, words = [] }]) => ({
    name,
    flags: flagsOf(options),
    words,
  })),
];

const identifier = (command: string): string => `_${command.replace(/\W/g, '_')}`;
const header = (shell: Shell, { command }: Program): string =>
  `# Completion of ${command} for ${shell}, made by: ${command} completion ${shell}`;
const spellings = ({ long, short }: Flag): string[] => (short ? [short, long] : [long]);

/** One word of bash or zsh, whatever is in it. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** For bash 3.2 and later, without the package bash-completion; `=` may be a word of its own (COMP_WORDBREAKS). */
function bash(program: Program): string {
  const name = identifier(program.command);
  const parts = partsOf(program);
  const names = Object.keys(program.subcommands);
  return `${header('bash', program)}
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} part= before= word words
  COMPREPLY=()
  if (( COMP_CWORD > 1 )); then
    case \${COMP_WORDS[1]} in ${names.map(quote).join('|')}) part=\${COMP_WORDS[1]} ;; esac
  fi
  case $cur in
    =) cur= ;;
    --*=*) before=\${cur%%=*}= prev=\${cur%%=*} cur=\${cur#*=} ;;
    *) if [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word == -- ]]; then return; fi
  done
  case $part:$prev in
${parts.flatMap(bashCases).join('\n')}
  esac
  if [[ $part:$COMP_CWORD == ':1' ]]; then words+=(${names.map(quote).join(' ')}); fi
  for word in "\${words[@]}"; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$before$word"); fi
  done
}
complete -F ${name} ${program.command}`;
}

function bashCases({ name, flags, words }: Part): string[] {
  const values = flags.filter(({ option }) => !isSwitch(option));
  const cases = values.map((flag) => `    ${patterns(name, flag)}) ${bashValue(flag.option)} ;;`);
  const [when, all] =
    words.length > 0 ? [quote(`${name}:${name}`), words] : [`${quote(`${name}:`)}*`, flags.flatMap(spellings)];
  return [...cases, `    ${when}) words=(${all.map(quote).join(' ')}) ;;`];
}

const patterns = (part: string, flag: Flag): string =>
  spellings(flag)
    .map((spelling) => quote(`${part}:${spelling}`))
    .join('|');

/** Readline puts folders in quotes itself, if it is told that they are files. */
function bashValue(option: Option): string {
  const { choices = [] } = option;
  if (choices.length > 0) return `words=(${choices.map(quote).join(' ')})`;
  if (!option.folder) return 'return';
  return `while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -d -- "$cur")
      if type compopt &>/dev/null; then compopt -o filenames 2>/dev/null; fi
      return`;
}

/** For zsh, to be sourced, or as the file _COMMAND in a folder of $fpath. */
function zsh(program: Program): string {
  const { command, subcommands } = program;
  const name = `_${command}`;
  const [main, ...others] = partsOf(program);
  const commands = Object.entries(subcommands).map(([word, { purpose }]) => `${word}\\:${quote(zshText(purpose))}`);
  return `#compdef ${command}
${header('zsh', program)}
${name}() {
  local -a first
  if (( CURRENT > 2 )); then
    case $words[2] in
${others.map(zshPart).join('\n')}
    esac
  elif (( CURRENT == 2 )); then
    first=(${quote(`1:command:((${commands.join(' ')}))`)})
  fi
  _arguments -s -S : "$first[@]"${zshFlags(main?.flags ?? [], '    ')}
}
if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef ${name} ${command}
fi`;
}

function zshPart({ name, flags, words }: Part): string {
  const values = words.length > 0 ? ` ${quote(`1:value:(${words.join(' ')})`)}` : '';
  return `      ${name}) shift words; (( CURRENT-- )); _arguments -s -S :${values}${zshFlags(flags, '        ')}; return ;;`;
}

const zshFlags = (flags: Flag[], indent: string): string =>
  flags.map((flag) => ` \\\n${indent}${zshFlag(flag)}`).join('');

function zshFlag(flag: Flag): string {
  const { short, long, option } = flag;
  const rest = `[${zshText(option.describe)}]${zshValue(option)}`;
  const same = flag.option.repeatable ? '*' : `(${opposites(flag).join(' ')})`;
  const equals = isSwitch(option) ? '' : '=';
  if (!short) return quote(`${same}${long}${equals}${rest}`);
  return `${quote(same)}{${short},${long}${equals}}${quote(rest)}`;
}

/** What makes no sense behind this one: it itself, and its negation. */
function opposites({ short, long, option }: Flag): string[] {
  const bare = long.replace(/^--(no-)?/, '');
  const isBoth = isSwitch(option) && option.default === undefined;
  return [...(short ? [short] : []), ...(isBoth ? [`--${bare}`, `--no-${bare}`] : [long])];
}

function zshValue(option: Option): string {
  if (isSwitch(option)) return '';
  const words = option.choices?.map((choice) => choice.replace(/[^\w-]/g, '\\$&')).join(' ');
  const action = words ? `(${words})` : option.folder ? '_files -/' : ' ';
  return `:${option.value ?? 'value'}:${action}`;
}

/** In a specification of _arguments. */
const zshText = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');

function fish(program: Program): string {
  const { command, subcommands } = program;
  const is = `__fish${identifier(command)}_is`;
  const names = Object.keys(subcommands);
  const offers = Object.entries(subcommands).map(
    ([word, { purpose }]) => `complete -c ${command} -n '${is} first' -a ${fishQuote(word)} -d ${fishQuote(purpose)}`,
  );
  return `${header('fish', program)}
function ${is} -a part place
    set -l words (commandline -opc)
    if contains -- "$words[2]" ${names.map(fishQuote).join(' ')}
        test "$part" = "$words[2]"; and test "$place" != value -o (count $words) -eq 2
    else
        test "$part" = main; or test "$part" = first -a (count $words) -eq 1
    end
end
complete -c ${command} -e
complete -c ${command} -f
${[...offers, ...partsOf(program).flatMap((part) => fishPart(command, is, part))].join('\n')}`;
}

function fishPart(command: string, is: string, { name, flags, words }: Part): string[] {
  const start = `complete -c ${command} -n '${is} ${name || 'main'}'`;
  const values = words.length > 0 ? [`${start.slice(0, -1)} value' -a ${fishQuote(words.join(' '))}`] : [];
  return [...values, ...flags.map((flag) => `${start}${fishFlag(flag)}`)];
}

function fishFlag({ long, short, option }: Flag): string {
  const spelled = `${short ? ` -s ${short.slice(1)}` : ''} -l ${long.slice(2)}`;
  return `${spelled}${isSwitch(option) ? '' : ` -x${fishValue(option)}`} -d ${fishQuote(option.describe)}`;
}

function fishValue(option: Option): string {
  const choices = (option.choices ?? []).map((choice) => (/^[\w-]+$/.test(choice) ? choice : fishQuote(choice)));
  if (choices.length > 0) return ` -a ${fishQuote(choices.join(' '))}`;
  return option.folder ? ` -a ${fishQuote(`(__fish_complete_directories (${fishToken}))`)}` : '';
}

/** What is typed of a value, also behind `--option=`. */
const fishToken = `commandline -ct | string replace -r -- '^--[^=]*=' ''`;
const fishQuote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
