import type { Change, Entry, Place } from '../../src/core/log/store.ts';
import type { Frame, Message, Relayed } from '../../src/protocol/frames.ts';
import { chainHash, type Head, headProof, type SignedHead, signedText } from '../../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './fake-crypto.ts';

/** What the owner of this device says under this number, signed by a key: its own, or another one. */
export function words(dev: string, n: number, more: Partial<Message> = {}, by = `k${dev}`): Message {
  const when = { id: { dev, n }, lc: n, ts: 5, in: n - 1, salt: fakeSalt, key: `k${dev}` };
  const said: Message = { kind: 'message', name: dev.toLowerCase(), text: `${dev}${n}`, ...when, ...more };
  return { ...said, sig: signature(by, signedText(fakeCrypto, 'server', said)) };
}

/** The k-th frame of a stream that answers the first hello. */
export const asSaid = (message: Message, k = 1): Frame => ({ ...message, kind: 'said', k, of: 1 });

/** A room has signed how far its log goes. */
export function headOf({ seq, hash }: Place, more: Partial<Head> = {}, by = 'server', room = by): SignedHead {
  const head = { log: 'log', run: 'run1', seq, hash, ...more };
  return { ...head, sig: signature(by, headProof(room, head)) };
}

/** These stand in the log, one after the other. */
export function logOf(...messages: Message[]): Entry[] {
  let prev = '';
  return messages.map((said, i) => {
    const seq = i + 1;
    const hash = chainHash(fakeCrypto, prev, { ...said, at: seq });
    const entry = { seq, prev, hash, atMs: seq, ranMs: 0, message: { ...said, at: seq, seq, hash } };
    prev = hash;
    return entry;
  });
}

/** Who has read this log, up to a head that the room has signed. */
export function read(entries: readonly Entry[]): Change {
  const marks = entries.flatMap(({ message: { id } }) => id ?? []);
  const last = entries.at(-1);
  return { entries: [...entries], marks, ...(last && { signed: { newest: headOf(last) } }) };
}

/** The k-th frame of a stream: places of a log, and who has signed how far it goes. */
export function asRelayed(entries: readonly Entry[], more: Partial<Relayed> = {}): Relayed {
  const rows = entries.map(({ message: { sig: _, ...row } }) => row);
  const { seq: from = 1 } = entries[0] ?? {};
  return { kind: 'relayed', k: 1, of: 1, from, rows, hash: entries.at(-1)?.hash ?? '', run: 'run1', ...more };
}
