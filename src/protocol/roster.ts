import type { Crypto } from './signed.ts';
import { count, name, signature, token, type Value } from './values.ts';

/** A member of the room: a key, and the name it goes by. Without a name it is a member no longer. */
export type Listed = { key: string; name?: string };
/** Where a device of a member can be reached, as its owner said and signed it at `ts`. Of several the newest counts. */
export type Address = { key: string; dev: string; ts: number; hosts: string[]; sig: string };
/** Who the members are at a version of the roster, by a digest of the whole list, and when the room said so. */
export type RosterHead = { version: number; at: number; digest: string };
export type SignedRoster = RosterHead & { sig: string };

/** What the room's key signs of its members. [P43] */
export const rosterText = (room: string, { version, at, digest }: RosterHead): string =>
  JSON.stringify(['0mq-chat roster', room, version, at, digest]);

/** Names the whole list, in whatever order it is known: who leaves out somebody, or adds one, comes to another digest. [P43] */
export function membersDigest(crypto: Crypto, members: Iterable<[key: string, name: string]>): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return crypto.digest(JSON.stringify(['0mq-chat members', sorted]));
}

/** What its owner signs of an address. [P44] */
export const addressText = (room: string, { dev, ts, hosts }: Omit<Address, 'sig'>): string =>
  JSON.stringify(['0mq-chat address', room, dev, ts, hosts]);

/** Most addresses of one device. */
export const maxHosts = 8;
const maxRows = 2_048;
/** Numbers only: a name would have to be looked up, and a zone is good on one machine alone. */
const host = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):(\d{1,5})$/;
const isHost = (json: unknown): json is string => {
  const [, port = 0] = (typeof json === 'string' && host.exec(json)) || [];
  return Number(port) > 0 && Number(port) < 65_536;
};

/** `[key, name]`, and `[key]` for who is a member no longer. */
export const listed: Value<Listed[]> = list(
  ({ key, name }) => (name === undefined ? [key] : [key, name]),
  ([key, called, ...more]) => {
    const said = called === undefined ? {} : { name: name.read(called, {}) };
    const isRow = token.read(key, {}) !== undefined && more.length === 0 && !('name' in said && !said.name);
    return isRow ? ({ key, ...said } as Listed) : undefined;
  },
);
/** `[key, dev, ts, [host, …], sig]` */
export const addresses: Value<Address[]> = list(
  ({ key, dev, ts, hosts, sig }) => [key, dev, ts, hosts, sig],
  ([key, dev, ts, hosts, sig, ...more]) => {
    const isNamed = token.read(key, {}) !== undefined && token.read(dev, {}) !== undefined;
    const isSaid = count.read(ts, {}) !== undefined && signature.read(sig, {}) !== undefined && more.length === 0;
    const areHosts = Array.isArray(hosts) && hosts.length <= maxHosts && hosts.every(isHost);
    return isNamed && isSaid && areHosts ? ({ key, dev, ts, hosts, sig } as Address) : undefined;
  },
);

function list<T>(write: (row: T) => unknown[], read: (cells: unknown[]) => T | undefined): Value<T[]> {
  return {
    write: (rows) => rows.map(write),
    read(json) {
      if (!Array.isArray(json) || json.length > maxRows) return undefined;
      const rows = json.map((cells) => (Array.isArray(cells) ? read(cells) : undefined));
      return rows.every((row) => row !== undefined) ? rows : undefined;
    },
    isVital: true,
  };
}
