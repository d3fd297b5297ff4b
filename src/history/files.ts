import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { ChatError } from '../errors.ts';
import { inWords, trouble } from './trouble.ts';

/** The file there, undefined if there is none. Throws a ChatError for what would be read for ever, or leads nowhere. */
export function plainFile(path: string): Stats | undefined {
  const stats = inWords(dirname(path), () => statSync(path, { throwIfNoEntry: false }));
  if (!stats && isLink(path)) throw unreadable(path, 'it is a link that leads nowhere');
  if (stats && !stats.isFile()) throw unreadable(path, 'it is no plain file');
  return stats;
}

/** The text of a file of ours, undefined if there is none. Throws a ChatError. */
export const readText = (path: string): string | undefined =>
  inWords(path, () => plainFile(path) && readFileSync(path, 'utf8'));

/** What nobody else may do with a file: the rights of group and others, and in words what is wrong if they have one. */
export type Guard = { rights: number; wrong: string; mend: string };

/** Not by way of a link, nor waiting for a pipe; Windows has neither. */
const asItIs = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const maxGuardedBytes = 1_048_576;

/**
 * The text of a file that says who somebody is, or who gets in: it must be this user's own, or root's. It is judged when it is
 * open, so that nobody can put another one in its place. Undefined if there is none. Throws a ChatError.
 */
export function readGuarded(path: string, guard: Guard): string | undefined {
  if (!plainFile(path)) return undefined;
  if (isLink(path)) throw unreadable(path, 'it is a link');
  const file = inWords(path, () => openSync(path, asItIs));
  try {
    judge(path, fstatSync(file), guard);
    return inWords(path, () => readFileSync(file, 'utf8'));
  } finally {
    closeSync(file);
  }
}

function judge(path: string, stats: Stats, { rights, wrong, mend }: Guard): void {
  if (!stats.isFile()) throw unreadable(path, 'it is no plain file');
  if (isForeign(stats.uid)) throw unreadable(path, 'it belongs to another user');
  if (stats.size > maxGuardedBytes) throw unreadable(path, 'it is too large');
  if (process.platform !== 'win32' && (stats.mode & rights) !== 0)
    throw new ChatError('DATA_NOT_WRITABLE', wrong, `Close it: ${mend} ${quote(path)}`);
}

/** What another user owns could be changed under our hands. Windows names no such owners. */
export const isForeign = (uid: number): boolean =>
  process.geteuid !== undefined && uid !== 0 && uid !== process.geteuid();

const quote = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/**
 * Makes a folder and those that it lies in; another program may do the same at this moment. Node's own recursive mkdir does
 * not return below /proc, and says of a read-only disk that there is no such folder.
 */
export function makeFolder(path: string, wanted = path): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path), wanted);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (existsSync(path)) return;
    throw isLink(path) ? trouble('refused', wanted, `${path} is a link that leads nowhere`, error) : error;
  }
}

/** What is not there, or not to be looked at, is none: what is wrong with it shows when it is used. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

const unreadable = (path: string, why: string) =>
  new ChatError('DATA_DAMAGED', `cannot read ${path}: ${why}.`, 'Mend or remove it.');
