import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { nameKey } from '../core/names.ts';
import { ChatError } from '../errors.ts';
import { makeFolder, readText } from './files.ts';
import { inWords } from './trouble.ts';

type System = { env: NodeJS.ProcessEnv; platform: NodeJS.Platform };

/** Where the system wants the data of this user (XDG, Library, AppData). Throws a ChatError if nobody can say. */
export function userFolder({ env, platform }: System = process): string {
  const home = () => (platform === 'win32' ? undefined : fromRoot('HOME', env)) ?? homeOfUser();
  if (platform === 'darwin') return join(home(), 'Library', 'Application Support', '0mq-chat');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home(), 'AppData', 'Local'), '0mq-chat', 'Data');
  return join(fromRoot('XDG_DATA_HOME', env) ?? join(home(), '.local', 'share'), '0mq-chat');
}

/** `STATE_DIRECTORY` is systemd's: it may name several. */
export function serverFolder(dataDir: string | undefined, port: number, { env, platform }: System = process): string {
  if (dataDir !== undefined) return dataDir;
  const several = env.STATE_DIRECTORY?.split(':') ?? [];
  const which = `Say which with --data-dir: ${several.join(' or ')}`;
  if (several.length > 1 && platform !== 'win32')
    throw new ChatError('USAGE', 'STATE_DIRECTORY names several folders.', which);
  return fromRoot('STATE_DIRECTORY', env) ?? join(userFolder({ env, platform }), 'server', String(port));
}

/** Which variable says where the data is, if it is not only HOME. */
export const folderVariable = (env: NodeJS.ProcessEnv, isServer: boolean): string | undefined =>
  [...(isServer ? ['STATE_DIRECTORY'] : []), 'XDG_DATA_HOME'].find((name) => env[name]);

/** An empty variable counts as absent. A path from elsewhere would be another one wherever the program is started. */
function fromRoot(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const path = env[name];
  if (!path || isAbsolute(path)) return path || undefined;
  const hint = 'Set it to one, or say where with --data-dir.';
  throw new ChatError('USAGE', `${name} "${path}" is not a path from the root.`, hint);
}

/** In a container a user may have none. */
function homeOfUser(): string {
  const hint = 'Set HOME, or say where with --data-dir.';
  try {
    const { homedir } = userInfo();
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // The system does not know this user.
  }
  throw new ChatError('DATA_NOT_WRITABLE', 'this user has no home folder.', hint);
}

/** In a folder of a name that somebody took later: whose folder is to be used. */
const samePerson = 'same-person-as';

/** The folder of who goes by this name: the identity, and below it what is known of each server. */
export function personFolder(dataDir: string | undefined, name: string): string {
  const folder = folderOf(dataDir, name);
  const other = readText(join(folder, samePerson))?.trim() ?? '';
  return /^[\w-][\w.-]*$/.test(other) ? join(dirname(folder), other) : folder;
}

export const isFreeName = (person: string, dataDir: string | undefined, name: string): boolean =>
  personFolder(dataDir, name) === person || !existsSync(folderOf(dataDir, name));

/** From now on the name leads to the folder of this person too, if it is free. */
export function addName(person: string, dataDir: string | undefined, name: string): void {
  const folder = folderOf(dataDir, name);
  if (existsSync(folder)) return;
  inWords(folder, () => {
    makeFolder(folder);
    writeFileSync(join(folder, samePerson), `${basename(person)}\n`, { mode: 0o600 });
  });
}

const folderOf = (dataDir: string | undefined, name: string): string =>
  join(dataDir ?? join(userFolder(), 'client'), fileName(name));

/** On every system a file name: readable, and different for different names. */
function fileName(name: string): string {
  const key = nameKey(name);
  const readable = key.replace(/[^a-z0-9._-]+/g, '-').slice(0, 40);
  return `${readable}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}
