import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIP, isIPv6 } from 'node:net';
import { reachableAt } from './addresses.ts';
import { type Cards, cards } from './cards.ts';

const pollMs = 1_000;
/** More cards than this are those of containers. */
const maxAddresses = 8;

/** The addresses of this machine: the one that faces the server, undefined if no way leads there, and all others. */
export type Place = {
  facing: string | undefined;
  /** Where members in other networks may come from, the one that faces the server first. */
  global: readonly string[];
  /** Good on one network card alone: IPv6 with its name behind it. */
  local: readonly string[];
};

/** Which address of this machine faces this one: a UDP connect asks the system for the way there, and sends nothing. */
export async function facing(endpoint: string): Promise<string | undefined> {
  const [, host = ''] = /^tcp:\/\/\[?(.+?)\]?:\d+$/.exec(endpoint) ?? [];
  const family = isIP(host.replace(/%.*/s, ''));
  // A name would be looked up, and the address that it has now need not be the one that is dialled.
  if (family === 0) return undefined;
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(9, host);
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

/** Where this machine is now, as its cards say and as seen from the server that is dialled at this endpoint. */
export async function look(endpoint: string, read: Cards = cards, ask = facing): Promise<Place> {
  const towards = await ask(endpoint);
  const own = reachableAt('*', read).slice(0, maxAddresses);
  const global = towards !== undefined && own.includes(towards) ? [...new Set([towards, ...own])] : own;
  return { facing: towards, global, local: linkLocals(read) };
}

function linkLocals(read: Cards): string[] {
  const found = Object.entries(read()).flatMap(([card, list = []]) =>
    list
      .filter(({ internal, address }) => !internal && /^(fe[89ab]|169\.254\.)/i.test(address))
      .map(({ address }) => (isIPv6(address) ? `${address}%${card}` : address)),
  );
  return found.slice(0, maxAddresses);
}

/** Looks again every second, and says where this machine is by then if that has changed. */
export class Watch {
  #seen = '';
  readonly #timer: NodeJS.Timeout;
  readonly #look: () => Promise<Place>;
  readonly #changed: (place: Place) => Promise<unknown>;
  #looking: Promise<void> = Promise.resolve();

  constructor(look: () => Promise<Place>, changed: (place: Place) => Promise<unknown>) {
    this.#look = look;
    this.#changed = changed;
    this.#timer = setInterval(() => void this.now(), pollMs).unref();
  }

  /** One look at a time, and after it what is to be done if something has changed. */
  now(): Promise<void> {
    // What cannot be seen now may be a moment later.
    this.#looking = this.#looking.then(() => this.#once()).catch(() => {});
    return this.#looking;
  }

  /** Even if nothing has changed. */
  again(): Promise<void> {
    this.#seen = '';
    return this.now();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #once(): Promise<void> {
    const place = await this.#look();
    const seen = JSON.stringify(place);
    if (seen === this.#seen) return;
    this.#seen = seen;
    await this.#changed(place);
  }
}
