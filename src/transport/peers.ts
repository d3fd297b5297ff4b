import { isIPv6 } from 'node:net';
import type { Full, Input, PeerEffect } from '../core/turn.ts';
import { ChatError } from '../errors.ts';
import { Queue } from '../queue.ts';
import { Beacon } from './beacon.ts';
import { Dialed } from './dialed.ts';
import { connectEndpoints } from './endpoint.ts';
import { look, type Place, Watch } from './interfaces.ts';
import { Knocks } from './knocks.ts';
import { PeerDoors } from './peer-doors.ts';
import { type Encryption, openPeerDealer } from './sockets.ts';
import { type Knock, type Verdict, Zap } from './zap.ts';

/** Most of a device's addresses that others are told. */
const maxHosts = 8;
/** Where members may be is said as often as this while they are sought. */
const givenMs = 30_000;
const thisMachine = '127.0.0.1';
const wayOut = 'Choose a port that is free with --peer-port, or --no-peers.';
const isLoopback = (address: string): boolean => /^(127\.|::1$)/.test(address);

export type PeersOptions = {
  /** The own key, as it signs and as it encrypts. */
  key: string;
  own: Encryption['own'];
  /** From a key that signs to the one that encrypts, and back: X25519 leaves out a sign, so there are two ways back. */
  curveKeyOf(key: string): Buffer;
  signingKeysOf(curveKey: Buffer): string[];
  /** The endpoint at which the server is dialled now, by number. */
  server(): string;
  /** The room's key, once it is known. */
  room(): string | undefined;
  /** Others can reach this member there from now on, the likeliest first; and at which port it listens. */
  reached?(hosts: readonly string[], port: number): void;
  /** Why others cannot reach this member: said once, and costs nothing else. */
  tell(error: ChatError): void;
  look?: (endpoint: string) => Promise<Place>;
  openZap?: typeof Zap.open;
  /** Where members may be, by whoever started this: host and port. */
  given?: readonly string[];
  /** Without one nobody is sought. */
  beacon?: Beacon | undefined;
};

/**
 * The links between members. Each is secret, to a member whose key is admitted: before the first `admitPeers` nobody's is.
 * Listens at the address that faces the server, and at this machine for who lives on it; at all addresses from the first
 * `seek` on, and never there if the server is on this machine. What cannot be opened costs nothing else.
 */
export class Peers {
  readonly inputs = new Queue<Input>();
  readonly #options: PeersOptions;
  readonly #doors: PeerDoors;
  readonly #dialed = new Map<string, Dialed>();
  readonly #watch: Watch;
  readonly #beacon: Beacon;
  /** Those that this machine has had in this run: who is said to be there may be on this machine. */
  readonly #ownAddresses = new Set<string>();
  readonly #knocks = new Knocks(() => this.#doors.redial());
  #admitted: ReadonlySet<string> = new Set();
  #zap: Zap | undefined;
  #port = 0;
  #isFixed = false;
  #isWilling = false;
  #opening: Promise<void> | undefined;
  #isSeeking = false;
  #isSought = false;
  #isClosed = false;
  #hosts: readonly string[] = [];
  #trouble = '';
  #telling: NodeJS.Timeout | undefined;

  constructor(options: PeersOptions) {
    const { own, key, server, room, look: lookAt = look } = options;
    this.#options = options;
    this.#doors = new PeerDoors({ own, door: true }, this.inputs);
    this.#watch = new Watch(
      () => lookAt(server()),
      (place) => this.#settle(place),
    );
    const portAt = (address: string) => this.#doors.portAt(address);
    const heard = (host: string, of?: string) =>
      this.inputs.push({ type: 'heard', host, ...(of !== undefined && { key: of }) });
    this.#beacon = options.beacon ?? new Beacon({ key, room, portAt, keys: () => this.#admitted, heard });
  }

  /** Whether the owner of this X25519 key may link: it is turned into what the list has, and not the whole list into it. */
  readonly judge = ({ publicKey }: Knock): Verdict => {
    const keys = publicKey ? this.#options.signingKeysOf(publicKey) : [];
    const member = keys.find((key) => this.#admitted.has(key));
    return member !== undefined && this.#knocks.take(member, performance.now()) ? 'admitted' : 'refused';
  };

  /** Where others reach this member: what they are told. */
  get hosts(): readonly string[] {
    return this.#hosts;
  }

  /** Of the doors; what was wished for until one is open. */
  get port(): number {
    return this.#port;
  }

  /**
   * Listens from now on, while there is anybody else to be let in: at this port, if that is free, or else at any; at a fixed
   * one or not at all. Never rejects: what is wrong is told. Dialing needs none of this.
   */
  async listen(port: number, isFixed = false): Promise<void> {
    [this.#port, this.#isFixed, this.#isWilling] = [port, isFixed, true];
    await this.#attend();
  }

  async #attend(): Promise<void> {
    if (!this.#isWilling) return;
    if (this.#hasOthers) await (this.#opening ??= this.#openZap());
    await this.#watch.again();
  }

  async #openZap(): Promise<void> {
    try {
      const zap = await (this.#options.openZap ?? Zap.open)(this.judge);
      if (this.#isClosed) return zap.close();
      this.#zap = zap;
      zap.answer().catch((error) => this.#giveUp(error));
    } catch (error) {
      this.#giveUp(error);
    }
  }

  get #hasOthers(): boolean {
    const { size } = this.#admitted;
    return size > (this.#admitted.has(this.#options.key) ? 1 : 0);
  }

  readonly take = (effect: PeerEffect): void => {
    if (effect.type === 'dial') this.#dial(effect.to, effect.key, effect.hosts);
    else if (effect.type === 'hangUp') this.#hangUp(effect.to);
    else if (effect.type === 'admitPeers') this.#admit(effect.keys);
    else this.#seek(effect.isOn);
  };

  /** Returns those whose queue is full. A link that has ended is passed over: its end is among the inputs. */
  async send(to: readonly string[], ...frames: string[]): Promise<Full[]> {
    const full = to.flatMap((id): Full[] => {
      const taken = frames.findIndex((data) => this.#dialed.get(id)?.send(data) === false);
      return taken < 0 ? [] : [{ id, taken }];
    });
    const incoming = to.filter((id) => !this.#dialed.has(id));
    return incoming.length > 0 ? [...full, ...(await this.#doors.send(incoming, ...frames))] : full;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#telling);
    this.#watch.close();
    this.#beacon.close();
    for (const link of this.#dialed.values()) link.close();
    await Promise.all(this.#doors.addresses.map((address) => this.#doors.close(address)));
    this.#zap?.close();
    this.inputs.close();
  }

  #dial(to: string, key: string, hosts: readonly string[]): void {
    const endpoints = hosts.flatMap((host) => this.#waysTo(host)).map((host) => `tcp://${host}`);
    const open = () => openPeerDealer({ own: this.#options.own, other: this.#options.curveKeyOf(key) });
    const link = new Dialed({ to, endpoints: [...new Set(endpoints)], open, inputs: this.inputs });
    this.#dialed.set(to, link);
    void link.ended.then(() => this.#dialed.delete(to));
  }

  /** Who has one of my own addresses is on this machine, and there even if the address is gone. */
  #waysTo(host: string): string[] {
    const [, address = '', port] = /^\[?(.+?)\]?:(\d+)$/.exec(host) ?? [];
    return this.#ownAddresses.has(address) ? [host, `${thisMachine}:${port}`] : [host];
  }

  #hangUp(to: string): void {
    const link = this.#dialed.get(to);
    if (link) link.close();
    else void this.#doors.hangUp(to);
  }

  /** Who is a member no more may be linked, also without a word so far: nobody can tell, and all must come anew. */
  #admit(keys: ReadonlySet<string>): void {
    const [isAnyGone, had] = [[...this.#admitted].some((key) => !keys.has(key)), this.#hasOthers];
    this.#admitted = new Set(keys);
    if (isAnyGone) this.#doors.redial();
    if (had !== this.#hasOthers) void this.#attend();
  }

  #seek(isOn: boolean): void {
    this.#isSeeking = isOn;
    this.#isSought ||= isOn;
    clearInterval(this.#telling);
    if (!isOn) return this.#beacon.stop();
    void this.#widen();
    void this.#tellGiven();
    this.#telling = setInterval(() => void this.#tellGiven(), givenMs).unref();
  }

  /** A name may lead elsewhere by now; one that leads nowhere is no news. */
  async #tellGiven(): Promise<void> {
    for (const given of this.#options.given ?? []) {
      const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(given) ?? [];
      const endpoints = await connectEndpoints(host, Number(port)).catch(() => []);
      for (const endpoint of endpoints) this.inputs.push({ type: 'heard', host: endpoint.replace('tcp://', '') });
    }
  }

  async #widen(): Promise<void> {
    await this.#watch.again();
    if (!this.#isClosed && this.#isSeeking) this.#beacon.start();
  }

  async #settle(place: Place): Promise<void> {
    const { facing = thisMachine, global, local } = place;
    for (const address of [facing, ...global]) this.#ownAddresses.add(address);
    const present = new Set(this.#hasOthers ? [thisMachine, facing, ...global, ...local] : []);
    const gone = this.#doors.addresses.filter((address) => !present.has(address));
    for (const address of gone) await this.#doors.close(address);
    // Nobody can tell which of them were dialed from there; those that were not are soon dialed again.
    if (gone.length > 0) for (const link of [...this.#dialed.values()]) link.close();
    for (const address of this.#wanted(place)) await this.#open(address, address === place.facing);
    this.#tellHosts(isLoopback(facing) && place.facing ? [facing] : global);
  }

  #wanted({ facing, global, local }: Place): string[] {
    if (!this.#zap || !this.#hasOthers || this.#isClosed) return [];
    if (facing !== undefined && isLoopback(facing)) return [facing];
    return [...new Set([facing ?? thisMachine, thisMachine, ...(this.#isSought ? [...global, ...local] : [])])];
  }

  /** Whoever is on this machine looks for one port there, that of the address that others know. */
  async #open(address: string, isFacing: boolean): Promise<void> {
    if (this.#doors.portAt(address) !== undefined) return;
    const isFirst = this.#doors.addresses.length === 0;
    try {
      const port = await this.#doors.open(address, this.#port).catch((error) => {
        if (error.code !== 'ADDRESS_IN_USE' || this.#isFixed || (!isFirst && isLoopback(address))) throw error;
        return this.#doors.open(address, 0);
      });
      if (isFirst || isFacing) this.#port = port;
    } catch (error) {
      if (isFacing) this.#complain(error);
    }
  }

  #tellHosts(addresses: readonly string[]): void {
    const open = addresses.filter((address) => this.#doors.portAt(address) !== undefined);
    const hosts = open
      .map((address) => `${isIPv6(address) ? `[${address}]` : address}:${this.#doors.portAt(address)}`)
      .slice(0, maxHosts);
    if (hosts.join() === this.#hosts.join()) return;
    this.#hosts = hosts;
    this.inputs.push({ type: 'reachable', hosts });
    this.#options.reached?.(hosts, this.#port);
    // Who seeks says so there at once.
    if (this.#isSeeking && !this.#isClosed) this.#beacon.start();
  }

  /** Nobody says any more who may come in: then nobody may. */
  #giveUp(error: unknown): void {
    this.#zap = undefined;
    for (const address of this.#doors.addresses) void this.#doors.close(address);
    this.#tellHosts([]);
    if (!this.#isClosed) this.#complain(error);
  }

  #complain(error: unknown): void {
    const { message } = error as Error;
    if (message === this.#trouble) return;
    this.#trouble = message;
    const code = error instanceof ChatError ? error.code : 'ADDRESS_NOT_AVAILABLE';
    this.#options.tell(new ChatError(code, `other members cannot reach this one: ${message}`, wayOut, error));
  }
}
