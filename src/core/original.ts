import type { Message, Notice } from '../protocol/frames.ts';
import type { ChatEvent } from './events.ts';

/**
 * The dialect of the original 0mq-chat: its server speaks in sentences only. Here they are said, and understood. [P4, P18]
 */
export const greeting = (online: number): string => `You are now online. ${online} online.`;
export const farewell = 'Server is off.';

type Facts = Pick<Notice, 'notice' | 'who' | 'was' | 'online' | 'reason'>;

/** A notice in words. Version-1 sessions read `lost the connection` where the original would say that a member left. */
export function sentence({ notice, who, was, online, reason }: Facts): string {
  const did = notice === 'join' ? 'joined the room' : reason === 'lost' ? 'lost the connection' : 'left the room';
  return notice === 'rename' ? `${was} is now called ${who}. ${online} online.` : `${who} ${did}. ${online} online.`;
}

/** The words of a notice for a client of the original, which knows two sentences by heart. */
export const plainText = (notice: Notice): string =>
  notice.reason === 'lost' ? sentence({ ...notice, reason: 'left' }) : notice.text;

/** A message in the original's form, which knows no actions: name and text. [P31] */
export const plainMessage = ({ name, text, action }: Message): Message => ({
  kind: 'message',
  name,
  text: action ? `/me ${text}` : text,
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
