import type { ChatEvent } from '../../src/core/events.ts';
import { type Flow, harmlessLc, lateMs, levelledMs, maxLcStep, mendPatienceMs } from '../../src/core/limits.ts';
import { isSigned } from '../../src/core/log/copy.ts';
import type { Retention } from '../../src/core/log/ledger.ts';
import { Log } from '../../src/core/log/log.ts';
import type { Change, Place, Store } from '../../src/core/log/store.ts';
import { nameKey } from '../../src/core/names.ts';
import type { Now } from '../../src/core/turn.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import { erasureOf, isErased, isProper } from '../../src/protocol/erasure.ts';
import { type Message, type MessageId, maxTextBytes, type Received } from '../../src/protocol/frames.ts';
import type { Row } from '../../src/protocol/rows.ts';
import { type Crypto, digestOf, formatId, signedText, wrongSignature } from '../../src/protocol/signed.ts';
import { rottenIn } from './rot.ts';

type Shown = ChatEvent & { type: 'message' };
/** A client of the original: what it said, and was sent, over its connection. */
type Original = { said: ReadonlySet<string>; heard: string[]; since: number | undefined };

/** A client: the checker's name for it, its device now, and the one that its folder was copied from, if it knows. */
type Who = { id: string; dev: string; copyOf: string | undefined; store: MemoryStore };

/** What somebody who is not the room says that its log is called. */
export const liarsLog = 'lie';

const isSignedAt = (store: MemoryStore, seq: number) => {
  const [place] = store.read(seq, 1);
  return place?.message !== undefined && isSigned(place.message);
};
const isHidden = ({ type = 'action' }: Message) => type !== 'action';
/** All of an entry that its hash stands for: what is 0 and what is absent are the same. */
const chained = (crypto: Crypto, message: Message) => {
  const { sig: _, seq: __, first: ___, text: ____, salt: _____, erased: ______, ...more } = message;
  const said = { ...more, words: digestOf(crypto, message) };
  return JSON.stringify(
    Object.entries(said)
      .filter(([, value]) => value)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};

/** What a frame says of places of the log. */
export const entriesIn = (frame: Received): Row[] =>
  (frame.kind === 'batch' ? frame.frames : [frame]).flatMap((part) =>
    part.kind === 'entries' ? part.rows : part.kind === 'message' ? part : [],
  );

/** What was seen in all worlds: entries that were lost before anybody had their signature. */
export const tally = { unsigned: 0 };

/** A guarantee that was broken: its number in docs/protocol.md, and what happened. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, what: string) {
    super(`${rule}: ${what}`);
    this.rule = rule;
  }
}

/**
 * States the guarantees and watches over them, one method for each place where they could be seen broken.
 * With a server whose disk goes back in time (`rollback`), places may be given anew; then what holds is that
 * nothing anybody kept is lost, nothing is shown twice, and all agree in the end.
 */
export class Checker {
  readonly #crypto: Crypto;
  readonly #rollback: boolean;
  #epoch = 0;
  /** What stands at a place, by epoch and seq. */
  readonly #places = new Map<string, string>();
  readonly #idAt = new Map<string, string>();
  /** What an author wrote under an id, on disk. */
  readonly #written = new Map<string, Message[]>();
  /** Ids that somebody has on disk, and those of them whose signature is there, too. */
  readonly #read = new Map<string, Set<string>>();
  readonly #kept = new Map<string, Set<string>>();
  /** Highest n shown, by client run and device. */
  readonly #shown = new Map<string, Map<string, number>>();
  /** Ids that the room has refused: what is void is not given back to a log that lost it. */
  readonly #refused = new Set<string>();
  /** Ids that were on the server's disk, trimmed or not, since it was last rolled back. */
  #stored = new Set<string>();
  /** Highest n of a device that somebody else gave back without what lies before, after long enough a wait. */
  readonly #overtaken = new Map<string, number>();
  readonly #cursors = new Map<string, number>();
  /** The last place its author had seen when writing. */
  readonly #causes = new Map<string, number>();

  /** Ids of messages of which a record was damaged somewhere: no more than the others can be asked for them. */
  readonly #damaged = new Set<string>();
  /** Highest n of a device that was printed at a client, in any of its runs. */
  readonly #printed = new Map<string, number>();
  #damages = 0;
  /** Somebody on the way has changed entries. */
  #isTampered = false;
  /** Somebody on the way has changed signatures, or held them back. */
  #areSignaturesAltered = false;
  /** Highest n of a device that a client was sent, or has sent, since its log began anew: what it sends may follow that. */
  readonly #begunAtMs = new Map<string, number>();
  readonly #passed = new Map<string, Map<string, number>>();
  /** Since when a log may not be the one that somebody knows. */
  #forkedAtMs: number | undefined;
  #storedAtSnapshot = new Set<string>();
  /** Devices that folders in two places have, or had. */
  readonly #copied = new Set<string>();
  readonly #said = new Set<string>();
  readonly #lostWords = new Set<string>();
  readonly #goneForGood = new Set<string>();
  /** When a place was given, by its hash. */
  readonly #givenAtMs = new Map<string, number>();
  readonly #namesLapse: boolean;
  readonly #saidByOriginals = new Set<string>();
  /** What was taken as the entry with this hash; nobody reads another one. */
  readonly #taken = new Map<string, string>();

  constructor(rollback: boolean, namesLapse: boolean, crypto: Crypto) {
    this.#crypto = crypto;
    this.#rollback = rollback;
    this.#namesLapse = namesLapse;
  }

  started(client: string): void {
    this.#shown.set(client, new Map());
    this.#cursors.delete(client);
  }

  snapshot(): void {
    this.#storedAtSnapshot = new Set(this.#stored);
  }

  rolledBack(emptied: boolean, nowMs: number): void {
    this.#forkedAtMs ??= nowMs;
    this.#epoch++;
    this.#places.clear();
    this.#idAt.clear();
    this.#stored = new Set(emptied ? [] : this.#storedAtSnapshot);
    if (emptied) this.#storedAtSnapshot = new Set();
  }

  damaged(nowMs: number, message?: Message): void {
    this.#forkedAtMs ??= nowMs;
    this.#damages++;
    if (message?.id) this.#damaged.add(formatId(message.id));
  }

  /** A client of the original says this. */
  said(text: string): void {
    this.#saidByOriginals.add(text);
  }

  /** What the log takes; `server` is the log before. */
  decided({ entries = [] }: Change, now: Now, server: Store, { ageMs }: Retention): void {
    let [before] = server.read(server.head, 1);
    let { lc: highest } = server;
    for (const entry of entries) {
      this.#givenAtMs.set(entry.hash, now.ms);
      if (before && !rottenIn(server as MemoryStore).has(before.seq)) this.#checkTime(entry, before, now);
      this.#checkAgo(entry, ageMs);
      const { lc = 0 } = entry.message ?? {};
      if (lc > Math.max(highest, harmlessLc) + maxLcStep) throw new Violation('P18', `${lc} follows ${highest}`);
      highest = Math.max(highest, lc);
      before = entry;
    }
  }

  /** P20: the time of acceptance is the server's, but for a small step back. */
  #checkTime({ seq, atMs, message }: Place, before: Place, { wallMs }: Now): void {
    const isSmall = before.atMs > wallMs && before.atMs - Math.max(wallMs, 0) <= levelledMs;
    if (atMs !== (isSmall ? before.atMs : Math.max(wallMs, 0)) || message?.at !== atMs)
      throw new Violation('P20', `${seq} was taken at ${atMs}, and it was ${wallMs}`);
  }

  /** P20: what was said a moment ago bears no such mark, and nothing is older than what is kept. */
  #checkAgo({ seq, message }: Place, ageMs: number): void {
    const { ago } = message ?? {};
    if (ago !== undefined && (ago <= lateMs || ago > ageMs)) throw new Violation('P20', `${seq} is ${ago} ms old`);
  }

  /** Ids of messages whose words were erased at some time. */
  readonly #erased = new Set<string>();
  readonly #erasedWords = new Set<string>();
  get erasedIds(): string[] {
    return [...this.#erased];
  }

  /** I1: what is on the server's disk at a place stays there. V1: what is mended is what was written. */
  stored({ entries = [], mended = [], erased = [] }: Change): void {
    for (const { id, words } of erased) {
      this.#erased.add(formatId(id));
      this.#erasedWords.add(words);
    }
    for (const { message } of mended) {
      this.#checkWords(message);
      this.#checkAuthor(message);
    }
    for (const { seq, hash, message } of entries) {
      this.#fix(seq, hash);
      if (!message?.id) continue;
      this.#checkAuthor(message);
      this.#taken.set(hash, chained(this.#crypto, message));
      this.#stored.add(formatId(message.id));
      if (message.void) this.#refused.add(formatId(message.id));
      this.#say(message);
      this.#idAt.set(this.#place(seq), formatId(message.id));
    }
  }

  /** I3: no words are said twice, by whatever copies of a folder. */
  #say({ text, key, void: isVoid }: Message): void {
    if (!key || isVoid || this.#rollback) return;
    if (this.#said.has(text)) throw new Violation('I3', `"${text}" is said twice`);
    this.#said.add(text);
  }

  /** I5: what was typed in any copy of a folder is said. */
  #checkSaid(text: string): void {
    if (this.#copied.size > 0 && text.length <= maxTextBytes && !this.#said.has(text) && !this.#lostWords.has(text))
      throw new Violation('I5', `"${text}" was typed in a copy and is lost`);
  }

  isSaid(text: string): boolean {
    return this.#said.has(text);
  }

  /** From now on these folders count with one device, until they find out. */
  copied(dev: string): void {
    this.#copied.add(dev);
  }

  /** A folder went back to an older state: what only it held is gone. */
  restored(lost: readonly Message[]): void {
    for (const { id, text } of lost) {
      this.#lostWords.add(text);
      if (id) this.#damaged.add(formatId(id));
    }
  }

  /** P23: nobody else takes up another device. */
  renewed({ id, store }: Who): void {
    if (!this.#copied.has(store.dev)) throw new Violation('P23', `${id} is taken for a copy`);
  }

  /** I7: also what has no text any more proves who wrote it. */
  #checkAuthor(message: Message): void {
    const { id, key = '', sig = '' } = message;
    if (!this.#crypto.verify(key, signedText(this.#crypto, 'room', message), sig))
      throw new Violation('I7', `${id && formatId(id)} is not signed by ${key}`);
  }

  /** Only what is above the limit is forgotten, or older than it may be; no clock of the machine makes it older. */
  trimmed(server: Store, { keep }: Change, { entries, ageMs }: Retention, nowMs: number): void {
    for (const { seq, hash } of keep ? server.read(server.first, keep.from - server.first) : []) {
      const isOld = nowMs - (this.#givenAtMs.get(hash) ?? Number.NEGATIVE_INFINITY) > ageMs;
      if (keep && seq < keep.from && !isOld && server.head - seq < entries)
        throw new Violation('I1', `place ${seq} is forgotten before its time`);
    }
  }

  /** P19: before a change is on the server's disk. Who has a name is no guest under it, and nobody else is more than that. */
  judged({ entries = [], owners = [] }: Change, server: Store): void {
    for (const { message } of entries) {
      if (!message?.id || !message.key) continue;
      const name = nameKey(message.name);
      const owner = server.owner(name)?.key;
      const others = [owner, ...owners.map((claimed) => claimed.name === name && claimed.key)];
      const isWrong = message.guest
        ? owner === message.key || !others.some((other) => other && other !== message.key)
        : owner !== undefined && owner !== message.key && !this.#namesLapse;
      if (isWrong)
        throw new Violation(
          'P19',
          `${formatId(message.id)} is ${message.guest ? 'a' : 'no'} guest's as ${message.name}`,
        );
    }
  }

  /** P10: what is typed by who was in the room bears a name of its own, which only a rollback or its age takes away. */
  bears(key: string, { name }: Message, server: Store): void {
    if (!this.#namesLapse && !this.#rollback) this.named(key, name, server);
  }

  /** P11, P10: the name that somebody is known by is its own, on disk, and has not lapsed. */
  named(key: string, name: string, server: Store, ageMs = Number.POSITIVE_INFINITY): void {
    const owner = server.owner(nameKey(name));
    if (owner?.key !== key || server.ranMs - owner.seenMs > ageMs)
      throw new Violation('P10', `the name ${name} is not that of ${key}`);
  }

  /** A client's disk took a change. K1: nothing that its output has not taken. */
  kept(
    { id: client, dev: own, copyOf }: Who,
    { entries = [], pending = [], marks = [], restart }: Change,
    { log, head, nowMs }: Pick<Store, 'log' | 'head'> & { nowMs: number },
  ): void {
    if (restart?.log === liarsLog) throw new Violation('P8', `${client} reads the log of who cannot sign for the room`);
    // A gap in the same log is no new one.
    if (restart && !(restart.log === log && restart.seq > head)) {
      this.#passed.delete(client);
      this.#begunAtMs.set(client, nowMs);
    }
    for (const { message, hash: at } of entries) {
      if (!message?.id || !this.#isOfAuthor(message)) continue;
      const taken = this.#taken.get(at);
      const has = chained(this.#crypto, message);
      if (taken !== undefined && taken !== has) throw new Violation('I2', `${client} has ${has} for ${taken}`);
      // What the room refused, or only a later version understands, is never shown, and counts as seen.
      if (message.void || isHidden(message)) this.#print(client, formatId(message.id));
      if (!message.void && this.#isOfAuthor(message)) this.#hold(this.#read, message.id, client);
      if (message.sig) this.signed(client, message);
      if (message.id.n > (this.#printed.get(`${client} ${message.id.dev}`) ?? 0))
        throw new Violation('K1', `${formatId(message.id)} is kept at ${client} and was never shown`);
    }
    // What a log had of its own words, by what the welcome said, was lost for it or trimmed: it counts as seen. So does what
    // was void in a log that is gone.
    for (const { dev, n } of marks)
      if (dev === own || this.#copied.has(dev) || this.#rollback) this.#print(client, `${dev}.${n}`);
    for (const message of pending) {
      if (!message.id) continue;
      const id = formatId(message.id);
      const isShared = this.#copied.has(message.id.dev);
      const before = isShared ? undefined : this.#written.get(id)?.[0];
      if (before && !message.erased && before.text !== message.text)
        throw new Violation('I4', `${id} was written twice`);
      if (before?.sig && before.sig !== message.sig) throw new Violation('P4', `${id} was signed twice`);
      if (message.id.dev !== own || message.erased) continue;
      const others = (this.#written.get(id) ?? []).filter(({ text }) => isShared && text !== message.text);
      if (message.id.dev === copyOf && others.length === (this.#written.get(id)?.length ?? 0))
        throw new Violation('P23', `${id} is written in a folder that is known to be a copy`);
      this.#written.set(id, [...others, message]);
    }
  }

  /** P35: what somebody gives back follows what it knows to be in the log, or on its way there, until it has waited. */
  gaveBack({ id: client, dev }: Who, { id, first }: Message, nowMs: number): void {
    if (!id || id.dev === dev) return;
    if (first) throw new Violation('P17', `${formatId(id)} was called the first by ${client}`);
    const isPatient = nowMs - (this.#begunAtMs.get(client) ?? nowMs) >= mendPatienceMs;
    if (!isPatient && id.n > (this.#passed.get(client)?.get(id.dev) ?? 0) + 1)
      throw new Violation('P35', `${formatId(id)} was given back by ${client} and cannot follow`);
    this.passed(client, id);
  }

  passed(client: string, { dev, n }: MessageId): void {
    const devices = this.#passed.get(client) ?? new Map<string, number>();
    devices.set(dev, Math.max(n, devices.get(dev) ?? 0));
    this.#passed.set(client, devices);
  }

  #hold(holders: Map<string, Set<string>>, id: MessageId, client: string): void {
    holders.set(formatId(id), (holders.get(formatId(id)) ?? new Set()).add(client));
  }

  /** P27: what is on a client's disk as signed is signed by its author, or known not to be. */
  signed(client: string, message: Message | undefined): void {
    if (!message?.id || message.sig === wrongSignature) return;
    this.#checkAuthor(message);
    if (!message.void && this.#isOfAuthor(message)) this.#hold(this.#kept, message.id, client);
  }

  signaturesAltered(): void {
    this.#areSignaturesAltered = true;
  }

  /** P25: no batch is refused that nobody has changed. */
  refused(client: string): void {
    if (!this.#isTampered) throw new Violation('P25', `${client} refuses what nobody has changed`);
  }

  tampered(): void {
    this.#isTampered = true;
  }

  /** P27: nobody is said to have signed wrongly who has not. */
  accused(client: string, key: string): void {
    if (!this.#areSignaturesAltered) throw new Violation('P27', `${client} says that ${key} signs wrongly`);
  }

  /** I4: nothing goes out before it is on disk. P4, P27: nothing is sent that is not signed by its author. */
  sent({ dev, store }: Who, frame: Message): void {
    if (!frame.id) return;
    const id = formatId(frame.id);
    if (!frame.sig) throw new Violation('P4', `${id} was sent unsigned`);
    this.#checkAuthor(frame);
    if (frame.id.dev !== dev) return;
    const onDisk = store.pending().some((message) => message.id && formatId(message.id) === id);
    if (!onDisk && (store.mark(dev)?.n ?? 0) >= frame.id.n) return;
    if (!onDisk) throw new Violation('I5', `${id} was sent before it was on disk`);
  }

  /** C2: nothing that the output has not taken. */
  acknowledged(client: string, seq: number, unshown: { event: ChatEvent }[]): void {
    for (const { event } of unshown)
      if (event.type === 'message' && (event.seq ?? 0) <= seq)
        throw new Violation('C2', `${client} acknowledges ${seq}, and ${event.seq} was not shown`);
  }

  /** I1, I2, I3, I4, I7: what a person sees. */
  shown(client: string, { seq, id = '', text, action, erased, from }: Shown, server: Store): void {
    if (seq === undefined) throw new Violation('I2', `${id} was shown without a place`);
    if (seq > server.head && !this.#rollback) throw new Violation('I1', `${seq} was shown but is not on disk`);
    this.#print(client, id);
    const cursor = this.#cursors.get(client);
    if (cursor !== undefined && !this.#rollback && seq <= cursor)
      throw new Violation('I2', `${seq} after ${cursor} at ${client}`);
    this.#cursors.set(client, seq);
    const stored = this.#idAt.get(this.#place(seq));
    if (!this.#rollback && stored !== id) throw new Violation('I2', `${id} was shown at ${seq}, where ${stored} is`);
    const [, dev = '', digits] = /^(.*)\.(\d+)$/.exec(id) ?? [];
    const n = Number(digits);
    const devices = this.#shown.get(client) ?? new Map<string, number>();
    if (n <= (devices.get(dev) ?? 0)) throw new Violation('I3', `${id} was shown again, or out of order, at ${client}`);
    devices.set(dev, n);
    const written = this.#written.get(id) ?? [];
    if (written.some(isHidden)) throw new Violation('P5', `${id} was shown at ${client}`);
    if (erased && this.#erased.has(id)) return;
    if (from.id === 'room' && !this.#saidByOriginals.has(text))
      throw new Violation('I7', `no client of the original has said "${text}"`);
    const isOne = (said: Message) => said.text === text && (said.type === 'action') === (action === true);
    if (from.id !== undefined && from.id !== 'room' && !written.some(isOne))
      throw new Violation('I7', `${id} says "${text}", its author did not`);
  }

  /** A message that was lost when its place came, and is shown now. */
  mended(client: string, { id = '', text, erased }: Shown): void {
    this.#print(client, id);
    if (!erased || !this.#erased.has(id)) this.#checkWords({ text }, id);
  }

  /** P36: words go only by the room's will, and by that they go. */
  wordsAt(who: string, { entries = [], mended = [] }: Change, store: MemoryStore): void {
    for (const { message } of [...mended, ...entries]) if (message) this.#checkWordsAt(who, message, store);
  }

  #checkWordsAt(who: string, message: Message, store: MemoryStore): void {
    const id = message.id ? formatId(message.id) : '';
    if (!isProper(this.#crypto, 'room', message)) throw new Violation('P36', `${who} has no words of ${id}`);
    const has = store.read(message.seq ?? 0, 1)[0]?.message;
    const isErasedHere = has && store.erasure(id)?.words === digestOf(this.#crypto, has);
    if (message.seq !== undefined && isErasedHere && has?.text && !rottenIn(store).has(message.seq))
      throw new Violation('P36', `${who} has the words of ${id}, which are erased`);
  }

  /** It has words that were erased. Other words under the same id, of who has claimed another one's device, stay. */
  #isGone(message: Message, gone: ReadonlyMap<string, string>): boolean {
    const { id, text, salt, void: isVoid } = message;
    if (!id || gone.get(formatId(id)) !== digestOf(this.#crypto, message)) return false;
    return !isVoid && (text !== '' || salt !== undefined);
  }

  /** P36: after healing no disk has words of which the log says that they are erased. */
  #checkGone(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    const told = server.read(server.first, 1e9).flatMap(({ message }) => message ?? []);
    const erasures = told.flatMap((message) => erasureOf(this.#crypto, 'room', message) ?? []);
    const gone = new Map(erasures.map(({ id, words }) => [formatId(id), words]));
    // The entry that tells it may be damaged before somebody has read it.
    const readers = this.#damages > 0 ? [] : clients;
    for (const { id: dev, store } of [{ id: 'server', store: server }, ...readers]) {
      const kept = store.read(store.first, 1e9).filter(({ seq }) => !rottenIn(store).has(seq));
      for (const message of [...kept.flatMap((place) => place.message ?? []), ...store.pending()])
        if (this.#isGone(message, gone))
          throw new Violation('P36', `${dev} has the words of ${message.id && formatId(message.id)} after all`);
    }
    if (this.#rollback || this.#damages > 0) return;
    for (const message of told)
      if (message.id && this.#erasedWords.has(digestOf(this.#crypto, message)) && !isErased(message))
        throw new Violation('P36', `${formatId(message.id)} has its words again`);
  }

  #checkWords(
    { id: of, text, words, void: isVoid }: Pick<Message, 'id' | 'text' | 'words' | 'void'>,
    id = of && formatId(of),
  ): void {
    const written = this.#written.get(id ?? '');
    if (written && !isVoid && words === undefined && !written.some((said) => said.text === text))
      throw new Violation('V1', `${id} says "${text}", its author did not`);
  }

  #print(client: string, id: string): void {
    const [dev, n] = id.split('.');
    const key = `${client} ${dev}`;
    this.#printed.set(key, Math.max(Number(n), this.#printed.get(key) ?? 0));
  }

  /** I9: name and text, nothing else. I3, P38: once, and nothing of its own. */
  legacyReceived(legacy: Original, data: string, head: number): void {
    const { said, heard } = legacy;
    const { name, text, ...more } = JSON.parse(data);
    const words = String(text).trimEnd();
    if (Object.keys(more).length > 0 || name === undefined)
      throw new Violation('I9', `a legacy client was sent ${data}`);
    if (words.startsWith('hidden')) throw new Violation('P5', `a legacy client was sent ${data}`);
    legacy.since ??= head;
    if (name === 'server') return;
    if (said.has(words) || heard.includes(words))
      throw new Violation('I3', `a legacy client was sent again, or its own: ${data}`);
    heard.push(words);
  }

  /** P38: what others said since it was greeted, a legacy client has heard, as far as it is kept. */
  heardAll({ said, heard, since }: Original, server: MemoryStore): void {
    if (this.#rollback || this.#damages > 0 || since === undefined) return;
    for (const { message } of server.read(since + 1, 1e9)) {
      const text = message?.type === 'action' ? `/me ${message.text}` : (message?.text ?? '');
      if (
        message &&
        !message.void &&
        !isErased(message) &&
        !isHidden(message) &&
        !said.has(text) &&
        !heard.includes(text)
      )
        throw new Violation('P38', `a legacy client has not heard "${text}"`);
    }
  }

  /** I8: what is under way to one reader is bounded: a window for each time it joined (one welcome may have been lost). */
  bounded(pipes: string[][], { windowEntries }: Flow): void {
    for (const pipe of pipes) {
      if (pipe.length < 4) continue;
      const frames = pipe.map((data) => decode(Buffer.from(data)));
      const entries = frames.flatMap(entriesIn).length;
      const windows = frames.filter(({ kind }) => kind === 'welcome').length + 2;
      // Each place that was damaged may be asked for besides.
      if (entries > windows * windowEntries + this.#damages)
        throw new Violation('I8', `${entries} entries under way in ${windows} windows`);
    }
  }

  /** P17: an author whose copy no longer holds what it wrote before, which the log had and has lost. */
  skipped({ dev, n }: MessageId): void {
    this.#overtaken.set(dev, Math.max(n, this.#overtaken.get(dev) ?? 0));
  }

  /** What this device has written and nobody else has read is gone. */
  lostForGood(dev: string): void {
    this.#goneForGood.add(dev);
  }

  /** I6: its author had seen everything up to its cursor. */
  typed({ id: client, dev }: Who, message: Message): void {
    const { id } = message;
    if (id?.dev !== dev || this.#copied.has(dev) || this.#causes.has(formatId(id))) return;
    this.#causes.set(formatId(id), this.#cursors.get(client) ?? 0);
  }

  /** I1, I4, I5: after healing everybody has the same log, and it holds everything that was on a disk. */
  healed(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    const log = server.read(server.first, 1e9);
    const last = new Map<string, number>();
    const present = new Set(this.#stored);
    for (const { message, seq } of log) {
      if (!message?.id || !this.#isOfAuthor(message) || rottenIn(server).has(seq)) continue;
      const { dev, n } = message.id;
      if (n <= (last.get(dev) ?? 0)) throw new Violation('I4', `${dev}.${n} at ${seq} follows ${last.get(dev)}`);
      last.set(dev, n);
      present.add(formatId(message.id));
    }
    for (const { message } of this.#rollback || this.#namesLapse ? [] : log) if (message) this.#checkVoid(message);
    for (const [id, written] of this.#written) {
      if (!this.#erased.has(id)) for (const { text } of written) this.#checkSaid(text);
      const [dev = ''] = id.split('.');
      if (this.#copied.has(dev) || this.#goneForGood.has(dev)) continue;
      const isRefused = this.#rollback && this.#refused.has(id);
      if (
        !present.has(id) &&
        !isRefused &&
        !this.#isOvertaken(id) &&
        !this.#damaged.has(id) &&
        !this.isStuck(id, server)
      )
        throw new Violation('I5', `${id} was typed and is lost`);
    }
    for (const [id, holders] of this.#kept)
      if (
        [...holders].some((dev) => !this.#goneForGood.has(dev)) &&
        !present.has(id) &&
        !this.#isOvertaken(id) &&
        !this.#damaged.has(id) &&
        !this.isStuck(id, server)
      )
        throw new Violation('I1', `${id} was kept and is lost`);
    for (const [id, holders] of this.#read) if (!present.has(id) && this.#isUnsigned(id, holders)) tally.unsigned++;
    for (const { id: dev, store } of clients) {
      if (store.head !== server.head) throw new Violation('I5', `${dev} is at ${store.head} of ${server.head}`);
      if (store.headHash !== server.headHash) throw new Violation('I2', `${dev} has another log`);
      const left = store.pending().filter((message) => message.id && !this.isStuck(formatId(message.id), server));
      if (left.length > 0) throw new Violation('I5', `${dev} has ${left.length} messages left`);
    }
    const counted = log.filter(({ message }) => message && this.#isOfAuthor(message));
    const places = new Map(counted.map(({ message, seq }) => [message?.id ? formatId(message.id) : '', seq]));
    for (const [id, cause] of this.#causes) {
      const seq = places.get(id);
      if (!this.#rollback && seq !== undefined && seq <= cause)
        throw new Violation('I6', `${id} at ${seq} follows from ${cause}`);
    }
  }

  /** Nobody who is there had its signature when it was lost. */
  #isUnsigned(id: string, holders: Set<string>): boolean {
    const isThere = (dev: string) => !this.#goneForGood.has(dev);
    return [...holders].some(isThere) && ![...(this.#kept.get(id) ?? [])].some(isThere);
  }

  /** P27: in the end everybody has every signature that the room has, if nobody was kept from it. */
  allSigned(server: MemoryStore, clients: { dev: string; store: MemoryStore }[]): void {
    // Two folders of one device end each other's sessions as long as neither says anything.
    if (this.#areSignaturesAltered || this.#damages > 0 || this.#copied.size > 0) return;
    for (const { dev, store } of clients)
      for (const { seq, message } of store.read(Math.max(server.first, store.first), 1e9))
        if (message && !message.sig) throw new Violation('P27', `${dev} has no signature of ${seq}`);
  }

  /** P19, P10: only what is too long is void: every name an author went by is its own. */
  #checkVoid({ id, void: isVoid }: Message): void {
    const written = isVoid && id ? (this.#written.get(formatId(id)) ?? []) : [];
    if (id && written.length > 0 && written.every(({ text }) => text.length <= maxTextBytes))
      throw new Violation('P10', `${formatId(id)} is void under the name ${written[0]?.name}`);
  }

  /** V2: what was come upon and anybody still holds is mended, and nothing else is lost for any of the readers. */
  whole(server: MemoryStore, clients: { id: string; store: MemoryStore }[]): void {
    this.#checkGone(server, clients);
    const ofLog = clients.filter(({ store }) => store.log === server.log);
    const signed = ofLog.flatMap(({ store }) => [...this.#wholeIn(store)].filter((seq) => isSignedAt(store, seq)));
    const held = new Set([...this.#wholeIn(server), ...signed]);
    for (const { store } of ofLog)
      for (const seq of this.#wholeIn(store)) if (seq >= server.first && !held.has(seq)) tally.unsigned++;
    for (const { id: dev, store } of clients) {
      const whole = this.#wholeIn(store);
      for (let seq = Math.max(server.first, store.first); seq <= server.head; seq++)
        if (held.has(seq) && !whole.has(seq)) throw new Violation('V2', `place ${seq} is lost for ${dev}, not for all`);
    }
  }

  /** P26: everybody has how far the log goes, signed. */
  witnessed(server: MemoryStore, clients: { dev: string; store: MemoryStore }[]): void {
    for (const { dev, store } of clients)
      if (store.signed?.newest.seq !== server.head || store.signed.newest.hash !== server.headHash)
        throw new Violation('P26', `${dev} has signed ${store.signed?.newest.seq} of ${server.head}`);
  }

  #wholeIn(store: MemoryStore): Set<number> {
    const places = new Log(store, this.#crypto).read(store.first, 1e9);
    return new Set(places.filter(({ message }) => message).map(({ seq }) => seq));
  }

  /** Else it counts for nobody. */
  #isOfAuthor({ id, key }: Message): boolean {
    return !id || !key || this.#crypto.isDeviceOf(key, id.dev);
  }

  #isOvertaken(id: string): boolean {
    const [dev = '', n] = id.split('.');
    return Number(n) < (this.#overtaken.get(dev) ?? 0);
  }

  /** P35: what lies before it, or before another one that does, is gone with the disk of the server, and nobody else has it. */
  isStuck(id: string, server: Store): boolean {
    const [dev = '', n] = id.split('.');
    const last = server.mark(dev)?.n ?? 0;
    const follows = (one: number) => one <= Math.max(last, this.#written.get(`${dev}.${one}`)?.[0]?.in ?? 0) + 1;
    for (let one = last + 1; one <= Number(n); one++)
      if ((one === Number(n) || this.#written.has(`${dev}.${one}`)) && !follows(one)) return this.#rollback;
    return false;
  }

  #fix(seq: number, hash: string): void {
    const place = this.#place(seq);
    const before = this.#places.get(place);
    if (before !== undefined && before !== hash) throw new Violation('I1', `place ${seq} was given twice`);
    this.#places.set(place, hash);
  }

  #place(seq: number): string {
    return `${this.#epoch} ${seq}`;
  }
}
