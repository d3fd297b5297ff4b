import { OtherRoom } from '../../errors.ts';
import { type Challenge, type Join, protocolVersion, type Refused, type Welcome } from '../../protocol/frames.ts';
import { welcomeProof } from '../../protocol/signed.ts';
import { maxJoins } from '../limits.ts';
import { emptyHash } from '../log/store.ts';
import type { Delivery } from './delivery.ts';
import type { Member } from './member.ts';

/**
 * How a member gets in: it joins with a nonce of its own, proves its key when the room asks for that, and is welcomed by what
 * only that room can sign.
 *
 *   Each join has another nonce, and one proof at most; what answers an older join is of no use any more.
 */
export class Handshake {
  readonly #member: Member;
  readonly #delivery: Delivery;
  isProven = false;
  /** Whoever only wants to know whether a server answers knows it. */
  isAnswered = false;
  /** The room that was proven to, by its key; and the newest join's nonce. */
  room = '';
  cn = '';
  /** The nonces of my joins, the newest last. */
  #cns: string[] = [];

  constructor(member: Member, delivery: Delivery) {
    this.#member = member;
    this.#delivery = delivery;
  }

  join(): void {
    const { naming, options } = this.#member;
    naming.ask();
    this.isProven = false;
    this.cn = options.nonce();
    this.#cns = [...this.#cns.slice(-maxJoins), this.cn];
    this.#member.send(this.#joinFrame);
  }

  get #joinFrame(): Join {
    const { copy, courier, naming, options } = this.#member;
    const { identity, history } = options;
    const { dev } = courier;
    const { log, cursor: since, hash } = copy;
    const { cn } = this;
    const who = { kind: 'join', name: naming.asked, version: protocolVersion, key: identity.key, dev, cn } as const;
    return log === '' ? { ...who, history } : { ...who, log, since, ...(hash !== emptyHash && { hash }) };
  }

  /** One proof for one join. A question that was asked of an older join is of no use any more. */
  prove(challenge: Challenge): void {
    const { room, cn } = challenge;
    if (this.isProven || cn !== this.cn) return;
    this.isAnswered = this.#member.options.check === true;
    if (this.isAnswered || !this.isFor(room)) return;
    this.room = room;
    this.isProven = this.#delivery.prove(challenge, this.#joinFrame);
  }

  /** True if this is the room that is meant, or the first that is met; `room` is its key, undefined for an original's. */
  isFor(room: string | undefined): boolean {
    const { options, room: meant, effects } = this.#member;
    const isFirst = meant === undefined && !(room !== undefined && options.keeps?.(room));
    if (isFirst || meant === room) return true;
    effects.push({ type: 'fail', error: new OtherRoom(meant, room) });
    return false;
  }

  /** Before anything was proven a server refuses nothing but a version. */
  isRefused({ code, cn }: Refused): boolean {
    return cn === this.cn && (this.isProven || code === 'VERSION_REFUSED');
  }

  /** Nobody but the room can sign this: whoever else shows its key opens nothing. */
  isWelcome(welcome: Welcome): boolean {
    const { crypto } = this.#member.options;
    return this.isProven && crypto.verify(this.room, welcomeProof(this.cn, this.room, welcome), welcome.sig);
  }

  /**
   * Somebody else has had the session of this device since I had it: two that say nothing would end each other's for ever.
   * What was begun before I was first welcomed may be this very program, as it was before it was started anew.
   */
  isElsewhere({ ended }: Welcome): boolean {
    return this.#member.availability.everLive && ended !== undefined && !this.#cns.includes(ended);
  }
}
