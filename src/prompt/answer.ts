import type { ChatEvent } from '../core/events.ts';
import type { Readable } from '../core/log/unwritten.ts';
import { maxNameBytes, nameKey, safeName } from '../core/names.ts';
import { isShown, shownName } from '../core/narrate.ts';
import { isErased } from '../protocol/erasure.ts';
import type { Message, MessageId } from '../protocol/frames.ts';
import type { View } from '../terminal/view.ts';
import { type Command, complain } from './prompt.ts';

/** So far back an answer is looked for. */
const newest = 2_000;
const quoted = 80;

type Answering = {
  openLog: () => Readable;
  view: Pick<View, 'show'>;
  /** Who is there in a room that keeps no messages; nobody in all others. */
  unkept: () => readonly string[];
};

/**
 * `/re NAME TEXT`: the text with a mark which message it answers. It begins with `@NAME: `, for those who cannot see the
 * mark.
 */
export const answerCommand = ({ openLog, view, unkept }: Answering): Command => ({
  name: 're',
  argument: 'NAME TEXT',
  does: 'answer what somebody said last',
  run(argument) {
    const found = longest(argument, lastSaid(openLog()), unkept());
    if (!found) return complain(view, `${whyNobody(argument)} For example: /re Ana yes`);
    const { name, text, id } = found;
    if (text === '') return complain(view, `What do you answer ${name}? For example: /re ${name} yes`);
    return { text: `@${name}: ${text}`, ...(id && { re: id }) };
  },
});

function whyNobody(argument: string): string {
  const [word = ''] = argument.split(/\s/);
  return word === '' ? 'Whom do you answer?' : `${safeName(word)} has said nothing here.`;
}

/** The newest message under each name. */
function lastSaid(log: Readable): Map<string, Message> {
  const said = new Map<string, Message>();
  for (const { message } of log.read(log.head - newest + 1, newest))
    if (message?.id && isShown(message) && !isErased(message)) said.set(nameKey(shownName(message)), message);
  return said;
}

/** The longest name that the words begin with. Behind it there may be a colon. */
function longest(argument: string, said: ReadonlyMap<string, Message>, others: readonly string[]) {
  const ends = [...argument.slice(0, 2 * maxNameBytes).matchAll(/(?=\s|$)/gu)].map(({ index }) => index).reverse();
  for (const end of ends) {
    const name = argument.slice(0, end).replace(/^@|:$/g, '');
    const message = said.get(nameKey(name));
    const other = others.find((one) => nameKey(one) === nameKey(name));
    const shown = message ? shownName(message) : other;
    if (shown !== undefined) return { name: shown, text: argument.slice(end).trim(), id: message?.id };
  }
  return undefined;
}

/** What a message answers, in its first words; `isHidden`: not to be read. */
export function withAnswered(event: ChatEvent, log: Readable, isHidden: (message: Message) => boolean): ChatEvent {
  if (event.type !== 'message' || event.re === undefined) return event;
  const message = log.find(idOf(event.re))?.message;
  if (!message || !isShown(message)) return event;
  const [line = ''] = isErased(message) || isHidden(message) ? [] : message.text.split('\n');
  return { ...event, answers: { name: shownName(message), text: line.slice(0, quoted) } };
}

function idOf(id: string): MessageId {
  const [dev = '', n] = id.split('.');
  return { dev, n: Number(n) };
}
