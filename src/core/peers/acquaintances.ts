import type { Address } from '../../protocol/roster.ts';
import type { Crypto } from '../../protocol/signed.ts';
import { heardMs, maxHeard, redialMs } from '../limits.ts';

/** A device that may be dialed; `ts`: when it said so. */
export type Candidate = Pick<Address, 'key' | 'dev' | 'hosts'> & { ts?: number };
/** Where somebody of this room was heard, maybe with this key, and when. */
type Heard = { host: string; key?: string | undefined; atMs: number };
type Ranked = Candidate & { rank: string };
type Order = (a: Ranked, b: Ranked) => number;
type InOrder = { all: readonly Ranked[]; order: Order };
/** What `of` comes to for the device `mine`. */
type Sorted = Record<'ring' | 'newest' | 'byChance', InOrder> & {
  of: readonly Candidate[];
  mine: string;
  keys: ReadonlySet<string>;
};

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
  #sorted: Sorted | undefined;

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
    this.#heard = this.#heard.filter(({ atMs }) => ms - atMs < heardMs);
    if (candidates.length + this.#heard.length === 0) return [];
    if (this.#sorted?.of !== candidates || this.#sorted.mine !== mine) this.#sorted = this.#sort(candidates, mine);
    const { ring, newest, byChance, keys } = this.#sorted;
    const strange = this.#strange(keys);
    const isAble = (one: Candidate) =>
      one.dev !== mine && ms >= (this.#failed.get(one.dev)?.untilMs ?? 0) && this.#hostsOf(one).length > 0;
    const [next] = first(1, ring, strange, isAble);
    const isFree = (one: Candidate) => one !== next && isAble(one) && !isLinked(one.dev);
    const last = first(count, newest, strange, isFree);
    const inTurn = first(count, byChance, strange, isFree).flatMap((other, i) => [last[i] as Ranked, other]);
    const chosen = new Set([...(next && !isLinked(next.dev) ? [next] : []), ...inTurn]);
    return [...chosen].slice(0, count).map(({ rank: _, ...one }) => ({ ...one, hosts: this.#hostsOf(one) }));
  }

  /** As long as the same can be dialed they are sorted once: there may be 80,000. */
  #sort(of: readonly Candidate[], mine: string): Sorted {
    const ranked = of.map(this.#ranked);
    const sorted = (order: Order) => ({ all: ranked.toSorted(order), order });
    return {
      of,
      mine,
      keys: new Set(of.map(({ key }) => key)),
      ring: sorted((a, b) => distance(mine, a.dev, b.dev)),
      newest: sorted((a, b) => (b.ts ?? 0) - (a.ts ?? 0)),
      byChance: sorted((a, b) => (a.rank < b.rank ? -1 : 1)),
    };
  }

  readonly #ranked = (one: Candidate): Ranked => {
    this.#seed ??= this.#nonce();
    return { ...one, rank: this.#crypto.hash(`${this.#seed} ${one.dev}`) };
  };

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

  /** Who was heard, and has told no address. */
  #strange(known: ReadonlySet<string>): Ranked[] {
    const keys = new Set(this.#heard.flatMap(({ key }) => (key === undefined || known.has(key) ? [] : key)));
    return [...keys].map((key) => this.#ranked({ key, dev: nameless(key), hosts: [] }));
  }

  /**
   * Somebody may have moved to where somebody was heard. Where it was heard last comes first, but then where it says it is
   * itself: anybody in the room can say the others.
   */
  #hostsOf({ key: of, hosts }: Candidate): string[] {
    const heard = this.#heard.flatMap(({ host, key }) => (key === undefined || key === of ? host : []));
    const [newest = [], ...older] = heard;
    return [...new Set([newest, hosts, older].flat())];
  }
}

/** The first so many that are wanted, of all that are known, in their order, and a few others. */
function first(count: number, { all, order }: InOrder, others: readonly Ranked[], isWanted: (one: Ranked) => boolean) {
  const found: Ranked[] = [];
  for (const one of all) {
    if (found.length === count) break;
    if (isWanted(one)) found.push(one);
  }
  return [...found, ...others.filter(isWanted)].sort(order).slice(0, count);
}

/** No device has such a name. */
const nameless = (key: string): string => `?${key}`;

/** Which of two comes first behind `mine`, round the ring. */
function distance(mine: string, a: string, b: string): number {
  const [isAfterA, isAfterB] = [a > mine, b > mine];
  if (isAfterA !== isAfterB) return isAfterA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
