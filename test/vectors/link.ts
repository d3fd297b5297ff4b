import { crypto } from '../../src/keys/ed25519.ts';
import { encode } from '../../src/protocol/codec.ts';
import type { Frame, Message } from '../../src/protocol/frames.ts';
import { chainHash, headProof, type Identity, type LinkEnd, linkProof } from '../../src/protocol/signed.ts';
import { makeBeacon } from '../../src/transport/beacon-frame.ts';
import { dev, device, neo, noonMs, person, room, run, says, token } from '../support/room-log.ts';
import { rosters } from './roster.ts';

/* The link of docs/protocol.md, 7.8: the server is away, Trinity dials Neo, has the log of him and says something, and he answers. */

const trinity = person(42);
const trinityDev = device(trinity, 43);
const log = token(7, 10);
const salted = (byte: number) => ({ salt: token(byte, 16) });

const ends = {
  Trinity: { nonce: token(16, 16), key: trinity.key, dev: trinityDev },
  Neo: { nonce: token(17, 16), key: neo.key, dev },
};
const proofOf = (by: Identity, mine: LinkEnd, theirs: LinkEnd) => {
  const text = linkProof(room.key, mine, theirs);
  return { ...mine, text, sig: by.sign(text) };
};
const proofs = {
  Trinity: proofOf(trinity, ends.Trinity, ends.Neo),
  Neo: proofOf(neo, ends.Neo, ends.Trinity),
};

/** The places 1 and 2 of the log, as in the other examples. */
const placed = (message: Message, seq: number, before: string, at: number): Message => ({
  ...{ ...message, seq, at },
  hash: chainHash(crypto, before, { ...message, at }),
});
const first = placed(says(1, 'hi', salted(6)), 1, '', noonMs + 25);
const second = placed(says(2, 'all well?', { type: 'action', ...salted(12) }), 2, first.hash ?? '', noonMs + 1_030);
const head = { log, run, seq: 2, hash: second.hash ?? '' };
const { sig: _, ...row } = second;

const asked: Message = says(
  1,
  'are you there?',
  { name: 'Trinity', id: { dev: trinityDev, n: 1 }, lc: 2, in: 0, ...salted(18) },
  trinity,
);
const answered = says(3, 'yes', { ...salted(19) });
const { address, versions } = rosters;
const version = versions[1]?.version ?? 0;
const where = { key: neo.key, dev, ts: address.ts, hosts: address.hosts, sig: address.sig };

const frames: ['<' | '>', Frame][] = [
  ['>', { kind: 'greet', ...ends.Trinity }],
  ['<', { kind: 'greet', ...ends.Neo, proof: proofs.Neo.sig }],
  ['>', { kind: 'greet', ...ends.Trinity, proof: proofs.Trinity.sig }],
  ['>', { kind: 'hello', r: 1, log, cursor: 1, hash: first.hash ?? '', version, waits: [] }],
  ['<', { kind: 'hello', r: 1, log, cursor: 2, hash: head.hash, version, addresses: [where], waits: [] }],
  [
    '<',
    {
      ...{ kind: 'relayed', k: 1, of: 1, from: 2, rows: [row], hash: head.hash, run },
      sig: room.sign(headProof(room.key, head)),
    },
  ],
  ['>', { kind: 'got', k: 1, of: 1 }],
  ['>', { ...asked, kind: 'said', k: 1, of: 1 }],
  ['<', { kind: 'got', k: 1, of: 1 }],
  ['<', { ...answered, kind: 'said', k: 2, of: 1 }],
  ['>', { kind: 'got', k: 2, of: 1 }],
];

const nonce = token(20, 10);
const port = 41_234;

export const links = {
  proofs,
  transcript: frames.map(([who, frame]) => `${who} ${encode(frame)}`),
  beacon: {
    ...{ room: room.key, key: neo.key, nonce, port },
    hex: makeBeacon(room.key, neo.key, port, Buffer.from(nonce, 'base64url')).toString('hex'),
  },
};
