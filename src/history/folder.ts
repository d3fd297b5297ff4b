import { accessSync, closeSync, constants, existsSync, lstatSync, openSync, statfsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isForeign, makeFolder } from './files.ts';
import { trouble } from './trouble.ts';

/** Where the messages of a folder are. From the root: SQLite would take what begins with "file:" for an address. */
export const dataPath = (folder: string): string => join(resolve(folder), 'log.db');
export const lockPath = (folder: string): string => join(resolve(folder), 'lock.db');
/** SQLite would take a smaller file for an empty one, and write over it. */
const smallestDatabase = 512;
/** Not by way of a link; Windows has no such flag. */
const makeFile = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Makes the folder and its files if it is to be written, and refuses what must not be touched. */
export function prepareFolder(folder: string, toWrite: boolean): void {
  const [path, data, lock] = [resolve(folder), dataPath(folder), lockPath(folder)];
  const size = sizeOf(data);
  if (size === 0 && existsSync(join(path, 'data.mdb'))) throw trouble('old', folder);
  if (size === 0 && !toWrite) throw trouble('noLog', folder);
  if (toWrite) makeFolder(path);
  if (toWrite) checkOwner(path, statSync(path).uid, folder);
  for (const file of [data, `${data}-wal`, `${data}-shm`, `${data}-journal`, lock]) checkFile(file, folder, toWrite);
  if (size > 0 && size < smallestDatabase) throw trouble('damaged', folder);
  if (!toWrite) return;
  accessSync(path, constants.R_OK | constants.W_OK);
  // Another program may do the same at this moment.
  for (const file of [data, lock]) closeSync(openSync(file, makeFile, 0o600));
}

/** Which files these are: SQLite would go on writing to one that was removed. */
export function filesOf(folder: string): string {
  const paths = [dataPath(folder), `${dataPath(folder)}-wal`, lockPath(folder)];
  const files = paths.map((path) => statSync(path, { throwIfNoEntry: false }));
  return files.map((file) => `${file?.dev} ${file?.ino}`).join();
}

/**
 * Which folder this is: a copy has another lock file, with an inode or a birth time of its own, and one that was only moved
 * has the same. Undefined on a network file system, where these may change whenever it is mounted.
 */
export function fileOf(folder: string): string | undefined {
  if (isRemote(folder)) return undefined;
  const { ino, birthtimeNs } = statSync(lockPath(folder), { bigint: true });
  return `${ino} ${birthtimeNs}`;
}

/** NFS, SMB (three kinds), 9p, FUSE (sshfs, and what Docker Desktop shares), Ceph, AFS: as Linux numbers them. */
const remoteTypes = [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0xc36400, 0x5346414f];

/** On Windows a share is known by its path, unless it has a letter; macOS numbers its file systems as it likes. */
export const isRemote = (folder: string): boolean =>
  dataPath(folder).startsWith('\\\\') || remoteTypes.includes(statfsSync(folder).type);

/** A link would make this program write elsewhere, and a pipe would make it wait for ever. */
function checkFile(path: string, folder: string, toWrite: boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isFile()) throw trouble('refused', folder, `${path} is no plain file`);
  if (stats && toWrite) checkOwner(path, stats.uid, folder);
}

function checkOwner(path: string, uid: number, folder: string): void {
  if (isForeign(uid)) throw trouble('refused', folder, `${path} belongs to another user`);
}
