import { maxTopicBytes } from '../../core/limits.ts';
import { maxNameBytes, normalizeName, whyNameRefused } from '../../core/names.ts';
import { ChatError } from '../../errors.ts';
import { isPublicKey } from '../../keys/curve.ts';
import { closest } from '../../text/closest.ts';
import { readSpanMs } from '../../text/span.ts';

/** The kinds of options: what a value of each may be, and what is said of one that is not. */

export const toggle = (describe: string) => ({ default: false, describe });
export const name = (describe: string) => ({ value: 'NAME', describe, coerce: toName });
/** Each of them is looked for in texts, as names are. */
export const words = (describe: string) => ({ value: 'WORD', repeatable: true as const, describe, coerce: toWord });
export const topic = (describe: string) => ({ value: 'TEXT', describe, coerce: toTopic });
export const texts = (describe: string) => ({ value: 'TEXT', repeatable: true as const, describe });
export const port = kind('PORT', numberTo(65_535), 'not a port', 'A port is a number from 0 to 65535.');
export const host = kind(
  'HOST',
  (raw) => /^(\*|[\p{L}\p{N}._:%-]+)$/u.exec(raw)?.[0],
  'not a host name or an address',
  'Examples: localhost, 192.168.1.7, all.',
);
export const count = kind('N', numberTo(999_999_999), 'not a whole number', 'Give a number such as 10.');
export const place = kind(
  'SEQ',
  (raw) => (/^[1-9]\d{0,14}$/.test(raw) ? Number(raw) : undefined),
  'not the number of a message',
  'chat-server export --json shows it: seq.',
);
export const span = kind('SPAN', readSpanMs, 'not a span of time', 'Examples: 30m, 2h, 2d.');
/** As a fingerprint begins; here in full, 32 bytes. Kept in base64url, as it stands on the wire. */
export const roomKey = kind(
  'HEX',
  (raw) => {
    const key = Buffer.from(/^[0-9a-f]{64}$/i.test(raw) ? raw : '', 'hex').toString('base64url');
    return isPublicKey(key) ? key : undefined;
  },
  'not a key',
  'A key is 64 hexadecimal digits.',
);
export const folder = kind('DIR', (raw) => raw || undefined, 'not a folder', 'Give its path, or leave the option out.');

export const file = kind('FILE', (raw) => raw || undefined, 'not a file', 'Give its path, or - for stdin.');

export const choice = <Choice extends string>(value: string, choices: readonly Choice[], describe: string) => ({
  value,
  choices,
  describe,
  coerce(raw: string, option: string): Choice {
    const best = closest(raw.toLowerCase(), choices);
    const hint = best ? `Did you mean ${best}?` : 'Choose one of them.';
    return choices.find((known) => known === raw) ?? refuse(raw, option, `none of ${choices.join(', ')}`, hint);
  },
});

/** Options whose text `read` turns into a value, or into undefined if it is `what`. */
function kind<Value>(value: string, read: (raw: string) => Value | undefined, what: string, hint: string) {
  const coerce = (raw: string, option: string): Value => read(raw) ?? refuse(raw, option, what, hint);
  return (describe: string) => ({ value, describe, coerce });
}

function numberTo(most: number) {
  return (raw: string) => (/^\d{1,9}$/.test(raw) && Number(raw) <= most ? Number(raw) : undefined);
}

function toName(raw: string, option: string): string {
  const normal = normalizeName(raw);
  const refusal = whyNameRefused(normal);
  if (refusal) throw new ChatError('USAGE', `--${option} "${raw}": ${refusal}`);
  return normal;
}

function toWord(raw: string, option: string): string {
  const word = normalizeName(raw);
  const isWord = word !== '' && !/\p{Cc}/u.test(word) && Buffer.byteLength(word) <= maxNameBytes;
  return isWord
    ? word
    : refuse(raw.slice(0, maxNameBytes), option, 'no word to look for', 'For example: --highlight lunch.');
}

function toTopic(raw: string, option: string): string {
  const text = raw.toWellFormed().trim();
  const isLong = Buffer.byteLength(text) > maxTopicBytes;
  if (isLong) throw new ChatError('USAGE', `--${option} has at most ${maxTopicBytes} bytes.`);
  const isLine = text !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
  return isLine ? text : refuse(raw, option, 'no line of text', 'For example: --topic "Lunch at noon".');
}

function refuse(raw: string, option: string, what: string, hint: string): never {
  throw new ChatError('USAGE', `--${option} "${raw}" is ${what}.`, hint);
}
