import { isProper } from '../../protocol/erasure.ts';
import { isTooLong, type Message } from '../../protocol/frames.ts';
import { signedHash, signedText } from '../../protocol/signed.ts';
import { dividedNear, harmlessLc, maxAdopted, maxLcStep, maxNearOfOne, nearLcStep, nextLcStep } from '../limits.ts';
import type { Member } from '../member/member.ts';
import { isGivenUp } from './giving-up.ts';

/** New, known here, one too many, or given up; not its author's, or my own and unknown to me. */
export type Verdict = 'new' | 'known' | 'full' | 'givenUp' | 'wrong' | 'mine';

/**
 * What a message from somebody near counts for. [P53, P57]
 *
 *   G3 nobody can speak for another one; G4 each message is new once; G17 nobody can fill what others need.
 */
export function judge(member: Member, message: Message): Verdict {
  const { courier, copy } = member;
  const { id } = message;
  if (!id) return 'wrong';
  const isOwn = id.dev === courier.dev;
  const waiting = courier.outbox.find(id);
  // What another place of mine has left in doubt is on no disk of this one.
  const isHere = waiting !== undefined && !courier.outbox.isOlder(waiting);
  const isKnown = !isOwn && (id.n <= copy.buffer.seen(id.dev) || isHere);
  if (isKnown && !isOther(member, waiting, message)) return 'known';
  if (!isGenuine(member, message)) return 'wrong';
  // Its author has signed both: the log will have one of them.
  if (isKnown) return 'known';
  if (isOwn) return courier.isShared(member.room ?? '', id.n, hashOf(member, message)) ? 'mine' : 'known';
  if (isGivenUp(member, id)) return 'givenUp';
  return isAhead(member, message) || isFull(member, message) ? 'full' : 'new';
}

const hashOf = ({ options, room = '' }: Member, message: Message) => signedHash(options.crypto, room, message);

/** It is not what waits here under its id. The signature of that was looked at when it came. */
const isOther = (member: Member, waiting: Message | undefined, message: Message) =>
  waiting !== undefined && (waiting.sig !== message.sig || hashOf(member, waiting) !== hashOf(member, message));

function isGenuine({ options, room = '' }: Member, message: Message): boolean {
  const { crypto } = options;
  const { id, key = '', sig = '', text } = message;
  const isWhole = id !== undefined && !isTooLong(text) && isProper(crypto, room, message);
  return isWhole && crypto.isDeviceOf(key, id.dev) && crypto.verify(key, signedText(crypto, room, message), sig);
}

/**
 * What is said after it has to be taken by the room, too. Who has heard a line at the limit says the next one above it: that
 * may go on, to just below the room's own limit.
 */
function isAhead({ copy }: Member, { lc = 0 }: Message): boolean {
  const known = Math.max(copy.logLc, harmlessLc);
  const next = Math.min(copy.heardLc + nextLcStep, known + maxLcStep - nextLcStep);
  return lc > Math.max(known + nearLcStep, next);
}

/** Whoever is not in the roster may have any number of keys; whoever is, several. */
function isFull({ courier: { outbox }, roster }: Member, { key = '' }: Message): boolean {
  const authorOf = (key = '') => (roster.has(key) ? key : '');
  const author = authorOf(key);
  const isScarce = outbox.near.length >= maxAdopted - dividedNear;
  const most = isScarce ? shareOf(roster.count + 1) : maxNearOfOne;
  return outbox.isLaden || outbox.nearOf((other) => authorOf(other) === author) >= most;
}

const shareOf = (authors: number) => Math.min(Math.max(Math.floor(dividedNear / authors), 1), maxNearOfOne);
