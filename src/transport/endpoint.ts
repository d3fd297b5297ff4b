import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIP, isIPv6 } from 'node:net';
import type { Dealer, Pair, Router } from 'zeromq';
import { ChatError, type ErrorCode } from '../errors.ts';
import { cards } from './cards.ts';

const anyAddress = new Set(['all', '*']);
const isBare6 = (host: string): boolean => host.includes(':') && isIPv6(host.replace(/%.*/s, ''));
/** And the address of all machines at once. */
const isMulticast = /^(2(2[4-9]|3\d)(\.\d+){3}|255\.255\.255\.255|ff[\da-f]{2}:.*)$/i;
const ofOne = 'Give one that a machine has, such as 192.168.1.7.';
const isLinkLocal = (host: string): boolean => /^fe[89ab][0-9a-f]:/i.test(host) && isBare6(host);

/** The endpoint as a person reads it: what was asked for, not what it was resolved to. */
export const showEndpoint = (ip: string, port: number): string =>
  `tcp://${anyAddress.has(ip) ? '*' : isBare6(ip) ? `[${ip}]` : ip}:${port}`;

/** Where a server at this host may be reached: every address that its name has now. Throws a ChatError if it has none. */
export const connectEndpoints = async (ip: string, port: number): Promise<string[]> =>
  (await resolve(anyAddress.has(ip) ? 'localhost' : ip)).map((address) => showEndpoint(address, port));

/** Port 0 takes any free one. The first of them that is one of this machine is meant. */
export const bindEndpoints = async (ip: string, port: number): Promise<string[]> =>
  anyAddress.has(ip) ? [showEndpoint(ip, port)] : (await resolve(ip)).map((address) => showEndpoint(address, port));

/** True for an endpoint on this machine. */
export const isLoopback = (endpoint: string): boolean => /^tcp:\/\/(127\.|\[::1\])/.test(endpoint);

export const portOf = (endpoint: string): number => Number(/:(\d+)$/.exec(endpoint)?.[1]);

/** Binds to the first endpoint that this machine has, and returns it with the real port. libzmq's errors become words here. */
export async function bind(socket: Dealer | Pair | Router, endpoint: string, ...others: string[]): Promise<string> {
  try {
    await socket.bind(endpoint);
    return socket.lastEndpoint ?? endpoint;
  } catch (error) {
    const [next, ...more] = others;
    const failure = await failureOf(error, endpoint);
    if (next !== undefined && failure.code === 'ADDRESS_NOT_AVAILABLE') return bind(socket, next, ...more);
    socket.close();
    throw failure;
  }
}

/** Under load libzmq forgets now and then why it could not listen (EAGAIN): the system still knows. */
async function failureOf(error: unknown, endpoint: string): Promise<ChatError> {
  const failure = translate(error, endpoint);
  if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return failure;
  return reserve(endpoint).then(
    () => failure,
    (reason) => reason,
  );
}

/** The port that a door is opened on later, at the first of these endpoints that this machine has. */
export async function reserve(endpoint = '', ...others: string[]): Promise<number> {
  const [, host = '', port] = /^tcp:\/\/\[?(.*?)\]?:(\d+)$/.exec(endpoint) ?? [];
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(Number(port), host === '*' ? undefined : host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (error) {
    const failure = translate(error, endpoint);
    if (others.length > 0 && failure.code === 'ADDRESS_NOT_AVAILABLE') return await reserve(...others);
    throw failure;
  } finally {
    // What never listened cannot be closed.
    await new Promise((closed) => server.close(closed));
  }
}

/** Looks the name up, because libzmq would do it in its I/O thread, where a slow answer stops every connection. */
async function resolve(host: string): Promise<string[]> {
  if (isMulticast.test(host)) throw new ChatError('USAGE', `the address "${host}" is of no machine.`, ofOne);
  if (isIP(host) || isBare6(host)) return [withScope(host)];
  const hint = 'Check the spelling of --ip, or use a number such as 192.168.1.7.';
  const unknown = (cause?: unknown) => new ChatError('UNKNOWN_HOST', `the name "${host}" is not known.`, hint, cause);
  const found = await lookup(host, { all: true, order: 'ipv4first' }).catch((error) => Promise.reject(unknown(error)));
  const all = new Set(found.flatMap(({ address }) => (isUnscoped(address) ? scoped(address) : address)));
  // It may have none but link-local ones, which are in no network of this machine.
  if (all.size === 0) throw unknown();
  return [...all];
}

const isUnscoped = (address: string): boolean => isLinkLocal(address) && !address.includes('%');

/** Every network may have a machine with this address. Those come first in which it is this machine's own. */
function scoped(address: string): string[] {
  const networks = linkLocals();
  const own = networks.filter((network) => network.address === address);
  const names = (own.length > 0 ? own : networks).map(({ name, scopeid }) => scopeOf(name, scopeid));
  return [...new Set(names)].map((scope) => `${address}%${scope}`);
}

type Network = { name: string; address: string; scopeid?: number };

const addresses = (): Network[] =>
  Object.entries(cards()).flatMap(([name, list = []]) => list.map((found) => ({ ...found, name })));
const linkLocals = (): Network[] => addresses().filter(({ address }) => isLinkLocal(address));

/** Windows numbers its networks. */
const scopeOf = (name: string, scopeid = 0): string => (process.platform === 'win32' ? String(scopeid) : name);

/** A link-local address is one in each network: nobody can say which machine it is. */
function withScope(host: string): string {
  const [address = '', scope] = host.split('%');
  if (!isLinkLocal(address)) return host;
  const known = linkLocals().find(({ name, scopeid }) => scope === name || scope === String(scopeid));
  // Node knows networks by the system's own way alone.
  if (known) return `${address}%${scopeOf(known.name, known.scopeid)}`;
  const ways = scoped(address);
  const lacks =
    scope === undefined
      ? 'does not say in which network'
      : `names a network that has no such addresses here: "${scope}"`;
  const hint =
    ways.length > 0 ? `Write --ip ${ways.join(' or ')}` : 'This machine is in no network with such addresses.';
  throw new ChatError('USAGE', `the address "${address}" ${lacks}.`, hint);
}

function translate(error: unknown, endpoint: string): ChatError {
  const { code, message } = error as NodeJS.ErrnoException;
  const [, host, port] = /^tcp:\/\/(.*):(.*)$/.exec(endpoint) ?? [];
  const say = (code: ErrorCode, message: string, hint: string) => new ChatError(code, message, hint, error);
  const another = 'Choose another with --port.';
  if (code === 'EADDRINUSE')
    return say('ADDRESS_IN_USE', `port ${port} is already in use.`, `Is a server running already? ${another}`);
  const reserved = `Ports below 1024 are for the administrator. ${another}`;
  if (code === 'EACCES' || code === 'EPERM')
    return say('NOT_PERMITTED', `no right to listen on port ${port}.`, reserved);
  const own = addresses().map(({ name, address, scopeid }) =>
    isLinkLocal(address) ? `${address}%${scopeOf(name, scopeid)}` : address,
  );
  const hint = `Use --ip all, or one of: ${own.join(', ')}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENODEV')
    return say('ADDRESS_NOT_AVAILABLE', `this machine has no address "${host}".`, hint);
  return say('ADDRESS_NOT_AVAILABLE', `cannot listen on "${host}": ${message.toLowerCase()}.`, hint);
}
