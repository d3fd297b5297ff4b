import { normalizeName, whyNameRefused } from '../../core/names.ts';
import { ChatError } from '../../errors.ts';
import { closest } from '../../text/closest.ts';
import { readSpanMs } from '../../text/span.ts';

/** The kinds of options: what a value of each may be, and what is said of one that is not. */

export const toggle = (describe: string) => ({ type: 'boolean' as const, default: false, describe });

export const name = (standard: string, describe: string) => ({
  value: 'NAME',
  default: standard,
  variable: 'NAME',
  describe,
  coerce: toName,
});

export const port = (standard: string) => ({
  value: 'PORT',
  default: standard,
  variable: 'PORT',
  describe: 'TCP port',
  coerce: toPort,
});

export const host = (describe: string) => ({ value: 'HOST', variable: 'IP', describe, coerce: toHost });

export const count = (describe: string, value = 'N') => ({ value, describe, coerce: toCount });

export const span = (describe: string) => ({ value: 'SPAN', describe, coerce: toSpanMs });

/** May be repeated, each time with one value. */
export const texts = (describe: string) => ({
  value: 'TEXT',
  repeatable: true,
  describe,
  coerce: (all: string[]) => all,
});

export const folder = (describe: string) => ({ value: 'DIR', folder: true, describe, coerce: toFolder });

export const choice = <Choice extends string>(value: string, choices: readonly Choice[], describe: string) => ({
  value,
  choices,
  describe,
  coerce: (raw: string, option: string) => toChoice(raw, option, choices),
});

function toChoice<Choice extends string>(raw: string, option: string, choices: readonly Choice[]): Choice {
  const found = choices.find((known) => known === raw);
  if (found !== undefined) return found;
  const best = closest(raw.toLowerCase(), choices);
  return refuse(raw, option, `none of ${choices.join(', ')}`, best ? `Did you mean ${best}?` : 'Choose one of them.');
}

function toName(raw: string, option: string): string {
  const normal = normalizeName(raw);
  const refusal = whyNameRefused(normal);
  if (refusal) throw new ChatError('USAGE', `--${option} "${raw}": ${refusal}`);
  return normal;
}

function toPort(raw: string, option: string): number {
  if (/^\d{1,5}$/.test(raw) && Number(raw) <= 65_535) return Number(raw);
  return refuse(raw, option, 'not a port', 'A port is a number from 0 to 65535.');
}

function toHost(raw: string, option: string): string {
  if (/^(\*|[\p{L}\p{N}._:%-]+)$/u.test(raw)) return raw;
  return refuse(raw, option, 'not a host name or an address', 'Examples: localhost, 192.168.1.7, all.');
}

const toFolder = (raw: string, option: string): string =>
  raw || refuse(raw, option, 'not a folder', 'Give its path, or leave the option out.');

function toCount(raw: string, option: string): number {
  if (/^\d{1,9}$/.test(raw)) return Number(raw);
  return refuse(raw, option, 'not a whole number', 'Give a number such as 10.');
}

const toSpanMs = (raw: string, option: string): number =>
  readSpanMs(raw) ?? refuse(raw, option, 'not a span of time', 'Examples: 30m, 2h, 2d.');

function refuse(raw: string, option: string, what: string, hint: string): never {
  throw new ChatError('USAGE', `--${option} "${raw}" is ${what}.`, hint);
}
