import { neo } from '../support/room-log.ts';

const p = 2n ** 255n - 19n;
const sign = 2n ** 255n;
const encoded = (y: bigint) => Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse().toString('base64url');
const [a, b] = [
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
];
const small: [y: bigint, why: string][] = [
  [0n, 'y is 0: order 4'],
  [sign, 'y is 0, the other sign: order 4'],
  [1n, 'y is 1: the neutral point'],
  [1n + sign, 'y is 1, with a sign that is none'],
  [p - 1n, 'y is -1: order 2'],
  [p - 1n + sign, 'y is -1, with a sign that is none'],
  [a, 'order 8'],
  [a + sign, 'order 8'],
  [b, 'order 8'],
  [b + sign, 'order 8'],
  [p, 'y is not below p: 0 in another spelling'],
  [p + 1n, 'y is not below p: 1 in another spelling'],
  [p + 3n, 'y is not below p'],
  [sign - 1n, 'y is not below p: the highest one'],
];
const raw = Buffer.from(neo.key, 'base64url');

/** Keys that nobody has. [P2] */
export const nobody = [
  ...small.map(([y, why]) => ({ key: encoded(y), why })),
  { key: '', why: 'no bytes' },
  { key: raw.subarray(1).toString('base64url'), why: '31 bytes' },
  { key: Buffer.concat([raw, Buffer.alloc(1)]).toString('base64url'), why: '33 bytes' },
  { key: `${neo.key.slice(0, -1)}R`, why: 'bits behind the last byte: another spelling of the key that ends in Q' },
  { key: `${neo.key}=`, why: 'padding' },
  { key: neo.key.replaceAll('-', '+').replaceAll('_', '/'), why: 'base64, not base64url' },
];
