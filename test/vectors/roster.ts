import { crypto } from '../../src/keys/ed25519.ts';
import { encode } from '../../src/protocol/codec.ts';
import { addressText, membersDigest, rosterText } from '../../src/protocol/roster.ts';
import { dev, neo, noonMs, person, room } from '../support/room-log.ts';

/* Three versions of a roster: Neo and Trinity come, then Neo says where it can be reached, then Trinity is gone. */

const trinity = person(42);
const list: [string, string][] = [
  [neo.key, 'Neo'],
  [trinity.key, 'Trinity'],
];

/** The text whose digest names the whole list. */
function membersText(members: [string, string][]): string {
  let text = '';
  membersDigest({ ...crypto, digest: (covered) => (text = covered) }, members);
  return text;
}

function signed(version: number, members: [string, string][], at: number) {
  const head = { version, at, digest: membersDigest(crypto, members) };
  const text = rosterText(room.key, head);
  return { ...head, members: membersText(members), text, key: room.key, sig: room.sign(text) };
}

const where = { key: neo.key, dev, ts: noonMs, hosts: ['192.168.1.7:41234', '[fd00::7]:41234'] };
const address = { ...where, sig: neo.sign(addressText(room.key, where)) };
const versions = [
  signed(2, list, noonMs),
  signed(3, list, noonMs + 5_000),
  signed(4, list.slice(0, 1), noonMs + 10_000),
];

const part = (from: number, at: number, more: object) => {
  const { version, digest, sig, ...head } = versions[at] as ReturnType<typeof signed>;
  return encode({ kind: 'roster', version, from, ...more, at: head.at, digest, sig });
};

export const rosters = {
  versions,
  address: { ...where, text: addressText(room.key, where), sig: address.sig },
  question: encode({ kind: 'roster', version: 0, addresses: [address] }),
  parts: [
    part(0, 0, { members: list.map(([key, name]) => ({ key, name })) }),
    part(2, 1, { addresses: [address] }),
    part(3, 2, { members: [{ key: trinity.key }] }),
  ],
};
