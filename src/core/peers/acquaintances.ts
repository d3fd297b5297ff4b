import type { Address } from '../../protocol/roster.ts';
import type { Crypto } from '../../protocol/signed.ts';
import { heardMs, maxHeard, redialMs } from '../limits.ts';

/** A device that may be dialed; `ts`: when it said so. */
export type Candidate = Pick<Address, 'key' | 'dev' | 'hosts'> & { ts?: number };
/** Where somebody of this room was heard, maybe with this key, and when. */
type Heard = { host: string; key?: string | undefined; atMs: number };

/**
 * Whom to dial: the next one in the order of devices, so that all together make a ring; who has said last where it is,
 * for many may be gone for long; and others by chance, so that no cut parts them. Who could not be reached is left alone for a while. [P56]
 */
export class Acquaintances {
  readonly #crypto: Crypto;
  /** Nobody can foresee whom it chooses. */
  readonly #nonce: () => string;
  #seed: string | undefined;
  readonly #failed = new Map<string, { untilMs: number; waitMs: number }>();
  #heard: Heard[] = [];

  constructor(crypto: Crypto, nonce: () => string) {
    this.#crypto = crypto;
    this.#nonce = nonce;
  }

  /** At most `count` of those that are not linked with, the next one in the ring first. */
  choose(
    candidates: readonly Candidate[],
    mine: string,
    isLinked: (dev: string) => boolean,
    count: number,
    ms: number,
  ): Candidate[] {
    const others = this.#withHeard(candidates, ms).filter(({ dev, hosts }) => dev !== mine && hosts.length > 0);
    const able = others.filter(({ dev }) => ms >= (this.#failed.get(dev)?.untilMs ?? 0));
    const [next] = able.toSorted((a, b) => distance(mine, a.dev, b.dev));
    const free = able.filter(({ dev }) => !isLinked(dev));
    if (free.length > 0) this.#seed ??= this.#nonce();
    const rest = free.filter((one) => one !== next);
    const newest = rest.toSorted((a, b) => (b.ts ?? 0) - (a.ts ?? 0));
    const inTurn = this.#shuffled(rest).flatMap((other, i) => [newest[i] as Candidate, other]);
    return [...new Set([...free.filter((one) => one === next), ...inTurn])].slice(0, count);
  }

  #shuffled(free: readonly Candidate[]): Candidate[] {
    const ranked = free.map((other) => ({ other, rank: this.#crypto.hash(`${this.#seed} ${other.dev}`) }));
    return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ other }) => other);
  }

  /** It was heard there: advice, and no more, for whoever answers has to prove who it is. */
  hear(host: string, key: string | undefined, ms: number): void {
    this.#heard = [{ host, key, atMs: ms }, ...this.#heard.filter((one) => one.host !== host)].slice(0, maxHeard);
    if (key === undefined) this.#failed.clear();
    for (const dev of this.#failed.keys()) if (dev === nameless(key ?? '')) this.#failed.delete(dev);
  }

  /** It could not be reached, or what it said was wrong. */
  fail(dev: string, ms: number): void {
    const { waitMs = redialMs.first } = this.#failed.get(dev) ?? {};
    this.#failed.set(dev, { untilMs: ms + waitMs, waitMs: Math.min(2 * waitMs, redialMs.longest) });
  }

  /** This device is elsewhere: who could not be reached from there may be from here. */
  forgive(): void {
    this.#failed.clear();
  }

  succeed(dev: string): void {
    this.#failed.delete(dev);
  }

  /** Somebody may have moved to where somebody was heard; who is known by its key alone has no other place. */
  #withHeard(candidates: readonly Candidate[], ms: number): Candidate[] {
    this.#heard = this.#heard.filter(({ atMs }) => ms - atMs < heardMs);
    const heardOf = (of: string) =>
      this.#heard.flatMap(({ host, key }) => (key === undefined || key === of ? host : []));
    const known = new Set(candidates.map(({ key }) => key));
    const strange = new Set(this.#heard.flatMap(({ key }) => (key === undefined || known.has(key) ? [] : key)));
    const all: Candidate[] = [...candidates, ...[...strange].map((key) => ({ key, dev: nameless(key), hosts: [] }))];
    // Where it was heard last comes first, but then where it says it is itself: anybody in the room can say the others.
    return all.map(({ hosts, ...who }) => {
      const [newest = [], ...older] = heardOf(who.key);
      return { ...who, hosts: [...new Set([newest, hosts, older].flat())] };
    });
  }
}

/** No device has such a name. */
const nameless = (key: string): string => `?${key}`;

/** Which of two comes first behind `mine`, round the ring. */
function distance(mine: string, a: string, b: string): number {
  const [isAfterA, isAfterB] = [a > mine, b > mine];
  if (isAfterA !== isAfterB) return isAfterA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
