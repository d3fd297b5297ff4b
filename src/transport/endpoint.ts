import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ChatError } from '../errors.ts';

const anyAddress = new Set(['all', '*']);

/** The endpoint as a person reads it: what was asked for, not what it was resolved to. */
export const showEndpoint = (ip: string, port: number): string =>
  `tcp://${anyAddress.has(ip) ? '*' : bracket(ip)}:${port}`;

/**
 * The endpoint to connect to. The name is looked up here, because libzmq would do it in its I/O thread,
 * where a slow answer stops every connection, and would say nothing of an unknown name.
 */
export async function connectEndpoint(ip: string, port: number): Promise<string> {
  return showEndpoint(await resolve(anyAddress.has(ip) ? 'localhost' : ip), port);
}

/** The endpoint to bind; port 0 takes any free one. */
export async function bindEndpoint(ip: string, port: number): Promise<string> {
  return showEndpoint(anyAddress.has(ip) ? ip : await resolve(ip), port);
}

/** The port number at the end of an endpoint. */
export const portOf = (endpoint: string): number => Number(/:(\d+)$/.exec(endpoint)?.[1]);

/** Addresses of this machine that can be bound. */
export const localAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));

const bracket = (host: string) => (isIPv6(host) ? `[${host}]` : host);

async function resolve(host: string): Promise<string> {
  try {
    const [first] = await lookup(host, { all: true, order: 'ipv4first' });
    if (first) return first.address;
  } catch (error) {
    throw unknown(host, error);
  }
  throw unknown(host);
}

const unknown = (host: string, cause?: unknown) =>
  new ChatError(
    'UNKNOWN_HOST',
    `the name "${host}" is not known.`,
    'Check the spelling of --ip, or use a number such as 192.168.1.7.',
    cause,
  );
