import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import { type Command, isPlain, type Program, type Stage, test } from './support/command.ts';

const root = mkdtempSync(join(tmpdir(), 'zmqchat-places-'));
let count = 0;
const newFolder = () => {
  const folder = join(root, String(++count));
  mkdirSync(folder);
  return folder;
};
afterAll(() => rmSync(root, { recursive: true, force: true }));

const another = 'Choose another folder with --data-dir.';
const checkout = fileURLToPath(new URL('..', import.meta.url));

/** The words on stderr, without the log of a server. */
async function refused(command: Command, code = 7): Promise<string> {
  await command.ends(code);
  expect([command.stdout, isPlain(command.stderr)]).toEqual(['', true]);
  expect(command.stderr).not.toContain('this is a bug');
  return command.stderr.replaceAll(/^(\{.*\}|-- .*)\n/gm, '');
}

/** Either program, that has to keep something. */
function start(stage: Stage, program: Program, env: Record<string, string>, ...args: string[]): Command {
  const own = program === 'server' ? ['--port', '0'] : ['--port', '1', '--name', 'ana', '-m', 'hi'];
  return stage.spawn(program, ['--ip', '127.0.0.1', ...own, ...args], { env, stdin: null });
}

describe.concurrent('a folder that the environment names', () => {
  const relative: [name: string, programs: Program[]][] = [
    ['HOME', ['server', 'client']],
    ['XDG_DATA_HOME', ['server', 'client']],
    ['STATE_DIRECTORY', ['server']],
  ];
  for (const [name, programs] of relative)
    test(`${name} is never below the current folder: words, and nothing is made`, async ({ stage }) => {
      for (const program of programs) {
        const command = start(stage, program, { [name]: 'not-here' });
        const says = `${name} "not-here" is not a path from the root.\nSet it to one, or say where with --data-dir.\n`;
        expect(await refused(command, 2)).toBe(`chat-${program}: ${says}`);
      }
      expect(existsSync(join(checkout, 'not-here'))).toBe(false);
    });

  test('ZMQCHAT_DATA_DIR, too', async ({ stage }) => {
    const command = start(stage, 'client', { ZMQCHAT_DATA_DIR: 'not-here' });
    expect(await refused(command, 2)).toContain('ZMQCHAT_DATA_DIR "not-here" is not a path from the root.\n');
  });

  test('several of systemd: the person says which', async ({ stage }) => {
    const [one, two] = [newFolder(), newFolder()];
    const command = start(stage, 'server', { STATE_DIRECTORY: `${one}:${two}` });
    const which = `Say which with --data-dir: ${one} or ${two}`;
    expect(await refused(command, 2)).toBe(`chat-server: STATE_DIRECTORY names several folders.\n${which}\n`);
    expect([readdirSync(one), readdirSync(two)]).toEqual([[], []]);
  });

  test('that cannot be used: words that name the variable', async ({ stage }) => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    const server = await refused(start(stage, 'server', { STATE_DIRECTORY: file }));
    const what = 'a part of its path is not a folder.';
    const where = `${another}\nThe folder comes from STATE_DIRECTORY.\n`;
    expect(server).toBe(`chat-server: cannot use ${file}/log: ${what}\n${where}`);
    const client = await refused(start(stage, 'client', { ZMQCHAT_DATA_DIR: file }));
    expect(client).toMatch(/: a part of its path is not a folder\.\n.*\nThe folder comes from ZMQCHAT_DATA_DIR\.\n$/);
  });

  test('is not asked for by who only looks in', async ({ stage }) => {
    const { port } = await stage.server();
    const check = stage.client(port, 'ana', '--check');
    const lost = stage.spawn('client', ['--ip', '127.0.0.1', '--port', `${port}`, '--check'], { env: { HOME: 'x' } });
    await Promise.all([check.ends(0), lost.ends(0)]);
  });
});

describe.concurrent('a place where nothing can be kept: words, at once', () => {
  test.skipIf(process.platform !== 'linux')('below /proc', async ({ stage }) => {
    for (const program of ['server', 'client'] as const) {
      const option = await refused(start(stage, program, {}, '--data-dir', '/proc/x/y'));
      expect(option).toMatch(/: cannot use \/proc\/x\/y.*: no folder can be made there\.\n/);
      expect(option.endsWith(`\n${another}\n`)).toBe(true);
      const home = await refused(start(stage, program, { HOME: '/proc/x' }));
      expect(home).toMatch(/: cannot use \/proc\/x\/\.local\/share\/.*: no folder can be made there\.\n/);
    }
  });

  test('a link that leads nowhere', async ({ stage }) => {
    const folder = newFolder();
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    for (const program of ['server', 'client'] as const) {
      const says = await refused(start(stage, program, {}, '--data-dir', join(folder, 'link')));
      expect(says).toContain(`: ${folder}/link is a link that leads nowhere.\n${another}\n`);
    }
    symlinkSync(join(folder, 'nowhere'), join(folder, 'identity'));
    const key = await refused(start(stage, 'server', {}, '--data-dir', folder));
    expect(key).toBe(
      `chat-server: cannot read ${folder}/identity: it is a link that leads nowhere.\nMend or remove it.\n`,
    );
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')(
    'a pipe in the place of the key, or a file in that of a folder',
    async ({ stage }) => {
      const folder = newFolder();
      execFileSync('mkfifo', ['-m', '600', join(folder, 'identity')]);
      const server = await refused(start(stage, 'server', {}, '--data-dir', folder));
      expect(server).toContain('identity: it is no plain file.\nMend or remove it.\n');
      const home = newFolder();
      await start(stage, 'client', {}, '--data-dir', home, '--timeout', '0').ends(4);
      const [person = ''] = readdirSync(home);
      rmSync(join(home, person, 'rooms'), { recursive: true });
      writeFileSync(join(home, person, 'rooms'), '');
      const client = await refused(start(stage, 'client', {}, '--data-dir', home));
      expect(client).toBe(
        `chat-client: cannot use ${join(home, person, 'rooms')}: a part of its path is not a folder.\n${another}\n`,
      );
    },
  );

  const mayMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  // Skipped where this user may not mount a small disk (unshare -rm): nothing else has a read-only one.
  test.skipIf(!mayMount)('a read-only disk, for a client', async () => {
    const work = newFolder();
    const script = `mount -t tmpfs -o size=1m none "${work}"; mount -o remount,ro "${work}"
      HOME="${work}/home" "${process.execPath}" "${checkout}/dist/client.js" --ip 127.0.0.1 --port 1 --name ana -m hi`;
    const { status, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' });
    expect(stderr).toMatch(/\nchat-client: cannot use .*\/ana-\w+: its disk is read-only\.\n.*--data-dir\.\n$/);
    expect(status).toBe(7);
  });
});
