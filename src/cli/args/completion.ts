import { ChatError } from '../../errors.ts';
import { type OptionTable, offeredOf, type Program, type Subcommand } from './flags.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;

export const completion: Subcommand = { purpose: 'prints a script: Tab completes', words: shells };

/** What `completion [SHELL]` prints; undefined if something else is asked for. Throws a ChatError USAGE. */
export function completionFor(program: Program, args: readonly string[], loginShell = ''): string | undefined {
  const [command, shell = loginShell.replace(/^.*[\\/]|\.exe$/g, ''), stray] = args;
  if (command !== 'completion' || !program.subcommands.completion) return undefined;
  const known = shells.find((name) => name === shell);
  if (known && stray === undefined) return completionScript(known, program);
  const unknown = shell ? `no completion for the shell "${shell}".` : 'completion needs the name of a shell.';
  const hint = `Write ${program.command} completion ${shells.join('|')}.`;
  throw new ChatError('USAGE', known ? `unknown argument "${stray}".` : unknown, hint);
}

/** The script for this shell: the program is not started at a Tab. */
export function completionScript(shell: (typeof shells)[number], program: Program): string {
  const { command } = program;
  // In all three shells the same words, unless there is a backslash in a text.
  const rows = rowsOf(program).map((row) => `    '${row.replaceAll("'", `'\\''`)}'`);
  const script = scripts[shell].replace('ROWS', () => rows.join(' \\\n'));
  const filled = script.replaceAll('COMMAND', command).replaceAll('NAME', `_${command.replace(/\W/g, '_')}`);
  return `${filled}# Made by: ${command} completion ${shell}\n`;
}

/**
 * The table in each script: `PART BEFORE>WORD:TEXT` offers a word behind the word BEFORE, or, where that offers nothing,
 * behind any (`-`). PART is the subcommand. An empty word is a value that cannot be known, `/` a folder.
 */
const rowsOf = ({ options, subcommands }: Program): string[] => [
  ...optionRows('', options),
  ...Object.entries(subcommands).flatMap(([name, { purpose, options = {}, words = [] }]) => [
    ` >${name}:${purpose}`,
    ...optionRows(name, options),
    ...words.map((word) => `${name} ${name}>${word}`),
  ]),
];

const optionRows = (part: string, table: OptionTable): string[] =>
  offeredOf(table).flatMap(([spelling, { describe, value, choices }]) => [
    `${part} ->${spelling}:${describe}`,
    ...(value ? (choices ?? [value === 'DIR' ? '/' : '']) : []).map((word) => `${part} ${spelling}>${word}`),
  ]);

/** For bash and zsh: reads the words "$@", the last of which is being typed, and puts into `found` what fits there. */
const find = `local -a rows found
  rows=( \\
ROWS )
  local word row key cur= prev= old= part= before=
  for word; do
    [[ $cur == -- ]] && return
    old=$prev prev=$cur cur=$word
  done
  case $cur in
    '=') cur= ;;
    --*=*) before=\${cur%%=*}= prev=\${cur%%=*} cur=\${cur#*=} ;;
    *) [[ $prev == '=' ]] && prev=$old ;;
  esac
  for row in "\${rows[@]}"; do [[ $# -gt 1 && $row == "$1 "* ]] && part=$1; done
  for key in "$part $prev" "$part -"; do
    for row in "\${rows[@]}"; do [[ $row == "$key>"* ]] && found+=("\${row#*>}"); done
    [[ -n $prev && \${#found[@]} -gt 0 ]] && break
  done`;

const scripts = {
  /** From 3.2 on, without the package bash-completion; `=` may be a word of its own (COMP_WORDBREAKS). */
  bash: `NAME() {
  set -- "\${COMP_WORDS[@]:1:COMP_CWORD}"
  ${find}
  COMPREPLY=()
  for row in "\${found[@]}"; do
    word=\${row%%:*}
    if [[ $row == / ]]; then
      while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -d -- "$cur")
      # Readline puts them in quotes itself, if it is told that they are files.
      compopt -o filenames 2>/dev/null
    elif [[ -n $word && $word == "$cur"* ]]; then
      COMPREPLY+=("$before$word")
    fi
  done
}
complete -F NAME COMMAND
`,
  /** To be sourced, or as the file _COMMAND in a folder of $fpath. */
  zsh: `#compdef COMMAND
_COMMAND() {
  set -- "\${(@)words[2,CURRENT]}"
  ${find}
  found=(\${found:#})
  compset -P '--*='
  if [[ $found == / ]]; then _files -/; else _describe value found; fi
}
if [[ $funcstack[1] == _COMMAND ]]; then
  _COMMAND "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _COMMAND COMMAND
fi
`,
  fish: `function NAME
    set -l rows \\
ROWS
    set -l words (commandline -opc)
    set -e words[1]
    contains -- -- $words; and return
    set -l cur (commandline -ct)
    set -l prev "$words[-1]"
    set -l before (string match -r -- '^--[^=]+=' "$cur")
    test -n "$before"; and set prev (string trim --right --chars '=' -- $before)
    set -l part ''
    string match -q -- "$words[1] *" $rows; and set part $words[1]
    for key in "$part $prev" "$part -"
        set -l found (string replace -rf -- '^'(string escape --style=regex -- "$key>") '' $rows)
        if test "$found" = /
            __fish_complete_directories (string replace -- "$before" '' "$cur") | string replace -r '^' -- "$before"
        else
            string match -v '' -- "$before"$found | string replace : \\t
        end
        test -n "$prev" -a (count $found) -gt 0; and return
    end
end
complete -c COMMAND -e
complete -c COMMAND -f -a '(NAME)'
`,
};
