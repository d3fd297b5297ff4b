import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crypto, deviceOf, identityOf, newNonce, type OwnIdentity } from '../src/keys/ed25519.ts';
import { encode } from '../src/protocol/codec.ts';
import type { Challenge, Join, Message } from '../src/protocol/frames.ts';
import { joinProof, sessionInfo, sessionSalt, signedText } from '../src/protocol/signed.ts';

/** Who is in the room that is measured: the same in each run, so that what they say needs to be signed only once. */
export type Person = { identity: OwnIdentity; join: Join };
export type Texts = { bytes: number; isAscii: boolean };

const seed = (text: string): Buffer => Buffer.from(crypto.digest(text), 'base64url');
export const roomIdentity = (): OwnIdentity => identityOf(seed('bench room'));
/** As it stands in the file of an identity. */
export const roomSeed = (): string => `${seed('bench room').toString('base64url')}\n`;

const known: Person[] = [];
export function people(count: number): Person[] {
  for (let i = known.length; i < count; i++) {
    const identity = identityOf(seed(`bench member ${i}`));
    const dev = deviceOf(identity.key, seed(`bench device ${i}`).subarray(0, 8));
    const { key } = identity;
    known.push({ identity, join: { kind: 'join', name: `m${i}`, version: 1, key, dev, cn: newNonce() } });
  }
  return known.slice(0, count);
}

/** The answer to the question who one is, and the key that all is sealed with from then on. */
export function prove({ identity, join }: Person, { nonce, room }: Pick<Challenge, 'nonce' | 'room'>) {
  const proof = identity.sign(joinProof(nonce, room, join));
  const key = identity.sessionKey(room, sessionSalt(nonce, join.cn ?? ''), sessionInfo(room, join)) ?? '';
  return { frame: encode({ ...join, proof }), sessionKey: Buffer.from(key, 'base64url') };
}

/** `^0001.00000012…$`: who says it, as its what-th message, so that whoever reads it can check that. */
export function textOf(author: number, n: number, { bytes, isAscii }: Texts): string {
  const head = `^${String(author).padStart(4, '0')}.${String(n).padStart(8, '0')}`;
  const wide = isAscii ? '' : 'é'.repeat(Math.floor((bytes - head.length - 1) / 2));
  const text = head + wide;
  return `${text}${'x'.repeat(bytes - 1 - Buffer.byteLength(text))}$`;
}

/** A file of what so many say, so many messages each, signed: a line for each, one author after the other. */
export function wordsFile(folder: string, senders: number, each: number, texts: Texts): string {
  const path = join(folder, `words-${senders}-${each}-${texts.bytes}-${texts.isAscii}`);
  if (existsSync(path)) return path;
  const room = roomIdentity().key;
  const lines = people(senders).flatMap((person, author) =>
    Array.from({ length: each }, (_, n) => `${encode(words(person, author, n, room, texts))}\n`),
  );
  writeFileSync(path, lines.join(''));
  return path;
}

function words({ identity, join }: Person, author: number, n: number, room: string, texts: Texts): Message {
  const { key, dev = '', name } = join;
  const id = { dev, n: n + 1 };
  const when = { lc: n + 1, ts: Date.now(), in: n };
  const message: Message = { kind: 'message', name, text: textOf(author, n, texts), id, ...when, salt: newNonce() };
  const said = { ...message, ...(key && { key }) };
  return { ...said, sig: identity.sign(signedText(crypto, room, said)) };
}
