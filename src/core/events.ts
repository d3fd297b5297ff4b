import type { ErrorCode } from '../errors.ts';

/**
 * What happens in a chat, as data: the cores make events, the terminal shows them, `--json` prints them.
 * Fields are only ever added; readers skip types and fields they do not know.
 */
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
      /** Set when the connection was lost before. */
      afterMs?: number;
      waiting?: number;
      members?: string[];
    }
  | { type: 'state'; state: 'offline'; reason: 'left' | 'lost' | 'silent'; peer?: string }
  | { type: 'state'; state: 'closing' }
  | {
      type: 'message';
      /** Place in the order of all; absent where nobody gives one (p2p, the original's server). */
      seq?: number;
      id?: string;
      from: { name: string; id?: string };
      text: string;
      /** The text says what its author does: `waves`. */
      action?: true;
      own: boolean;
      /** The text names me, who did not write it. */
      mention?: true;
      /** Written before this client came (back) online. */
      replay: boolean;
      /** It was lost, and somebody had it. */
      mended?: true;
      /** When it was written, in ms since 1970, by its author's clock. */
      sentMs?: number;
    }
  | { type: 'join'; server?: string; name: string; online: number }
  | { type: 'leave'; server?: string; name: string; online: number; reason: 'left' | 'lost' }
  /** A member goes by another name: `from` before, `name` now. */
  | { type: 'rename'; server: string; from: string; name: string; online: number }
  /** The server has taken another name for this client. */
  | { type: 'renamed'; was: string; name: string }
  | { type: 'shutdown'; server: string }
  /** The room's own words that are none of the above. */
  | { type: 'notice'; server: string; text: string }
  /** `firstMs`: when the oldest entry that is still kept was written. */
  | { type: 'gap'; from: number; to: number; firstMs?: number }
  /**
   * The next `count` of `total` messages were written, from `sinceMs` on, while this client was away, or before it came
   * for the `first` time.
   */
  | { type: 'replay'; count: number; total: number; sinceMs: number; first?: true }
  | { type: 'replayed'; first?: true }
  /** The record of this message is damaged where the room is kept. */
  | { type: 'lost'; seq: number }
  /**
   * Progress of this program that a person may want to know. FOLDED: here `count` lines were left out, because the output
   * stood still.
   */
  | { type: 'status'; code: string; message: string; count?: number }
  | { type: 'error'; code: ErrorCode | 'TEXT_TOO_LONG' | 'TOO_MANY_WAITING' | 'REFUSED'; message: string }
  | { type: 'listening'; endpoint: string; port: number }
  | { type: 'closing' };
