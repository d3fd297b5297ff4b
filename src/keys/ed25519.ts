import { createHmac, createPrivateKey, createPublicKey, hash, randomBytes, sign, verify } from 'node:crypto';
import { type Crypto, deviceText, type Identity } from '../protocol/signed.ts';
import { agree, curveKeyOf, isPublicKey, rawSecretOf, secretOf } from './curve.ts';

/** DER wrapping of a raw Ed25519 key (RFC 8410): Node takes no raw keys. */
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
export const seedBytes = 32;
const saltBytes = 8;

/** In one call, which costs a quarter of making an object for it. */
const digest = (text: string): string => hash('sha256', text, 'base64url');
/** 16 bytes are 21 characters and 2 bits of the next one. */
const halfOf = (digest: string): string =>
  digest.slice(0, 21) + lastDigits[(digits.indexOf(digest.charAt(21)) >> 4) & 3];
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const lastDigits = 'AQgw';

/** SHA-256, HMAC and Ed25519 of Node. `verify` is total: what is no key or no signature is just not valid. */
export const crypto: Crypto = {
  hash: (text) => halfOf(digest(text)),
  digest,
  isDeviceOf: (key, dev) => dev === deviceOf(key, Buffer.from(dev, 'base64url').subarray(0, saltBytes)),
  verify(key, text, signature) {
    try {
      if (!isPublicKey(key)) return false;
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
      return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'));
    } catch {
      return false;
    }
  },
  mac: (key, text) => halfOf(createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest('base64url')),
};

/** An identity of this machine: with the same key it encrypts, by the names that X25519 has for its halves (32 raw bytes). */
export type OwnIdentity = Identity & { readonly curve: { publicKey: Buffer; secretKey: Buffer } };

/** The key pair that grows from a seed of 32 bytes. */
export function identityOf(seed: Buffer): OwnIdentity {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const { x: key = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const secret = secretOf(seed);
  return {
    key,
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
    sessionKey: (other, salt, info) => agree(secret, other, salt, info)?.toString('base64url'),
    get curve() {
      return { publicKey: curveKeyOf(key), secretKey: rawSecretOf(seed) };
    },
  };
}

/** A device of this key, as nobody else has one. [P3] */
export const newDevice = (key: string): string => deviceOf(key, random(saltBytes));

/** The device that this salt makes. */
export function deviceOf(key: string, salt: Buffer): string {
  const half = crypto.hash(deviceText(key, salt.toString('base64url')));
  return Buffer.concat([salt, Buffer.from(half, 'base64url')]).toString('base64url');
}

/** A name nobody else has, for what belongs to nobody: 10 random bytes. */
export const newToken = (): string => random(10).toString('base64url');

/** 16 random bytes, which nobody can foresee: a question that is answered once, or what stands with a text, so that nobody
 * can guess it by its digest. [P7, P4] */
export const newNonce = (): string => random(16).toString('base64url');

let drawn: Buffer = Buffer.alloc(0);
/** Each byte is used once. Many are drawn at a time: to ask the system for 16 takes about as long as for 4,096. */
function random(count: number): Buffer {
  if (drawn.length < count) drawn = randomBytes(4_096);
  const bytes = drawn.subarray(0, count);
  drawn = drawn.subarray(count);
  return bytes;
}
