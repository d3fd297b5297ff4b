import { isErased } from '../protocol/erasure.ts';
import type { Message, Notice } from '../protocol/frames.ts';
import { formatId, wrongSignature } from '../protocol/signed.ts';
import { visible } from '../text/visible.ts';
import type { ChatEvent } from './events.ts';
import { maxAwayBytes, maxTopicBytes, maxWaiting } from './limits.ts';
import { mentions, safeName } from './names.ts';
import type { Held } from './turn.ts';

/** What frames say: as events, and in the sentences of the original 0mq-chat, which are all that its server says. [P33, P37] */

/** @param head places up to this one were written before the reader came; leave it out where there are no places */
export function messageEvent(message: Message, own: boolean, head = 0): ChatEvent {
  const { text, type, id, ts, seq, at, ago, sig, re } = message;
  const from = authorOf(message);
  const place = seq === undefined ? { replay: false } : { seq, replay: seq <= head };
  const said = {
    ...(sig === wrongSignature && { verified: false as const }),
    ...(type === 'action' && { action: true as const }),
    ...(isErased(message) && { erased: true as const }),
    ...(re && { re: formatId(re) }),
  };
  const marks = { ...said, ...(id && { id: formatId(id) }) };
  const accepted = at === undefined ? {} : { acceptedMs: at, ...(ago !== undefined && { agoMs: ago }) };
  return { type: 'message', from, text, own, ...place, ...marks, ...(ts !== undefined && { sentMs: ts }), ...accepted };
}

export const authorOf = (message: Message): { name: string; id?: string } => ({
  name: shownName(message),
  ...(message.key !== undefined && { id: message.key }),
});

/** Whether any reader is shown it: not what has no text any more, nor what only a later version understands. [P5] */
export const isShown = ({ type = 'action', void: isVoid }: Message): boolean => type === 'action' && !isVoid;

/** When it was said, by the room's clock. */
export const saidMs = ({ at = 0, ago = 0 }: Message): number => Math.max(at - ago, 0);

/** A name that its author does not own is marked, and may be anything. [P11] */
export const shownName = ({ name, guest }: Message): string => (guest ? `${safeName(name)} (guest)` : name);

/** The event; a message of somebody else with one of my names or words is marked. My key tells me at another device from them. */
export function markMention(event: ChatEvent, names: readonly string[], key?: string): ChatEvent {
  if (event.type !== 'message' || event.own || (key !== undefined && event.from.id === key)) return event;
  return names.some((name) => mentions(event.text, name)) ? { ...event, mention: true } : event;
}

/** What was typed is a draft again. */
export const takenBackEvent = ({ text, type, re }: Message): ChatEvent => ({
  type: 'takenBack',
  text,
  ...(type === 'action' && { action: true }),
  ...(re && { re: formatId(re) }),
});
/** What a pipe that was killed had given to nobody is not said any more; who has run it is told once. */
export function droppedEvent(messages: readonly Message[]): ChatEvent[] {
  const texts = messages.map(({ text }) => `"${text}"`).join(', ');
  const message = `a run before was killed; what it had given to nobody is dropped: ${texts}`;
  return messages.length === 0 ? [] : [{ type: 'error', code: 'DROPPED', message }];
}

export function slowed({ count, ms }: Held): string {
  const what = count === 1 ? '1 message waits' : `${count} messages wait`;
  return `you write faster than this room takes: ${what} there, about ${aboutSo(ms / 1_000)}. Nothing is lost.`;
}

function aboutSo(seconds: number): string {
  if (seconds < 120) return `${Math.max(Math.round(seconds), 1)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3_600)} hours`;
}

export const slowedEvent = (held: Held): ChatEvent => ({ type: 'status', code: 'SLOWED', message: slowed(held) });

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
  if (notice.notice === 'away' && name !== undefined)
    return { type: 'away', server, name, text: awayText(notice.away ?? '') ?? '' };
  if (notice.notice === 'back' && name !== undefined) return { type: 'back', server, name };
  return { type: 'notice', server, text };
}

/** Why somebody is away, as one line in which nothing is hidden; undefined if that is too long. */
export function awayText(raw: string): string | undefined {
  const text = visible(raw.trim().replace(/\s+/g, ' '));
  return Buffer.byteLength(text) <= maxAwayBytes ? text : undefined;
}
export const awayWords = (text: string): string => (text === '' ? 'away' : `away: ${text}`);
/** What is told to programs alone: people are told when it matters to them. */
export const isSilent = ({ notice }: Notice): boolean => notice === 'away' || notice === 'back';

export const greeting = (online: number): string => `You are now online. ${online} online.`;
/** What a room is about, in one line. */
export const topicWords = (topic: string): string => `Topic: ${topic.slice(0, maxTopicBytes).replace(/\s+/g, ' ')}`;
export const farewell = 'Server is off.';

/** A notice in words. Version-1 sessions read `lost the connection` where the original would say that a member left. */
export function sentence({ notice, who, was, online, reason, away }: Omit<Notice, 'kind' | 'name' | 'text'>): string {
  if (notice === 'away') return `${who} is ${awayWords(away ?? '')}.`;
  if (notice === 'back') return `${who} is back.`;
  const did = notice === 'join' ? 'joined the room' : reason === 'lost' ? 'lost the connection' : 'left the room';
  return notice === 'rename' ? `${was} is now called ${who}. ${online} online.` : `${who} ${did}. ${online} online.`;
}

/** The original's program prints what it gets as it is: a line end would begin a line of somebody else. [P37] */
export const plainWords = (name: string, text: string): Message => ({ kind: 'message', name, text: visible(text) });

/** A notice for a client of the original, which knows two sentences by heart. */
export const plainNotice = (notice: Notice): Message =>
  plainWords(notice.name, notice.reason === 'lost' ? sentence({ ...notice, reason: 'left' }) : notice.text);

/** A message in the original's form, which knows no actions. [P5] */
export const plainMessage = (message: Message): Message =>
  plainWords(shownName(message), message.type === 'action' ? `/me ${message.text}` : message.text);

/** The original's program sends nothing but these, for ever, when its input has ended. [P38] */
export const isBlank = ({ text }: Message): boolean => text.trim() === '';

/** Said once, of all that come from there. */
export const blankNotShown = (name: string): ChatEvent => ({
  type: 'status',
  code: 'EMPTY',
  message: `${name} sends empty messages; they are not shown.`,
});

/** How many are online, as a greeting says it. */
export const readGreeting = (text: string): number => Number(/(\d+) online\.$/.exec(text)?.[1] ?? 1);

/** What the original's server has said, as the event that it means; undefined for somebody's message. */
export function readSentence({ name: speaker, text }: Message, server: string): ChatEvent | undefined {
  if (speaker !== server) return undefined;
  const [, name, verb, count] = /^(.*) (joined|left) the room\. (\d+) online\.$/s.exec(text) ?? [];
  const online = Number(count);
  if (name && verb === 'joined') return { type: 'join', server, name, online };
  if (name) return { type: 'leave', server, name, online, reason: 'left' };
  return text === farewell ? { type: 'shutdown', server } : { type: 'notice', server, text };
}
