import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import type { Crypto, Identity } from '../protocol/signed.ts';

/** DER wrapping of a raw Ed25519 key (RFC 8410): Node takes no raw keys. */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
export const seedBytes = 32;

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** SHA-256 and Ed25519 of Node. `verify` is total: what is no key or no signature is just not valid. */
export const crypto: Crypto = {
  hash: (text) => sha256(text).subarray(0, 16).toString('base64url'),
  digest: (text) => sha256(text).toString('base64url'),
  verify(key, text, signature) {
    try {
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
      // Base64 can say the same bytes in several ways; only one of them is the key, or one person could be several.
      if (publicKey.export({ format: 'jwk' }).x !== key) return false;
      return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'));
    } catch {
      return false;
    }
  },
};

/** The key pair that grows from a seed of 32 bytes. */
export function identityOf(seed: Buffer): Identity {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const { x: key = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { key, sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url') };
}

/** A name nobody else has: 10 random bytes. */
export const newDevice = (): string => randomBytes(10).toString('base64url');

/** What stands with a text, so that nobody can guess it by its digest: 16 random bytes. [P24] */
export const newSalt = (): string => randomBytes(16).toString('base64url');

/** Challenges for the connections of one run of a server, which need no memory to be known again. [P23] */
export function newNonces(): (routingId: string) => string {
  const secret = randomBytes(32);
  return (routingId) => createHmac('sha256', secret).update(routingId, 'latin1').digest('base64url');
}
