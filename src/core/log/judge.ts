import { alike } from '../../protocol/alike.ts';
import { isTooLong, type Message, type MessageId } from '../../protocol/frames.ts';
import { maxBatchEntries } from '../../protocol/rows.ts';
import { chainHash, signedHash, signedText, withoutText } from '../../protocol/signed.ts';
import { harmlessLc, lateMs, levelledMs, maxLcStep, maxOwnNames, trimSlack } from '../limits.ts';
import { looksOf } from '../looks.ts';
import { bareName, isGuestName, isName, nameKey } from '../names.ts';
import { Draft } from './draft.ts';
import { Enrolment } from './enrolment.ts';
import { Erasing } from './erasing.ts';
import type { LedgerOptions, Outcome, Proposal, Uploader } from './ledger.ts';
import type { Log } from './log.ts';
import { likeServers, ownersOf, whyTaken } from './owners.ts';
import type { Owner, Place } from './store.ts';

/** When a decision is made, by the log's clock and by the machine's; `isMending`: the log may lack what it had. */
type Moment = { ranMs: number; wallMs: number; isMending: boolean };

/** One decision, while it is made. */
export class Judge {
  readonly draft: Draft;
  readonly #options: LedgerOptions;
  readonly #log: Log;
  readonly #now: Pick<Place, 'ranMs' | 'atMs'>;
  readonly #isMending: boolean;
  readonly #mended = new Set<number>();
  /** What is known of uploaders since the decision began. */
  readonly #stopped = new Set<Uploader>();
  readonly #held = new Set<Uploader>();
  readonly #had = new Map<Uploader, MessageId[]>();
  /** Of each device the newest message that was taken. */
  readonly #newest = new Map<string, Message>();
  readonly #enrolment: Enrolment;
  readonly #erasing: Erasing;
  #publishes = false;
  #head: Pick<Place, 'seq' | 'hash'>;
  #lc: number;

  constructor(options: LedgerOptions, log: Log, { ranMs, wallMs, isMending }: Moment) {
    this.#options = options;
    this.#log = log;
    this.#isMending = isMending;
    this.#now = { ranMs, atMs: levelled(wallMs, log.read(log.head, 1)[0]?.atMs) };
    this.#head = { seq: log.head, hash: log.store.headHash };
    this.#lc = log.store.lc;
    this.draft = new Draft(log.store);
    this.#enrolment = new Enrolment(options, this.draft, this.#now);
    this.#erasing = new Erasing(options, log, this.draft, (words) => this.#write(words, false));
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
        return this.#erasing.erase(proposal);
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

  /** After all other changes, so that what is signed is what is kept; and of many messages of a device one hash is kept. */
  end(): void {
    const { crypto, identity } = this.#options;
    for (const message of this.#newest.values())
      if (message.id) this.draft.see({ ...message.id, hash: signedHash(crypto, identity.key, message) });
    if (this.#publishes) this.#enrolment.publish();
  }

  /** A name belongs to the key that had it first, and so does what looks like it. [P11] */
  #enter(proposal: Proposal & { type: 'enter' }): Outcome {
    const { from, name, key, join } = proposal;
    const other = this.#owners(name).find((owner) => owner.key !== key);
    // Only the door makes a guest of somebody, whose name is the server's now.
    if (other && !isGuestName(name))
      return { type: 'refused', from, code: 'NAME_REFUSED', text: whyTaken(name, other.name), join };
    const text = this.#whyTooMany(bareName(name), key);
    if (text !== undefined) return { type: 'refused', from, code: 'NAME_REFUSED', text, join };
    this.#claim(name, key);
    this.#enrolment.enter(key, name);
    return { ...proposal, type: 'entered' };
  }

  /** Nobody can take all names. */
  #whyTooMany(name: string, key: string): string | undefined {
    const { ageMs } = this.#options.retention;
    const owned = this.draft.ownedBy(key).filter(({ seenMs }) => this.#now.ranMs - seenMs <= ageMs);
    const names = new Map(owned.map((owner) => [nameKey(owner.name), owner.name]));
    if (names.size < maxOwnNames || names.has(nameKey(name))) return undefined;
    return `You have ${maxOwnNames} names in this room already. Take one of them: ${[...names.values()].join(', ')}.`;
  }

  #say({ by, message, name }: Proposal & { type: 'say' }): Outcome | [] {
    const { id, key, first } = message;
    // The session's own name was checked when it joined.
    const isGuest = message.name !== name && !this.#isFree(message.name, key);
    if (!id || by.isStopped || this.#stopped.has(by)) return [];
    const last = this.draft.mark(id.dev)?.n ?? 0;
    if (id.n <= last) return this.#answerHad(by, message, id);
    if (!this.#erasing.isProper(message)) return withoutProof;
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

  #giveBack({ by, message }: Proposal & { type: 'giveBack' }): Outcome | [] {
    const { id, key } = message;
    if (!id || by.isStopped || by.isHeld || this.#stopped.has(by) || this.#held.has(by)) return [];
    const last = this.draft.mark(id.dev)?.n ?? 0;
    if (id.n <= last) return this.#answerHad(by, message, id);
    if (!this.#erasing.isProper(message)) return withoutProof;
    // What lies between may still come from somebody else, unless its author had seen it in a log that still has it.
    if (id.n > Math.max(last, this.#isMending ? 0 : (message.in ?? 0)) + 1) {
      this.#held.add(by);
      return { type: 'hole', by, id };
    }
    if (this.#isAhead(message)) return tooFarAhead;
    if (!key || !this.#options.crypto.isDeviceOf(key, id.dev) || !this.#isGenuine(message))
      return { type: 'ignored', reason: 'a kept message without a valid signature', by };
    // It claims no name: else one member could take many, for keys of its own making.
    return this.#append(message, !this.#isFree(message.name, key));
  }

  /** One answer says it of many. */
  #answerHad(by: Uploader, message: Message, id: MessageId): Outcome | [] {
    this.#erasing.learn(message);
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
    const found = this.#isGenuine(message) && this.#erasing.isProper(message) ? this.#log.mend(message) : undefined;
    // Many may answer one question.
    if (!found || this.#mended.has(found.seq)) return [];
    const entry = { ...found, message: this.#erasing.without(found.message) };
    this.#erasing.learn(entry.message);
    this.#mended.add(entry.seq);
    this.draft.mend(entry);
    return { type: 'mended', entry };
  }

  /** What is too long takes its place unseen, so that it cannot block what comes behind it. [P19] */
  #append(message: Message, isGuest: boolean): [] {
    const { crypto } = this.#options;
    const words: Message = isTooLong(message.text)
      ? { ...withoutText(crypto, message), void: true }
      : this.#erasing.without(message);
    const ago = this.#agoOf(message);
    const said = alike(words, { at: this.#now.atMs, ago: ago > 0 ? ago : undefined, guest: isGuest || undefined });
    const { seq: before, hash: prev } = this.#head;
    const [seq, hash] = [before + 1, chainHash(crypto, prev, said)];
    [said.seq, said.hash] = [seq, hash];
    this.#head = { seq, hash };
    const { ranMs, atMs } = this.#now;
    this.draft.append({ seq, prev, hash, atMs, ranMs, message: said });
    this.#lc = Math.max(this.#lc, message.lc ?? 0);
    this.#see(message);
    return this.#erasing.learn(said);
  }

  /** Everything of its device up to this has been in the log. */
  #see(message: Message): void {
    if (!message.id) return;
    this.draft.see(message.id);
    this.#newest.set(message.id.dev, message);
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
      const owners = this.#owners(name);
      const isOld = owners.some(({ seenMs }) => ranMs - seenMs > this.#options.retention.ageMs / 4);
      if (isOld && owners.every((owner) => owner.key === key)) this.#claim(name, key);
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
    const bare = bareName(name);
    for (const look of looksOf(bare)) this.draft.claim({ look, name: bare, key, seenMs: this.#now.ranMs });
  }

  /** True if a message of `key` may stand in the log under this name: its own, or one that is nobody's. */
  #isFree(name: string, key: string | undefined): boolean {
    const { name: server, identity } = this.#options;
    if (!isName(name) || isGuestName(name)) return false;
    if (likeServers(name, server) !== undefined) return key === identity.key;
    return this.#owners(name).every((owner) => owner.key === key);
  }

  #owners(name: string): Owner[] {
    return ownersOf(this.draft, name, this.#now.ranMs, this.#options.retention.ageMs);
  }
}

/** The time of acceptance: by the machine's clock, but a small step back of that is no step of the room's. */
function levelled(wallMs: number, lastMs = 0): number {
  const ms = Math.max(Math.trunc(wallMs), 0);
  return lastMs > ms && lastMs - ms <= levelledMs ? lastMs : ms;
}

const withoutProof: Outcome = { type: 'ignored', reason: 'a message without its words, which nobody has erased' };
const tooFarAhead: Outcome = { type: 'ignored', reason: 'a message whose counter is far ahead of the log' };
