import { type Message, maxTextBytes } from '../../protocol/frames.ts';
import type { Proposal } from '../log/ledger.ts';
import type { Session } from './presence.ts';

/** It is proposed; or its author joined never, or not on this connection [P13]; or it is not accepted from a guest. */
export type Intake = Proposal | 'stranger' | 'too long';

/** What is to be done with a message, as far as the session alone can tell. */
export function intake(from: string, session: Session | undefined, message: Message, wallMs: number): Intake {
  if (session?.isGuest) return fromGuest(from, session, message, wallMs);
  if (!session || !message.id) return 'stranger';
  if (message.seq !== undefined) return { type: 'mend', message };
  // What its author wrote, and nothing that only a log may say.
  const { hash: _, void: __, ...written } = message;
  const isOwn = message.id.dev === session.dev && message.key === session.who;
  return isOwn
    ? { type: 'say', from, message: written, name: session.name }
    : { type: 'giveBack', from, message: written };
}

/** An id is an unknown key where nothing has a version: the server counts for such a session. */
function fromGuest(from: string, session: Session, { text }: Message, wallMs: number): Intake {
  if (Buffer.byteLength(text) > maxTextBytes) return 'too long';
  const { name, dev } = session;
  const id = { dev, n: ++session.said };
  return { type: 'say', from, message: { kind: 'message', name, text, id, ts: Math.max(wallMs, 0) }, name };
}
