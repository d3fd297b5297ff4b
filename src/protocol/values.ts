import type { MessageId } from './frames.ts';
import { formatId } from './signed.ts';

/** Longest name on the wire, in UTF-16 code units; what a name may look like is decided in core/names.ts. */
const maxNameLength = 256;

/** Longest `ext`, in UTF-8 bytes. */
export const maxExtBytes = 1_024;

/** A kind of value on the wire. */
export type Value<T> = {
  /** What is written for it, in an object of these fields; undefined: nothing. */
  write(value: T, fields: Fields): unknown;
  /** Total: undefined for what is no value of this kind. */
  read(json: unknown, fields: Fields): T | undefined;
  /** A wrong one spoils the frame even where it may be absent. */
  isVital?: boolean;
};
type Fields = Readonly<Record<string, unknown>>;
/** A field, under `key` if that is not its name. Or a `constant`: that stands in every frame of its kind. */
export type Field<T> = Value<T> & { key?: string; isNeeded?: boolean; constant?: string | number; isOnly?: boolean };

export const may = <T>(value: Value<T>, key?: string) => ({ ...value, ...(key && { key }), isNeeded: false as const });
export const must = <T>(value: Value<T>, key?: string) => ({ ...may(value, key), isNeeded: true as const });
/** Written, but not read. */
export const always = (constant: string | number) => ({ ...oneOf(), constant });
/** A frame with anything else there is of another kind. */
export const only = (constant: string | number) => ({ ...always(constant), isOnly: true });

const as = <T>(read: (json: unknown) => T | undefined): Value<T> => ({ write: (value) => value, read });
const matching = (pattern: RegExp) => as((json) => (typeof json === 'string' && pattern.test(json) ? json : undefined));
export const oneOf = <T extends string>(...words: T[]) => as((json) => words.find((word) => word === json));

/** What is signed and cannot be read is not left out. */
const vital = <T>(value: Value<T>): Value<T> => ({ ...value, isVital: true });

/** What a program makes: keys, hashes, devices, the names of logs. */
export const token = matching(/^[\w-]{1,64}$/);
export const signature = matching(/^[\w-]{1,128}$/);
/** '' where there is none. */
export const signatures = as((json) => {
  const isOne = (item: unknown) => item === '' || signature.read(item, {}) !== undefined;
  return Array.isArray(json) && json.every(isOne) ? (json as string[]) : undefined;
});
export const salt = vital(matching(/^[\w-]{22}$/));
export const word = vital(matching(/^[a-z0-9-]{1,32}$/));
export const shortText = vital(
  as((json) =>
    typeof json === 'string' && json.isWellFormed() && Buffer.byteLength(json) <= maxExtBytes ? json : undefined,
  ),
);
export const count = as((json) => (Number.isSafeInteger(json) && (json as number) >= 0 ? (json as number) : undefined));
/** There is no version 0: whoever says so is a legacy peer. */
export const version = as((json) => count.read(json, {}) || undefined);

export const name = as((json) =>
  typeof json === 'string' && json.length <= maxNameLength ? json.toWellFormed() : undefined,
);
/** A name in what the original sends, too: it says `null` for none, and has no limit. [P38] */
export const anyName: Value<string> = {
  write: (value) => value,
  read(json, { v, id }) {
    const isOriginal = v === undefined && id === undefined;
    return name.read(isOriginal ? plainName(json) : json, {});
  },
};
const plainName = (json: unknown) =>
  typeof json === 'string' ? json.slice(0, maxNameLength) : json === null ? '' : json;
export const filledName = as((json) => name.read(json, {}) || undefined);
/** Always a list: what is no name is left out of it. */
export const names = as((json) =>
  Array.isArray(json) ? json.map((item) => name.read(item, {})).filter((item) => item !== undefined) : [],
);

const news = oneOf('join', 'leave', 'rename', 'away', 'back', 'info');
/** Always known: the news of a later version is information. */
export const anyNews = as((json) => news.read(json, {}) ?? 'info');

/** The original ends every text in a newline. */
export const text: Value<string> = {
  write: (value) => `${value}\n`,
  read: (json) => (typeof json === 'string' ? json.toWellFormed().replace(/\n$/, '') : undefined),
};
/** Why a member is away; false for one who is there. */
export const absence: Value<string | false> = {
  write: (value) => (value === false ? 0 : text.write(value, {})),
  read: (json) => (json === 0 ? false : text.read(json, {})),
};
export const absences: Value<(string | false)[]> = {
  write: (value) => value.map((one) => absence.write(one, {})),
  read(json) {
    const read = Array.isArray(json) ? json.map((one) => absence.read(one, {})) : [undefined];
    return read.every((one) => one !== undefined) ? read : undefined;
  },
};
/** The text of a message; where it is gone, a digest stands for it. */
export const wordsOrDigest: Value<string> = {
  write: (value, { words }) => (words === undefined ? text.write(value, {}) : undefined),
  read: (json, { words }) => (json === undefined && words !== undefined ? '' : text.read(json, {})),
};
/** Nobody has to believe it where the text itself stands. */
export const digest: Value<string> = {
  write: (value) => value,
  read: (json, { text }) =>
    text === undefined && typeof json === 'string' && /^[\w-]{43}$/.test(json) ? json : undefined,
  isVital: true,
};
/** As the digest, it means nothing where the text itself stands. */
export const proof: Value<string> = {
  write: (value) => value,
  read: (json, { text }) => (text === undefined ? signature.read(json, {}) : undefined),
};
export const flag: Value<true> = { write: (value) => (value ? 1 : undefined), read: (json) => json === 1 || undefined };
export const id: Value<MessageId> = { write: formatId, read: readId, isVital: true };

const maxIds = 256;
export const ids: Value<MessageId[]> = {
  write: (value) => value.map(formatId),
  read(json) {
    const read = Array.isArray(json) && json.length <= maxIds ? json.map(readId) : [undefined];
    return read.every((one) => one !== undefined) ? read : undefined;
  },
};

function readId(json: unknown): MessageId | undefined {
  const parts = typeof json === 'string' ? /^([\w-]{1,64})\.([1-9]\d{0,15})$/.exec(json) : null;
  const n = Number(parts?.[2]);
  return parts?.[1] && Number.isSafeInteger(n) ? { dev: parts[1], n } : undefined;
}
