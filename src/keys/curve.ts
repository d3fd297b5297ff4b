import { createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';

/*
 * One key of a person signs (Ed25519) and agrees on secrets (X25519): both are points of one curve, written differently.
 * RFC 7748 says how to get from one to the other.
 */

/** DER wrapping of a raw X25519 key (RFC 8410): Node takes no raw keys. */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const p = 2n ** 255n - 19n;
/** Of `x`, beside `y` in a key that signs. */
const sign = 2n ** 255n;
/** `y` of the points of order 8; those of a lower order have 0, 1 and -1. */
const ofOrder8 = [
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];
/** Whoever bears one of these "signs" without a secret, and shares its secrets with everybody. */
const smallOrder = new Set([0n, 1n, p - 1n, ...ofOrder8]);

/** The same key where X25519 is used, as 32 raw bytes. Throws for what is nobody's: nothing goes on without a key. */
export function curveKeyOf(key: string): Buffer {
  const y = pointOf(key);
  if (y === undefined) throw new RangeError('not a key');
  return montgomery(y);
}

/**
 * The two keys, as they sign, whose owner X25519 knows by these 32 raw bytes: they differ in their sign, which X25519 leaves
 * out. None for what is nobody's, or is not written as `curveKeyOf` writes it: nobody has several names.
 */
export function signingKeysOf(curveKey: Buffer): string[] {
  const u = BigInt(`0x${Buffer.from(curveKey).reverse().toString('hex') || '0'}`);
  // -1 has no counterpart.
  if (curveKey.length !== 32 || u >= p - 1n) return [];
  const y = ((u + p - 1n) * inverse(u + 1n)) % p;
  return smallOrder.has(y) ? [] : [y, y | sign].map((number) => littleEndian(number).toString('base64url'));
}

/** False for what is no key of somebody's own: of small order, or another spelling of a key. */
export const isPublicKey = (key: string): boolean => pointOf(key) !== undefined;

/** What two come to, each with its own secret and the key of the other: 32 bytes. Undefined if `key` is nobody's. */
export function agree(secret: KeyObject, key: string, salt: string, info: string): Buffer | undefined {
  const y = pointOf(key);
  if (y === undefined) return undefined;
  try {
    const shared = diffieHellman({ privateKey: secret, publicKey: publicKey(montgomery(y)) });
    return Buffer.from(hkdfSync('sha256', shared, salt, info, 32));
  } catch {
    // The secret came to zero: OpenSSL refuses it.
    return undefined;
  }
}

/** The X25519 secret that belongs to an Ed25519 seed: the first half of SHA-512 (RFC 8032, 5.1.5), which X25519 clamps. */
export const rawSecretOf = (seed: Buffer): Buffer => createHash('sha512').update(seed).digest().subarray(0, 32);
export const secretOf = (seed: Buffer): KeyObject => privateKey(rawSecretOf(seed));

/** An X25519 key of 32 raw bytes. */
export const privateKey = (raw: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([privatePrefix, raw]), format: 'der', type: 'pkcs8' });
export const publicKey = (raw: Buffer): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });

/** u = (1 + y) / (1 - y), and back: y = (u - 1) / (u + 1) (RFC 7748, 4.1). */
function montgomery(y: bigint): Buffer {
  return littleEndian(((1n + y) * inverse(p + 1n - y)) % p);
}

const littleEndian = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse();

/** The `y` of a public key. */
function pointOf(key: string): bigint | undefined {
  const bytes = Buffer.from(key, 'base64url');
  // Base64 can say the same bytes in several ways; only one of them is the key, or one person could be several.
  if (bytes.length !== 32 || bytes.toString('base64url') !== key) return undefined;
  bytes.reverse();
  const y = BigInt(`0x${bytes.toString('hex')}`) & (sign - 1n);
  return y < p && !smallOrder.has(y) ? y : undefined;
}

/** Of a number that everybody may know: how long this takes tells no secret. */
function inverse(value: bigint): bigint {
  let [a, b, x, y] = [p, value % p, 0n, 1n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % p) + p) % p;
}
