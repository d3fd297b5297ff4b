import { decode } from '../protocol/codec.ts';
import type { Received } from '../protocol/frames.ts';

/** A frame of several parts is not of this protocol; an empty one is malformed for the decoder. */
export const decodeParts = ([bytes, ...rest]: Buffer[]): Received =>
  decode(bytes && rest.length === 0 ? bytes : new Uint8Array());

/** The connections that did not take a frame: their queue is full, or they are gone. */
export type Untaken = { full: readonly string[]; gone: readonly string[] };
export const allTaken: Untaken = { full: [], gone: [] };
export type Outcome = 'taken' | keyof Untaken;

/** What became of a frame: it is in the connection's queue, or never will be. ZeroMQ's errors become words here, once. */
export async function outcomeOf(sent: Promise<void>): Promise<Outcome> {
  try {
    await sent;
    return 'taken';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 'full';
    if (code === 'EHOSTUNREACH') return 'gone';
    throw error;
  }
}
