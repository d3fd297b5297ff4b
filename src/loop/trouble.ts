import { ChatError, type ErrorCode } from '../errors.ts';
import type { LinkEvent } from '../transport/link.ts';

const refusedMs = 1_000;
const noChatMs = 4_000;
/** Whoever has another key hangs up each time; once, it may have been a server that ends. */
const hangUps = 2;

/** Why nobody answers. */
export type Cause =
  | 'nobody'
  | 'noChat'
  | 'mute'
  | 'busy'
  | 'encrypted'
  | 'notEncrypted'
  | 'notAdmitted'
  | 'crowded'
  | 'otherKey';
export type Place = {
  host: string;
  port: number;
  /** This side is encrypted. */
  isSecure: () => boolean;
  /** The key that is meant, as a person compares it. */
  meant: () => string;
  /** What the owner of a list puts into it, to let this side in. */
  line: string;
  /** Between two people there is no server. */
  isPair: boolean;
};
export type Finding = {
  code: ErrorCode | 'NOBODY_LISTENING';
  message: string;
  hint: string;
  /** It will not change by itself: a program that nobody watches need not wait. */
  isFinal: boolean;
  /** The room that is meant is there, and only does not let this side in. */
  isAnswer: boolean;
};

/** What a person, or the log of a script, is told. */
export function words(cause: Cause, { host, port, meant, line, isPair }: Place): Finding {
  const [who, owner, option] = isPair
    ? ['the other side', 'them', '--peer-key']
    : ['this server', 'its owner', '--server-key'];
  const say = (code: Finding['code'], message: string, hint: string, isFinal = true, isAnswer = false) =>
    ({ code, message, hint, isFinal, isAnswer }) satisfies Finding;
  switch (cause) {
    case 'nobody':
      return say('NOBODY_LISTENING', `nobody is listening on ${host}:${port}`, '', false);
    case 'noChat':
      return say('NOT_A_CHAT', `something answers on port ${port}, but it is not a chat server.`, '', false);
    case 'mute': {
      const message = `something answers on port ${port}, but says nothing: it is no chat server, or stands still.`;
      return say('NOT_A_CHAT', message, '', false);
    }
    case 'busy':
      return say('BUSY', `${who} is too busy to let anybody in.`, '', false);
    case 'encrypted': {
      const hint = `Ask ${owner} for the line to come in with: --secure ${option} …`;
      return say('ENCRYPTED', `${who} is encrypted, and its key is not known here.`, hint);
    }
    case 'notEncrypted': {
      const way = isPair ? 'start without --secure' : 'enter it with --forget-room, and without --secure';
      const hint = `Ask ${owner} why. If it is meant to be open, ${way}.`;
      return say('NOT_ENCRYPTED', `${who} is not encrypted, and an encrypted one is meant.`, hint);
    }
    case 'notAdmitted':
      return say('KEY_REFUSED', `${who} does not know your key.`, `Give ${owner} ${line}`, true, true);
    case 'crowded': {
      const hint = 'Its owner may give the room more places, or lift the limit.';
      return say('ROOM_FULL', `${who} takes nobody else from your network: many from there are in.`, hint, true, true);
    }
    case 'otherKey': {
      const hint = `Ask ${owner} for the line to come in with.`;
      return say('OTHER_KEY', `${who} is not the one with the key ${meant()}.`, hint);
    }
  }
}

/**
 * ZeroMQ hides why nobody answers: connecting "succeeds" and is tried again for ever, or never again. This reads the reason
 * from the events of the link, and says each reason once, until somebody answers.
 */
export class Trouble {
  readonly #place: Place;
  /** When each of these happened first, since the newest of those that say otherwise. */
  readonly #atMs = new Map<LinkEvent['type'], number>();
  #hangUps = 0;
  readonly #told = new Set<string>();
  /** What was found last. */
  reason: Finding | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  note({ type }: Pick<LinkEvent, 'type'>, nowMs: number): void {
    if (type === 'connected') this.#told.clear();
    if (type === 'connected' || type === 'disconnected') return this.#forget();
    if (type === 'refused') this.#forget('refused');
    if (type === 'otherKey') this.#hangUps++;
    if (!this.#atMs.has(type)) this.#atMs.set(type, nowMs);
  }

  /** The reason, when there is a new one to tell. */
  diagnose(nowMs: number): Finding | undefined {
    const cause = this.#cause(nowMs);
    if (cause === undefined) return undefined;
    this.reason = words(cause, this.#place);
    if (this.#told.has(cause)) return undefined;
    this.#told.add(cause);
    return this.reason;
  }

  /** The error that a program ends with when it cannot wait any longer. */
  tooLate(afterMs: number): ChatError {
    const { code = 'TIMEOUT', message = 'Is the address right' } = this.reason ?? {};
    const isKnown = code !== 'NOBODY_LISTENING';
    const hint = this.reason ? `${message.replace(/\.$/, '')}.` : 'Is the address right?';
    return new ChatError(isKnown ? code : 'TIMEOUT', `not online after ${afterMs / 1_000} s.`, hint);
  }

  #cause(nowMs: number): Cause | undefined {
    const lasts = (type: LinkEvent['type'], ms: number) => nowMs - (this.#atMs.get(type) ?? nowMs + 1) >= ms;
    const isSecure = this.#place.isSecure();
    if (lasts('otherMechanism', 0)) return isSecure ? 'notEncrypted' : 'encrypted';
    if (lasts('notAdmitted', 0)) return 'notAdmitted';
    if (lasts('crowded', 0)) return 'crowded';
    if (this.#hangUps >= hangUps) return 'otherKey';
    if (lasts('busy', 0)) return 'busy';
    if (lasts('mute', 0)) return 'mute';
    if (lasts('mismatch', 0) || lasts('opened', noChatMs)) return 'noChat';
    return lasts('refused', refusedMs) && !this.#atMs.has('opened') ? 'nobody' : undefined;
  }

  #forget(kept?: LinkEvent['type']): void {
    for (const type of this.#atMs.keys()) if (type !== kept) this.#atMs.delete(type);
    this.#hangUps = 0;
  }
}
