import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { ofOneNetwork } from '../core/limits.ts';

/** The system's table is read at most this often, for it grows with all connections of the machine. */
const readMs = 250;

/**
 * Counts the connections from each network, so that one stranger with hundreds of them leaves places for others. libzmq tells
 * the address of a new connection, and never that it has ended: where the count comes near its end, it is taken anew from
 * the table of connections that Linux keeps. Other systems have none that can be read: there all are let in.
 */
export class Neighbours {
  /** At most so many are open: those of the table, and all that came since. */
  #atMost = new Map<string, number>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #most: number;
  readonly #ports: () => readonly number[];
  readonly #read: () => string;
  readonly #now: () => number;

  /**
   * @param places of the room
   * @param ports at which connections count
   * @param read what `/proc/net/tcp` and `tcp6` say
   */
  constructor(places: number, ports: () => readonly number[], read = readTables, now = () => performance.now()) {
    this.#most = Math.max(ofOneNetwork.least, Math.floor(places * ofOneNetwork.part));
    [this.#ports, this.#read, this.#now] = [ports, read, now];
  }

  /** Whether another connection from this address may come in; if so, it counts. */
  admits(address: string): boolean {
    const network = networkOf(address);
    if (this.#count(network) >= this.#most) this.#recount();
    if (this.#count(network) >= this.#most) return false;
    this.#atMost.set(network, this.#count(network) + 1);
    return true;
  }

  #count(network: string): number {
    return this.#atMost.get(network) ?? 0;
  }

  #recount(): void {
    if (this.#now() - this.#readAtMs < readMs) return;
    this.#readAtMs = this.#now();
    this.#atMost = new Map();
    const table = this.#read().trim();
    if (table === '') this.#most = Number.POSITIVE_INFINITY;
    const ports = new Set(this.#ports());
    for (const line of table.split('\n')) {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/);
      if (state !== established || !ports.has(Number.parseInt(local.slice(local.indexOf(':') + 1), 16))) continue;
      const network = networkOfBytes(bytesOfTable(remote));
      this.#atMost.set(network, this.#count(network) + 1);
    }
  }
}

const established = '01';

function readTables(): string {
  return ['/proc/net/tcp', '/proc/net/tcp6'].map(textOf).join('\n');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** `0100007F:270F` is 127.0.0.1: words of 32 bits, as this machine's memory has them. */
function bytesOfTable(place: string): Buffer {
  const bytes = Buffer.from(place.slice(0, place.indexOf(':')), 'hex');
  return endianness() === 'LE' ? bytes.swap32() : bytes;
}

/** One address of IPv4, one site of IPv6 (RFC 6177 gives each home a choice of many networks), or this machine. */
export const networkOf = (address: string): string => networkOfBytes(bytesOfText(address));

const ofIPv4 = Buffer.from('00000000000000000000ffff', 'hex');
const siteBytes = 6;
const groupsOfIPv6 = 8;

function networkOfBytes(bytes: Buffer): string {
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).equals(ofIPv4);
  const address = isMapped ? bytes.subarray(12) : bytes;
  const isLoopback = address.length === 4 ? address[0] === 127 : address.toString('hex') === '1'.padStart(32, '0');
  if (isLoopback) return 'this machine';
  return address.length === 4 ? address.join('.') : address.subarray(0, siteBytes).toString('hex');
}

function bytesOfText(address: string): Buffer {
  const [text = ''] = address.split('%');
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  // Without the dotted form of the last four bytes.
  const { hostname } = new URL(`http://[${text}]`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((half) => half.split(':').filter(Boolean));
  const zeros = Array<string>(groupsOfIPv6 - head.length - tail.length).fill('');
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
