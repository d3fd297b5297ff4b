import { type Message, maxTextBytes, type Received } from '../../protocol/frames.ts';
import type { Proposal } from '../log/ledger.ts';

/** One connection that is in the room. */
export type Session = {
  /** The member: a public key, or the routing id of a client of the original. */
  who: string;
  name: string;
  /** The client's device; for a client of the original one that the server gave to this session, with its count. */
  dev: string;
  isGuest: boolean;
  /** Messages of a guest so far. */
  said: number;
  heardAtMs: number;
};

/** What is to be done with a message, as far as the session alone can tell. */
export type Intake =
  | Proposal
  /** It joined never, or not on this connection. [P13] */
  | { type: 'stranger' }
  /** Said to a client of the original: what it sent is not accepted. */
  | { type: 'tooLong'; text: string };

/** A message from a member, or from whoever claims to be one. */
export function intake(from: string, session: Session | undefined, message: Message, wallMs: number): Intake {
  if (session?.isGuest) return fromGuest(from, session, message, wallMs);
  if (!session || !message.id) return { type: 'stranger' };
  if (message.seq !== undefined) return { type: 'mend', message };
  const isOwn = message.id.dev === session.dev && message.key === session.who;
  return isOwn
    ? { type: 'say', from, message: pure(message), name: session.name }
    : { type: 'giveBack', from, message: pure(message) };
}

/** An id is an unknown key where nothing has a version: the server counts for such a session. */
function fromGuest(from: string, session: Session, { text }: Message, wallMs: number): Intake {
  if (Buffer.byteLength(text) > maxTextBytes)
    return { type: 'tooLong', text: `Your message was not sent: it is longer than ${maxTextBytes} bytes.` };
  const { name, dev } = session;
  const id = { dev, n: ++session.said };
  const ts = Math.max(wallMs, 0);
  return { type: 'say', from, message: { kind: 'message', name, text, id, ts }, name };
}

/** What its author wrote, and nothing that only a log may say. */
function pure({ name, text, action, id, lc, ts, key, sig, first }: Message): Message {
  const words = { kind: 'message' as const, name, text, ...(action && { action }), ...(id && { id }) };
  const counted = { ...(lc !== undefined && { lc }), ...(ts !== undefined && { ts }) };
  const signed = { ...(key !== undefined && { key }), ...(sig !== undefined && { sig }) };
  return { ...words, ...counted, ...signed, ...(first && { first }) };
}

/** Why a frame is none that a server takes. */
export const whyIgnored = (frame: Received): string =>
  frame.kind === 'malformed' ? frame.reason : `a ${frame.kind} frame is not for a server`;
