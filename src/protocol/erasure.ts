import type { Message, MessageId } from './frames.ts';
import { type Crypto, digestOf, formatId } from './signed.ts';

/** The room lets the words of a message go: its digest stays, and `proof` says for ever that this was the room's will. */
export type Erasure = { id: MessageId; words: string; proof: string };

/** What the room signs, so that nobody else can make words go. [P36] */
export const erasureText = (room: string, { id, words }: Omit<Erasure, 'proof'>): string =>
  JSON.stringify(['0mq-chat erase', room, formatId(id), words]);

/** What the entry says by which readers learn of it. */
export const erasing = ({ id, words, proof }: Erasure): Pick<Message, 'type' | 're' | 'text'> => ({
  type: 'erase',
  re: id,
  text: `${words} ${proof}`,
});

/** The erasure that an entry tells, or that has left an entry without its words; undefined if the room has not signed it. */
export function erasureOf(crypto: Crypto, room: string, message: Message): Erasure | undefined {
  const erasure = claimed(message);
  return erasure && crypto.verify(room, erasureText(room, erasure), erasure.proof) ? erasure : undefined;
}

function claimed({ id, type, re, text, words, erased }: Message): Erasure | undefined {
  if (words !== undefined) return id && erased !== undefined ? { id, words, proof: erased } : undefined;
  const [, digest, proof] = type === 'erase' ? (/^([\w-]{43}) ([\w-]{1,128})$/.exec(text) ?? []) : [];
  return re && digest && proof ? { id: re, words: digest, proof } : undefined;
}

/** Nobody destroys words by handing on a message without them: that they are gone is the room's word, or the log's. */
export const isProper = (crypto: Crypto, room: string, message: Message): boolean =>
  message.words === undefined || message.void === true || erasureOf(crypto, room, message) !== undefined;

/** The message without the words that are erased; as it is if the erasure is of other ones. */
export function withoutWords(crypto: Crypto, message: Message, erasure: Erasure | undefined): Message {
  if (!erasure || message.void || digestOf(crypto, message) !== erasure.words) return message;
  return erase(message, erasure);
}

/** What a store does with what it has: no matter what stands there. */
export function erase(message: Message, { words, proof }: Erasure): Message {
  const { salt: _, ...rest } = message;
  return { ...rest, text: '', words, erased: proof };
}

/** Its words were erased. */
export const isErased = ({ words, void: isVoid }: Pick<Message, 'words' | 'void'>): boolean =>
  words !== undefined && !isVoid;
