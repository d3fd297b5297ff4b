import { decode } from '../../protocol/codec.ts';
import type { Message, Received } from '../../protocol/frames.ts';
import type { Address } from '../../protocol/roster.ts';
import { helloMs, maxDialed, missedMs, nearMembers, partingMs, unansweredMs } from '../limits.ts';
import type { Change } from '../log/store.ts';
import type { Member } from '../member/member.ts';
import { type Input, isPeer, type Now } from '../turn.ts';
import { Acquaintances } from './acquaintances.ts';
import type { Link } from './link.ts';
import { Links } from './links.ts';
import { Peering } from './peering.ts';
import { Provisional } from './provisional.ts';
import { Watch } from './watch.ts';

/**
 * Who is near: members with whom a member talks without the server. It links with some when the server is missed, lets others
 * link with it at any time, and hangs up when the server is back. [P51–P58]
 *
 *   G1 only who is in the newest signed roster is talked with; nobody is dialed while the server is there.
 */
export class Peers {
  readonly provisional: Provisional;
  readonly #member: Member;
  readonly #links: Links;
  readonly #peering: Peering;
  readonly #watch = new Watch();
  readonly #acquaintances: Acquaintances;
  #names: string[] = [];
  #through: string[] = [];
  #said = JSON.stringify([[], []]);
  /** The version of the roster that says who may link. */
  #admitted: number | undefined;
  #isSeeking = false;
  #hasToldWho = false;
  /** In the room or not, missing it or not: as those near were told. */
  #state = '';
  #isClosed = false;
  #soughtAtMs = Number.NEGATIVE_INFINITY;
  /** Where members can be reached, until that changes. */
  #reachable: Address[] | undefined;

  /** @param pending what was on disk at the start */
  constructor(member: Member, pending: readonly Message[]) {
    const { crypto, nonce } = member.options;
    this.#member = member;
    this.provisional = new Provisional(member, pending);
    this.#links = new Links(member);
    this.#peering = new Peering(member, this.#links, this.provisional);
    this.#acquaintances = new Acquaintances(crypto, nonce);
  }

  /** Names of those who are linked with, by the roster. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Of these, those who are in the room. */
  get through(): readonly string[] {
    return this.#through;
  }

  get isBusy(): boolean {
    return this.#peering.isBusy || this.#member.roster.isBusy;
  }

  /** When there is more to do although nothing arrives: ms from now. */
  nextMs(ms: number): number | undefined {
    return this.isBusy ? 0 : this.#peering.nextMs(ms);
  }

  get isGiving(): boolean {
    return this.#peering.isGiving;
  }

  /** The server is missed, or may be. */
  get isMissing(): boolean {
    return this.#watch.isMissed;
  }

  /** There are others, and links with them are wanted. */
  get canLink(): boolean {
    return this.#isOn && this.#member.roster.hasOthers;
  }

  get #isOn(): boolean {
    const { options, room } = this.#member;
    return !this.#isClosed && options.hosts !== undefined && options.check !== true && room !== undefined;
  }

  /** Returns false if the input is none for it alone. */
  take(input: Input, now: Now): boolean {
    if (input.type === 'stoodStill') this.#watch.stoodStill(now.ms);
    if (input.type === 'leave') this.close();
    if (input.type === 'tick') for (const link of this.#links.silent(now.ms)) this.#end(link, now, true);
    if (input.type === 'heard') this.#heard(input, now);
    else if (input.type === 'reachable') this.#move(input.hosts, now);
    else if ('from' in input && isPeer(input.from)) this.#takeOf(input.from, input, now);
    else return false;
    return true;
  }

  #takeOf(from: string, input: Input, now: Now): void {
    if (input.type === 'connected') this.#links.connected(from, now.ms);
    else if (input.type === 'disconnected') this.#ended(from, now);
    else if (input.type === 'frame') this.#frame(from, input.frame, now);
    else if (input.type === 'bytes') this.#frame(from, decode(input.data), now);
    else if (input.type === 'full') this.#notTaken(from, decode(Buffer.from(input.sent.data)), now);
  }

  #heard({ host, key }: Input & { type: 'heard' }, { ms }: Now): void {
    const { roster, options } = this.#member;
    this.#acquaintances.hear(host, key, ms);
    if (this.#hasToldWho || !this.isMissing || roster.has(options.identity.key)) return;
    this.#hasToldWho = true;
    this.#member.show({ type: 'status', code: 'ONLY_SERVER', message: onlyServer });
  }

  /** Others reach this device elsewhere. */
  #move(hosts: readonly string[], now: Now): void {
    const { options, roster } = this.#member;
    if (!options.hosts || hosts.join() === options.hosts.join()) return;
    options.hosts = hosts;
    this.#acquaintances.forgive();
    if (this.#member.isLive) roster.ask(now);
    this.#peering.renewHellos();
  }

  #ended(id: string, { ms }: Now): void {
    const { dialed, isProven, begunAtMs = ms } = this.#links.ended(id) ?? {};
    if (!dialed || this.#links.isLinked(dialed.dev)) return;
    // Who hangs up at once would do so again.
    if (isProven && ms - begunAtMs >= helloMs) this.#acquaintances.succeed(dialed.dev);
    else this.#acquaintances.fail(dialed.dev, ms);
  }

  #notTaken(from: string, frame: Received, now: Now): void {
    const link = this.#links.find(from);
    if (link && !this.#peering.notTaken(link, frame, now.ms)) this.#end(link, now, true);
  }

  /** Whoever says what is wrong is not dialed again for a while. */
  #end(link: Link, { ms }: Now, isFault: boolean): void {
    const dev = link.dialed?.dev ?? link.theirs?.dev;
    if (isFault && dev !== undefined) this.#acquaintances.fail(dev, ms);
    this.#links.hangUp(link);
  }

  #frame(from: string, frame: Received, now: Now): void {
    const link = this.#isOn ? this.#links.hear(from, now.ms) : undefined;
    if (!link) return;
    if (frame.kind === 'unknown' || (frame.kind === 'malformed' && link.isProven)) return;
    if (!this.#hear(link, frame, now)) this.#end(link, now, true);
  }

  /** Returns false if nobody honest says this. */
  #hear(link: Link, frame: Received, now: Now): boolean {
    if (frame.kind === 'greet') return this.#greeted(link, frame, now);
    if (!link.isProven) return false;
    if (frame.kind === 'hello') this.#peering.heardHello(link, frame);
    else if (frame.kind === 'said' || frame.kind === 'relayed') return this.#peering.heardStream(link, frame);
    else if (frame.kind === 'got') this.#peering.heardGot(link, frame);
    else if (frame.kind === 'roster') this.#member.roster.take(frame, link.roster);
    return true;
  }

  #greeted(link: Link, frame: Received & { kind: 'greet' }, { ms }: Now): boolean {
    if (!this.#links.greeted(link, frame, ms)) return false;
    if (!link.isProven || !link.theirs) return true;
    const { nonce, dev } = link.theirs;
    // It is this one: somebody has led it to its own door, or that is where it was before its folder was copied.
    if (this.#links.all.some((one) => one.nonce === nonce)) return false;
    // Somebody else counts with my device, with my key.
    if (dev === this.#member.courier.dev) this.#member.renew();
    return true;
  }

  /** My device is another one: who I was is linked with nobody. */
  renewed(): void {
    for (const link of this.#links.all) this.#links.hangUp(link);
    this.#peering.renewed();
  }

  /** It is the end of the talk, or of this room. */
  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.all) this.#links.hangUp(link);
    this.#seek(false);
  }

  /** Takes some of what has come. MUST be called before what is to be kept is. */
  read(now: Now): void {
    for (const link of this.#peering.read(now)) this.#end(link, now, true);
    this.#member.roster.check(now);
  }

  settle(change: Change): void {
    if (change.addresses ?? change.forgotten) this.#reachable = undefined;
    this.#peering.settle(change);
  }

  /** Everything that is known here is on disk. */
  upload(now: Now): void {
    this.provisional.giveUp(now);
    if (!this.#isOn) return;
    this.#admit(now);
    this.#look(now);
    this.#peering.give(now);
    if (this.isMissing) this.provisional.showKept();
    if (this.isMissing) this.provisional.showLeft();
    this.#tellNames();
  }

  /** Who is in the newest list, and nobody else. */
  #admit(now: Now): void {
    const { roster, effects } = this.#member;
    const version = roster.signed?.version ?? 0;
    if (version === this.#admitted) return;
    this.#admitted = version;
    this.#reachable = undefined;
    effects.push({ type: 'admitPeers', keys: new Set(roster.keys) });
    for (const link of this.#links.proven) if (!roster.has(link.theirs?.key ?? '')) this.#end(link, now, false);
  }

  #look({ ms }: Now): void {
    const { courier, online } = this.#member;
    // A room of the original's says nothing while it is there.
    const { heardAtMs = online ? ms : undefined } = this.#member;
    // What the room holds back for a while is with the room.
    const awaited = this.#member.held ? undefined : courier.outbox.awaited;
    this.#watch.look({ heardAtMs, awaited }, ms);
    const state = `${this.#member.isLive} ${this.isMissing}`;
    if (state !== this.#state) this.#peering.renewHellos();
    this.#state = state;
    if (this.isMissing) this.#dial(ms);
    else if (this.#watch.backForMs(ms) >= partingMs) this.#part();
    this.#seek(this.isMissing && this.#links.proven.length < nearMembers);
  }

  #dial(ms: number): void {
    const { roster, courier } = this.#member;
    const dialed = this.#links.all.filter((link) => link.dialed);
    const hoped = dialed.filter(({ isUp, begunAtMs }) => isUp || ms - begunAtMs < unansweredMs);
    const missing = Math.min(nearMembers - hoped.length, maxDialed - dialed.length);
    if (missing <= 0 || ms - this.#soughtAtMs < missedMs / 4) return;
    this.#soughtAtMs = ms;
    const reachable = (this.#reachable ??= roster.reachable);
    for (const one of this.#acquaintances.choose(reachable, courier.dev, this.#links.isLinked, missing, ms)) {
      const address = reachable.find(({ dev }) => dev === one.dev);
      if (address && !roster.isGenuine(address)) this.#acquaintances.fail(one.dev, ms);
      else this.#links.dial(one, ms);
    }
  }

  /** The server is back; who still lacks it there keeps the bridge. */
  #part(): void {
    for (const link of this.#links.all) if (link.dialed && (link.isLive || !link.isProven)) this.#links.hangUp(link);
  }

  #seek(isOn: boolean): void {
    if (isOn !== this.#isSeeking) this.#member.effects.push({ type: 'seek', isOn });
    this.#isSeeking = isOn;
  }

  #tellNames(): void {
    const { proven } = this.#links;
    const names = this.#namesOf(proven);
    const through = this.#member.isLive ? [] : this.#namesOf(proven.filter(({ isLive }) => isLive));
    const said = JSON.stringify([names, through]);
    if (said === this.#said) return;
    this.#said = said;
    [this.#names, this.#through] = [names, through];
    this.#member.show({ type: 'near', names, ...(through.length > 0 && { through }) });
  }

  #namesOf(links: readonly Link[]): string[] {
    return [...new Set(links.map(({ theirs }) => this.#member.roster.nameOf(theirs?.key ?? '')))].sort();
  }
}

const onlyServer =
  'members of this room are near, but only the server can let you in: it has not said yet that you are one of them.';
