import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ChatError } from '../errors.ts';
import { findDamage } from './pages.ts';

/** Room that LMDB's own small files need. It maps one of them, and a full disk would end the process (SIGBUS). */
const probeBytes = 65_536;
/** Less than this free, and the disk counts as full: LMDB would meet its end within a commit, and print so itself. */
const fullBytes = 524_288;
/** LMDB gives numbers, Node names. */
const fullCodes: unknown[] = ['ENOSPC', 'EDQUOT', constants.errno.ENOSPC, constants.errno.EDQUOT];
const elsewhere = 'Choose another folder with --data-dir.';

/** Makes the folder if it is to be written, and refuses what LMDB would crash on. */
export function prepareFolder(folder: string, readOnly: boolean): void {
  const data = join(folder, 'data.mdb');
  if (readOnly && !statSync(data, { throwIfNoEntry: false })?.size)
    throw new ChatError('DATA_NOT_WRITABLE', `there is no log in ${folder}.`, 'Look elsewhere: --port, --data-dir.');
  try {
    if (!readOnly) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!readOnly && !existsSync(join(folder, 'lock.mdb'))) probe(folder);
  } catch (error) {
    throw cannotUse(folder, error);
  }
  const problem = damageOf(data, folder);
  if (problem) throw damaged(folder, new Error(problem));
}

export function damaged(folder: string, cause: unknown): ChatError {
  const hint = 'Restore it from a copy, or move it away to begin a new one: members give back what they have.';
  return new ChatError('DATA_DAMAGED', `the data in ${folder} is damaged.`, hint, cause);
}

/** What LMDB or the system said about the folder, in words. */
export function cannotUse(folder: string, cause: unknown): ChatError {
  if (cause instanceof ChatError) return cause;
  // LMDB's own error codes are negative, the system's positive.
  if (Number((cause as { code?: unknown }).code) < 0) return damaged(folder, cause);
  if (fullCodes.includes((cause as { code?: unknown }).code) || isDiskFull(folder))
    return new ChatError(
      'DATA_NOT_WRITABLE',
      `the disk with ${folder} is full.`,
      'Make room, or choose another folder with --data-dir.',
      cause,
    );
  return new ChatError('DATA_NOT_WRITABLE', `cannot use ${folder}: ${(cause as Error).message}.`, elsewhere, cause);
}

function probe(folder: string): void {
  const path = join(folder, `probe.${process.pid}`);
  try {
    writeFileSync(path, Buffer.alloc(probeBytes, 1), { flush: true });
  } finally {
    rmSync(path, { force: true });
  }
}

/** Says which file holds the data; '' if there is none any more. LMDB would go on writing to one that was removed. */
export function fileOf(folder: string): string {
  const stats = statSync(join(folder, 'data.mdb'), { throwIfNoEntry: false });
  return stats ? `${stats.dev} ${stats.ino}` : '';
}

export const replaced = (folder: string): ChatError =>
  new ChatError(
    'DATA_NOT_WRITABLE',
    `the data in ${folder} was removed or replaced while it was in use.`,
    'Start again.',
  );

/** True if the disk has no room for another commit. */
export function isDiskFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < fullBytes;
  } catch {
    return false;
  }
}

function damageOf(path: string, folder: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return findDamage(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotUse(folder, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
