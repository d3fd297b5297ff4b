import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import envPaths from 'env-paths';
import { nameKey } from '../core/names.ts';

/** Where the system wants the data of this user (XDG, Library, AppData). */
const userFolder = (): string => envPaths('0mq-chat', { suffix: '' }).data;

/** `STATE_DIRECTORY` is systemd's. */
export const serverFolder = (dataDir: string | undefined, port: number): string =>
  dataDir ?? process.env.STATE_DIRECTORY ?? join(userFolder(), 'server', String(port));

/** In a folder of a name that somebody took later: whose folder is to be used. */
const samePerson = 'same-person-as';

/** The folder of who goes by this name: the identity, and below it what is known of each server. */
export function personFolder(dataDir: string | undefined, name: string): string {
  const folder = folderOf(dataDir, name);
  const other = existsSync(join(folder, samePerson)) ? readFileSync(join(folder, samePerson), 'utf8').trim() : '';
  return /^[\w-][\w.-]*$/.test(other) ? join(dirname(folder), other) : folder;
}

export const isFreeName = (person: string, dataDir: string | undefined, name: string): boolean =>
  personFolder(dataDir, name) === person || !existsSync(folderOf(dataDir, name));

/** From now on the name leads to the folder of this person too, if it is free. */
export function addName(person: string, dataDir: string | undefined, name: string): void {
  const folder = folderOf(dataDir, name);
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, samePerson), `${basename(person)}\n`, { mode: 0o600 });
}

const folderOf = (dataDir: string | undefined, name: string): string =>
  join(dataDir ?? join(userFolder(), 'client'), fileName(name));

/** On every system a file name: readable, and different for different names. */
function fileName(name: string): string {
  const key = nameKey(name);
  const readable = key.replace(/[^a-z0-9._-]+/g, '-').slice(0, 40);
  return `${readable}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}
