import { constants } from 'node:os';
import { ChatError, type ErrorCode } from '../errors.ts';

/** Longest wait for a stranger that writes (`sqlite3`): no member misses a heartbeat for it. */
export const busyMs = 5_000;

/** `WHERE` is the folder, `WHAT` what else is known. */
const words = {
  damaged: [
    'DATA_DAMAGED',
    'the data in WHERE is damaged',
    'Restore it from a copy, or move it away to begin a new one: members give back what they have.',
  ],
  version: [
    'DATA_VERSION',
    'the data in WHERE has format WHAT',
    'Use the version of this program that wrote it, or another --data-dir.',
  ],
  old: [
    'DATA_VERSION',
    'the data in WHERE is of a version that was never released, and cannot be read any more',
    'Move data.mdb and lock.mdb away, or choose another --data-dir.',
  ],
  otherRoom: [
    'DATA_DAMAGED',
    'the log in WHERE is of a room with another key, which begins with WHAT',
    'Put the identity of that room back, or move the log away to begin a new room: members will be asked whether to enter it.',
  ],
  lostKey: [
    'DATA_DAMAGED',
    'the identity of this room is not in WHERE any more; its key begins with WHAT',
    'Put it back from a copy: without it this is a new room. To begin that, move the log away: members will be asked whether to enter it.',
  ],
  inUse: ['DATA_IN_USE', 'another WHAT is using WHERE', 'End it, or choose another folder with --data-dir.'],
  held: [
    'DATA_IN_USE',
    `another program has kept the data in WHERE to itself for ${busyMs / 1_000} s`,
    'End it, then start again.',
  ],
  noLog: ['DATA_NOT_WRITABLE', 'there is no log in WHERE', 'Look elsewhere: --port, --data-dir.'],
  trimmed: ['DATA_IN_USE', 'the oldest messages in WHERE were removed while they were read', 'Read again.'],
  refused: ['DATA_NOT_WRITABLE', 'cannot use WHERE: WHAT', 'Choose another folder with --data-dir.'],
  full: ['DATA_NOT_WRITABLE', 'the disk with WHERE is full', 'Make room, or choose another folder with --data-dir.'],
  replaced: ['DATA_NOT_WRITABLE', 'the data in WHERE was removed or replaced while it was in use', 'Start again.'],
  closed: ['DATA_NOT_WRITABLE', 'the data in WHERE is closed', 'Start again.'],
} satisfies Record<string, [code: ErrorCode, message: string, hint: string]>;

export function trouble(kind: Kind, folder: string, what = '', cause?: unknown): ChatError {
  const [code, message, hint] = words[kind] as [ErrorCode, string, string];
  const said = message.replace(/WHERE|WHAT/g, (word) => (word === 'WHERE' ? folder : what));
  return new ChatError(code, `${said}.`, hint, cause);
}

const reasons: Record<string, string> = {
  EACCES: 'this user may not read or write there',
  EPERM: 'this user may not read or write there',
  EROFS: 'its disk is read-only',
  EEXIST: 'a part of its path is not a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOENT: 'no folder can be made there',
  ELOOP: 'the links in its path lead nowhere',
  ENAMETOOLONG: 'its path is too long',
};
const reasonOf = (error: unknown): string => reasons[(error as Failure).code ?? ''] ?? (error as Failure).message;
const noRoom: unknown[] = ['ENOSPC', 'EDQUOT', constants.errno.ENOSPC, constants.errno.EDQUOT];
type Kind = keyof typeof words;
/** Results of SQLite that are about the machine: any other one says that the file is not what it was. */
const kinds: Record<number, Kind> = { 3: 'refused', 5: 'held', 8: 'refused', 10: 'refused', 13: 'full', 14: 'refused' };
/** The driver leaves out `errcode` where it reads several rows. */
type Failure = { code?: string; message: string; errcode?: number; systemErrno?: number; syscall?: string };
const resultOf = (error: unknown) => ((error as Failure).errcode ?? 0) & 0xff;
export const isBusy = (error: unknown): boolean => resultOf(error) === 5;
export const isUnopened = (error: unknown): boolean => resultOf(error) === 14;

/** Puts in words what SQLite or the system says of the folder. Any other error is a mistake in here, and stays as it is. */
export function inWords<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code = '', message, systemErrno, syscall } = cause as Failure;
    if (noRoom.includes(code) || noRoom.includes(systemErrno)) throw trouble('full', folder, '', cause);
    if (syscall) throw trouble('refused', folder, reasonOf(cause), cause);
    if (code !== 'ERR_SQLITE_ERROR') throw cause;
    throw trouble(kinds[resultOf(cause)] ?? 'damaged', folder, message, cause);
  }
}
