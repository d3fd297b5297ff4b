import type { Message, Notice } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import type { ChatEvent } from './events.ts';
import { maxWaiting } from './limits.ts';
import { nameKey } from './names.ts';

/** What frames say, as events. */

/** @param head places up to this one were written before the reader came; leave it out where there are no places */
export function messageEvent({ name, text, action, id, key, ts, seq }: Message, own: boolean, head = 0): ChatEvent {
  const from = key === undefined ? { name } : { name, id: key };
  const place = seq === undefined ? { replay: false } : { seq, replay: seq <= head };
  const marks = { ...(action && { action }), ...(id && { id: formatId(id) }), ...(ts !== undefined && { sentMs: ts }) };
  return { type: 'message', from, text, own, ...place, ...marks };
}

/** The event; a message of somebody else that names me is marked. My key tells me at another device from them. */
export function markMention(event: ChatEvent, name: string, key?: string): ChatEvent {
  if (event.type !== 'message' || event.own || (key !== undefined && event.from.id === key)) return event;
  return mentions(event.text, name) ? { ...event, mention: true } : event;
}

/** What is typed is not taken. */
export const tooManyWaiting: ChatEvent = {
  type: 'error',
  code: 'TOO_MANY_WAITING',
  message: `${maxWaiting} messages are waiting already; this one was not taken.`,
};

export function noticeEvent(notice: Notice): ChatEvent {
  const { name: server, who: name, was: from, online = 0, reason = 'left', text } = notice;
  if (notice.notice === 'join' && name !== undefined) return { type: 'join', server, name, online };
  if (notice.notice === 'leave' && name !== undefined) return { type: 'leave', server, name, online, reason };
  if (notice.notice === 'rename' && name !== undefined && from !== undefined)
    return { type: 'rename', server, from, name, online };
  return { type: 'notice', server, text };
}

/** What is a part of a word, or of the picture before it. */
const joined = '[\\p{L}\\p{N}\\p{M}\\p{Emoji_Modifier}\\u200D]';
const joinedBefore = new RegExp(`${joined}$`, 'u');
const joinedAfter = new RegExp(`^${joined}`, 'u');
/** They only choose how the character before them looks. */
const variations = /\p{Variation_Selector}/gu;

/** True if `text` names `name`: as a whole word, compared as names are. Takes time linear in the length of the text. */
export function mentions(text: string, name: string): boolean {
  const wanted = comparable(name);
  if (wanted === '') return false;
  const said = comparable(text);
  for (let at = said.indexOf(wanted); at !== -1; at = said.indexOf(wanted, at + 1))
    if (isWhole(said, at, at + wanted.length)) return true;
  return false;
}

/** A sigma looks different at the end of a word, and what follows decides where that is. */
const comparable = (text: string) => nameKey(text.replace(variations, '')).replaceAll('ς', 'σ');

const isWhole = (text: string, start: number, end: number) =>
  !joinedBefore.test(text.slice(Math.max(start - 2, 0), start)) && !joinedAfter.test(text.slice(end, end + 2));
