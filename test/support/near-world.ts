import type { ChatEvent } from '../../src/core/events.ts';
import { Member, type MemberOptions } from '../../src/core/member/member.ts';
import { type Effect, type Input, isPeer, peerMark, theLink } from '../../src/core/turn.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Frame } from '../../src/protocol/frames.ts';
import { addressText, membersDigest, rosterText } from '../../src/protocol/roster.ts';
import { fakeCrypto, fakeIdentity, fakeSalt, signature } from './fake-crypto.ts';

const room = 'server';
const hostOf = (dev: string) => `10.0.0.${dev.charCodeAt(0)}:7000`;

/** One end of a link, and what is on its way to it. */
type End = { who: Person; id: string; other: End; toHere: string[]; isCut: boolean };

/** Somebody with device `A` and key `kA`, who has met the room once. */
export class Person {
  readonly dev: string;
  readonly store: MemoryStore;
  member: Member | undefined;
  shown: ChatEvent[] = [];
  effects: Effect[] = [];
  /** Nobody reaches it, and it reaches nobody. */
  isAway = false;
  /** The machine's clock is wrong by so much. */
  wrongMs = 0;

  constructor(dev: string) {
    this.dev = dev;
    this.store = new MemoryStore('', dev);
  }

  get texts(): string[] {
    return this.shown.flatMap((event) =>
      event.type === 'message' ? `${event.provisional ? '~' : ''}${event.text}` : [],
    );
  }

  get waits(): string[] {
    return this.store.pending().map(({ text }) => text);
  }
}

/** Members of a room without its server: what they say goes over links, at once. */
export class NearWorld {
  readonly people: Person[];
  readonly ends = new Map<string, End>();
  nowMs = 1_000_000;
  dials = 0;
  /** A link takes so many frames in one turn. */
  mostFrames = Number.POSITIVE_INFINITY;
  /** Who was dialed, by whom. */
  readonly dialed: string[] = [];
  #nonces = 0;

  constructor(devices: string) {
    this.people = [...devices].map((dev) => new Person(dev));
    for (const { store } of this.people) store.apply({ restart: { log: 'log', seq: 0, hash: '' } });
    this.enroll(devices, 1);
  }

  /** The room has signed this list, and all or some of them have it. */
  enroll(devices: string, version: number, who = this.people): void {
    const everybody = this.people.map(({ dev }) => dev);
    const named = [...devices].map((dev) => [`k${dev}`, dev.toLowerCase()] as [string, string]);
    const head = { version, at: 1, digest: membersDigest(fakeCrypto, named) };
    const signed = { ...head, sig: signature(room, rosterText(room, head)) };
    const members = named.map(([key, name]) => ({ key, name, version, firstMs: 0, seenMs: 0 }));
    const addresses = [...devices].map((dev) => {
      const said = { key: `k${dev}`, dev, ts: 1, hosts: [hostOf(dev)] };
      return { ...said, sig: signature(said.key, addressText(room, said)), version };
    });
    const forgotten = everybody.flatMap((dev) => [`k${dev}`, dev]);
    for (const { store } of who)
      store.apply({ forgotten, members, addresses, roster: { signed, last: version, base: 0 } });
  }

  who(dev: string): Person {
    return this.people.find((person) => person.dev === dev) as Person;
  }

  start(dev: string, more: Partial<MemberOptions> = {}): Person {
    const person = this.who(dev);
    const { given, piped } = person.store;
    person.shown = [];
    person.member = new Member(
      {
        name: dev.toLowerCase(),
        dev,
        given,
        piped,
        room,
        identity: fakeIdentity(`k${dev}`),
        crypto: fakeCrypto,
        nonce: () => `nonce${++this.#nonces}`,
        salt: () => fakeSalt,
        newDev: () => `${dev}9`,
        chance: () => 0,
        hosts: [hostOf(dev)],
        history: 0,
        replay: true,
        maxReplay: 1_000,
        maxKept: 5_000,
        ...more,
      },
      person.store,
    );
    this.input(person);
    return person;
  }

  startAll(): void {
    for (const { dev } of this.people) this.start(dev);
    this.pass(1_500);
    this.pass(500);
  }

  stop(dev: string): void {
    const person = this.who(dev);
    person.member = undefined;
    for (const end of [...this.ends.values()]) if (end.who === person) this.cut(end);
  }

  say(dev: string, ...texts: string[]): void {
    for (const text of texts) this.input(this.who(dev), { type: 'typed', text });
    this.settle();
  }

  /** Time goes by, and all that is under way arrives. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const person of this.people) this.input(person, { type: 'tick' });
    this.settle();
  }

  settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const end of [...this.ends.values()]) {
        const data = end.toHere.shift();
        if (data === undefined) continue;
        isBusy = true;
        this.input(end.who, { type: 'frame', from: end.id, frame: decode(Buffer.from(data)) });
      }
    }
  }

  /** Somebody says this over the first link to that device. */
  inject(from: string, to: string, frame: Frame): void {
    for (const end of this.ends.values())
      if (end.who.dev === to && end.other.who.dev === from) return void end.toHere.push(encode(frame));
  }

  /** It has no links any more; the others do not know of that. */
  lose(dev: string): void {
    const own = [...this.ends].filter(([, { who }]) => who.dev === dev);
    for (const [name, { who, id }] of own) {
      this.ends.delete(name);
      this.input(who, { type: 'disconnected', from: id });
    }
  }

  cut(end: End): void {
    for (const one of [end, end.other]) {
      if (!this.ends.delete(`${one.who.dev} ${one.id}`)) continue;
      this.input(one.who, { type: 'disconnected', from: one.id });
    }
  }

  input(person: Person, ...inputs: Input[]): void {
    const { member } = person;
    if (!member) return;
    const then: (() => void)[] = [];
    const room = new Map<string, number>();
    for (const effect of member.turn(inputs, { ms: this.nowMs, wallMs: this.nowMs + person.wrongMs }))
      this.#do(person, effect, then, room);
    for (const happen of then) happen();
    if (member.nextTurnMs({ ms: this.nowMs }) === 0) this.input(person);
  }

  /** It says this to its server, which is away. */
  protected toServer(_person: Person, _data: string): void {}

  #do(person: Person, effect: Effect, then: (() => void)[], room: Map<string, number>): void {
    person.effects.push(effect);
    if (effect.type === 'commit') {
      person.store.apply(effect.change);
      then.push(() => this.input(person, { type: 'committed', change: effect.change }));
    } else if (effect.type === 'show') {
      person.shown.push(effect.event);
      const { place } = effect;
      if (place !== undefined) then.push(() => this.input(person, { type: 'shown', place }));
    } else if (effect.type === 'send')
      for (const to of effect.to) {
        if (to === theLink) this.toServer(person, effect.data);
        const count = (room.get(to) ?? 0) + 1;
        room.set(to, count);
        if (count <= this.mostFrames) this.ends.get(`${person.dev} ${to}`)?.other.toHere.push(effect.data);
        else then.push(() => this.input(person, { type: 'full', from: to, sent: effect }));
      }
    else if (effect.type === 'hangUp' && isPeer(effect.to)) {
      const end = this.ends.get(`${person.dev} ${effect.to}`);
      if (end) then.push(() => this.#hangUp(end));
    } else if (effect.type === 'dial') then.push(() => this.#dial(person, effect));
  }

  #hangUp(end: End): void {
    this.ends.delete(`${end.who.dev} ${end.id}`);
    this.cut(end.other);
  }

  #dial(person: Person, { to, hosts }: Effect & { type: 'dial' }): void {
    const other = this.people.find(({ dev, member, isAway }) => member && !isAway && hosts.includes(hostOf(dev)));
    this.dialed.push(`${person.dev}${other?.dev ?? ''}`);
    if (!other || person.isAway) return this.input(person, { type: 'disconnected', from: to });
    const mine = { who: person, id: to, toHere: [] as string[], isCut: false } as unknown as End;
    const theirs: End = { who: other, id: `${peerMark}\0${++this.dials}`, other: mine, toHere: [], isCut: false };
    mine.other = theirs;
    for (const end of [mine, theirs]) this.ends.set(`${end.who.dev} ${end.id}`, end);
    this.input(person, { type: 'connected', from: to });
  }
}
