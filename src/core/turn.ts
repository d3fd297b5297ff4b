import type { ChatError } from '../errors.ts';
import type { Frame, Received } from '../protocol/frames.ts';
import type { ChatEvent } from './events.ts';
import type { Change } from './log/store.ts';

/** What happens to a conversation, from the wire and from the person. */
export type ConversationInput =
  /** The other side shook hands: a connection is there. */
  | { type: 'connected' }
  | { type: 'disconnected' }
  | { type: 'frame'; frame: Received }
  /** With `action`, the text says what the person does: `waves`. */
  | { type: 'typed'; text: string; action?: true }
  /** Another name was chosen: it counts when the server has taken it, which `renamed` says. */
  | { type: 'named'; name: string }
  /** The change is on disk. */
  | { type: 'committed'; change: Change }
  | { type: 'tick' }
  | { type: 'leave' };

export type ConversationEffect =
  | { type: 'send'; frame: Frame }
  /** Must be on disk before the next one; answered by `committed`. */
  | { type: 'commit'; change: Change }
  | { type: 'show'; event: ChatEvent }
  /** The conversation cannot go on as it is. */
  | { type: 'fail'; error: ChatError };

/** A text that is not accepted yet, and when it was typed. */
export type Waiting = { text: string; sinceMs: number; action?: true };

/** One side of a chat: a member of a room (session.ts) or one of two people (pair.ts). */
export interface Conversation {
  /** What I am called: what is typed now bears this name. */
  readonly name: string;
  readonly online: boolean;
  /** What was typed but is not accepted yet, oldest first. */
  readonly waiting: readonly Waiting[];
  /** The names of those who are there besides me, as far as known: latest speaker first, then in order of coming. */
  readonly others: readonly string[];
  /** How many are online, I among them, as last said; 0 while nobody can say. */
  readonly present: number;
  /** False from `leave` until the other side has answered it: only then is nothing more under way from there. */
  readonly left: boolean;
  step(input: ConversationInput, nowMs: number): ConversationEffect[];
}
