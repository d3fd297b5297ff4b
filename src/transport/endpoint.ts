import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Dealer, Pair, Router } from 'zeromq';
import { ChatError, type ErrorCode } from '../errors.ts';

const anyAddress = new Set(['all', '*']);

/** The endpoint as a person reads it: what was asked for, not what it was resolved to. */
export const showEndpoint = (ip: string, port: number): string =>
  `tcp://${anyAddress.has(ip) ? '*' : isIPv6(ip) ? `[${ip}]` : ip}:${port}`;

/** Looks the name up, because libzmq would do it in its I/O thread, where a slow answer stops every connection. */
export const connectEndpoint = async (ip: string, port: number): Promise<string> =>
  showEndpoint(await resolve(anyAddress.has(ip) ? 'localhost' : ip), port);

/** Port 0 takes any free one. */
export const bindEndpoint = async (ip: string, port: number): Promise<string> =>
  showEndpoint(anyAddress.has(ip) ? ip : await resolve(ip), port);

/** True for an endpoint on this machine. */
export const isLoopback = (endpoint: string): boolean => /^tcp:\/\/(127\.|\[::1\])/.test(endpoint);

export const portOf = (endpoint: string): number => Number(/:(\d+)$/.exec(endpoint)?.[1]);

/** Binds, and returns the endpoint in use (with the real port). libzmq's errors become words here. */
export async function bind(socket: Dealer | Pair | Router, endpoint: string): Promise<string> {
  try {
    await socket.bind(endpoint);
  } catch (error) {
    socket.close();
    throw translate(error, endpoint);
  }
  return socket.lastEndpoint ?? endpoint;
}

async function resolve(host: string): Promise<string> {
  try {
    return (await lookup(host, { order: 'ipv4first' })).address;
  } catch (error) {
    const hint = 'Check the spelling of --ip, or use a number such as 192.168.1.7.';
    throw new ChatError('UNKNOWN_HOST', `the name "${host}" is not known.`, hint, error);
  }
}

function translate(error: unknown, endpoint: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const [, host, port] = /^tcp:\/\/(.*):(.*)$/.exec(endpoint) ?? [];
  const say = (code: ErrorCode, message: string, hint: string) => new ChatError(code, message, hint, error);
  const another = 'Choose another with --port.';
  if (code === 'EADDRINUSE')
    return say('ADDRESS_IN_USE', `port ${port} is already in use.`, `Is a server running already? ${another}`);
  const reserved = `Ports below 1024 are for the administrator. ${another}`;
  if (code === 'EACCES' || code === 'EPERM')
    return say('NOT_PERMITTED', `no right to listen on port ${port}.`, reserved);
  if (code !== 'EADDRNOTAVAIL' && code !== 'ENODEV') return error;
  const own = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address));
  const hint = `Use --ip all, or one of: ${own.join(', ')}`;
  return say('ADDRESS_NOT_AVAILABLE', `this machine has no address "${host}".`, hint);
}
