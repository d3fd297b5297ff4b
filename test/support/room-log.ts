import { Ledger, type Proposal } from '../../src/core/log/ledger.ts';
import { Log } from '../../src/core/log/log.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { crypto, deviceOf, identityOf, type OwnIdentity } from '../../src/keys/ed25519.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { type Identity, signedText } from '../../src/protocol/signed.ts';

/** The examples of docs/protocol.md: what is random elsewhere is the same byte, so and so many times. */
const bytes = (byte: number, count: number) => Buffer.alloc(count, byte);
export const token = (byte: number, count: number): string => bytes(byte, count).toString('base64url');
export const seedOf = (byte: number): string => bytes(byte, 32).toString('hex');
export const person = (byte: number): OwnIdentity => identityOf(bytes(byte, 32));
export const device = ({ key }: Identity, byte: number): string => deviceOf(key, bytes(byte, 8));

export const room = person(1);
export const neo = person(2);
export const dev = device(neo, 3);
export const run = device(room, 8);
export const noonMs = 1_767_225_600_000;

/** A message of Neo's, as he signs it. */
export function says(n: number, text: string, more: Partial<Message> = {}, by = neo): Message {
  const when = { id: { dev, n }, lc: n, ts: noonMs + 1_000 * (n - 1), in: n - 1 };
  const said: Message = { kind: 'message', name: 'Neo', text, ...when, key: by.key, ...more };
  return { ...said, sig: by.sign(signedText(crypto, room.key, said)) };
}

/** A log of this room, written by the real rules. */
export class RoomLog {
  readonly store = new MemoryStore(token(7, 10));
  readonly log = new Log(this.store, crypto);
  readonly #ledger: Ledger;

  constructor() {
    const retention = { entries: 1e6, ageMs: 1e9 };
    this.#ledger = new Ledger({ name: 'server', identity: room, dev: run, crypto, retention }, this.log);
  }

  take(proposal: Proposal, wallMs = noonMs + 25): void {
    const { change } = this.#ledger.decide([proposal], { ms: 0, wallMs });
    if (!change) throw new Error(`the log has not taken it: ${JSON.stringify(proposal)}`);
    this.store.apply(change);
    this.log.settle(change);
  }

  say(message: Message, wallMs?: number, name = 'Neo'): void {
    this.take({ type: 'say', by: { from: '', isStopped: false, isHeld: false }, message, name }, wallMs);
  }

  get messages(): Message[] {
    return this.log.read(1, 1e6).flatMap(({ message }) => message ?? []);
  }
}
