import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { curveKeyOf } from '../../src/keys/curve.ts';
import { openDealer } from '../../src/transport/sockets.ts';
import { newPerson } from '../support/small-member.ts';

/*
 * Whoever has no business in a room, in eight ways, for so many seconds: `tsx strangers.ts KIND PORT ROOM SECONDS`. Prints how often it
 * was tried. On this machine only.
 */

const [, , kind = '', portText, room = '', seconds] = process.argv;
const port = Number(portText);
const endMs = performance.now() + 1_000 * Number(seconds);
const isOver = () => performance.now() >= endMs;
const curveGreeting = Buffer.alloc(64);
curveGreeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
curveGreeting.write('CURVE', 12);
const join = JSON.stringify({ auth: 1, name: 'stranger' });

/** Opens a connection, and does something with it. */
function knock(does: (socket: Socket) => unknown): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}).on('connect', () => does(socket));
  return socket;
}

/** Once every so many ms. */
async function each(everyMs: number, once: () => unknown): Promise<number> {
  const startMs = performance.now();
  let tried = 0;
  while (!isOver()) {
    for (; tried < (performance.now() - startMs) / everyMs; tried++) once();
    await delay(1);
  }
  return tried;
}

/** A context has some thousand sockets, and each of these takes three. */
const mostCallers = 300;
let callers = 0;

/** Dials with its own keys, says something, and hangs up later; unless so many hang on already. */
function call(encryption: Parameters<typeof openDealer>[0], ms: number): void {
  if (callers >= mostCallers) return;
  callers++;
  const dealer = openDealer(encryption);
  dealer.linger = 0;
  dealer.connect(`tcp://127.0.0.1:${port}`);
  void dealer.send(join).catch(() => {});
  setTimeout(() => {
    dealer.close();
    callers--;
  }, ms);
}

const kinds: Record<string, () => Promise<number>> = {
  async none() {
    await delay(1_000 * Number(seconds));
    return 0;
  },
  /** Half a greeting, and then nothing: 500 at a time. */
  async loris() {
    for (let i = 0; i < 500; i++) knock((socket) => socket.write(curveGreeting.subarray(0, 9)));
    await delay(endMs - performance.now());
    return 500;
  },
  connects: () => each(0.5, () => knock((socket) => socket.destroy())),
  http: () => each(1, () => knock((socket) => socket.end('GET / HTTP/1.1\r\nHost: chat\r\n\r\n'))),
  random: () => each(2.5, () => knock((socket) => socket.end(randomBytes(4_096)))),
  open: () => each(40, () => call(undefined, 2_000)),
  unlisted: () => each(10, () => call({ own: newPerson().curve, other: curveKeyOf(room) }, 500)),
  wrongKey: () => each(160, () => call({ own: newPerson().curve, other: newPerson().curve.publicKey }, 8_000)),
  garbage: () =>
    each(2, () =>
      knock((socket) => {
        socket.write(curveGreeting);
        socket.end(randomBytes(1_024));
      }),
    ),
};

console.log(await kinds[kind]?.());
process.exit();
