import type { Join } from '../../protocol/frames.ts';
import type { Log } from './log.ts';

/** Where a client reads on: after `since`. With `fork` what it has is not what this log has. */
export type Resumption = { since: number; fork: boolean };

/**
 * Where a joining client reads on in this log: after what it has; on a first join with the newest `history`; and from
 * the start if what it has is of another log, or of one that this one lost. [P9, P28]
 */
export function resume(log: Log, { log: id, since, hash = '', history = 0 }: Join): Resumption {
  const oldest = log.first - 1;
  if (since === undefined) return { since: Math.max(log.head - history, oldest), fork: false };
  const isHere = id === log.id && since <= log.head;
  // What is no longer kept, or damaged beyond knowing, cannot be compared.
  const known = since < oldest ? undefined : log.hashAt(since);
  const isSame = isHere && (!known || known === hash);
  const fork = since > 0 && !isSame;
  return { since: Math.max(fork ? 0 : since, oldest), fork };
}
