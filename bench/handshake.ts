import { crypto, newNonce } from '../src/keys/ed25519.ts';
import { joinProof, sessionInfo, sessionSalt, welcomeProof } from '../src/protocol/signed.ts';
import { people, prove, roomIdentity } from './people.ts';

/**
 * Seconds of a processor for the cryptography of so many joins at the server, and nothing else. The room makes the key of a session
 * when something is said in it (P14): that is a part of it only if `areHeard`.
 */
export function handshakeCost(members: number, areHeard = false): number {
  const room = roomIdentity();
  const asked = people(members).map((person) => {
    const nonce = newNonce();
    return { nonce, join: person.join, proof: JSON.parse(prove(person, { nonce, room: room.key }).frame).proof };
  });
  const { user, system } = process.cpuUsage();
  for (const { nonce, join, proof } of asked) {
    const { key = '', dev = '', cn = '' } = join;
    const isMember =
      crypto.isDeviceOf(key, dev) &&
      crypto.verify(key, joinProof(nonce, room.key, join), proof) &&
      (!areHeard || room.sessionKey(key, sessionSalt(nonce, cn), sessionInfo(room.key, join)) !== undefined);
    if (!isMember) throw new Error('a proof that proves nothing');
    room.sign(welcomeProof(cn, room.key, { log: 'log', run: 'run', head: 1 }));
  }
  const used = process.cpuUsage({ user, system });
  return (used.user + used.system) / 1e6;
}
