import { isTooLong, type Message, maxTextBytes } from '../../protocol/frames.ts';
import type { Ledger, Outcome, Proposal } from '../log/ledger.ts';
import type { Log } from '../log/log.ts';
import { whyServers } from '../log/owners.ts';
import { guestName, safeName } from '../names.ts';
import { greeting, isBlank } from '../narrate.ts';
import type { Effects, Now } from '../turn.ts';
import type { Presence, Session } from './presence.ts';

/** `salt`: what stands with a text, so that nobody can guess it by its digest; another one each time. */
type GuestsOptions = { name: string; salt: () => string };
type Parts = { log: Log; ledger: Ledger; presence: Presence; effects: Effects };

/** Clients of the original: they prove nothing, and are told everything in plain messages. [P37] */
export class Guests {
  readonly #options: GuestsOptions;
  readonly #parts: Parts;
  readonly #isFull: () => boolean;
  /** Those that were told of their empty messages. */
  readonly #blank = new Set<string>();

  /** @param isFull whether there is no place for one more of them */
  constructor(options: GuestsOptions, parts: Parts, isFull: () => boolean) {
    this.#options = options;
    this.#parts = parts;
    this.#isFull = isFull;
  }

  /** A client of the original cannot prove who it is, nor be asked for another name. */
  enter(from: string, rawName: string, now: Now): void {
    const { presence, log, ledger } = this.#parts;
    if (!presence.sessions.get(from)) {
      if (this.#isFull()) return this.#say(from, full);
      const safe = safeName(rawName);
      const isTaken = ledger.owners(safe, now).length > 0 || whyServers(safe, this.#options.name) !== undefined;
      const name = isTaken ? guestName(safe) : safe;
      presence.enter({ from, who: from, name, guest: safe }, log.head, now.ms);
    }
    this.#say(from, greeting(presence.online));
  }

  /** An id is an unknown key where nothing has a version: the room itself writes down what such a session says. */
  hear(session: Session, message: Message): Proposal | Outcome | undefined {
    const { from, name, guest = name } = session;
    const { text } = message;
    if (isBlank(message)) return this.#passOver(session);
    if (isTooLong(text)) {
      const isLong = Buffer.byteLength(text) > maxTextBytes;
      const why = isLong ? `it is longer than ${maxTextBytes} bytes` : 'it has too many control characters';
      return void this.#say(from, `Your message was not sent: ${why}.`);
    }
    const words = { name: guest, text, salt: this.#options.salt() };
    return { type: 'relay', from, words: name === guest ? words : { ...words, guest: true } };
  }

  /** What is empty takes no place. One word to its author and one in the server's log: more of them may come for ever. */
  #passOver({ from, name }: Session): Outcome | undefined {
    if (this.#blank.has(from)) return undefined;
    this.#blank.add(from);
    this.#say(from, 'Empty messages are not passed on.');
    return { type: 'ignored', reason: `${name}, a client of the original, sends empty messages; this is said once` };
  }

  forget(from: string): void {
    this.#blank.delete(from);
  }

  #say(from: string, text: string): void {
    this.#parts.effects.send(from, { kind: 'message', name: this.#options.name, text });
  }
}

export const full = 'The room is full.';
