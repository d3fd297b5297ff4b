import type { ChatError } from '../errors.ts';
import { encode } from '../protocol/codec.ts';
import type { Frame, Message, MessageId, Received } from '../protocol/frames.ts';
import type { ChatEvent } from './events.ts';
import type { Position } from './log/feed.ts';
import type { WhyKept } from './log/ledger.ts';
import type { Change } from './log/store.ts';

/**
 * The one vocabulary of all cores. A core is a state machine without socket, file, clock or timer. `from` and `to` name
 * connections: the routing ids of a server's clients, the one link of a client.
 */
export interface Core {
  /** Takes everything that arrived in one turn of the event loop. What it says MUST be done in this order. */
  turn(inputs: Iterable<Input>, now: Now): Effect[];
  /** When the next turn is due although nothing arrives: ms from now, or undefined. */
  nextTurnMs?(now: Now): number | undefined;
}

/** `ms` only ever rises and is for spans of time; `wallMs` is the machine's clock, in ms since 1970, to be shown. */
export type Now = { ms: number; wallMs: number };

export type Input =
  /** `isOriginal` is known only where it was asked before a word is said. */
  | { type: 'connected'; from: string; isOriginal?: true; isSecure?: true }
  | { type: 'disconnected'; from: string }
  | { type: 'frame'; from: string; frame: Received }
  /** A frame as it came, to be decoded only if its connection may still be listened to. */
  | { type: 'bytes'; from: string; data: Uint8Array }
  /** The queue of this connection is full: `sent` was not taken, and so was nothing after it in the same turn. */
  | { type: 'full'; from: string; sent: Send }
  | { type: 'committed'; change: Change }
  /** The text of the event that was given out with this `place`, and of all before it, has left the program. */
  | { type: 'shown'; place: number }
  | { type: 'typed'; text: string; action?: true; re?: MessageId }
  /** I am away, until I say something. */
  | { type: 'away'; text: string }
  /** What was typed last is not to be said, if nobody was given it: then the event `takenBack` follows. */
  | { type: 'takeBack' }
  /** What is to become of the words that a folder has from before it was copied. */
  | { type: 'left'; wish: 'resend' | 'discard' | 'keep' }
  /** What was typed in this run and given to nobody is not wanted any more. */
  | { type: 'drop' }
  /** Whoever keeps the room wants the words of this place to go; `answered` says what came of it, to `from`. */
  | { type: 'erase'; from: string; seq: number }
  /** Only who has one of these keys may come in by the encrypted door, from now on. */
  | { type: 'admitted'; keys: ReadonlySet<string> }
  /** Another name was chosen: it counts when the server has taken it, which the event `renamed` says. */
  | { type: 'named'; name: string }
  /** The program did nothing for so long (Ctrl-Z): what is told now may have happened in that time. */
  | { type: 'stoodStill'; forMs: number }
  /** Others can reach this device there from now on, the likeliest first. */
  | { type: 'reachable'; hosts: readonly string[] }
  /** Somebody who knows the key of this room, maybe the member with this key, can be reached there: advice, and no more. */
  | { type: 'heard'; host: string; key?: string }
  /** It is time to look at the time, or to say goodbye. */
  | { type: 'tick' | 'leave' };

export type Send = {
  type: 'send';
  to: string[];
  data: string;
  /** Where its readers stood before it, to read on from there if it is not taken. */
  before?: Position;
};
/** A connection whose queue is full, and how many of the frames it has taken. */
export type Full = { id: string; taken: number };
export type Effect =
  | Send
  /** Must be on disk before anything after it. The next turn begins with `committed`: nothing else happens in between. */
  | { type: 'commit'; change: Change }
  /** With `place`, a number that rises, `shown` says when its text has left the program. */
  | { type: 'show'; event: ChatEvent; place?: number }
  /** End the connection and dial anew; a link between members is ended, and nobody dials it again. */
  | { type: 'hangUp'; to: string }
  /** Dial the member with this key, at the first of these addresses that answers. */
  | { type: 'dial'; to: string; key: string; hosts: readonly string[] }
  /** Only members with these keys may link with this one, from now on. */
  | { type: 'admitPeers'; keys: ReadonlySet<string> }
  /** Members that are near are to find each other without the server, or not any more. */
  | { type: 'seek'; isOn: boolean }
  /** So many frames are none of this protocol, or not for this side. */
  | { type: 'ignored'; frames: number; reason: string }
  /** What came of a wish of whoever keeps the room, on disk by now; without `why` it was fulfilled. */
  | { type: 'answered'; to: string; why?: WhyKept }
  /** The core cannot go on as it is. */
  | { type: 'fail'; error: ChatError };

/** What was typed, and is not accepted yet. */
export type Waiting = Pick<Message, 'id' | 'text' | 'type' | 'ts'>;

/** What takes long, and how far it is. */
export type Work = { what: 'read' | 'givenBack'; done: number; total: number };

/** So much was said faster than the room takes it, and the last of it is taken in about `ms`. */
export type Held = { count: number; ms: number };

/** A member of a room (member/) or one of two people (pair/). It has one connection, `theLink`. */
export interface Conversation extends Core {
  /** What is typed now bears this name. */
  readonly name: string;
  readonly online: boolean;
  /** Oldest first. */
  readonly waiting: readonly Waiting[];
  /** The newest of them, if it was given to nobody. */
  readonly retractable: Waiting | undefined;
  readonly work?: Work | undefined;
  readonly held?: Held | undefined;
  /** How many of them the other side is not known to have. */
  readonly unsent: number;
  /** Of what was typed in this run, and the other side is not known to have: was given to it all the same, or to nobody. */
  readonly unsettled: { inDoubt: number; ungiven: number };
  /** The others who are there, as far as known: latest speaker first, then in order of coming. */
  readonly others: readonly string[];
  /** Why somebody who is there is away, '' if that was not said; undefined if nobody of this name is away. */
  whyAway?(name: string): string | undefined;
  /** With whom there is a link without the server; `through`: those of them who are in the room. */
  readonly near?: readonly string[];
  readonly through?: readonly string[];
  /** What waits, is on so many disks of others at least, and is shown all the same. */
  readonly shared?: { count: number; copies: number } | undefined;
  /** How many are online, I among them, as last said; 0 while nobody can say. */
  readonly present: number;
  /** False from `leave` until the other side has answered it: only then is nothing more under way from there. */
  readonly hasLeft: boolean;
  /** So much was shown and has not left the program that nothing more should be read. */
  readonly isFull: boolean;
}

export const theLink = 'link';

/**
 * How a name of a server's connection begins, by its door. Over an encrypted one nobody but the two ends can say anything, and
 * the server has proven its key.
 */
export const [secureMark, openMark] = ['!', '-'];
export const isSecure = (from: string): boolean => from.startsWith(secureMark);

/** How the names of links between members begin; what comes behind it is a `d` where it was dialed from here. */
export const peerMark = '~';
export const isPeer = (id: string): boolean => id.startsWith(peerMark);
/** What a core says of them. */
export type PeerEffect = Extract<Effect, { type: 'dial' | 'hangUp' | 'admitPeers' | 'seek' }>;

export class Effects {
  readonly #effects: Effect[] = [];

  push(...effects: Effect[]): void {
    this.#effects.push(...effects);
  }

  send(to: string | string[], frame: Frame): void {
    if (to.length > 0) this.push({ type: 'send', to: [to].flat(), data: encode(frame) });
  }

  take(): Effect[] {
    return this.#effects.splice(0);
  }
}
