import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test as unit } from 'vitest';
import { completionFor, completionScript, shells, withCompletion } from '../src/cli/args/completion.ts';
import type { Program } from '../src/cli/args/flags.ts';
import { type Stage, test } from './support/command.ts';

/** Descriptions and choices with everything that means something to a shell. */
const program: Program = {
  command: 'my-tool',
  options: {
    name: { type: 'string', value: 'NAME', describe: `it's "yours": [a] \\ $(b) \`c\` {d}` },
    sign: { choices: ['a b', "it's", '$(touch x)', 'plain'], describe: 'one sign' },
    text: { alias: 'm', type: 'string', value: 'TEXT', repeatable: true, describe: 'say this' },
    folder: { type: 'string', value: 'DIR', folder: true, describe: 'where' },
    log: { type: 'boolean', default: true, describe: 'keep nothing' },
    quiet: { alias: 'q', type: 'boolean', default: false, describe: 'say less' },
    color: { type: 'boolean', describe: 'colours' },
  },
  subcommands: withCompletion({
    print: {
      usage: '[options]',
      describe: `print it's: [all]`,
      options: { since: { type: 'string', value: 'SPAN', describe: 'from then on' } },
    },
  }),
};
const all = '--name --sign -m --text --folder --no-log -q --quiet --color --no-color'.split(' ');

/** What bash answers to a Tab at the end of these words; `=` stands alone there, as readline splits it. */
function bash(script: string, words: string[], { cwd }: { cwd?: string } = {}): string[] {
  const [command = ''] = words;
  const name = command.replace(/^.*\//, '');
  const ask = `${script}
    COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
    read -r _ _ function _ <<< "$(complete -p ${name})"
    "$function" ${name} "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
    if (( \${#COMPREPLY[@]} )); then printf '%s\\n' "\${COMPREPLY[@]}"; fi`;
  const args = ['--norc', '--noprofile', '-c', ask, 'bash', ...words];
  const { stdout, stderr, status } = spawnSync('bash', args, { encoding: 'utf8', cwd });
  expect(`${stderr}${status}`).toBe('0');
  return stdout.split('\n').slice(0, -1);
}

describe.skipIf(process.platform === 'win32')('bash itself', () => {
  const script = completionScript('bash', program);
  const folder = mkdtempSync(join(tmpdir(), 'zmqchat-completion-'));
  beforeAll(() => {
    for (const name of ['my folder', "it's", 'st*r', 'other']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'my file'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const cases: [typed: string[], offered: string[]][] = [
    [[''], [...all, 'print', 'completion']],
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
  for (const [typed, offered] of cases)
    unit(`my-tool ${typed.join(' ')}`, () => {
      expect(bash(script, ['my-tool', ...typed], { cwd: folder })).toEqual(offered);
      expect(bash(script, ['./bin/my-tool', ...typed], { cwd: folder })).toEqual(offered);
    });

  unit('runs no word of the table and leaves no variable behind', () => {
    const ask = `${script}\nCOMP_WORDS=(my-tool --sign ''); COMP_CWORD=2; _my_tool; compgen -v; compgen -f`;
    const { stdout } = spawnSync('bash', ['--norc', '-c', ask], { encoding: 'utf8', cwd: folder });
    expect(stdout).toMatch(/^COMPREPLY$/m);
    expect(stdout).not.toMatch(/^(cur|prev|part|before|word|words|x)$/m);
  });

  const sets: [program: 'p2p' | 'server' | 'client', typed: string[], offered: string[]][] = [
    ['client', ['chat-client', '--timestamps', 'au'], ['auto']],
    ['client', ['chat-client', '--joins', ''], ['auto', 'all', 'none']],
    ['client', ['chat-client', '--bell', ''], ['mention', 'all', 'off']],
    ['client', ['chat-client', '--no-'], ['--no-color']],
    ['client', ['/opt/bin/chat-client', '--ti'], ['--timestamps', '--timeout']],
    ['server', ['chat-server', 'ex'], ['export']],
    ['server', ['chat-server', 'export', '--s'], ['--since']],
    ['server', ['chat-server', '--no-'], ['--no-history', '--no-color']],
    ['server', ['chat-server', '--log-level', 'w'], ['warn']],
    ['p2p', ['p2p', '--se'], ['--server']],
  ];
  for (const [which, typed, offered] of sets)
    test(typed.join(' '), async ({ stage }) => {
      expect(bash(await printed(stage, which, 'bash'), typed)).toEqual(offered);
    });
});

describe('the text for', () => {
  unit('zsh', () => {
    const script = completionScript('zsh', program);
    expect(script).toMatch(/^#compdef my-tool\n/);
    expect(script).toContain(String.raw`'(--name)--name=[it'\''s "yours"\: \[a\] \\ $(b) ${'`c`'} {d}]:NAME: '`);
    expect(script).toContain(String.raw`:value:(a\ b it\'\''s \$\(touch\ x\) plain)'`);
    expect(script).toContain(`'*'{-m,--text=}'[say this]:TEXT: '`);
    expect(script).toContain(`'(--folder)--folder=[where]:DIR:_files -/'`);
    expect(script).toContain(`'(--no-log)--no-log[keep nothing]'`);
    expect(script).toContain(`'(-q --quiet)'{-q,--quiet}'[say less]'`);
    expect(script).toContain(`'(--color --no-color)--no-color[colours]'`);
  });

  unit('fish', () => {
    const script = completionScript('fish', program);
    expect(script).toContain(String.raw`-l name -x -d 'it\'s "yours": [a] \\ $(b) ${'`c`'} {d}'`);
    expect(script).toContain(String.raw`-l sign -x -a '\'a b\' \'it\\\'s\' \'$(touch x)\' plain' -d 'one sign'`);
    expect(script).toContain(`main' -s m -l text -x -d 'say this'`);
    expect(script).toContain(`main' -l no-log -d 'keep nothing'`);
    expect(script).toContain(`print' -l since -x -d 'from then on'`);
    expect(script).toContain(`first' -a 'print' -d 'print it\\'s: [all]'`);
  });
});

describe('chat-client completion', () => {
  for (const shell of shells)
    test(`${shell}: every option of the help, nothing on stderr`, async ({ stage }) => {
      const script = await printed(stage, 'client', shell);
      const help = stage.spawn('client', ['--help'], { stdin: null });
      await help.ends(0);
      const options = help.stdout.matchAll(/^ {2}.{4}--(\[no-\])?([\w-]+)/gm);
      for (const [, , name = ''] of options) expect(script).toMatch(new RegExp(`(--|-l )${name}\\b`));
    });

  test('without a word it is the shell of $SHELL', async ({ stage }) => {
    const command = stage.spawn('client', ['completion'], { stdin: null, env: { SHELL: '/usr/local/bin/fish' } });
    await command.ends(0);
    expect(command.stdout).toBe(await printed(stage, 'client', 'fish'));
  });

  unit('of every system', () => {
    const named = completionScript('bash', program);
    expect(completionFor(program, ['completion'], 'C:\\Program Files\\Git\\bin\\bash.exe')).toBe(named);
    expect(completionFor(program, ['--name', 'completion'], '/bin/bash')).toBeUndefined();
  });
});

async function printed(stage: Stage, program: 'p2p' | 'server' | 'client', shell: string): Promise<string> {
  const command = stage.spawn(program, ['completion', shell], { stdin: null });
  await command.ends(0);
  expect(command.stderr).toBe('');
  return command.stdout;
}
