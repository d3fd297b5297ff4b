import { isPublicKey } from './curve.ts';

/** The name of an X25519 or Ed25519 key for people: 64 hexadecimal digits. */
export const keyInHex = (key: string): string => Buffer.from(key, 'base64url').toString('hex');

/** Chat programs and documents put these around what is pasted. */
const quotes = /^["'`´‘’‚“”„«»‹›]+|["'`´‘’‚“”„«»‹›]+$/gu;

/** A key as somebody has written it, in base64url as it stands on the wire; undefined if it is nobody's. */
export function readKey(written: string): string | undefined {
  const hex = written.trim().replace(quotes, '');
  const key = Buffer.from(/^[0-9a-f]{64}$/i.test(hex) ? hex : '', 'hex').toString('base64url');
  return isPublicKey(key) ? key : undefined;
}

/** The keys of those who get in, or in words which line is none. A line is `KEY comment`, empty, or begins with `#`. */
export function parseAllowList(text: string): ReadonlySet<string> | string {
  const keys = new Set<string>();
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const [written = ''] = line.trim().split(/\s+/, 1);
    if (written === '' || written.startsWith('#')) continue;
    const key = readKey(written);
    if (key === undefined) return `line ${i + 1}: ${whyNoKey(written)}`;
    keys.add(key);
  }
  return keys;
}

function whyNoKey(written: string): string {
  const hex = written.replace(quotes, '');
  const shown = JSON.stringify(hex.slice(0, 80));
  if (!/^[0-9a-f]*$/i.test(hex)) return `${shown} is not a key: a key is 64 hexadecimal digits.`;
  if (hex.length !== 64) return `${shown} is not a key: it has ${hex.length} digits, and a key has 64 without blanks.`;
  return `${shown} is nobody's key.`;
}
