import { connect } from 'node:net';

/** A server of this protocol says so before any message: it has this property in its READY command. [T10] */
export const mark = { name: 'X-0mq-chat', value: '1' };

const patienceMs = 3_000;
const greetingBytes = 64;
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
  const [, host = '', port] = /^tcp:\/\/\[?(.+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  const socket = connect(Number(port), host);
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no word from there')));
  socket.write(Buffer.concat([greeting, ready]));
  let said = Buffer.alloc(0);
  try {
    for await (const bytes of socket) {
      said = Buffer.concat([said, bytes]);
      // The original knows no other mechanism.
      if (said.length >= greetingBytes && said.toString('latin1', 12, 16) !== 'NULL') return false;
      if (said.length >= readyAt + (said[readyAt - 1] ?? 0)) return !said.includes(mark.name, readyAt);
    }
  } finally {
    socket.destroy();
  }
  throw new Error('it has hung up');
}
