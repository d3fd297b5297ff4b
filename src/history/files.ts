import { existsSync, lstatSync, mkdirSync, readFileSync, type Stats, statSync } from 'node:fs';
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
