import { maxBatchEntries } from '../protocol/frames.ts';

/** Every interval, window and limit that more than one side has to know. Times are in ms. */

/** A live server, or peer, says something at least this often. [P14] */
export const heartbeatIntervalMs = 2_500;
/** After this long without a frame the other side is taken for dead or hung. [P14] */
export const silentMs = 8_000;

/** Most messages of one person waiting to be accepted; what is typed beyond is refused in words. */
export const maxWaiting = 10_000;

/** How much may be under way to one reader. */
export type Flow = {
  /** Most entries sent and not acknowledged; the rest waits in the log, not in memory of its own. [P15] */
  windowEntries: number;
  batchEntries: number;
  batchBytes: number;
};
export const defaultFlow: Flow = { windowEntries: 512, batchEntries: maxBatchEntries, batchBytes: 32_768 };
