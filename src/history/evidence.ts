import { join } from 'node:path';
import type { Contradiction } from '../core/events.ts';
import { headProof } from '../protocol/signed.ts';
import { write } from './rooms.ts';

/**
 * Keeps what a room has signed that cannot all be true in a file in `folder`: the signed texts as they are, so that
 * anybody can check them with the room's key alone. Returns the event, which says where. A disk that takes nothing is no
 * reason to be silent.
 */
export function keepEvidence(folder: string, event: Contradiction): Contradiction {
  const { reason, room, seq, read, heads } = event;
  const file = join(folder, `contradiction-${heads[0]?.run}.json`);
  const signed = heads.map((head) => ({ text: headProof(room, head), sig: head.sig }));
  try {
    write(file, `${JSON.stringify({ room, reason, seq, read, signed }, null, 2)}\n`);
    return { ...event, file };
  } catch {
    return event;
  }
}
