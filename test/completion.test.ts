import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completion, completionFor, completionScript, shells } from '../src/cli/args/completion.ts';
import type { Program } from '../src/cli/args/flags.ts';
import { parse } from '../src/cli/args/options.ts';
import { client, p2p, server } from '../src/cli/args/programs.ts';
import { test as real } from './support/command.ts';

/** Descriptions and choices with everything that means something to a shell. */
const program: Program = {
  command: 'my-tool',
  purpose: 'all that a tool can do',
  example: 'my-tool',
  options: {
    name: { value: 'NAME', describe: `it's "yours": [a] \\ $(b) \`c\` {d}` },
    sign: { value: 'SIGN', choices: ['a b', "it's", '$(touch x)', 'plain'], describe: 'one sign' },
    text: { alias: 'm', value: 'TEXT', repeatable: true, describe: 'say this' },
    folder: { value: 'DIR', describe: 'where' },
    log: { default: true, describe: 'keep nothing' },
    quiet: { alias: 'q', default: false, describe: 'say less' },
    color: { describe: 'colours' },
  },
  exits: { 0: 'all well', 9: 'the moon is full' },
  subcommands: {
    print: { purpose: `print it's: [all]`, options: { since: { value: 'SPAN', describe: 'from then on' } } },
    completion,
  },
};
const all = '--name --sign -m --text --folder --no-log -q --quiet --color --no-color'.split(' ');

const scripts = [program, p2p, server, client].map((each) => completionScript('bash', each)).join('\n');
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What one bash answers to a Tab at the end of each line; `=` is a word of its own there, as readline splits it. */
function bash(lines: string[][], cwd: string): string[][] {
  const ask = `${scripts}
    answer() {
      COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
      read -r _ _ function _ <<< "$(complete -p "\${1##*/}")"
      "$function" "\${1##*/}" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
      if (( \${#COMPREPLY[@]} )); then printf '%s\\n' "\${COMPREPLY[@]}"; fi
      printf '\\036'
    }
    ${lines.map((words) => `answer ${words.map(quote).join(' ')}`).join('\n')}`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '--noprofile', '-c', ask], { encoding: 'utf8', cwd });
  expect(`${stderr}${status}`).toBe('0');
  const answers = stdout.split('\x1e').slice(0, -1);
  return answers.map((answer) => answer.split('\n').slice(0, -1));
}

describe.skipIf(process.platform === 'win32')('bash itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zmqchat-completion-'));
  beforeAll(() => {
    for (const name of ['my folder', "it's", 'st*r', 'other']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'my file'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const tool: [typed: string[], offered: string[]][] = [
    [[''], ['print', 'completion', ...all]],
    [['--'], all.filter((word) => word.startsWith('--'))],
    [['--no'], ['--no-log', '--no-color']],
    [['-q', ''], all],
    [['--na'], ['--name']],
    [['--name', ''], []],
    [['--name', 'x', '--na'], ['--name']],
    [['--name', '=', ''], []],
    [['-m', ''], []],
    [
      ['--sign', ''],
      ['a b', "it's", '$(touch x)', 'plain'],
    ],
    [['--sign', 'pl'], ['plain']],
    [
      ['--sign', '='],
      ['a b', "it's", '$(touch x)', 'plain'],
    ],
    [['--sign', '=', 'pl'], ['plain']],
    [['--sign=pl'], ['--sign=plain']],
    [['--folder', 'my'], ['my folder']],
    [['--folder', 'st'], ['st*r']],
    [['--folder', '=', 'o'], ['other']],
    [['p'], ['print']],
    [['--quiet', 'p'], []],
    [['print', ''], ['--since']],
    [['print', '--since', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'z'], ['zsh']],
    [['completion', 'zsh', ''], []],
    [['--', '--'], []],
    [['--name', 'a -- b', '--na'], ['--name']],
  ];
  const programs: typeof tool = [
    [['chat-client', '--timestamps', 'au'], ['auto']],
    [
      ['chat-client', '--joins', ''],
      ['auto', 'all', 'none'],
    ],
    [
      ['chat-client', '--bell', ''],
      ['mention', 'all', 'off'],
    ],
    [
      ['chat-client', '--no-'],
      ['--no-peers', '--no-color'],
    ],
    [
      ['/opt/bin/chat-client', '--ti'],
      ['--timestamps', '--timeout'],
    ],
    [['chat-server', 'ex'], ['export']],
    [['chat-server', 'export', '--s'], ['--since']],
    [['chat-server', 'v'], ['verify']],
    [['chat-server', 'verify', '--s'], ['--server-key']],
    [
      ['chat-server', '--no-'],
      ['--no-history', '--no-peers', '--no-color'],
    ],
    [['chat-server', '--log-level', 'w'], ['warn']],
    [['p2p', '--ser'], ['--server']],
  ];
  const lines = tool.flatMap(([typed, offered]): typeof tool => [
    [['my-tool', ...typed], offered],
    [['./bin/my-tool', ...typed], offered],
  ]);
  lines.push(...programs);

  test('offers what fits, to a command in $PATH and to a path, of each program', () => {
    const words = lines.map(([typed]) => typed);
    const answers = bash(words, folder);
    expect(words.map((typed, i) => [typed, answers[i]])).toEqual(lines);
  });

  test('runs no word of the table and leaves no variable behind', () => {
    const ask = `${scripts}\nCOMP_WORDS=(my-tool --sign ''); COMP_CWORD=2; _my_tool; compgen -v; compgen -f`;
    const { stdout } = spawnSync('bash', ['--norc', '-c', ask], { encoding: 'utf8', cwd: folder });
    expect(stdout).toMatch(/^COMPREPLY$/m);
    expect(stdout).not.toMatch(/^(cur|prev|old|part|before|word|row|rows|key|found|x)$/m);
  });
});

/** What a shell that is not everywhere answers to a Tab at the end of these words; undefined where it is not. */
const others: Record<'zsh' | 'fish', (words: string[], cwd: string) => string | undefined> = {
  zsh(words, cwd) {
    // Without a terminal there is no completion system: these stand for its functions.
    const stubs = `compdef() { }; compset() { }; _files() { print -r folders; }; _describe() { print -rl -- "\${(P@)2}"; }`;
    const ask = `${stubs}; ${completionScript('zsh', program)}
      words=(${words.map(quote).join(' ')}); CURRENT=${words.length}; _my-tool`;
    return spawnSync('zsh', ['-f', '-c', ask], { encoding: 'utf8', cwd }).stdout?.trimEnd();
  },
  fish(words, cwd) {
    const ask = `${completionScript('fish', program)}\ncomplete -C ${quote(words.join(' '))}`;
    return spawnSync('fish', ['--no-config', '-c', ask], { encoding: 'utf8', cwd }).stdout?.trimEnd();
  },
};

describe.each(['zsh', 'fish'] as const)('%s itself, where it is', (shell) => {
  const separator = { zsh: ':', fish: '\t' }[shell];
  const cwd = mkdtempSync(join(tmpdir(), 'zmqchat-completion-'));
  mkdirSync(join(cwd, 'inside'));
  afterAll(() => rmSync(cwd, { recursive: true }));
  const isThere = spawnSync(shell, ['--version']).status === 0;

  test.runIf(isThere)('offers what fits', () => {
    const lines: [typed: string, offered: string[]][] = [
      ['--sign ', ['a b', "it's", '$(touch x)', 'plain']],
      ['--sign=pl', ['--sign=plain']],
      ['--name ', []],
      ['-m ', []],
      ['--quiet --na', [`--name${separator}it's "yours": [a] \\ $(b) \`c\` {d}`]],
      ['print --si', [`--since${separator}from then on`]],
      ['print --since ', []],
      ['completion ', ['bash', 'zsh', 'fish']],
      ['completion zsh ', []],
      ['pr', [`print${separator}print it's: [all]`]],
      ['-- --', []],
    ];
    for (const [typed, offered] of lines) {
      const words = ['my-tool', ...typed.split(' ')];
      const answer = others[shell](words, cwd)?.split('\n').filter(Boolean) ?? [];
      const [, last = ''] = /(?:.*=)?(.*)/.exec(words.at(-1) ?? '') ?? [];
      // What begins otherwise zsh itself leaves out.
      const begun = answer.filter((word) => word.replace(/^.*=/, '').startsWith(last));
      expect([typed, begun.map((word) => word.replace(/^--sign=/, '')).sort()]).toEqual([
        typed,
        offered.map((word) => word.replace(/^--sign=/, '')).sort(),
      ]);
    }
    expect(others[shell](['my-tool', '--folder', 'in'], cwd)).toMatch(/^(folders$|inside\/)/);
    expect(others[shell](['my-tool', '--folder=in'], cwd)).toMatch(/^(folders$|--folder=inside\/)/);
  });
});

describe('chat-client completion', () => {
  const surroundings = { env: { SHELL: '/usr/local/bin/fish' }, columns: 80 };

  test.each(shells)('%s: every option of the help', (shell) => {
    const help = String(parse(client, ['--help'], surroundings));
    const script = parse(client, ['completion', shell], surroundings);
    const options = [...help.matchAll(/^ {2}.{4}--(\[no-\])?([\w-]+)/gm)];
    expect(options.length).toBeGreaterThan(15);
    for (const [, , name = ''] of options) expect(script).toMatch(new RegExp(`>--${name}:`));
  });

  test('without a word it is the shell of $SHELL, on every system', () => {
    expect(parse(client, ['completion'], surroundings)).toBe(completionScript('fish', client));
    const named = completionScript('bash', program);
    expect(completionFor(program, ['completion'], 'C:\\Program Files\\Git\\bin\\bash.exe')).toBe(named);
    expect(completionFor(program, ['--name', 'completion'], '/bin/bash')).toBeUndefined();
  });

  real('goes to stdout, nothing to stderr', async ({ stage }) => {
    const command = stage.spawn('client', ['completion', 'zsh'], { stdin: null });
    await command.ends(0);
    expect(command.stderr).toBe('');
    expect(command.stdout).toMatch(/^#compdef chat-client\n/);
  });
});
