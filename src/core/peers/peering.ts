import type { Got, Hello, Message, Received, Relayed, Said } from '../../protocol/frames.ts';
import { maxRuns, type Run } from '../../protocol/runs.ts';
import { Bucket } from '../bucket.ts';
import { answeredHellos, checkedAtOnce, heartbeatIntervalMs, helloMs, retryLinkMs, streamWindow } from '../limits.ts';
import { byCause } from '../log/ordered.ts';
import type { Change } from '../log/store.ts';
import { canBeKept } from '../member/giving-back.ts';
import type { Member } from '../member/member.ts';
import type { Now } from '../turn.ts';
import type { Link } from './link.ts';
import type { Links } from './links.ts';
import type { Provisional } from './provisional.ts';
import { Relay } from './relay.ts';
import { Stream, written } from './stream.ts';
import { judge } from './taking.ts';

/**
 * What members say to each other over proven links. [P52, P53, P55]
 *
 *   G5 a stream answers the newest hello of the other end, and has no gap; G6 what is passed on or called kept is on disk;
 *   G7 whatever is new here is offered to every link that lacks it.
 */
export class Peering {
  readonly #member: Member;
  readonly #links: Links;
  readonly #shown: Provisional;
  readonly #relay: Relay;
  /** On disk, and not offered yet: what waits, and places of the log. */
  #fresh: Message[] = [];
  #places: Message[] = [];
  /** Own messages up to this n were offered to all links there are. */
  #offered = 0;
  #hasTold = false;
  /** How many more hellos of a member are answered, by key. */
  readonly #answers = new Map<string, Bucket>();

  constructor(member: Member, links: Links, shown: Provisional) {
    this.#member = member;
    this.#links = links;
    this.#shown = shown;
    this.#relay = new Relay(member);
  }

  /** Nothing that was typed with the new device was offered. */
  renewed(): void {
    this.#offered = 0;
  }

  /** There is more to take, although nothing arrives. */
  get isBusy(): boolean {
    return this.#links.all.some(({ unread }) => unread.length > 0);
  }

  /** Somebody near is to be given what is typed. */
  get isGiving(): boolean {
    return this.#links.all.some((link) => (link.stream ?? link.hello) !== undefined && !this.#isCovered(link));
  }

  /** Both ends are in the room, which gives them what is new: no link need do that. */
  #isCovered({ isServed }: Link): boolean {
    const { isLive, peers } = this.#member;
    return isServed && isLive && !peers.isMissing;
  }

  /** It is said again what is here, at the next occasion. */
  renewHellos(): void {
    for (const link of this.#links.proven) link.helloAtMs = Number.NEGATIVE_INFINITY;
  }

  heardHello(link: Link, hello: Hello): void {
    if (hello.r <= Math.max(link.stream?.of ?? 0, link.hello?.r ?? 0)) return;
    link.hello = hello;
    link.isLive = hello.live === true;
    link.isServed = link.isLive && hello.apart !== true;
    const { dev } = this.#member.courier;
    const { from = 1, to = 0 } = hello.waits.find((run) => run.dev === dev) ?? {};
    for (const own of this.#mine)
      if (own.id && own.id.n >= from && own.id.n <= to) this.#shown.keptBy(own, link.theirs?.dev ?? '');
  }

  /** The next frame of a stream; false if the other end does not know when to stop. */
  heardStream(link: Link, frame: Said | Relayed): boolean {
    if (frame.of !== link.r || frame.k <= link.k) return true;
    if (frame.k > link.k + 1) return this.#missed(link);
    link.k = frame.k;
    link.unread.push(frame);
    return link.unread.length <= 2 * streamWindow;
  }

  /** Nothing of the old stream is taken any more. */
  #missed(link: Link): boolean {
    link.helloAtMs = Number.NEGATIVE_INFINITY;
    link.r++;
    return true;
  }

  /** The queue of this link was full. Returns false for what cannot be said again. */
  notTaken(link: Link, frame: Received, ms: number): boolean {
    link.fullUntilMs = ms + retryLinkMs;
    if (frame.kind === 'said' || frame.kind === 'relayed') link.stream?.putBack(frame.k, frame.of);
    else if (frame.kind === 'hello') link.helloAtMs = Number.NEGATIVE_INFINITY;
    else if (frame.kind === 'roster') link.version = 0;
    else if (frame.kind !== 'got') return false;
    else if (frame.of === link.r) [link.got, link.refused] = [-1, [...(frame.not ?? []), ...link.refused]];
    return true;
  }

  /** When something is to be given again to a link that was full: ms from now, if at all. */
  nextMs(ms: number): number | undefined {
    const due = this.#links.proven.filter(({ stream, fullUntilMs }) => stream?.isWaiting && fullUntilMs > ms);
    return due.length === 0 ? undefined : Math.min(...due.map(({ fullUntilMs }) => fullUntilMs - ms));
  }

  heardGot(link: Link, { k, of, not }: Got): void {
    const { stream, theirs } = link;
    if (!stream || stream.of !== of || !theirs) return;
    for (const message of stream.take(k, not)) if (this.#isMine(message)) this.#shown.keptBy(message, theirs.dev);
  }

  readonly #isMine = ({ id }: Message): boolean => id?.dev === this.#member.courier.dev;

  /** Of my own what waits; what another place of mine has left in doubt stays there. */
  get #mine(): Message[] {
    return this.#member.courier.outbox.own.filter(this.#isMine);
  }

  /** Takes some of what has come: each message takes a tenth of a millisecond. Returns the links that lie. */
  read(now: Now): Link[] {
    const liars: Link[] = [];
    let left = checkedAtOnce;
    for (const link of this.#links.proven)
      for (; left > 0 && link.unread.length > 0; left--) {
        const frame = link.unread.shift() as Said | Relayed;
        link.taken = frame.k;
        const isRight = frame.kind === 'said' ? this.#take(link, frame) : this.#relay.take(link, frame, now);
        if (!isRight && !liars.includes(link)) liars.push(link);
      }
    return liars;
  }

  #take(link: Link, frame: Said): boolean {
    const { k: _, of: __, ...said } = frame;
    const message = written({ ...said, kind: 'message' });
    const verdict = judge(this.#member, message);
    // Of what is not taken nothing is remembered: there may be no end of it.
    if (verdict === 'new' || verdict === 'known') link.stream?.isThere(message);
    if (verdict === 'new') this.#member.courier.adoptNear(message);
    if (verdict === 'mine') this.#member.renew();
    if (verdict === 'full' || verdict === 'givenUp') link.refused.push(frame.k);
    if (verdict === 'full' && !this.#hasTold) this.#member.show(tooMuch);
    this.#hasTold ||= verdict === 'full';
    return verdict !== 'wrong';
  }

  /** A change is on disk. */
  settle({ pending = [], entries = [] }: Change): void {
    this.#places.push(...entries.flatMap(({ message }) => (message && canBeKept(message) ? message : [])));
    const { outbox } = this.#member.courier;
    for (const message of pending.filter((one) => one.unshown && outbox.isNear(one)).sort(byCause)) {
      this.#fresh.push(message);
      this.#shown.show(message);
    }
  }

  /** Says and gives what is due. MUST be called when everything known here is on disk. */
  give(now: Now): void {
    this.#relay.witness();
    const fresh = [...this.#fresh.splice(0), ...this.#ownFresh()].sort(byCause);
    const places = this.#places.splice(0);
    for (const link of this.#links.proven) {
      const isFull = now.ms < link.fullUntilMs;
      if (!isFull && now.ms - link.helloAtMs >= helloMs) this.#sayHello(link, now);
      if (!link.hello) this.#offerNew(link, places, fresh);
      else if (!isFull && this.#mayAnswer(link, now.ms)) this.#answer(link, link.hello, now);
      if (isFull) continue;
      if (!link.hello) this.#giveStream(link, now);
      this.#sayGot(link, now);
    }
  }

  #giveStream(link: Link, { ms }: Now): void {
    const frames = link.stream?.next((message) => this.#member.copy.buffer.erasedIn(message)) ?? [];
    for (const frame of frames) this.#links.send(link, frame, ms);
  }

  /** A hello that is not answered yet waits, and only the newest one of a link does. */
  #mayAnswer({ theirs }: Link, ms: number): boolean {
    const key = theirs?.key ?? '';
    for (const [other, bucket] of this.#answers) if (bucket.isFull(ms)) this.#answers.delete(other);
    const bucket = this.#answers.get(key) ?? new Bucket(answeredHellos, ms);
    this.#answers.set(key, bucket);
    return bucket.take(1, ms);
  }

  /** What counts as given may leave. */
  #ownFresh(): Message[] {
    const { courier } = this.#member;
    const { giving } = courier;
    if (!this.isGiving || courier.left.isAwaited) return [];
    const fresh = this.#mine.filter(
      (one) => canBeKept(one) && (one.id?.n ?? 0) > this.#offered && !giving.isUngiven(one),
    );
    this.#offered = Math.max(this.#offered, fresh.at(-1)?.id?.n ?? 0);
    return fresh;
  }

  #offerNew(link: Link, places: readonly Message[], fresh: readonly Message[]): void {
    if (this.#isCovered(link)) link.isBehind ||= places.length + fresh.length > 0;
    else if (link.stream && link.isBehind) this.#offerAll(link, link.stream);
    else if (link.stream) this.#offer(link.stream, places, fresh);
  }

  #offer(stream: Stream, places: readonly Message[], fresh: readonly Message[]): void {
    const isBehind = stream.log === this.#member.copy.log;
    if (isBehind) this.#offerLog(stream, places);
    for (const message of fresh) stream.offer(message);
  }

  /** Up to a signed head as places of the log, to who has no session; what else is signed as messages. */
  #offerLog(stream: Stream, places: readonly Message[]): void {
    if (!stream.isLive) stream.relay(this.#relay.partsFor(stream));
    for (const message of places) if ((message.seq ?? 0) > stream.cursor) stream.offer(message);
  }

  /** All that the other end lacks. */
  #answer(link: Link, hello: Hello, now: Now): void {
    const { roster } = this.#member;
    link.hello = undefined;
    roster.hearAddresses(hello.addresses ?? [], now);
    const version = roster.signed?.version ?? 0;
    if ((hello.version ?? 0) < version && link.version < version) {
      for (const frame of roster.parts()) this.#links.send(link, frame, now.ms);
      link.version = version;
    }
    link.stream = new Stream(hello, this.#isSameLog(hello));
    link.isBehind = this.#isCovered(link);
    if (!link.isBehind) this.#offerAll(link, link.stream);
  }

  /** What is in the stream already is not offered twice. */
  #offerAll(link: Link, stream: Stream): void {
    const { copy, courier } = this.#member;
    link.isBehind = false;
    if (stream.log !== undefined) this.#offerLog(stream, copy.keptAfter(stream.cursor).filter(canBeKept));
    const { near } = courier.outbox;
    const given = this.#mine.filter((one) => canBeKept(one) && !courier.giving.isUngiven(one));
    const mayGive = courier.left.isAwaited ? near : [...given, ...near];
    for (const message of mayGive.toSorted(byCause)) stream.offer(message);
  }

  /** It is the log that is kept here, as far as that can be told. */
  #isSameLog({ log, cursor = 0, hash }: Hello): boolean {
    const { copy } = this.#member;
    if (log === undefined || log !== copy.log || cursor > copy.keptHead) return false;
    const known = cursor === 0 ? undefined : copy.hashAt(cursor);
    return known === undefined || known === hash;
  }

  #sayHello(link: Link, { ms, wallMs }: Now): void {
    const { copy, roster, isLive, peers } = this.#member;
    const state = isLive && { live: true as const, ...(peers.isMissing && { apart: true as const }) };
    link.begin(ms);
    const read = copy.log === '' ? {} : { log: copy.log, cursor: copy.cursor, ...(copy.hash && { hash: copy.hash }) };
    const near = this.#links.proven.flatMap(({ theirs }) =>
      theirs && theirs.dev !== link.theirs?.dev ? theirs.dev : [],
    );
    const addresses = roster.known(near, { ms, wallMs });
    const version = roster.signed?.version;
    const known = { ...(addresses.length > 0 && { addresses }), ...(version !== undefined && { version }) };
    const hello = { kind: 'hello' as const, r: link.r, ...read, ...state, ...known };
    this.#links.send(link, { ...hello, waits: this.#runs() }, ms);
  }

  /** Of each device the lowest run that waits. */
  #runs(): Run[] {
    const runs = new Map<string, Run>();
    const { near } = this.#member.courier.outbox;
    for (const { id } of [...this.#mine, ...near].toSorted((a, b) => (a.id?.n ?? 0) - (b.id?.n ?? 0))) {
      const run = id && runs.get(id.dev);
      if (id && !run) runs.set(id.dev, { dev: id.dev, from: id.n, to: id.n });
      else if (id && run?.to === id.n - 1) run.to = id.n;
    }
    return [...runs.values()].slice(0, maxRuns);
  }

  /** What was taken is on disk; nothing new is said now and then, so that the other end knows that this one lives. */
  #sayGot(link: Link, { ms }: Now): void {
    if (link.taken === link.got && ms - link.saidAtMs < heartbeatIntervalMs) return;
    link.got = link.taken;
    const not = link.refused.splice(0);
    this.#links.send(link, { kind: 'got', k: link.taken, of: link.r, ...(not.length > 0 && { not }) }, ms);
  }
}

const tooMuch = {
  type: 'status' as const,
  code: 'NEAR_FULL',
  message: 'others have said more than is kept here without the server; some of it will come from the server.',
};
