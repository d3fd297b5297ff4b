import { type Erasure, erasing, erasureOf, erasureText, isProper, withoutWords } from '../../protocol/erasure.ts';
import type { Message, MessageId } from '../../protocol/frames.ts';
import { digestOf, formatId } from '../../protocol/signed.ts';
import type { Draft } from './draft.ts';
import type { LedgerOptions, Outcome, Proposal, WhyKept } from './ledger.ts';
import type { Log } from './log.ts';
import type { Place } from './store.ts';

/** What an erasure brings into a decision: the words that go, and those that do not come in any more. [P36] */
export class Erasing {
  readonly #options: LedgerOptions;
  readonly #log: Log;
  readonly #draft: Draft;
  readonly #write: (words: Pick<Message, 'name' | 'text' | 'type' | 're'>) => void;

  /** @param write makes an entry of the room's own */
  constructor(
    options: LedgerOptions,
    log: Log,
    draft: Draft,
    write: (words: Pick<Message, 'name' | 'text' | 'type' | 're'>) => void,
  ) {
    this.#options = options;
    this.#log = log;
    this.#draft = draft;
    this.#write = write;
  }

  /** An entry of the room's own tells it to all who read, and in the same change the words go. */
  erase({ from, seq }: Proposal & { type: 'erase' }): Outcome {
    const { identity, crypto } = this.#options;
    const found = this.#erasable(seq);
    if (typeof found === 'string') return { type: 'erased', from, seq, why: found };
    const gone = { id: found.id, words: digestOf(crypto, found) };
    const proof = identity.sign(erasureText(identity.key, gone));
    this.#tell({ ...gone, proof });
    return { type: 'erased', from, seq };
  }

  /** The message there, or why its words cannot be erased. */
  #erasable(seq: number): (Message & { id: MessageId }) | WhyKept {
    if (seq < 1 || seq > this.#log.head) return 'none';
    if (seq < this.#log.first) return 'trimmed';
    const { message } = this.#log.read(seq, 1)[0] ?? {};
    if (!message?.id) return 'damaged';
    if (message.void) return 'void';
    if (message.words !== undefined || this.#draft.erasure(formatId(message.id))) return 'already';
    return erasureOf(this.#options.crypto, this.#options.identity.key, message)
      ? 'erasure'
      : { ...message, id: message.id };
  }

  /** The room has once signed that words go: they go here, too, or will not come in. Other words under the same id stay. */
  learn(message: Message): [] {
    const { crypto, identity } = this.#options;
    const erasure = erasureOf(crypto, identity.key, message);
    if (!erasure || this.#draft.erasure(formatId(erasure.id))) return [];
    const place = this.#placeOf(erasure.id);
    if (place?.message && digestOf(crypto, place.message) !== erasure.words) return [];
    // Who has read the words here has to be told; an entry that tells it is read by all.
    const isUntold = message.words !== undefined && place && place.message?.words === undefined;
    if (isUntold) this.#tell(erasure);
    else this.#draft.erase({ ...erasure, ...(place && { seq: place.seq }) });
    return [];
  }

  /** Nobody could guess anything by the digest of this text: it needs no salt. */
  #tell(erasure: Erasure): void {
    this.#write({ name: this.#options.name, ...erasing(erasure) });
  }

  #placeOf(id: MessageId): Place | undefined {
    const isIt = ({ message }: Place) => message?.id && formatId(message.id) === formatId(id);
    return this.#draft.places.find(isIt) ?? this.#log.find(id);
  }

  /** The message, without its words if they are erased. */
  without(message: Message): Message {
    const erasure: Erasure | undefined = message.id && this.#draft.erasure(formatId(message.id));
    return withoutWords(this.#options.crypto, message, erasure);
  }

  isProper = (message: Message): boolean => isProper(this.#options.crypto, this.#options.identity.key, message);
}
