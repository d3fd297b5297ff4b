import type { Store } from '../../src/core/log/store.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { type Crypto, digestOf, formatId, signedText } from '../../src/protocol/signed.ts';
import { Violation } from './violation.ts';

/**
 * What has happened in a world, of which nobody in it knows all: who wrote what, who has read it, and what is lost with
 * whom. All that is checked is measured by this.
 */
export class Facts {
  readonly crypto: Crypto;
  /** The server's disk goes back in time: then places may be given anew. */
  readonly hasRollback: boolean;
  readonly namesLapse: boolean;
  /** What an author wrote under an id, on disk. */
  readonly written = new Map<string, Message[]>();
  /** Ids that somebody has on disk, by whom, and those of them whose signature is there, too. */
  readonly read = new Map<string, Set<string>>();
  readonly kept = new Map<string, Set<string>>();
  /** Ids that were on the server's disk, trimmed or not, since it was last rolled back. */
  stored = new Set<string>();
  /** What was taken as the entry with this hash; nobody reads another one. */
  readonly taken = new Map<string, string>();
  /** Ids that the room has refused: what is void is not given back to a log that lost it. */
  readonly refused = new Set<string>();
  /** Ids of messages whose words were erased at some time, and the digests of these words. */
  readonly erased = new Set<string>();
  readonly erasedWords = new Set<string>();
  /** Words that the log has, of whatever device, and words that went with a folder that was restored. */
  readonly said = new Set<string>();
  readonly lostWords = new Set<string>();
  /** Words that nobody was given: a pipe was told so, or was killed, or a person has taken them back. */
  readonly unsaid = new Set<string>();
  /** Highest n of a device that was printed at a client, in any of its runs. */
  readonly printed = new Map<string, number>();
  /** The last place that each client has shown, and which one that was when a message was typed. */
  readonly cursors = new Map<string, number>();
  readonly causes = new Map<string, number>();
  /** Ids of messages of which a record was damaged somewhere: no more than the others can be asked for them. */
  readonly lost = new Set<string>();
  damages = 0;
  /** Devices that folders in two places have, or had; and those with all that nobody else has of them gone for good. */
  readonly copies = new Set<string>();
  readonly goneForGood = new Set<string>();
  /** By id: the device that has brought it into the log, for another place of the same person that had left it in doubt. */
  readonly settledBy = new Map<string, string>();
  /** Highest n of a device that somebody else gave back without what lies before, after long enough a wait. */
  readonly overtaken = new Map<string, number>();
  /** Somebody on the way has changed entries; signatures, or held them back. */
  isTampered = false;
  areSignaturesAltered = false;

  constructor(hasRollback: boolean, namesLapse: boolean, crypto: Crypto) {
    this.crypto = crypto;
    this.hasRollback = hasRollback;
    this.namesLapse = namesLapse;
  }

  damaged(message?: Message): void {
    this.damages++;
    if (message?.id) this.lost.add(formatId(message.id));
  }

  /** From now on these folders count with one device, until they find out. */
  copied(dev: string): void {
    this.copies.add(dev);
  }

  /** A folder went back to an older state: what only it held is gone. */
  restored(lost: readonly Message[]): void {
    for (const { id, text } of lost) {
      this.lostWords.add(text);
      if (id) this.lost.add(formatId(id));
    }
  }

  /** What this device has written and nobody else has read is gone. */
  lostForGood(dev: string): void {
    this.goneForGood.add(dev);
  }

  /** P17, P35: what lies before was in a log, and whoever sends this does not have it. */
  skipped({ id }: Message): void {
    if (id) this.overtaken.set(id.dev, Math.max(id.n, this.overtaken.get(id.dev) ?? 0));
  }

  /** I7: also what has no text any more proves who wrote it. */
  checkAuthor(message: Message): void {
    const { id, key = '', sig = '' } = message;
    if (!this.crypto.verify(key, signedText(this.crypto, 'room', message), sig))
      throw new Violation('I7', `${id && formatId(id)} is not signed by ${key}`);
  }

  checkWords(
    { id: of, text, words, void: isVoid }: Pick<Message, 'id' | 'text' | 'words' | 'void'>,
    id = of && formatId(of),
  ): void {
    const written = this.written.get(id ?? '');
    if (written && !isVoid && words === undefined && !written.some((said) => said.text === text))
      throw new Violation('V1', `${id} says "${text}", its author did not`);
  }

  print(client: string, id: string): void {
    const [dev, n] = id.split('.');
    const key = `${client} ${dev}`;
    this.printed.set(key, Math.max(Number(n), this.printed.get(key) ?? 0));
  }

  /** Else it counts for nobody. */
  isOfAuthor({ id, key }: Message): boolean {
    return !id || !key || this.crypto.isDeviceOf(key, id.dev);
  }

  isOvertaken(id: string): boolean {
    const [dev = '', n] = id.split('.');
    return Number(n) < (this.overtaken.get(dev) ?? 0);
  }

  /** P35: what lies before it, or before another one that does, is gone with the disk of the server, and nobody else has it. */
  isStuck(id: string, server: Store): boolean {
    const [dev = '', n] = id.split('.');
    const last = server.mark(dev)?.n ?? 0;
    const follows = (one: number) => one <= Math.max(last, this.written.get(`${dev}.${one}`)?.[0]?.in ?? 0) + 1;
    for (let one = last + 1; one <= Number(n); one++)
      if ((one === Number(n) || this.written.has(`${dev}.${one}`)) && !follows(one)) return this.hasRollback;
    return false;
  }
}

export const isHidden = ({ type = 'action' }: Message) => type !== 'action';

/** All of an entry that its hash stands for: what is 0 and what is absent are the same. */
export const chained = (crypto: Crypto, message: Message) => {
  const { sig: _, seq: __, first: ___, text: ____, salt: _____, erased: ______, ...more } = message;
  const said = { ...more, words: digestOf(crypto, message) };
  return JSON.stringify(
    Object.entries(said)
      .filter(([, value]) => value)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};
