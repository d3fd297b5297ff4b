import {
  type Frame,
  type Join,
  type Leave,
  type Message,
  protocolVersion,
  type Refused,
  type Upload,
} from '../../protocol/frames.ts';
import { dayMs, forNewcomers, maxSessions, maxStrangers } from '../limits.ts';
import type { Ledger, LedgerOptions, Outcome, Proposal } from '../log/ledger.ts';
import { type Log, resume } from '../log/log.ts';
import { whyServers } from '../log/owners.ts';
import { bareName, guestName, isGuestName, normalizeName, whyNameRefused } from '../names.ts';
import { awayText, isBlank } from '../narrate.ts';
import { type Effects, isSecure, type Now } from '../turn.ts';
import { full, Guests } from './guests.ts';
import type { Pacing, Wish } from './pacing.ts';
import type { Presence } from './presence.ts';
import { type Proof, Proofs, type ProofsOptions } from './proofs.ts';
import { welcomeOf } from './welcome.ts';

/** `dev` MUST be new for every run of the program: it numbers what clients of the original say. */
export type DoorOptions = LedgerOptions &
  ProofsOptions & {
    /** What stands with a text, so that nobody can guess it by its digest; another one each time. */
    salt: () => string;
    maxClients?: number;
    /** What the room is about. */
    topic?: string | undefined;
    /** Members are told nothing of each other with which they could link. */
    unlinked?: boolean;
    /** Whose keys may come in by an encrypted door; absent: any. */
    admitted?: ReadonlySet<string> | undefined;
  };
/** A member is away; false: not any more. */
export type Absence = { type: 'away'; from: string; away: string | false };
type Refusal = { from: string; code: Refused['code']; text: string; join: Join };
type Parts = { log: Log; ledger: Ledger; presence: Presence; pacing: Pacing; effects: Effects };

/**
 * Who comes in, and may speak, by what is known of the connection alone: a version-1 client that proves its key, under a
 * name that may be shown; whether the name is somebody else's is for the log to say. [P11, P7]
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #parts: Parts;
  readonly #proofs: Proofs;
  /** The newest join of each connection that the log decides about. */
  readonly #entering = new Map<string, Join>();
  readonly #strangers = new Set<string>();
  #admitted: ReadonlySet<string> | undefined;
  readonly #guests: Guests;

  constructor(options: DoorOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#proofs = new Proofs(options);
    this.#admitted = options.admitted;
    this.#guests = new Guests(options, parts, () => this.#isFull());
  }

  /** From now on these keys may come in by an encrypted door. Returns true if one may not that could before. */
  admit(keys: ReadonlySet<string>): boolean {
    const before = this.#admitted;
    this.#admitted = keys;
    for (const { from, who } of this.#parts.presence.proven) if (!this.admits(from, who)) this.#proofs.forget(from);
    return before === undefined || [...before].some((key) => !keys.has(key));
  }

  /** Whether who has this key may be in over this connection. */
  admits(from: string, key: string): boolean {
    return !isSecure(from) || this.#admitted === undefined || this.#admitted.has(key);
  }

  /** A join. What is returned is not answered yet. */
  knock(from: string, join: Join, now: Now): Proposal | Outcome | undefined {
    const { version, key, dev, cn } = join;
    if (version === undefined) return isSecure(from) ? unproven : void this.#guests.enter(from, join.name, now);
    if (version !== protocolVersion)
      return void this.refuse({ from, code: 'VERSION_REFUSED', text: otherVersion, join });
    if (!key || !dev || !cn) return { type: 'ignored', reason: 'a version-1 join without key, dev and cn' };
    if (!this.#options.crypto.isDeviceOf(key, dev))
      return void this.refuse({ from, code: 'PROOF_REFUSED', text: foreignDevice, join });
    if (!join.proof) return void this.#challenge(from, cn);
    const isProven = this.#proofs.prove(from, join);
    // What is left in the queue of a connection before this one answers no question of this one.
    if (isProven === undefined) return void this.tellToJoin(from);
    if (!isProven) return void this.refuse({ from, code: 'PROOF_REFUSED', text: wrongProof, join });
    if (!this.admits(from, key)) return void this.refuse({ from, code: 'PROOF_REFUSED', text: unknownKey, join });
    const asked = normalizeName(join.name);
    const isFormer = this.#isFormer(asked, key, now);
    const name = isFormer ? guestName(bareName(asked)) : asked;
    const text = isFormer ? undefined : this.#whyRefused(name);
    if (text !== undefined) return void this.refuse({ from, code: 'NAME_REFUSED', text, join });
    const refused = this.#whyNotIn(from, key, dev, now);
    if (refused !== undefined) return void this.refuse({ from, code: 'ROOM_FULL', text: refused, join });
    if (this.#isRename(from, key, dev, name) && !this.#parts.pacing.mayRename(key, dev, name, now.ms))
      return void this.refuse({ from, code: 'NAME_REFUSED', text: renamedOften, join });
    const same = this.#entering.get(from);
    this.#entering.set(from, join);
    // A client that was told several times to join is welcomed once.
    if (same?.name === join.name && same.key === key && same.dev === dev) return undefined;
    return { type: 'enter', from, name, key, dev, join };
  }

  #challenge(from: string, cn: string): void {
    const { identity } = this.#options;
    const { log } = this.#parts.log.store;
    this.#send(from, { kind: 'challenge', nonce: this.#proofs.ask(from, cn), room: identity.key, log, cn });
  }

  refuse({ from, code, text, join }: Refusal): void {
    this.#entering.delete(from);
    const version = code === 'VERSION_REFUSED' && { version: protocolVersion };
    const answered = join.cn !== undefined && { cn: join.cn };
    this.#send(from, { kind: 'refused', name: this.#options.name, text, code, ...answered, ...version });
  }

  enter({ from, name, key, dev, join }: Outcome & { type: 'entered' }, now: Now): void {
    const { presence, log, pacing } = this.#parts;
    if (!this.admits(from, key)) return this.refuse({ from, code: 'PROOF_REFUSED', text: unknownKey, join });
    const refused = this.#whyNotIn(from, key, dev, now);
    if (refused !== undefined) return this.refuse({ from, code: 'ROOM_FULL', text: refused, join });
    const newest = this.#entering.get(from);
    // Who has asked for another name since must not take this answer for the one to that.
    const isSame = newest?.name === join.name;
    if (isSame) this.#entering.delete(from);
    this.#strangers.delete(from);
    presence.markGuests(name);
    const asked = isSame && newest.dev === dev ? newest : join;
    const resumption = resume(log, asked);
    const older = presence.sessions.ofDevice(dev);
    // All that it has not seen come back is sent again.
    pacing.drop((line, who) => who === key && line.dev === dev);
    presence.enter({ from, who: key, name, dev, cn: asked.cn }, resumption.since, now.ms);
    const ended = older && older.from !== from ? older.cn : undefined;
    this.#send(from, welcomeOf(this.#options, log, presence, { who: name, join: asked, resumption, ended }));
    for (const [seq, { hash }] of log.lost) if (seq <= resumption.since) this.#send(from, { kind: 'lost', seq, hash });
  }

  /** A message in a frame of its own: of a client of the original, or a place that the log has lost. */
  hear(from: string, message: Message, now: Now): Proposal | Outcome | undefined {
    const { sessions } = this.#parts.presence;
    const isNew = !sessions.has(from) && !this.#entering.has(from) && !message.id;
    if (isNew && isSecure(from)) return unproven;
    if (isNew && isBlank(message) && this.#isFull()) return undefined;
    if (isNew) this.#guests.enter(from, message.name, now);
    const session = sessions.get(from);
    if (session?.guest !== undefined) return this.#guests.hear(session, message);
    if (!message.id) return undefined;
    if (!session) return void this.tellToJoin(from);
    return message.seq === undefined ? unsealed : { type: 'mend', message };
  }

  /** What a session says. Behind an upload that is missing nothing is taken. [P14] */
  take(from: string, upload: Upload): Wish[] | [Outcome | Absence] {
    const session = this.#parts.presence.sessions.get(from);
    if (!session) this.tellToJoin(from);
    const by = session && this.#proofs.sealed(session, upload);
    if (!session || by?.isStopped) return [];
    if (!by) return [unsealed];
    if (upload.k === by.taken + 1) {
      by.taken = upload.k;
      if (upload.away !== undefined) return [absenceOf(from, upload.away)];
      return upload.messages.map((message) => this.#wish(by, message, session.name));
    }
    if (upload.k <= by.taken) return [{ type: 'ignored', reason: 'an upload that was taken before' }];
    by.isStopped = true;
    return [{ type: 'rejoin', by }];
  }

  #wish(by: Proof, said: Message, name: string): Wish {
    const message = withoutPlace(said);
    const isOwn = message.id?.dev === by.dev && message.key === by.key;
    return isOwn ? { type: 'say', by, message, name } : { type: 'giveBack', by, message };
  }

  /** Who is there says goodbye. */
  part(from: string, leave: Leave): { type: 'leave'; from: string } | Outcome | undefined {
    const session = this.#parts.presence.sessions.get(from);
    if (!session) return undefined;
    return session.guest !== undefined || this.#proofs.sealed(session, leave) ? { type: 'leave', from } : unsealed;
  }

  /** The connection is gone, and with it what was proven over it. */
  forget(from: string): void {
    this.#proofs.forget(from);
    this.#guests.forget(from);
  }

  /** Once: what is left in an old connection's queue comes before the join and must not be answered again and again. [P13] */
  tellToJoin(from: string): void {
    if (this.#strangers.has(from) || this.#entering.has(from)) return;
    if (this.#strangers.size >= maxStrangers) this.#strangers.clear();
    this.#strangers.add(from);
    this.#send(from, { kind: 'rejoin', delayMs: 0 });
  }

  /** The server's name is a label, which may be given anew: who bore it before is a guest until it takes another. */
  #isFormer(name: string, key: string, now: Now): boolean {
    const isGuests = isGuestName(name) || whyServers(name, this.#options.name) !== undefined;
    return isGuests && this.#parts.ledger.owners(name, now).some((owner) => owner.key === key);
  }

  #whyRefused(name: string): string | undefined {
    return whyNameRefused(name) ?? whyServers(name, this.#options.name);
  }

  /** A full room takes whoever is in it already. */
  #whyNotIn(from: string, key: string, dev: string, now: Now): string | undefined {
    const { presence } = this.#parts;
    if (presence.sessions.get(from) || presence.sessions.ofDevice(dev)) return undefined;
    if (this.#isFull(() => this.#isNew(key, now))) return full;
    return presence.sessions.countOf(key) >= maxSessions
      ? `You are in this room ${maxSessions} times already.`
      : undefined;
  }

  /** However many strangers come, every fifth place is for members of more than a day. */
  #isFull(isNew = () => true): boolean {
    const { maxClients = Number.POSITIVE_INFINITY } = this.#options;
    const { size } = this.#parts.presence.sessions;
    return size >= maxClients || (size >= Math.ceil(maxClients * forNewcomers) && isNew());
  }

  #isNew(key: string, { ms }: Now): boolean {
    const { log, ledger } = this.#parts;
    const ranMs = ledger.ranMs(ms);
    return ranMs - (log.store.member(key)?.firstMs ?? ranMs) < dayMs;
  }

  /** Whoever comes back under the name that it had chooses none. */
  #isRename(from: string, key: string, dev: string, name: string): boolean {
    const { presence } = this.#parts;
    const goesBy = presence.nameOf(key);
    const before = presence.sessions.get(from) ?? presence.sessions.ofDevice(dev);
    return goesBy !== undefined && goesBy !== name && before?.name !== name;
  }

  #send(to: string, frame: Frame): void {
    this.#parts.effects.send(to, frame);
  }
}

/** What its author wrote, and nothing that only a log may say. */
function withoutPlace(said: Message): Message {
  // Nearly always there is nothing to leave out.
  if ((said.hash ?? said.seq ?? said.void ?? said.guest) === undefined) return said;
  const { hash: _, seq: __, void: ___, guest: ____, ...message } = said;
  return message;
}

function absenceOf(from: string, raw: string | false): Absence | Outcome {
  const away = raw === false ? raw : awayText(raw);
  return away === undefined
    ? { type: 'ignored', reason: 'too long a text of who is away' }
    : { type: 'away', from, away };
}

const unknownKey = 'This room does not know your key.';
const renamedOften = 'You have changed your name often. Wait a minute, and try again.';
const foreignDevice = 'This device is made from another key.';
const wrongProof = 'The room does not accept the proof of your key.';
const otherVersion = `This room speaks version ${protocolVersion} of the protocol, and not that of your program.`;
const unproven: Outcome = { type: 'ignored', reason: 'a client of the original at the encrypted door' };
/** Whether there must be a seal is for the door to say, never for the frame. */
const unsealed: Outcome = { type: 'ignored', reason: 'words without the seal of their session' };
