import { connect } from 'node:net';

/** A server of this protocol says so before any message: it has this property in its READY command. [T10] */
export const mark = { name: 'X-0mq-chat', value: '1' };

const patienceMs = 3_000;
const greetingPatienceMs = 1_000;
const greetingBytes = 64;
/** So much of a greeting is answered with the whole one of the other side, before it can find fault with the rest. */
const beginning = 11;
/** ZMTP 3.0, mechanism NULL, a client (rfc.zeromq.org/spec/23). */
const greeting = Buffer.alloc(greetingBytes);
greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
greeting.write('NULL', 12);
const ready = Buffer.from('\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER', 'latin1');
const readyAt = greetingBytes + 2;

/**
 * Whether the original's program listens there. It learns nothing of the question: a connection without a message. Rejects
 * if nobody says what they are.
 */
export async function isOriginal(endpoint: string): Promise<boolean> {
  const said = await ask(endpoint, Buffer.concat([greeting, ready]), patienceMs, (said) => {
    // The original knows no other mechanism.
    if (said.length >= greetingBytes && mechanismIn(said) !== 'NULL') return true;
    return said.length >= readyAt + (said[readyAt - 1] ?? 0);
  });
  return mechanismIn(said) === 'NULL' && !said.includes(mark.name, readyAt);
}

/** How whoever listens there wants to be spoken to: `NULL` is in the open. Rejects if it does not speak ZeroMQ. */
export async function mechanismAt(endpoint: string): Promise<string> {
  const isWhole = (said: Buffer) => said.length >= greetingBytes;
  const said = await ask(endpoint, greeting.subarray(0, beginning), greetingPatienceMs, isWhole);
  if (said[0] !== greeting[0]) throw new Error('it does not speak ZeroMQ');
  return mechanismIn(said);
}

const mechanismIn = (said: Buffer): string => said.toString('latin1', 12, 32).replace(/\0.*/s, '');

/** What it answers, as far as that is needed. */
async function ask(
  endpoint: string,
  question: Uint8Array,
  patienceMs: number,
  isEnough: (said: Buffer) => boolean,
): Promise<Buffer> {
  const [, host = '', port] = /^tcp:\/\/\[?(.+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  const socket = connect(Number(port), host);
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no word from there')));
  socket.write(question);
  let said = Buffer.alloc(0);
  try {
    for await (const bytes of socket) {
      said = Buffer.concat([said, bytes]);
      if (isEnough(said)) return said;
    }
  } finally {
    socket.destroy();
  }
  throw new Error('it has hung up');
}
