import { isErased } from '../../protocol/erasure.ts';
import type { MessageId } from '../../protocol/frames.ts';
import { formatId } from '../../protocol/signed.ts';
import { isShown } from '../narrate.ts';
import type { Log } from './log.ts';
import type { Place } from './store.ts';

/** A log as somebody reads it who looks something up. */
export type Readable = Pick<Log, 'first' | 'head' | 'read' | 'search' | 'find'>;

/**
 * The log with what was read and is on its way to the disk: a person may answer what has been on the screen for a moment, and
 * an answer often comes together with what it answers. What does not follow the log is of another one, and left out.
 */
export function withUnwritten(log: Log, places: readonly Place[]): Readable {
  const newest = places.at(-1);
  if (!newest || places[0]?.prev !== log.hashAt(log.head)) return log;
  const isIt = ({ message }: Place, id: MessageId) => message?.id && formatId(message.id) === formatId(id);
  const isFound = ({ message }: Place, isWanted: (text: string) => boolean) =>
    message && isShown(message) && !isErased(message) && isWanted(message.text);
  return {
    first: log.first,
    head: newest.seq,
    read: (from, limit) => [
      ...(from > log.head ? [] : log.read(from, limit)),
      ...places.filter(({ seq }) => seq >= from && seq < from + limit),
    ],
    search: (isWanted) => [
      ...log.search(isWanted),
      ...places.filter((place) => isFound(place, isWanted)).map(({ seq }) => seq),
    ],
    find: (id) => places.find((place) => isIt(place, id)) ?? log.find(id),
  };
}
