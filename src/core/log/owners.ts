import { lookAlike, looksOf } from '../looks.ts';
import { bareName, nameKey } from '../names.ts';
import type { Owner, Store } from './store.ts';

/** Whose a name is, and who has one that looks like it. What was not used for longer than the log is kept is nobody's any more. */
export function ownersOf(known: Pick<Store, 'owner'>, name: string, ranMs: number, ageMs: number): Owner[] {
  return looksOf(bareName(name))
    .flatMap((look) => known.owner(look) ?? [])
    .filter(({ seenMs }) => ranMs - seenMs <= ageMs);
}

/** What of the server's a name looks like: its own name, or what servers are called. */
export const likeServers = (name: string, server: string): string | undefined =>
  [server, 'server'].find((label) => lookAlike(bareName(name), label));

export function whyServers(name: string, server: string): string | undefined {
  const label = likeServers(name, server);
  return label && why(name, label, label === server ? 'is the name of the server' : 'is what a server is called');
}

export const whyTaken = (name: string, other: string): string => why(name, other, 'belongs to somebody else');

const why = (name: string, other: string, reason: string): string =>
  nameKey(name) === nameKey(other) ? `"${name}" ${reason}.` : `"${name}" looks like "${other}", which ${reason}.`;
