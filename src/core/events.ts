import type { ErrorCode } from '../errors.ts';
import type { SignedHead } from '../protocol/signed.ts';

/**
 * What the room has signed in one run of its server cannot all be true: two pasts (`signed`), or in a welcome less than
 * before (`back`), or another past than the one `read` here, of which that is the chain up to `seq`. [P26]
 */
export type Contradiction = {
  type: 'contradiction';
  reason: 'signed' | 'back' | 'read';
  /** The room's key, which has signed the heads. */
  room: string;
  seq: number;
  heads: SignedHead[];
  read?: string;
  /** Where it is kept as evidence. */
  file?: string;
};

/** The room has not taken it, or other words under its id; a log has lost it; what lies before it has not come for so long. */
export type WhyWithdrawn = 'refused' | 'replaced' | 'lost' | 'waited';

/** Lines by their numbers; without `to`, that one and all that come after it. */
export type Span = { from: number; to?: number };

/** What happens in a chat, as `--json` prints it. Fields are only ever added; readers skip what they do not know. */
export type ChatEvent =
  | { type: 'state'; state: 'connecting'; endpoint: string }
  | {
      type: 'state';
      state: 'online';
      /** Absent between two people. */
      server?: string;
      online: number;
      /** The other side runs the original program: no replay, no receipts. */
      legacy: boolean;
      /** How long it was offline, if it was online before. */
      afterMs?: number;
      waiting?: number;
      members?: string[];
      /** Of the others, those who are away. */
      away?: { name: string; text: string }[];
      /** The room's key; absent between two people, and in a room of the original's. */
      room?: string;
    }
  /**
   * `forMs`: it may have been so for so long, for the program itself stood still. `seeking`: other members may be reached
   * without the server.
   */
  | {
      type: 'state';
      state: 'offline';
      reason: 'left' | 'lost' | 'silent';
      peer?: string;
      forMs?: number;
      seeking?: true;
    }
  | { type: 'state'; state: 'closing' }
  | {
      type: 'message';
      /** Absent where nobody gives an order (p2p, the original's server). */
      seq?: number;
      id?: string;
      from: { name: string; id?: string };
      text: string;
      /** The text says what its author does: `waves`. */
      action?: true;
      /** The message that it answers, and how that begins, where it is kept. */
      re?: string;
      answers?: { name: string; text: string };
      /** The text is gone, by the will of whoever keeps the room. */
      erased?: true;
      /** It is on the disks of members near here, and has no place in the log yet. */
      provisional?: true;
      own: boolean;
      /** The text names me, who did not write it. */
      mention?: true;
      /** Written before this client came (back) online. */
      replay: boolean;
      /** Its signature is wrong: somebody else may have written it. */
      verified?: false;
      /** It was lost, and somebody had it. */
      mended?: true;
      /** When it was written, in ms since 1970, by its author's clock. */
      sentMs?: number;
      /** When the room took it, by the server's clock: the time to show. */
      acceptedMs?: number;
      /** It was said so long before the room took it, more than a minute: its author was offline, or a log has lost it. */
      agoMs?: number;
    }
  /** What was shown as provisional is in the log; without `seq` it was there, and is not kept any more. */
  | { type: 'placed'; id: string; seq?: number }
  /** What was shown as provisional will never have a place. `from` and `text` say again what it was, if that is known. */
  | { type: 'withdrawn'; id: string; reason: WhyWithdrawn; from?: { name: string; id?: string }; text?: string }
  /** With these members this one is linked, without the server; `through`: those of them who are in the room. */
  | { type: 'near'; names: string[]; through?: string[] }
  | { type: 'join'; server?: string; name: string; online: number }
  | { type: 'leave'; server?: string; name: string; online: number; reason: 'left' | 'lost' }
  | { type: 'rename'; server: string; from: string; name: string; online: number }
  /** For programs; on a screen it is told when it matters. */
  | { type: 'away'; server: string; name: string; text: string }
  | { type: 'back'; server: string; name: string }
  /** The server has taken another name for this client. */
  | { type: 'renamed'; was: string; name: string }
  | { type: 'shutdown'; server: string }
  /** The room's own words that are none of the above. */
  | { type: 'notice'; server: string; text: string }
  /** `firstMs`: when the oldest entry that is still kept was written. */
  | { type: 'gap'; from: number; to: number; firstMs?: number }
  /** Next come `count` of `total` messages, written since `sinceMs`, that were missed, or were there before the `first` join. */
  | { type: 'replay'; count: number; total: number; sinceMs: number; first?: true }
  | { type: 'replayed'; first?: true }
  /** The record of this message is damaged where the room is kept. */
  | { type: 'lost'; seq: number }
  /** An entry that the key it stands under did not sign. Told once for each key. */
  | { type: 'unverified'; seq: number; from: { name: string; id: string } }
  /** The words of this message are gone; `seq` is its place, where that is kept here. */
  | { type: 'erased'; id: string; seq?: number }
  | Contradiction
  /** The room's clock was set back: what comes now seems to be older than it is. */
  | { type: 'clock'; setBackMs: number }
  /** What a person may want to know of this program. FOLDED: `count` lines were left out while the output stood still. */
  | { type: 'status'; code: string; message: string; count?: number }
  | {
      type: 'error';
      code: ErrorCode | 'TEXT_TOO_LONG' | 'TOO_MANY_WAITING' | 'REFUSED' | 'CHAIN_BROKEN' | 'DROPPED' | 'NOT_UTF8';
      message: string;
    }
  /** Where the lines of a pipe are that has ended, by their numbers, unless all of them have arrived. */
  | { type: 'outcome'; arrived: Span[]; inDoubt: Span[]; notSent: Span[] }
  | { type: 'listening'; endpoint: string; port: number; room?: string }
  /** What was typed, and given to nobody, is a draft again. */
  | { type: 'takenBack'; text: string; action?: true; re?: string }
  /**
   * `addresses`: where other machines reach it, the likeliest first. `join`: the command line with which others come in.
   * `openEndpoint`: where clients that are not encrypted come in besides.
   */
  | {
      type: 'listening';
      endpoint: string;
      port: number;
      room?: string;
      secure?: boolean;
      openEndpoint?: string;
      addresses?: string[];
      join?: string;
    }
  | { type: 'closing' };
