import type { Message, Notice } from '../protocol/frames.ts';
import { formatId } from '../protocol/signed.ts';
import type { ChatEvent } from './events.ts';
import { mentions } from './mention.ts';
import type { Waiting } from './turn.ts';

/** What frames say, as events. */

/** @param head places up to this one were written before the reader came; leave it out where there are no places */
export function messageEvent({ name, text, action, id, key, ts, seq }: Message, own: boolean, head = 0): ChatEvent {
  const from = key === undefined ? { name } : { name, id: key };
  const place = seq === undefined ? { replay: false } : { seq, replay: seq <= head };
  const marks = { ...(action && { action }), ...(id && { id: formatId(id) }), ...(ts !== undefined && { sentMs: ts }) };
  return { type: 'message', from, text, own, ...place, ...marks };
}

/** A message in the original's form, which knows no actions: name and text. [P18, P31] */
export const plainMessage = ({ name, text, action }: Message): Message => ({
  kind: 'message',
  name,
  text: action ? `/me ${text}` : text,
});

/** The event; a message of somebody else that names me is marked. My key tells me at another device from them. */
export function markMention(event: ChatEvent, name: string, key?: string): ChatEvent {
  if (event.type !== 'message' || event.own || (key !== undefined && event.from.id === key)) return event;
  return mentions(event.text, name) ? { ...event, mention: true } : event;
}

export const waitingText = ({ text, ts = 0, action }: Message): Waiting => ({
  text,
  sinceMs: ts,
  ...(action && { action }),
});

export function noticeEvent(notice: Notice): ChatEvent {
  const { name: server, who: name, was: from, online = 0, reason = 'left', text } = notice;
  if (notice.notice === 'shutdown') return { type: 'shutdown', server };
  if (notice.notice === 'join' && name !== undefined) return { type: 'join', server, name, online };
  if (notice.notice === 'leave' && name !== undefined) return { type: 'leave', server, name, online, reason };
  if (notice.notice === 'rename' && name !== undefined && from !== undefined)
    return { type: 'rename', server, from, name, online };
  return { type: 'notice', server, text };
}

/** The original's server speaks in sentences only; its four are turned into the events they mean. */
export function legacyEvent(message: Message, server: string): ChatEvent {
  if (message.name !== server) return messageEvent(message, false);
  const { text } = message;
  const [, name, verb, count] = /^(.*) (joined|left) the room\. (\d+) online\.$/s.exec(text) ?? [];
  const online = Number(count);
  if (name && verb === 'joined') return { type: 'join', server, name, online };
  if (name) return { type: 'leave', server, name, online, reason: 'left' };
  if (text === 'Server is off.') return { type: 'shutdown', server };
  return { type: 'notice', server, text };
}
