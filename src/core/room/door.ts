import type { Join } from '../../protocol/frames.ts';
import { joinProof } from '../../protocol/signed.ts';
import type { Crypto } from '../crypto.ts';
import type { Effects } from '../effects.ts';
import { maxStrangers } from '../limits.ts';
import { foreignDevice, type Outcome, type Proposal } from '../log/ledger.ts';
import type { Log } from '../log/log.ts';
import { resume } from '../log/resume.ts';
import { nameKey, normalizeName, safeName, whyNameRefused } from '../names.ts';
import { greeting } from '../original.ts';
import type { Presence } from './presence.ts';
import type { Readers } from './readers.ts';

export type DoorOptions = {
  /** Name of the server, which nobody else may have. */
  name: string;
  /** A challenge nobody can foresee, always the same for one connection. */
  nonce: (routingId: string) => string;
  crypto: Crypto;
  maxClients?: number;
  /** Ids of messages that come without one begin with it; MUST be new for every run of the program. */
  dev: string;
};
type Parts = { log: Log; presence: Presence; readers: Readers; effects: Effects };
/** What becomes of a join: the log decides, or it is refused or ignored, or it was answered with a challenge. */
export type Verdict = (Proposal & { type: 'enter' }) | (Outcome & { type: 'refused' | 'ignored' });

/**
 * Who comes in, and is welcomed: a version-1 client that proves its key, under a name that may be shown; whether the name
 * is somebody else's is for the log to say. [P6, P23]
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #parts: Parts;
  /** The newest join of each connection that the log decides about. */
  readonly #entering = new Map<string, Join>();
  readonly #strangers = new Set<string>();
  #guests = 0;

  constructor(options: DoorOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  isEntering(from: string): boolean {
    return this.#entering.has(from);
  }

  /** A join of a version-1 client. */
  knock(from: string, join: Join): Verdict | undefined {
    const { key, dev, proof } = join;
    const { name: server, crypto } = this.#options;
    const { log, effects } = this.#parts;
    if (!key || !dev) return { type: 'ignored', reason: 'a version-1 join without key and dev' };
    const nonce = this.#options.nonce(from);
    if (!proof) return void effects.send(from, { kind: 'challenge', nonce, server, log: log.id });
    if (!crypto.verify(key, joinProof(nonce, server, join), proof))
      return { type: 'ignored', reason: 'a join with a wrong proof' };
    const name = normalizeName(join.name);
    const text = whyNameRefused(name) ?? this.#whyServers(name);
    if (text !== undefined) return { type: 'refused', from, code: 'NAME_REFUSED', text };
    if (!this.#hasRoom(from, dev)) return { type: 'refused', from, code: 'ROOM_FULL', text: full };
    const same = this.#entering.get(from);
    this.#entering.set(from, join);
    // A client that was told several times to join is welcomed once.
    if (same?.name === join.name && same.key === key && same.dev === dev) return undefined;
    return { type: 'enter', from, name, key, dev, join };
  }

  refuse({ from, code, text }: Outcome & { type: 'refused' }): void {
    this.#entering.delete(from);
    this.#parts.effects.send(from, { kind: 'refused', name: this.#options.name, text, code });
  }

  /** The name is on disk: the client is in. */
  enter({ from, name, key, dev, join }: Outcome & { type: 'entered' }, nowMs: number): void {
    const { presence, readers } = this.#parts;
    const before = presence.at(from);
    // Who comes back on a new connection takes the place of the old one, which libzmq has not reported yet.
    const older = presence.ofDevice(dev) ?? from;
    const old = presence.at(older);
    if (!this.#hasRoom(from, dev)) return this.refuse({ type: 'refused', from, code: 'ROOM_FULL', text: full });
    if (older !== from && old?.who !== key)
      return this.refuse({ type: 'refused', from, code: 'DEVICE_REFUSED', text: foreignDevice });
    const newest = this.#entering.get(from);
    if (newest?.name === join.name) this.#entering.delete(from);
    // On one connection somebody else is there now.
    if (before && before.who !== key) presence.leave(from);
    const session = { who: key, name, dev, isGuest: false, said: 0, heardAtMs: nowMs };
    const last = before ?? old;
    presence.enter(from, session, last?.who === key ? last.name : undefined);
    this.#strangers.delete(from);
    if (older !== from) readers.close(older);
    if (older !== from) presence.replace(older);
    this.#welcome(from, name, newest?.dev === dev ? newest : join);
  }

  /**
   * A client of the original, which cannot prove who it is, nor be asked for another name: its name is made safe, and
   * marked if it `isTaken`.
   */
  enterGuest(from: string, rawName: string, isTaken: (name: string) => boolean, nowMs: number): void {
    const { presence, readers, log, effects } = this.#parts;
    const { name: server } = this.#options;
    if (!presence.at(from)) {
      if (this.#isFull) return effects.send(from, { kind: 'message', name: server, text: full });
      const safe = safeName(rawName);
      const name = isTaken(safe) || this.#whyServers(safe) ? `${safe} (guest)` : safe;
      const dev = `${this.#options.dev}-${++this.#guests}`;
      presence.enter(from, { who: from, name, dev, isGuest: true, said: 0, heardAtMs: nowMs });
      readers.open(from, log.head, dev);
    }
    effects.send(from, { kind: 'message', name: server, text: greeting(presence.online) });
  }

  /** Once: what is left in an old connection's queue comes before the join and must not be answered again and again. [P13] */
  tellToJoin(from: string): void {
    if (this.#strangers.has(from) || this.isEntering(from)) return;
    if (this.#strangers.size >= maxStrangers) this.#strangers.clear();
    this.#strangers.add(from);
    this.#parts.effects.send(from, { kind: 'rejoin', delayMs: 0 });
  }

  /** The connection is gone, or has said goodbye. */
  forget(from: string): void {
    this.#entering.delete(from);
    this.#strangers.delete(from);
  }

  #welcome(from: string, who: string, join: Join): void {
    const { log, presence, readers, effects } = this.#parts;
    const { since, fork } = resume(log, join);
    const { head, first, id, lost } = log;
    const hash = log.hashAt(since);
    const [oldest] = log.read(first, 1);
    const place = { log: id, since, ...(hash && { hash }), head, ...(fork && { fork }) };
    const age = oldest && { firstMs: oldest.atMs };
    const { online, names: members } = presence;
    const words = { name: this.#options.name, text: greeting(online), who };
    const n = log.mark(join.dev ?? '')?.n ?? 0;
    readers.open(from, since);
    effects.send(from, { kind: 'welcome', ...words, ...place, n, online, members, ...age });
    for (const [seq, { hash: at }] of lost) if (seq <= since) effects.send(from, { kind: 'lost', seq, hash: at });
  }

  #whyServers(name: string): string | undefined {
    return nameKey(name) === nameKey(this.#options.name) ? `"${name}" is the name of the server.` : undefined;
  }

  /** A full room takes whoever is in it already. */
  #hasRoom(from: string, dev: string): boolean {
    const { presence } = this.#parts;
    return !this.#isFull || presence.at(from) !== undefined || presence.ofDevice(dev) !== undefined;
  }

  get #isFull(): boolean {
    return this.#parts.presence.sessions >= (this.#options.maxClients ?? Number.POSITIVE_INFINITY);
  }
}

const full = 'The room is full.';
