import type { Message, Notice } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import type { ChatEvent } from './events.ts';
import { maxWaiting } from './limits.ts';
import { mentions } from './mention.ts';

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
