import { encode } from '../../src/protocol/codec.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { signedText } from '../../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './fake-crypto.ts';

/** One frame as it stands on the wire. */
export type Json = Record<string, unknown>;

/*
 * What people say. Ann and Bo run version 1 (`a`, `b` are their connections, `A`, `B` their devices, `kA`, `kB` their
 * keys); Lea runs the original program.
 */

const initial = (name: string) => name.slice(0, 1).toUpperCase();

export const hello = (name: string, more: Json = {}): Json => ({
  auth: 1,
  name,
  v: 1,
  key: `k${initial(name)}`,
  dev: initial(name),
  cn: 'cn',
  ...more,
});

/** A message, signed by its author. */
export const entry = (name: string, n: number, text = `${name} ${n}`, more: Partial<Message> = {}): Json => {
  const id = { dev: initial(name), n };
  const when = { lc: n, ts: 1, in: n - 1, salt: fakeSalt };
  const message: Message = { kind: 'message', name, text, id, ...when, key: `k${initial(name)}`, ...more };
  const sig = signature(message.key ?? '', signedText(fakeCrypto, 'server', message));
  const frame = { ...message, ...(more.sig === undefined && { sig }) };
  return JSON.parse(encode(frame));
};

export const words = (name: string, text: string): Json => ({ name, text: `${text}\n` });
export const greeting = (online: number) => words('server', `You are now online. ${online} online.`);
export const bye = (name: string): Json => ({ auth: 0, name });
export const gone: Json = { gone: 1 };
export const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
/** The places in a frame of entries. */
export const seqsOf = ({ from, e }: Json): number[] => range(Number(from), Number(from) + (e as unknown[]).length - 2);
