import { isAbsolute } from 'node:path';
import { maxTopicBytes } from '../../core/limits.ts';
import { maxNameBytes, normalizeName, whyNameRefused } from '../../core/names.ts';
import { ChatError } from '../../errors.ts';
import { readKey } from '../../keys/allow-list.ts';
import { closest } from '../../text/closest.ts';
import { readSpanMs } from '../../text/span.ts';
import { readAddress } from './address.ts';

const mostPort = 65_535;
const mostCount = 999_999_999;
const maxShown = 200;

/** The kinds of options: what a value of each may be, and what is said of one that is not. */

export const toggle = (describe: string) => ({ default: false, describe });
export const name = (describe: string) => ({ value: 'NAME', describe, coerce: toName });
/** Each of them is looked for in texts, as names are. */
export const words = (describe: string) => ({ value: 'WORD', repeatable: true as const, describe, coerce: toWord });
export const topic = (describe: string) => ({ value: 'TEXT', describe, coerce: toTopic });
export const texts = (describe: string) => ({ value: 'TEXT', repeatable: true as const, describe });
/** Each a host with its port. */
export const addresses = (describe: string) => ({
  value: 'HOST:PORT',
  repeatable: true as const,
  describe,
  coerce(raw: string, source: string): string {
    const { host = '', port } = readAddress(raw) ?? {};
    if (port === undefined || !isPort(1, port))
      return refuse(raw, source, 'not a host with a port', 'For example: 192.168.1.7:41234');
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  },
});
const portFrom = (least: number) =>
  kind('PORT', portNumber(least), 'not a port', `A port is a number from ${least} to ${mostPort}.`);
/** Where to listen: 0 is any free one. */
export const port = portFrom(0);
/** Of somebody who listens. */
export const portOfServer = portFrom(1);
export const host = kind(
  'HOST',
  (raw) => readAddress(raw)?.host,
  'not a host name or an address',
  'Examples: localhost, 192.168.1.7, all.',
);
export const count = wholeNumber(0);
export const countOfSome = wholeNumber(1);
export const place = kind(
  'SEQ',
  (raw) => (/^[1-9]\d{0,14}$/.test(raw) ? Number(raw) : undefined),
  'not the number of a message',
  'chat-server export --json shows it: seq.',
);
export const span = kind('SPAN', readSpanMs, 'not a span of time', 'Examples: 30m, 2h, 2d.');
/** As a fingerprint begins; here in full, 32 bytes: with blanks, in capitals, or in quotes, as it was handed on. */
export const publicKey = kind(
  'HEX',
  (raw) => readKey(raw.replace(/\s/gu, '')),
  'not a key',
  'A key is 64 hexadecimal digits.',
);
/** From the environment only by its path from the root: else it would be another one wherever the program is started. */
export const folder = (describe: string) => ({
  value: 'DIR',
  describe,
  coerce(raw: string, source: string): string {
    if (raw === '') return refuse(raw, source, 'not a folder', 'Give its path, or leave the option out.');
    if (raw.startsWith('~')) return refuse(raw, source, 'not a path', 'Write the path of your home folder in full.');
    if (source.startsWith('-') || isAbsolute(raw)) return raw;
    return refuse(raw, source, 'not a path from the root', 'Set it to one, or use --data-dir.');
  },
});

export const file = kind('FILE', (raw) => raw || undefined, 'not a file', 'Give its path, or - for stdin.');
/** It is looked at again and again: stdin cannot be. */
export const list = kind(
  'FILE',
  (raw) => (raw === '' || raw === '-' ? undefined : raw),
  'not a file',
  'Give the path of a list of keys.',
);

export const choice = <Choice extends string>(value: string, choices: readonly Choice[], describe: string) => ({
  value,
  choices,
  describe,
  coerce(raw: string, source: string): Choice {
    const best = closest(raw.toLowerCase(), choices);
    const hint = best ? `Did you mean ${best}?` : 'Choose one of them.';
    return choices.find((known) => known === raw) ?? refuse(raw, source, `none of ${choices.join(', ')}`, hint);
  },
});

/** Options whose text `read` turns into a value, or into undefined if it is `what`. */
function kind<Value>(value: string, read: (raw: string) => Value | undefined, what: string, hint: string) {
  const coerce = (raw: string, source: string): Value => read(raw) ?? refuse(raw, source, what, hint);
  return (describe: string) => ({ value, describe, coerce });
}

function portNumber(least: number) {
  return (raw: string) => (isPort(least, raw) ? Number(raw) : undefined);
}

const isPort = (least: number, raw: string) => /^\d{1,9}$/.test(raw) && Number(raw) >= least && Number(raw) <= mostPort;

function wholeNumber(least: number) {
  const coerce = (raw: string, source: string): number => {
    if (!/^[-+]?\d+$/.test(raw)) return refuse(raw, source, 'not a whole number', 'Give a number such as 10.');
    if (Number(raw) < least) return refuse(raw, source, 'too small', `Give ${least} or more.`);
    return Number(raw) <= mostCount ? Number(raw) : refuse(raw, source, 'too large', `Give at most ${mostCount}.`);
  };
  return (describe: string) => ({ value: 'N', describe, coerce });
}

function toName(raw: string, source: string): string {
  const normal = normalizeName(raw);
  const refusal = whyNameRefused(normal);
  if (refusal) throw new ChatError('USAGE', `${source} "${shortened(raw)}": ${refusal}`);
  return normal;
}

function toWord(raw: string, source: string): string {
  const word = normalizeName(raw);
  const isWord = word !== '' && !/\p{Cc}/u.test(word) && Buffer.byteLength(word) <= maxNameBytes;
  return isWord
    ? word
    : refuse(raw.slice(0, maxNameBytes), source, 'no word to look for', 'For example: --highlight lunch.');
}

function toTopic(raw: string, source: string): string {
  const text = raw.toWellFormed().trim();
  const isLong = Buffer.byteLength(text) > maxTopicBytes;
  if (isLong) throw new ChatError('USAGE', `${source} has at most ${maxTopicBytes} bytes.`);
  const isLine = text !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
  return isLine ? text : refuse(raw, source, 'no line of text', 'For example: --topic "Lunch at noon".');
}

function refuse(raw: string, source: string, what: string, hint: string): never {
  throw new ChatError('USAGE', `${source} "${shortened(raw)}" is ${what}.`, hint);
}

/** What is named in an error, and may be a whole file. */
const shortened = (raw: string): string => (raw.length > maxShown ? `${raw.slice(0, maxShown)}…` : raw);
