import type { Crypto, Identity } from '../../src/protocol/signed.ts';

/** FNV-1a: nothing here is secret, but a signature is still only right for its key and its text. */
const hash = (text: string): string => {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value.toString(36);
};

export const signature = (key: string, text: string) => hash(`${key} ${text}`);
/** Of the form of a real one. */
const digest = (text: string) => hash(text).padEnd(43, '-');
const mac = (key: string, text: string) => hash(`${key} ${text}`).padEnd(22, '-');
export const fakeSalt = 'salt'.padEnd(22, '-');
/** Device `A` is made from the key `kA`, and so are `A2`, `A3` …; `run` from that of the server. */
export const fakeCrypto: Crypto = {
  hash,
  digest,
  mac,
  verify: (key, text, sig) => sig === signature(key, text),
  isDeviceOf: (key, dev) => key === (/^run\d*$/.test(dev) ? 'server' : `k${dev.replace(/\d+$/, '')}`),
};
export const fakeIdentity = (key: string): Identity => ({
  key,
  sign: (text) => signature(key, text),
  sessionKey: (other, salt, info) => hash([...[key, other].sort(), salt, info].join(' ')),
});
