import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { type Stage, test } from './support/command.ts';

/** A clone in which npm has installed nothing yet; `ready` is what `npm ci` does at its end. */
function freshClone({ home }: Stage) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const clone = join(home, 'clone');
  for (const part of ['bin', 'package.json', 'package-lock.json', '.npmrc'])
    cpSync(join(root, part), join(clone, part), { recursive: true });
  const modules = join(clone, 'node_modules');
  return {
    clone,
    program: (name: string) => join(clone, 'bin', `${name}.js`),
    ready() {
      cpSync(join(root, 'dist'), join(clone, 'dist'), { recursive: true });
      mkdirSync(modules, { recursive: true });
      for (const name of ['@photostructure', 'chalk', 'string-width', 'zeromq'])
        symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
      writeFileSync(join(modules, '.0mq-chat-built'), '');
    },
    modules,
  };
}

describe('in a clone', () => {
  test('a program that is started before it is set up says so, and goes on by itself', async ({ stage }) => {
    const { clone, program, ready } = freshClone(stage);
    const client = stage.node([program('chat-client'), '--version']);
    await client.stderrLine(`chat-client: waiting for npm ci in ${clone}/ to end.`);
    expect(client.ended).toBe(false);
    ready();
    await client.stdoutLine(/^\d+\.\d+\.\d+$/);
    await client.ends(0);
    expect(client.stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  test('one that is set up says nothing, and passes on options and the exit code', async ({ stage }) => {
    const { program, ready } = freshClone(stage);
    ready();
    const client = stage.node([program('chat-client'), '--prot', '1']);
    await client.ends(2);
    expect(client.stderr).toBe('chat-client: unknown option --prot.\nDid you mean --port?\n');
  });

  test('what was taken away while it started is said', async ({ stage }) => {
    const { program, ready, modules } = freshClone(stage);
    ready();
    rmSync(join(modules, 'zeromq'));
    for (const name of ['chat-server', 'chat-client', 'p2p']) {
      const command = stage.node([program(name)]);
      await command.stderrLine(new RegExp(`^${name}: cannot start: Cannot find package 'zeromq'`));
      await command.stderrLine(/^Let npm ci come to its end in .*, and then try again\.$/);
      await command.ends(1);
    }
  });

  test('in what was installed, what is missing is no bug of a program', async ({ stage }) => {
    const { clone, program, ready, modules } = freshClone(stage);
    ready();
    rmSync(join(clone, 'package-lock.json'));
    rmSync(join(modules, 'zeromq'));
    for (const name of ['chat-server', 'chat-client', 'p2p']) {
      const command = stage.node([program(name)]);
      await command.stderrLine(/^Error.*: Cannot find package 'zeromq'/);
      await command.ends(1);
      expect(command.stderr).not.toContain('bug');
    }
  });

  test('who asks how a program is used, or is mistaken, waits for none of what a chat needs', async ({ stage }) => {
    const { program, ready, modules } = freshClone(stage);
    ready();
    for (const name of ['@photostructure', 'chalk', 'string-width', 'zeromq']) rmSync(join(modules, name));
    for (const name of ['chat-server', 'chat-client', 'p2p']) {
      await stage.node([program(name), '--help']).ends(0);
      await stage.node([program(name), '--verison']).ends(2);
    }
  });
});

describe.skipIf(process.platform === 'win32')('npx in a clone', () => {
  const npx = (stage: Stage, cwd: string) => {
    const { PATH = '' } = process.env;
    const env = { PATH, HOME: stage.home, npm_config_cache: join(stage.home, 'cache'), npm_config_offline: 'true' };
    return stage.screen('npx', ['chat-client', '--version'], { cwd, env });
  };

  test('before it is set up: the program waits, is given up, and is found later', async ({ stage }) => {
    const { clone, ready } = freshClone(stage);
    const early = npx(stage, clone);
    await early.until('waiting for npm ci');
    early.press('ctrl-c');
    await early.exit;
    ready();
    const later = npx(stage, clone);
    await later.until(/^\d+\.\d+\.\d+$/);
    await later.ends(0);
  });

  const settled = (stage: Stage, fill: (folder: string, clone: string) => void): string => {
    const { clone, ready } = freshClone(stage);
    ready();
    const folder = join(stage.home, 'cache', '_npx', 'old');
    mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
    symlinkSync(clone, join(folder, 'node_modules', '0mq-chat'));
    fill(folder, clone);
    const settle = `import { settleNpx } from './bin/npx.js'; settleNpx(process.env)`;
    const env = { ...process.env, npm_config_cache: join(stage.home, 'cache'), npm_execpath: '/dev/null' };
    execFileSync(process.execPath, ['--input-type=module', '-e', settle], { cwd: clone, env });
    return folder;
  };
  const leadTo = (program: string) => (folder: string, clone: string) => {
    writeFileSync(join(folder, 'package.json'), '{}');
    symlinkSync(join(clone, program), join(folder, 'node_modules', '.bin', 'p2p'));
  };

  test('what an interrupted npx has left half made is put in order', ({ stage }) =>
    expect(existsSync(settled(stage, () => {}))).toBe(false));

  test('what leads to where the programs lay in an older version is put in order', ({ stage }) =>
    expect(existsSync(settled(stage, leadTo('dist/p2p.js')))).toBe(false));

  test('what leads to the programs stays', ({ stage }) =>
    expect(existsSync(settled(stage, leadTo('bin/p2p.js')))).toBe(true));
});
