import { accessSync, closeSync, constants, existsSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { trouble } from './trouble.ts';

/** Where the messages of a folder are. From the root: SQLite would take what begins with "file:" for an address. */
export const dataPath = (folder: string): string => join(resolve(folder), 'log.db');
export const lockPath = (folder: string): string => join(resolve(folder), 'lock.db');
/** SQLite would take a smaller file for an empty one, and write over it. */
const smallestDatabase = 512;
/** Makes a file that is not there yet; not by way of a link. Windows has no such flag. */
const makeFile = constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** Makes the folder and its files if it is to be written, and refuses what must not be touched. */
export function prepareFolder(folder: string, toWrite: boolean): void {
  const data = dataPath(folder);
  const size = statSync(data, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 && existsSync(join(folder, 'data.mdb'))) throw trouble('old', folder);
  if (size === 0 && !toWrite) throw trouble('noLog', folder);
  if (toWrite) makeFolder(resolve(folder));
  if (toWrite) checkOwner(resolve(folder), folder);
  for (const path of [data, `${data}-wal`, `${data}-shm`, `${data}-journal`, lockPath(folder)])
    checkFile(path, folder, toWrite);
  if (size > 0 && size < smallestDatabase) throw trouble('damaged', folder);
  // Another program may do the same at this moment.
  for (const path of toWrite ? [data, lockPath(folder)] : []) closeSync(openSync(path, makeFile, 0o600));
}

/** Which files these are: SQLite would go on writing to one that was removed. */
export function filesOf(folder: string): string {
  const files = [dataPath(folder), `${dataPath(folder)}-wal`, lockPath(folder)];
  const stats = files.map((path) => statSync(path, { throwIfNoEntry: false }));
  return stats.map((file) => `${file?.dev} ${file?.ino}`).join();
}

/** Node's own recursive mkdir does not return below /proc. */
function makeFolder(folder: string): void {
  const isThere = () => statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  if (isThere()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Unless another program was faster.
    if (!isThere()) throw error;
  }
}

/** A link would make this program write elsewhere, and a pipe would make it wait for ever. */
function checkFile(path: string, folder: string, toWrite: boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isFile()) throw trouble('refused', folder, `${path} is no plain file`);
  if (stats && toWrite) checkOwner(path, folder);
}

/** What another user owns could be changed under our hands. Windows names no such owners. */
function checkOwner(path: string, folder: string): void {
  const { uid } = statSync(path, { throwIfNoEntry: false }) ?? {};
  // A journal that was there a moment ago: another program has removed it.
  if (uid === undefined) return;
  const isForeign = process.geteuid && uid !== 0 && uid !== process.geteuid();
  if (isForeign) throw trouble('refused', folder, `${path} belongs to another user`);
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
}
