import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderVariable, serverFolder, userFolder } from '../src/history/paths.ts';

const linux = (env: NodeJS.ProcessEnv) => ({ env, platform: 'linux' as const });
const hint = 'Set it to one, or say where with --data-dir.';
const refusal = (message: string, how = hint) => expect.objectContaining({ code: 'USAGE', message, hint: how });

describe.skipIf(process.platform === 'win32')('the folder of a user', () => {
  const places: [env: NodeJS.ProcessEnv, platform: NodeJS.Platform, folder: string][] = [
    [{ HOME: '/home/ana' }, 'linux', '/home/ana/.local/share/0mq-chat'],
    [{ HOME: '/home/ana' }, 'freebsd', '/home/ana/.local/share/0mq-chat'],
    [{ HOME: '/home/ana', XDG_DATA_HOME: '/data' }, 'linux', '/data/0mq-chat'],
    [{ HOME: '/home/ana', XDG_DATA_HOME: '' }, 'linux', '/home/ana/.local/share/0mq-chat'],
    [{ HOME: '/home/ana', XDG_DATA_HOME: '/data' }, 'darwin', '/home/ana/Library/Application Support/0mq-chat'],
    [{ LOCALAPPDATA: '/local', HOME: 'x' }, 'win32', '/local/0mq-chat/Data'],
    [{ HOME: 'x' }, 'win32', join(userInfo().homedir, 'AppData/Local/0mq-chat/Data')],
    [{ HOME: '/' }, 'linux', '/.local/share/0mq-chat'],
  ];
  test.each(places)('%j on %s: %s', (env, platform, folder) => {
    expect(userFolder({ env, platform })).toBe(folder);
  });

  test('without HOME, or with an empty one, is where the system says that this user lives', () => {
    const folder = join(userInfo().homedir, '.local/share/0mq-chat');
    expect([userFolder(linux({})), userFolder(linux({ HOME: '', XDG_DATA_HOME: '' }))]).toEqual([folder, folder]);
  });

  test.each(['HOME', 'XDG_DATA_HOME'])('is never below the current folder: a relative %s is refused', (name) => {
    for (const path of ['data', './data', '../data', '~', ' /data'])
      expect(() => userFolder(linux({ HOME: '/home/ana', [name]: path }))).toThrow(
        refusal(`${name} "${path}" is not a path from the root.`),
      );
  });
});

describe.skipIf(process.platform === 'win32')('the folder of a server', () => {
  test('is what was asked for, then $STATE_DIRECTORY, then one of the port', () => {
    const env = { STATE_DIRECTORY: '/var/lib/chat', HOME: '/home/ana' };
    expect(serverFolder('here', 1, linux({ ...env, HOME: 'x' }))).toBe('here');
    expect(serverFolder(undefined, 1, linux({ ...env, HOME: 'x' }))).toBe('/var/lib/chat');
    const ofPort = '/home/ana/.local/share/0mq-chat/server/1';
    expect(serverFolder(undefined, 1, linux({ ...env, STATE_DIRECTORY: '' }))).toBe(ofPort);
  });

  test('is not guessed: of several the person says which', () => {
    const env = { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' };
    const which = 'Say which with --data-dir: /var/lib/a or /var/lib/b';
    expect(() => serverFolder(undefined, 1, linux(env))).toThrow(
      refusal('STATE_DIRECTORY names several folders.', which),
    );
    expect(() => serverFolder(undefined, 1, linux({ STATE_DIRECTORY: 'chat' }))).toThrow(
      refusal('STATE_DIRECTORY "chat" is not a path from the root.'),
    );
  });

  test('comes from a variable that is named', () => {
    const env = { STATE_DIRECTORY: '/a', XDG_DATA_HOME: '/b' };
    expect([folderVariable(env, true), folderVariable(env, false)]).toEqual(['STATE_DIRECTORY', 'XDG_DATA_HOME']);
    expect(folderVariable({ HOME: '/x' }, true)).toBeUndefined();
  });
});
