import { type Erasure, erasing, erasureOf, erasureText, isProper, withoutWords } from '../../protocol/erasure.ts';
import type { Join, Message, MessageId, Refused } from '../../protocol/frames.ts';
import { maxTextBytes } from '../../protocol/frames.ts';
import type { Address } from '../../protocol/roster.ts';
import { maxBatchEntries } from '../../protocol/rows.ts';
import {
  type Crypto,
  chainHash,
  digestOf,
  formatId,
  type Identity,
  signedHash,
  signedText,
  withoutText,
} from '../../protocol/signed.ts';
import { harmlessLc, lateMs, levelledMs, maxLcStep, trimSlack } from '../limits.ts';
import { isName, nameKey } from '../names.ts';
import type { Now } from '../turn.ts';
import { Draft } from './draft.ts';
import { Enrolment } from './enrolment.ts';
import type { Log } from './log.ts';
import type { Change, Entry, Place } from './store.ts';

/** How much of the log is kept: at most `entries`, none older than `ageMs` on the log's own clock, whichever is less. */
export type Retention = { entries: number; ageMs: number };
export type LedgerOptions = {
  /** Name of the server, which nobody else may bear. */
  name: string;
  /** Whose room this is: its key names the room. */
  identity: Identity;
  /** The room's own device in this run, on which it signs what clients of the original say. */
  dev: string;
  crypto: Crypto;
  retention: Retention;
};

type Entering = { from: string; name: string; key: string; dev: string; join: Join };

/**
 * Who uploads, since its newest proof. Behind a message that does not follow nothing more is taken until the next proof:
 * nothing at all behind one of its own (`isStopped`), nothing of others behind one of theirs (`isHeld`).
 */
export type Uploader = { from: string; isStopped: boolean; isHeld: boolean };

/** What somebody wants of the log. Who asks was judged before, by what is known of the connection alone. */
export type Proposal =
  /** A client that proved its key wants to be in the room under this name. */
  | ({ type: 'enter' } & Entering)
  /** A message of the session's own device; `name` is the session's. */
  | { type: 'say'; by: Uploader; message: Message; name: string }
  /** What a client of the original said: it is the room that writes it down, under a name that may be a guest's. */
  | { type: 'relay'; from: string; words: Pick<Message, 'name' | 'text' | 'salt' | 'guest'> }
  /** A message that somebody else kept for its author, from a log that is gone. [P35] */
  | { type: 'giveBack'; by: Uploader; message: Message }
  | { type: 'mend'; message: Message }
  /** Whoever keeps the room wants the words at this place to go. */
  | { type: 'erase'; from: string; seq: number }
  /** Where a member's device can be reached, signed by its owner. */
  | { type: 'reach'; address: Address }
  /** A member has this version of the roster, which the room has signed. */
  | { type: 'goOn'; version: number }
  /** The roster has changed for long enough. */
  | { type: 'publish' }
  /** Names that are in use. */
  | { type: 'tidy'; present: { name: string; key: string }[] };
/** What became of a proposal, for its author alone. What was written, all read in the log. */
export type Outcome =
  | ({ type: 'entered' } & Entering)
  | { type: 'refused'; from: string; code: Refused['code']; text: string; join: Join }
  | { type: 'rejoin'; by: Uploader }
  | { type: 'hole'; by: Uploader; id: MessageId }
  | { type: 'had'; by: Uploader; ids: MessageId[] }
  | { type: 'relayed'; from: string; seq: number }
  | { type: 'mended'; entry: Entry }
  /** Without `why` the words at this place have gone. */
  | { type: 'erased'; from: string; seq: number; why?: WhyKept }
  | { type: 'ignored'; reason: string };
/** Why there is nothing to erase at a place. */
export type WhyKept = 'none' | 'trimmed' | 'damaged' | 'void' | 'erasure' | 'already';
export type Decision<Other> = { change: Change | undefined; outcomes: (Outcome | Other)[] };

/**
 * Decides what the log takes next. A decision is a pure function of the log, the proposals and the time: it changes
 * nothing and is remembered nowhere. Its change counts when it is on disk; until then nothing else MUST be decided.
 *
 *   L1 places follow each other without a gap; L2 per device n only rises, and follows the n before it.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #log: Log;
  /** By how much the log's clock was ahead of this program's when it was first read. */
  #aheadMs: number | undefined;

  constructor(options: LedgerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** Proposals are judged in their order; what is none of them is passed on in its place. */
  decide<Other extends { type: string }>(proposals: readonly (Proposal | Other)[], now: Now): Decision<Other> {
    const judge = new Judge(this.#options, this.#log, { ranMs: this.#ranMs(now), wallMs: now.wallMs });
    const outcomes = proposals.flatMap((proposal) => judge.judge(proposal as Proposal) ?? (proposal as Other));
    judge.end();
    return { change: judge.draft.change, outcomes };
  }

  owner(name: string, now: Now): string | undefined {
    return ownerOf(this.#log.store, name, this.#ranMs(now), this.#options.retention.ageMs);
  }

  /** The log's own clock: it stands still while no program of this log runs, and no clock of a machine moves it. */
  #ranMs({ ms }: Now): number {
    this.#aheadMs ??= this.#log.store.ranMs - ms;
    return this.#aheadMs + ms;
  }
}

/** One decision, while it is made. */
class Judge {
  readonly draft: Draft;
  readonly #options: LedgerOptions;
  readonly #log: Log;
  readonly #now: Pick<Place, 'ranMs' | 'atMs'>;
  readonly #mended = new Set<number>();
  /** What is known of uploaders since the decision began. */
  readonly #stopped = new Set<Uploader>();
  readonly #held = new Set<Uploader>();
  readonly #had = new Map<Uploader, MessageId[]>();
  readonly #enrolment: Enrolment;
  #publishes = false;
  #head: Pick<Place, 'seq' | 'hash'>;
  #lc: number;

  constructor(options: LedgerOptions, log: Log, { ranMs, wallMs }: { ranMs: number; wallMs: number }) {
    this.#options = options;
    this.#log = log;
    this.#now = { ranMs, atMs: levelled(wallMs, log.read(log.head, 1)[0]?.atMs) };
    this.#head = { seq: log.head, hash: log.store.headHash };
    this.#lc = log.store.lc;
    this.draft = new Draft(log.store);
    this.#enrolment = new Enrolment(options, this.draft, this.#now);
  }

  /** Returns what became of it: nothing to tell, something, or undefined for what is no proposal. */
  judge(proposal: Proposal): Outcome | [] | undefined {
    switch (proposal.type) {
      case 'enter':
        return this.#enter(proposal);
      case 'say':
        return this.#say(proposal);
      case 'relay':
        return this.#relay(proposal);
      case 'giveBack':
        return this.#giveBack(proposal);
      case 'mend':
        return this.#mend(proposal.message);
      case 'erase':
        return this.#erase(proposal);
      case 'reach':
        return this.#enrolment.reach(proposal.address);
      case 'goOn':
        return this.#enrolment.goOn(proposal.version);
      case 'publish':
        this.#publishes = true;
        return [];
      case 'tidy':
        return this.#tidy(proposal.present);
    }
  }

  /** After all other changes, so that what is signed is what is kept. */
  end(): void {
    if (this.#publishes) this.#enrolment.publish();
  }

  /** A name belongs to the key that had it first. [P11] */
  #enter(proposal: Proposal & { type: 'enter' }): Outcome {
    const { from, name, key, join } = proposal;
    if (!this.#isFree(name, key))
      return { type: 'refused', from, code: 'NAME_REFUSED', text: `"${name}" belongs to somebody else.`, join };
    this.#claim(name, key);
    this.#enrolment.enter(key, name);
    return { ...proposal, type: 'entered' };
  }

  #say({ by, message, name }: Proposal & { type: 'say' }): Outcome | [] {
    const { id, key, first } = message;
    // The session's own name was checked when it joined.
    const isGuest = message.name !== name && !this.#isFree(message.name, key);
    if (!id || by.isStopped || this.#stopped.has(by)) return [];
    const last = this.draft.mark(id.dev)?.n ?? 0;
    if (id.n <= last) return this.#answerHad(by, message, id);
    if (!this.#isProper(message)) return withoutProof;
    if (this.#isAhead(message)) return tooFarAhead;
    if (id.n === last + 1 || first) return this.#append(message, isGuest);
    this.#stopped.add(by);
    return { type: 'rejoin', by };
  }

  /** Signed by the room, so that whoever reads it can give it back, as any other. */
  #relay({ from, words }: Proposal & { type: 'relay' }): Outcome {
    const { guest, ...said } = words;
    this.#write(said, guest === true);
    return { type: 'relayed', from, seq: this.#head.seq };
  }

  /** What the room itself is the author of. */
  #write(words: Pick<Message, 'name' | 'text' | 'salt' | 'type' | 're'>, isGuest: boolean): void {
    const { identity, crypto, dev } = this.#options;
    const id = { dev, n: (this.draft.mark(dev)?.n ?? 0) + 1 };
    const [lc, ts] = [Math.min(this.#lc + 1, Number.MAX_SAFE_INTEGER), this.#now.atMs];
    const message: Message = { kind: 'message', ...words, id, lc, ts, key: identity.key };
    const sig = identity.sign(signedText(crypto, identity.key, message));
    this.#append({ ...message, sig }, isGuest || !this.#isFree(words.name, identity.key));
  }

  /** An entry of the room's own tells it to all who read, and in the same change the words go. [P36] */
  #erase({ from, seq }: Proposal & { type: 'erase' }): Outcome {
    const { identity, crypto } = this.#options;
    const found = this.#erasable(seq);
    if (typeof found === 'string') return { type: 'erased', from, seq, why: found };
    const gone = { id: found.id, words: digestOf(crypto, found) };
    const proof = identity.sign(erasureText(identity.key, gone));
    this.#tellErased({ ...gone, proof });
    return { type: 'erased', from, seq };
  }

  /** The message there, or why its words cannot be erased. */
  #erasable(seq: number): (Message & { id: MessageId }) | WhyKept {
    if (seq < 1 || seq > this.#log.head) return 'none';
    if (seq < this.#log.first) return 'trimmed';
    const { message } = this.#log.read(seq, 1)[0] ?? {};
    if (!message?.id) return 'damaged';
    if (message.void) return 'void';
    if (message.words !== undefined || this.draft.erasure(formatId(message.id))) return 'already';
    return erasureOf(this.#options.crypto, this.#options.identity.key, message)
      ? 'erasure'
      : { ...message, id: message.id };
  }

  /** The room has once signed that words go: they go here, too, or will not come in. Other words under the same id stay. */
  #learn(message: Message): [] {
    const { crypto, identity } = this.#options;
    const erasure = erasureOf(crypto, identity.key, message);
    if (!erasure || this.draft.erasure(formatId(erasure.id))) return [];
    const place = this.#placeOf(erasure.id);
    if (place?.message && digestOf(crypto, place.message) !== erasure.words) return [];
    // Who has read the words here has to be told; an entry that tells it is read by all.
    const isUntold = message.words !== undefined && place && place.message?.words === undefined;
    if (isUntold) this.#tellErased(erasure);
    else this.draft.erase({ ...erasure, ...(place && { seq: place.seq }) });
    return [];
  }

  /** Nobody could guess anything by the digest of this text: it needs no salt. */
  #tellErased(erasure: Erasure): void {
    this.#write({ name: this.#options.name, ...erasing(erasure) }, false);
  }

  #placeOf(id: MessageId): Place | undefined {
    const isIt = ({ message }: Place) => message?.id && formatId(message.id) === formatId(id);
    return this.draft.places.find(isIt) ?? this.#log.find(id);
  }

  /** Without the words that are erased. */
  #erasedIn(message: Message): Message {
    const erasure: Erasure | undefined = message.id && this.draft.erasure(formatId(message.id));
    return withoutWords(this.#options.crypto, message, erasure);
  }

  #isProper = (message: Message) => isProper(this.#options.crypto, this.#options.identity.key, message);

  #giveBack({ by, message }: Proposal & { type: 'giveBack' }): Outcome | [] {
    const { id, key } = message;
    if (!id || by.isStopped || by.isHeld || this.#stopped.has(by) || this.#held.has(by)) return [];
    const last = this.draft.mark(id.dev)?.n ?? 0;
    if (id.n <= last) return this.#answerHad(by, message, id);
    if (!this.#isProper(message)) return withoutProof;
    // What lies between may still come from somebody else, unless its author had seen it in a log.
    if (id.n > Math.max(last, message.in ?? 0) + 1) {
      this.#held.add(by);
      return { type: 'hole', by, id };
    }
    if (this.#isAhead(message)) return tooFarAhead;
    if (!key || !this.#options.crypto.isDeviceOf(key, id.dev) || !this.#isGenuine(message))
      return { type: 'ignored', reason: 'a kept message without a valid signature' };
    // It claims no name: else one member could take many, for keys of its own making.
    return this.#append(message, !this.#isFree(message.name, key));
  }

  /** One answer says it of many. */
  #answerHad(by: Uploader, message: Message, id: MessageId): Outcome | [] {
    this.#learn(message);
    const answer = this.#had.get(by);
    if (answer && answer.length < maxBatchEntries) {
      answer.push(id);
      return [];
    }
    const ids = [id];
    this.#had.set(by, ids);
    return { type: 'had', by, ids };
  }

  #mend(message: Message): Outcome | [] {
    const found = this.#isGenuine(message) && this.#isProper(message) ? this.#log.mend(message) : undefined;
    // Many may answer one question.
    if (!found || this.#mended.has(found.seq)) return [];
    const entry = { ...found, message: this.#erasedIn(found.message) };
    this.#learn(entry.message);
    this.#mended.add(entry.seq);
    this.draft.mend(entry);
    return { type: 'mended', entry };
  }

  /** What is too long takes its place unseen, so that it cannot block what comes behind it. [P19] */
  #append(message: Message, isGuest: boolean): [] {
    const { crypto, identity } = this.#options;
    const { first: _, at: __, ago: ___, ...written } = message;
    const words: Message = isTooLong(message.text)
      ? { ...withoutText(crypto, written), void: true }
      : this.#erasedIn(written);
    const ago = this.#agoOf(message);
    const said = { ...words, ...(isGuest && { guest: true as const }), at: this.#now.atMs, ...(ago > 0 && { ago }) };
    const { seq: before, hash: prev } = this.#head;
    this.#head = { seq: before + 1, hash: chainHash(crypto, prev, said) };
    this.draft.append({ ...this.#now, ...this.#head, prev, message: { ...said, ...this.#head } });
    this.#lc = Math.max(this.#lc, message.lc ?? 0);
    if (message.id) this.draft.see({ ...message.id, hash: signedHash(crypto, identity.key, message) });
    return this.#learn(said);
  }

  /** The chain does not cover the signature. */
  #isGenuine(message: Message): boolean {
    const { crypto, identity } = this.#options;
    const { key = '', sig = '' } = message;
    return crypto.verify(key, signedText(crypto, identity.key, message), sig);
  }

  /**
   * How long ago it was said, 0 if that is no longer ago than a moment. What was in a log before has its old time of
   * acceptance, by the same clock; of anything else its author has said so.
   */
  #agoOf({ at, ago = 0 }: Message): number {
    const saidMs = ago + (at === undefined ? 0 : this.#now.atMs - at);
    return saidMs > lateMs ? Math.min(saidMs, this.#options.retention.ageMs) : 0;
  }

  /** Nobody can bring the counters of all others to their end. [P18] */
  #isAhead({ lc = 0 }: Message): boolean {
    return lc > Math.max(this.#lc, harmlessLc) + maxLcStep;
  }

  /** Forgets what is no longer to be kept; whoever is there goes on owning the name it bears. */
  #tidy(present: { name: string; key: string }[]): [] {
    const { ranMs } = this.#now;
    for (const { name, key } of present) {
      const owner = this.draft.owner(nameKey(name));
      if (owner?.key === key && ranMs - owner.seenMs > this.#options.retention.ageMs / 4) this.#claim(name, key);
    }
    this.#enrolment.tidy(new Set(present.map(({ key }) => key)));
    const from = this.#keepFrom();
    if (from > this.#log.first) this.draft.trim(from, this.#log.hashAt(from - 1) ?? '');
    if (ranMs > this.#log.store.ranMs) this.draft.ran(ranMs);
    return [];
  }

  #keepFrom(): number {
    const { first, head } = this.#log;
    const { entries, ageMs } = this.#options.retention;
    let from = head - first + 1 > entries * (1 + trimSlack) ? head - entries + 1 : first;
    while (from <= head) {
      const places = this.#log.read(from, 100);
      const young = places.findIndex(({ ranMs }) => this.#now.ranMs - ranMs <= ageMs);
      if (young === 0) break;
      from += young === -1 ? places.length : young;
    }
    return from;
  }

  #claim(name: string, key: string): void {
    this.draft.claim({ name: nameKey(name), key, seenMs: this.#now.ranMs });
  }

  /** True if a message of `key` may stand in the log under this name: its own, or one that is nobody's. */
  #isFree(name: string, key: string | undefined): boolean {
    const owner = this.#ownerOf(name);
    return owner === '' || owner === key;
  }

  /** Whose name it is: '' if it is nobody's, undefined if nobody may have it. */
  #ownerOf(name: string): string | undefined {
    const { name: server, identity, retention } = this.#options;
    if (!isName(name)) return undefined;
    if (nameKey(name) === nameKey(server)) return identity.key;
    return ownerOf(this.draft, name, this.#now.ranMs, retention.ageMs) ?? '';
  }
}

/** A name that was not used for longer than the log is kept is nobody's any more. */
function ownerOf(known: Pick<Draft, 'owner'>, name: string, ranMs: number, ageMs: number): string | undefined {
  const owner = known.owner(nameKey(name));
  return owner && ranMs - owner.seenMs <= ageMs ? owner.key : undefined;
}

/** The time of acceptance: by the machine's clock, but a small step back of that is no step of the room's. */
function levelled(wallMs: number, lastMs = 0): number {
  const ms = Math.max(Math.trunc(wallMs), 0);
  return lastMs > ms && lastMs - ms <= levelledMs ? lastMs : ms;
}

const withoutProof: Outcome = { type: 'ignored', reason: 'a message without its words, which nobody has erased' };
const tooFarAhead: Outcome = { type: 'ignored', reason: 'a message whose counter is far ahead of the log' };
const isTooLong = (text: string) => text.length > maxTextBytes || Buffer.byteLength(text) > maxTextBytes;
