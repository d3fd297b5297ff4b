import { createHmac, createPublicKey, diffieHellman, hkdfSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { publicKey as publicKeyOption } from '../src/cli/args/values.ts';
import { Rooms } from '../src/history/rooms.ts';
import { agree, curveKeyOf, isPublicKey, privateKey, publicKey, secretOf, signingKeysOf } from '../src/keys/curve.ts';
import { crypto, identityOf, newNonce } from '../src/keys/ed25519.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const base64url = (raw: Uint8Array) => Buffer.from(raw).toString('base64url');
const salt = 'salt';
const info = 'info';

/** RFC 8032, section 7.1: seeds and their public keys. */
const rfc8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  ],
];

/** The `y` of the points of order 1, 2, 4 and 8, as RFC 8032 writes numbers. */
const smallOrder = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];
/** Numbers that are 0 and 1 again, and a key that is not on the curve. */
const notCanonical = ['ed', 'ee', 'f0', 'ff'].map((low) => `${low}${'ff'.repeat(30)}7f`);
const withSign = (hex: string) => hex.replace(/..$/, (last) => (Number.parseInt(last, 16) | 0x80).toString(16));
const nobodys = [...smallOrder, ...notCanonical].flatMap((hex) => [hex, withSign(hex)]);

describe('keys that agree on secrets', () => {
  test('RFC 7748, 5.2 and 6.1: X25519 over raw keys', () => {
    const shared = (secret: string, key: string) =>
      diffieHellman({ privateKey: privateKey(bytes(secret)), publicKey: publicKey(bytes(key)) }).toString('hex');
    expect(
      shared(
        'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
        'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      ),
    ).toBe('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552');
    expect(
      shared(
        '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
        '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      ),
    ).toBe('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
  });

  test.each(rfc8032)('RFC 8032: the secret of the seed %s belongs to its key', (seed, key) => {
    const secret = secretOf(bytes(seed));
    const own = Buffer.from(createPublicKey(secret).export({ format: 'jwk' }).x ?? '', 'base64url');
    expect(own).toEqual(Buffer.from(ed25519.utils.toMontgomery(bytes(key))));
    expect(identityOf(bytes(seed)).key).toBe(base64url(bytes(key)));
  });

  test('1,000 seeds: a second implementation comes to the same secrets', () => {
    for (let i = 0; i < 1_000; i++) {
      const [mine, theirs] = [randomBytes(32), randomBytes(32)];
      const key = ed25519.getPublicKey(theirs);
      const shared = x25519.getSharedSecret(ed25519.utils.toMontgomerySecret(mine), ed25519.utils.toMontgomery(key));
      const expected = Buffer.from(hkdfSync('sha256', shared, salt, info, 32));
      expect(agree(secretOf(mine), base64url(key), salt, info), `${mine.toString('hex')} ${base64url(key)}`).toEqual(
        expected,
      );
    }
  });

  test('1,000 seeds: the keys that encrypt are those of a second implementation', () => {
    for (let i = 0; i < 1_000; i++) {
      const seed = randomBytes(32);
      const { key, curve } = identityOf(seed);
      const own = ed25519.getPublicKey(seed);
      expect(curve.publicKey, seed.toString('hex')).toEqual(Buffer.from(ed25519.utils.toMontgomery(own)));
      expect(curve.publicKey).toEqual(Buffer.from(x25519.getPublicKey(curve.secretKey)));
      expect(curveKeyOf(key)).toEqual(curve.publicKey);
    }
  });

  test('both sides come to one key; another pair, salt or purpose to another one', () => {
    const [ann, bo, eve] = [1, 2, 3].map((byte) => identityOf(Buffer.alloc(32, byte)));
    if (!ann || !bo || !eve) throw new Error('no identities');
    const key = ann.sessionKey(bo.key, salt, info);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(bo.sessionKey(ann.key, salt, info)).toBe(key);
    const others = [
      eve.sessionKey(ann.key, salt, info),
      eve.sessionKey(bo.key, salt, info),
      ann.sessionKey(bo.key, 'another', info),
      ann.sessionKey(bo.key, salt, 'another'),
    ];
    expect(new Set([key, ...others]).size).toBe(5);
  });

  test.each(nobodys)('nobody’s: %s', (hex) => {
    const key = base64url(bytes(hex));
    expect(isPublicKey(key)).toBe(false);
    expect(agree(secretOf(randomBytes(32)), key, salt, info)).toBeUndefined();
    expect(() => curveKeyOf(key)).toThrow('not a key');
    // Such signatures are right for some of all texts.
    const forged = base64url(Buffer.concat([bytes(hex), Buffer.alloc(32)]));
    for (let i = 0; i < 32; i++) expect(crypto.verify(key, `text ${i}`, forged)).toBe(false);
  });

  test.each(['', 'x', 'A'.repeat(44), `${'A'.repeat(42)}B`, 'é'.repeat(43)])('no key at all: %j', (key) => {
    expect(isPublicKey(key)).toBe(false);
    expect(agree(secretOf(randomBytes(32)), key, salt, info)).toBeUndefined();
  });

  test('a key is somebody’s', () => {
    for (let i = 0; i < 100; i++) expect(isPublicKey(identityOf(randomBytes(32)).key)).toBe(true);
  });

  test.each(nobodys)('nobody’s key is no room’s: %s', (hex) => {
    expect(() => publicKeyOption('the key').coerce(hex, 'server-key')).toThrow('is not a key');
    const folder = mkdtempSync(join(tmpdir(), 'zmqchat-curve-'));
    writeFileSync(join(folder, 'known-rooms'), `localhost:9999 ${base64url(bytes(hex))}\n`);
    expect(() => new Rooms(folder, () => 'dev').at('localhost:9999')).toThrow('known-rooms is damaged');
    rmSync(folder, { recursive: true });
  });
});

describe('who is known by a key that encrypts', () => {
  const back = (hex: string) => signingKeysOf(bytes(hex));

  test.each(rfc8032)('RFC 8032: of the seed %s', (_, key) => {
    const [unsigned, signed] = signingKeysOf(curveKeyOf(base64url(bytes(key))));
    expect([unsigned, signed]).toContain(base64url(bytes(key)));
    expect(bytes(key.replace(/..$/, '')).equals(Buffer.from(unsigned ?? '', 'base64url').subarray(0, 31))).toBe(true);
    expect(signed).toBe(base64url(bytes(withSign(Buffer.from(unsigned ?? '', 'base64url').toString('hex')))));
  });

  test('RFC 7748, 6.1: the keys of Alice and Bob, as a second implementation has them', () => {
    for (const hex of [
      '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
    ]) {
      const keys = back(hex);
      for (const key of keys)
        expect(Buffer.from(ed25519.utils.toMontgomery(Buffer.from(key, 'base64url')))).toEqual(bytes(hex));
      expect(new Set(keys).size).toBe(2);
    }
  });

  test('1,000 keys: there and back', () => {
    for (let i = 0; i < 1_000; i++) {
      const { key, curve } = identityOf(randomBytes(32));
      expect(signingKeysOf(curve.publicKey), key).toContain(key);
    }
  });

  /** `u` of the points of order 1 (it has none), 2, 4 and 8, and numbers that are not below p, or have the highest bit. */
  const none = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    ...['ec', 'ed', 'ee', 'ff'].map((low) => `${low}${'ff'.repeat(30)}7f`),
    '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4eea',
    '',
    '09',
    '09'.repeat(33),
  ];
  test.each(none)('nobody: %j', (hex) => expect(back(hex)).toEqual([]));
});

test('a MAC: the first half of HMAC-SHA-256 of the UTF-8 text', () => {
  const key = newNonce();
  const full = createHmac('sha256', Buffer.from(key, 'base64url')).update('é🙂').digest();
  expect(crypto.mac(key, 'é🙂')).toBe(base64url(full.subarray(0, 16)));
  expect(crypto.mac(key, 'é🙂')).toMatch(/^[\w-]{22}$/);
});

test('nonces: never the same twice', () => {
  expect(new Set(Array.from({ length: 1_000 }, newNonce)).size).toBe(1_000);
  expect(newNonce()).toMatch(/^[\w-]{22}$/);
});
