import type { Frame, Greet } from '../../protocol/frames.ts';
import { type LinkEnd, linkProof } from '../../protocol/signed.ts';
import { crossedMs, maxIncoming, silentMs } from '../limits.ts';
import type { Member } from '../member/member.ts';
import { peerMark } from '../turn.ts';
import type { Candidate } from './acquaintances.ts';
import { Link } from './link.ts';

/**
 * The links of a member, from the first word to the last. [P51]
 *
 *   dialed --connected--> greeted --greeting with proof--> proven      (and its own proof goes out)
 *   incoming --greeting--> answered with proof --greeting with proof--> proven
 *   any --something else, or wrong, or silentMs without a frame--> ended; incoming --not proven in that time--> ended
 *
 *   G11 a proven link leads to who holds the key, in the newest signed roster, and the device made from it; one for a device.
 */
export class Links {
  readonly #member: Member;
  readonly #links = new Map<string, Link>();

  constructor(member: Member) {
    this.#member = member;
  }

  get all(): Link[] {
    return [...this.#links.values()];
  }

  get proven(): Link[] {
    return this.all.filter(({ isProven }) => isProven);
  }

  find(id: string): Link | undefined {
    return this.#links.get(id);
  }

  /** It is linked with, or on the way to that. */
  readonly isLinked = (dev: string): boolean =>
    this.all.some(({ dialed, isProven, theirs }) => dialed?.dev === dev || (isProven && theirs?.dev === dev));

  dial({ key, dev, hosts }: Candidate, ms: number): void {
    const id = `${peerMark}d${++this.#member.dialed}`;
    this.#links.set(id, new Link(id, this.#member.options.nonce(), ms, { key, dev }));
    this.#member.effects.push({ type: 'dial', to: id, key, hosts });
  }

  connected(id: string, ms: number): void {
    const link = this.#links.get(id);
    if (!link || link.isUp) return;
    link.isUp = true;
    link.heardAtMs = ms;
    this.#greet(link, ms);
  }

  /** The link that a frame has come over; of those that come in only so many are listened to. */
  hear(id: string, ms: number): Link | undefined {
    const known = this.#links.get(id);
    if (known) known.heardAtMs = ms;
    if (known || id.startsWith(`${peerMark}d`)) return known;
    const link = new Link(id, this.#member.options.nonce(), ms);
    const incoming = this.all.filter(({ dialed }) => !dialed);
    const other = incoming.length < maxIncoming ? undefined : leastOf(incoming);
    if (incoming.length >= maxIncoming && !other) return void this.#member.effects.push({ type: 'hangUp', to: id });
    if (other) this.hangUp(other);
    this.#links.set(id, link);
    return link;
  }

  ended(id: string): Link | undefined {
    const link = this.#links.get(id);
    this.#links.delete(id);
    return link;
  }

  hangUp({ id }: Link): void {
    if (this.#links.delete(id)) this.#member.effects.push({ type: 'hangUp', to: id });
  }

  send(link: Link, frame: Frame, ms: number): void {
    link.saidAtMs = ms;
    this.#member.effects.send(link.id, frame);
  }

  /** False if it is not from who it should be. Anybody but the other end can have sent what has no proof. */
  greeted(link: Link, { nonce, key, dev, proof }: Greet, ms: number): boolean {
    const theirs = { nonce, key, dev };
    const isOther = link.theirs && link.theirs.nonce !== nonce;
    if (link.isProven || isOther || !this.#mayBe(link, theirs)) return false;
    link.theirs = theirs;
    if (proof !== undefined && !this.#isProof(link, theirs, proof)) return false;
    if (!link.hasProven) this.#greet(link, ms);
    link.isProven = proof !== undefined;
    if (link.isProven) this.#keepOne(link, theirs);
    return true;
  }

  /** Of those who say nothing any more, or do not say who they are. */
  silent(ms: number): Link[] {
    const sinceMs = ({ isProven, dialed, heardAtMs, begunAtMs }: Link) => (isProven || dialed ? heardAtMs : begunAtMs);
    return this.all.filter((link) => (link.isUp || !link.dialed) && ms - sinceMs(link) >= silentMs);
  }

  #mine({ nonce }: Link): LinkEnd {
    const { courier, options } = this.#member;
    return { nonce, key: options.identity.key, dev: courier.dev };
  }

  #greet(link: Link, ms: number): void {
    const { options, room = '' } = this.#member;
    const mine = this.#mine(link);
    link.hasProven = link.theirs !== undefined;
    const proof = link.theirs && { proof: options.identity.sign(linkProof(room, mine, link.theirs)) };
    this.send(link, { kind: 'greet', ...mine, ...proof }, ms);
  }

  #mayBe({ dialed }: Link, { key, dev }: LinkEnd): boolean {
    const isMeant = dialed === undefined || dialed.key === key;
    return isMeant && this.#member.roster.has(key) && this.#member.options.crypto.isDeviceOf(key, dev);
  }

  #isProof(link: Link, theirs: LinkEnd, proof: string): boolean {
    const { options, room = '' } = this.#member;
    return options.crypto.verify(theirs.key, linkProof(room, theirs, this.#mine(link)), proof);
  }

  /**
   * Both ends come to the same. Nobody dials whom it is linked with, so who comes anew has lost what was; but if both have
   * dialed at once, the one that the lower device has dialed stays.
   */
  #keepOne(link: Link, { dev }: LinkEnd): void {
    const other = this.proven.find((one) => one !== link && one.theirs?.dev === dev);
    if (!other) return;
    const isMineLower = this.#member.courier.dev < dev;
    const isRight = (one: Link) => (one.dialed !== undefined) === isMineLower;
    const isCrossed = link.begunAtMs - other.begunAtMs < crossedMs;
    this.hangUp(isCrossed && isRight(other) && !isRight(link) ? link : other);
  }
}

/** Of those who came in, who makes room for another: who has not proven for longest who it is, or one of a key that has several. */
function leastOf(incoming: readonly Link[]): Link | undefined {
  const keys = incoming.map(({ theirs }) => theirs?.key);
  return (
    incoming.find(({ isProven }) => !isProven) ?? incoming.find(({ theirs }, i) => keys.indexOf(theirs?.key) !== i)
  );
}
