import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { beaconBytes, makeBeacon, readBeacon, senderOf } from './beacon-frame.ts';
import { type Cards, cards } from './cards.ts';

/** Agreed, and shared by all clients of a machine. */
export const beaconPort = 9998;
/** Of link-local scope, and nobody else's: its end spells `0mqc`. */
const group = 'ff12::306d:7163';
const secondMs = 1_000;
/** So many at first, one each second; then one each 5 to 10 s, by chance. */
const quick = 10;
const slowMs = { least: 5_000, more: 5_000 };
/** Of one second: what is read, and what is told. Beyond it nothing is heard until the next. */
const most = { read: 500, told: 8 };
/** What is remembered, so that nothing counts twice. */
const maxSeen = 1_024;
const maxCards = 16;

export type BeaconOptions = {
  /** The own key, by which other members know whose beacon it is. */
  key: string;
  /** The room's key, once it is known. */
  room(): string | undefined;
  /** Where the own door at this address is; an IPv6 address of one card has its name behind it. */
  portAt(address: string): number | undefined;
  /** The members. */
  keys(): Iterable<string>;
  /** A member, maybe the one with this key, can be reached there. Anybody who knows the room's key could have said it. */
  heard(host: string, key?: string): void;
  port?: number;
  read?: Cards;
  chance?: () => number;
};
type Sent = { to: string; port: number };

/**
 * Says in all networks of this machine that a member of the room is here, and hears others say so, while it is on. Nothing
 * that goes wrong with it is an error: it is one of several ways to find each other.
 */
export class Beacon {
  readonly #options: BeaconOptions;
  #sockets: { udp4?: Socket; udp6?: Socket } = {};
  #timer: NodeJS.Timeout | undefined;
  #second: NodeJS.Timeout | undefined;
  #sent = 0;
  #read = 0;
  #told = 0;
  readonly #seen = new Set<string>();
  /** In this second. */
  readonly #hosts = new Set<string>();

  constructor(options: BeaconOptions) {
    this.#options = options;
  }

  /** From the beginning, also if it is on. */
  start(): void {
    this.stop();
    this.#second = setInterval(() => this.#nextSecond(), secondMs).unref();
    this.#listen();
    this.#say();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#second);
    this.#sent = 0;
    this.#close();
  }

  close(): void {
    this.stop();
  }

  #listen(): void {
    this.#sockets = { udp4: this.#open('udp4'), udp6: this.#open('udp6') };
  }

  #close(): void {
    const { udp4, udp6 } = this.#sockets;
    this.#sockets = {};
    for (const socket of [udp4, udp6]) socket?.close();
  }

  #open(type: 'udp4' | 'udp6'): Socket {
    const socket = createSocket({ type, reuseAddr: true, ipv6Only: type === 'udp6' });
    socket.unref();
    // A machine without IPv6, a port that somebody has for himself: then it is not heard there.
    socket.on('error', () => this.#forget(type, socket));
    socket.on('message', (data, from) => this.#hear(data, from));
    socket.bind(this.#options.port ?? beaconPort, () => {
      attempt(() => socket.setBroadcast(true));
      if (this.#sockets[type] === socket && this.#sent === 1) this.#sayBy(type);
    });
    return socket;
  }

  #forget(type: 'udp4' | 'udp6', socket: Socket): void {
    if (this.#sockets[type] !== socket) return;
    delete this.#sockets[type];
    attempt(() => socket.close());
  }

  #say(): void {
    if (this.#sent++ > 0) for (const type of ['udp4', 'udp6'] as const) this.#sayBy(type);
    const { chance = Math.random } = this.#options;
    const waitMs = this.#sent < quick ? secondMs : slowMs.least + chance() * slowMs.more;
    this.#timer = setTimeout(() => this.#say(), waitMs).unref();
  }

  #sayBy(type: 'udp4' | 'udp6'): void {
    const { key, port = beaconPort, read = cards } = this.#options;
    const [socket, room] = [this.#sockets[type], this.#options.room()];
    if (!socket || room === undefined) return;
    for (const sent of this.#targets(type, socket, read())) {
      const beacon = makeBeacon(room, key, sent.port);
      this.#remember(nonceOf(beacon));
      // A network that is down: the others are told all the same.
      attempt(() => socket.send(beacon, port, sent.to, () => {}));
    }
  }

  /** All networks in which there is an own door. */
  #targets(type: 'udp4' | 'udp6', socket: Socket, own: ReturnType<Cards>): Sent[] {
    const found = Object.entries(own).flatMap(([card, list = []]) =>
      list.flatMap(({ address, netmask, internal }) => {
        if (isIPv6(address) !== (type === 'udp6')) return [];
        if (type === 'udp4') return [{ at: address, to: internal ? '127.255.255.255' : broadcastOf(address, netmask) }];
        if (!/^fe[89ab]/i.test(address)) return [];
        attempt(() => socket.addMembership(group, `::%${card}`));
        return [{ at: `${address}%${card}`, to: `${group}%${card}` }];
      }),
    );
    return found.slice(0, maxCards).flatMap(({ at, to }) => {
      const port = this.#options.portAt(at);
      return port === undefined ? [] : [{ to, port }];
    });
  }

  #hear(data: Buffer, { address }: RemoteInfo): void {
    if (++this.#read > most.read) return this.#close();
    const { room: of, keys, heard } = this.#options;
    const room = of();
    if (room === undefined || data.length !== beaconBytes || this.#seen.has(nonceOf(data))) return;
    const beacon = readBeacon(room, data);
    if (!beacon) return;
    this.#remember(nonceOf(data));
    const host = `${isIPv6(address) ? `[${address}]` : address}:${beacon.port}`;
    if (this.#hosts.has(host) || this.#told >= most.told) return;
    this.#told++;
    this.#hosts.add(host);
    heard(host, senderOf(room, beacon, keys()));
  }

  #nextSecond(): void {
    const isDeaf = this.#read > most.read;
    [this.#read, this.#told] = [0, 0];
    this.#hosts.clear();
    if (isDeaf) this.#listen();
  }

  /** The oldest goes first. */
  #remember(nonce: string): void {
    this.#seen.add(nonce);
    if (this.#seen.size > maxSeen) for (const first of this.#seen) return void this.#seen.delete(first);
  }
}

const nonceOf = (beacon: Buffer): string => beacon.toString('base64url', 0, 10);

function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  return address
    .split('.')
    .map((byte, i) => Number(byte) | (255 - (mask[i] ?? 255)))
    .join('.');
}

/** What the system refuses here costs nothing. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // There are other networks, and other ways.
  }
}
