import { crypto } from '../../src/keys/ed25519.ts';
import { encode, seal } from '../../src/protocol/codec.ts';
import type { Frame, Join } from '../../src/protocol/frames.ts';
import {
  chainHash,
  headProof,
  joinProof,
  sessionInfo,
  sessionSalt,
  signedHash,
  welcomeProof,
} from '../../src/protocol/signed.ts';
import { dev, neo, noonMs, room, run, says, token } from '../support/room-log.ts';

/* The talk of docs/protocol.md, 7.7: Neo comes in, says hi, goes by another name, and leaves. */

export type Talk = { name: string; cn: string; nonce: string };
export const talks = {
  first: { name: 'Neo', cn: token(4, 16), nonce: token(5, 16) },
  second: { name: 'Trinity', cn: token(9, 16), nonce: token(10, 16) },
};
const log = token(7, 10);
const hi = says(1, 'hi', { salt: token(6, 16) });
const at = noonMs + 25;
const hash = chainHash(crypto, '', { ...hi, at });

export const join = ({ name, cn }: Talk, more: Partial<Join> = {}): Join => ({
  ...{ kind: 'join', name, version: 1, key: neo.key, dev },
  ...more,
  cn,
});
join.text = (talk: Talk, isSecure = false): string => joinProof(talk.nonce, room.key, join(talk), isSecure);

export const welcomeText = (cn: string, head: number, headHash?: string): string =>
  welcomeProof(cn, room.key, { log, run, head, ...(headHash !== undefined && { headHash }) });
export const keyOfTalk = (talk: Talk): string =>
  neo.sessionKey(room.key, sessionSalt(talk.nonce, talk.cn), sessionInfo(room.key, join(talk))) ?? '';

function opening(talk: Talk, more: Partial<Join>): Frame[] {
  const proof = neo.sign(join.text(talk));
  const challenge = { kind: 'challenge' as const, nonce: talk.nonce, room: room.key, log, cn: talk.cn };
  return [join(talk, more), challenge, { ...join(talk, more), proof }];
}

const welcome = {
  kind: 'welcome' as const,
  name: 'server',
  text: 'You are now online. 1 online.',
  log,
  run,
  online: 1,
};
const headSig = room.sign(headProof(room.key, { log, run, seq: 1, hash }));
const head = { head: 1, headHash: hash, sig: headSig };
const sealed = (talk: Talk, frame: Parameters<typeof seal>[0]) =>
  seal(frame, (text) => crypto.mac(keyOfTalk(talk), text));

const { first, second } = talks;
const frames: ['<' | '>', Frame | string][] = [
  ...opening(first, { history: 100 }).map((frame, i): ['<' | '>', Frame] => [i === 1 ? '<' : '>', frame]),
  [
    '<',
    {
      ...welcome,
      who: 'Neo',
      ...{ since: 0, head: 0, n: 0, members: ['Neo'] },
      sig: room.sign(welcomeText(first.cn, 0)),
    },
  ],
  ['>', sealed(first, { kind: 'upload', k: 1, messages: [{ ...hi, first: true }] })],
  ['<', { kind: 'entries', from: 1, rows: [{ ...hi, at, seq: 1 }], hash, sig: headSig }],
  ['<', { kind: 'heartbeat', seq: 1, kept: 1, held: 0, ...head }],
  ['>', { kind: 'ack', seq: 1 }],
  ['>', { kind: 'signatures', seq: 1 }],
  ['<', { kind: 'signatures', seq: 1, sigs: [hi.sig ?? ''] }],
  ...opening(second, { since: 1, log, hash }).map((frame, i): ['<' | '>', Frame] => [i === 1 ? '<' : '>', frame]),
  [
    '<',
    {
      ...welcome,
      who: 'Trinity',
      ...{ since: 1, hash, head: 1, headHash: hash },
      ...{ n: 1, nHash: signedHash(crypto, room.key, hi), firstMs: at, members: ['Trinity'] },
      sig: room.sign(welcomeText(second.cn, 1, hash)),
    },
  ],
  ['>', sealed(second, { kind: 'leave', name: 'Trinity' })],
  ['<', { kind: 'leave', name: 'server' }],
];

export const transcript = frames.map(([who, frame]) => `${who} ${typeof frame === 'string' ? frame : encode(frame)}`);
