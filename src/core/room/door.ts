import { type Frame, type Join, type Message, maxTextBytes, type Refused } from '../../protocol/frames.ts';
import { joinProof, welcomeProof } from '../../protocol/signed.ts';
import { maxStrangers } from '../limits.ts';
import { foreignDevice, type Ledger, type LedgerOptions, type Outcome, type Proposal } from '../log/ledger.ts';
import { type Log, type Resumption, resume } from '../log/log.ts';
import { nameKey, normalizeName, safeName, whyNameRefused } from '../names.ts';
import { greeting } from '../narrate.ts';
import type { Effects, Now } from '../turn.ts';
import type { Presence, Session } from './presence.ts';

/** `dev` MUST be new for every run of the program: it numbers what clients of the original say. */
export type DoorOptions = LedgerOptions & {
  /** A challenge nobody can foresee, always the same for one connection. */
  nonce: (routingId: string) => string;
  /** What stands with a text, so that nobody can guess it by its digest; another one each time. */
  salt: () => string;
  maxClients?: number;
};
type Parts = { log: Log; ledger: Ledger; presence: Presence; effects: Effects };

/**
 * Who comes in, and may speak, by what is known of the connection alone: a version-1 client that proves its key, under a
 * name that may be shown; whether the name is somebody else's is for the log to say. [P6, P23]
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #parts: Parts;
  /** The newest join of each connection that the log decides about. */
  readonly #entering = new Map<string, Join>();
  readonly #strangers = new Set<string>();

  constructor(options: DoorOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** A join. What is returned is not answered yet. */
  knock(from: string, join: Join, now: Now): Proposal | Outcome | undefined {
    const { version, key, dev, cn, proof } = join;
    const { identity, crypto } = this.#options;
    if (version === undefined) return void this.#enterGuest(from, join.name, now);
    if (!key || !dev || !cn) return { type: 'ignored', reason: 'a version-1 join without key, dev and cn' };
    const nonce = this.#options.nonce(from);
    const room = identity.key;
    if (!proof) return void this.#send(from, { kind: 'challenge', nonce, room, log: this.#parts.log.store.log });
    if (!crypto.verify(key, joinProof(nonce, room, join), proof))
      return { type: 'ignored', reason: 'a join with a wrong proof' };
    const name = normalizeName(join.name);
    const text = whyNameRefused(name) ?? this.#whyServers(name);
    if (text !== undefined) return void this.refuse({ from, code: 'NAME_REFUSED', text });
    if (this.#isFull(from, dev)) return void this.refuse({ from, code: 'ROOM_FULL', text: full });
    const same = this.#entering.get(from);
    this.#entering.set(from, join);
    // A client that was told several times to join is welcomed once.
    if (same?.name === join.name && same.key === key && same.dev === dev) return undefined;
    return { type: 'enter', from, name, key, dev, join };
  }

  refuse({ from, code, text }: { from: string; code: Refused['code']; text: string }): void {
    this.#entering.delete(from);
    this.#send(from, { kind: 'refused', name: this.#options.name, text, code });
  }

  enter({ from, name, key, dev, join }: Outcome & { type: 'entered' }, nowMs: number): void {
    const { presence, log } = this.#parts;
    // Who comes back on a new connection takes the place of the old one, which libzmq has not reported yet.
    const older = presence.ofDevice(dev);
    if (this.#isFull(from, dev)) return this.refuse({ from, code: 'ROOM_FULL', text: full });
    if (older && older.from !== from && older.who !== key)
      return this.refuse({ from, code: 'DEVICE_REFUSED', text: foreignDevice });
    const newest = this.#entering.get(from);
    if (newest?.name === join.name) this.#entering.delete(from);
    this.#strangers.delete(from);
    const asked = newest?.dev === dev ? newest : join;
    const resumption = resume(log, asked);
    presence.enter({ from, who: key, name, dev }, resumption.since, nowMs);
    this.#welcome(from, name, asked, resumption);
  }

  /** A message. What is returned is for the log to decide. */
  hear(from: string, message: Message, now: Now): Proposal | undefined {
    const { sessions } = this.#parts.presence;
    if (!sessions.has(from) && !this.#entering.has(from) && !message.id) this.#enterGuest(from, message.name, now);
    const session = sessions.get(from);
    if (session?.guest !== undefined) return this.#hearGuest(session, message.text);
    if (!message.id) return undefined;
    if (!session) return void this.tellToJoin(from);
    if (message.seq !== undefined) return { type: 'mend', message };
    // What its author wrote, and nothing that only a log may say.
    const { hash: _, void: __, guest: ___, ...written } = message;
    const isOwn = message.id.dev === session.dev && message.key === session.who;
    if (!isOwn) return { type: 'giveBack', from, message: written };
    return { type: 'say', from, message: written, name: session.name };
  }

  /** Once: what is left in an old connection's queue comes before the join and must not be answered again and again. [P13] */
  tellToJoin(from: string): void {
    if (this.#strangers.has(from) || this.#entering.has(from)) return;
    if (this.#strangers.size >= maxStrangers) this.#strangers.clear();
    this.#strangers.add(from);
    this.#send(from, { kind: 'rejoin', delayMs: 0 });
  }

  /** A client of the original cannot prove who it is, nor be asked for another name. */
  #enterGuest(from: string, rawName: string, now: Now): void {
    const { presence, log, ledger } = this.#parts;
    if (!presence.sessions.get(from)) {
      if (this.#isFull(from)) return this.#say(from, full);
      const safe = safeName(rawName);
      const isTaken = ledger.owner(safe, now) !== undefined || this.#whyServers(safe) !== undefined;
      const name = isTaken ? `${safe} (guest)` : safe;
      presence.enter({ from, who: from, name, guest: safe }, log.head, now.ms);
    }
    this.#say(from, greeting(presence.online));
  }

  /** An id is an unknown key where nothing has a version: the room itself writes down what such a session says. */
  #hearGuest({ from, name, guest = name }: Session, text: string): Proposal | undefined {
    if (Buffer.byteLength(text) > maxTextBytes)
      return void this.#say(from, `Your message was not sent: it is longer than ${maxTextBytes} bytes.`);
    const words = { name: guest, text, salt: this.#options.salt() };
    return { type: 'relay', from, words: name === guest ? words : { ...words, guest: true } };
  }

  #say(from: string, text: string): void {
    this.#send(from, { kind: 'message', name: this.#options.name, text });
  }

  #welcome(from: string, who: string, { dev = '', cn = '' }: Join, { since, fork }: Resumption): void {
    const { log, presence } = this.#parts;
    const { identity, dev: run } = this.#options;
    const hash = log.hashAt(since);
    const [oldest] = log.read(log.first, 1);
    const { online, names: members } = presence;
    const words = { name: this.#options.name, text: greeting(online), who };
    const headHash = log.hashAt(log.head);
    const head = { head: log.head, ...(headHash && { headHash }), run };
    const place = { log: log.store.log, since, ...(hash && { hash }), ...head, fork };
    const n = log.store.mark(dev)?.n ?? 0;
    const age = oldest && { firstMs: oldest.atMs };
    const welcome = { kind: 'welcome' as const, ...words, ...place, n, online, members, ...age };
    this.#send(from, { ...welcome, sig: identity.sign(welcomeProof(cn, identity.key, welcome)) });
    for (const [seq, { hash }] of log.lost) if (seq <= since) this.#send(from, { kind: 'lost', seq, hash });
  }

  #whyServers(name: string): string | undefined {
    return nameKey(name) === nameKey(this.#options.name) ? `"${name}" is the name of the server.` : undefined;
  }

  /** A full room takes whoever is in it already. */
  #isFull(from: string, dev = ''): boolean {
    const { presence } = this.#parts;
    const { maxClients = Number.POSITIVE_INFINITY } = this.#options;
    return presence.sessions.size >= maxClients && !presence.sessions.get(from) && presence.ofDevice(dev) === undefined;
  }

  #send(to: string, frame: Frame): void {
    this.#parts.effects.send(to, frame);
  }
}

const full = 'The room is full.';
