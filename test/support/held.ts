/**
 * Two programs for test/held.test.ts. `server` sends many frames to the first that speaks to it. `client` stops reading
 * and everything else with the first frame, as a program does whose terminal is held, and goes on later.
 */
import { Pair, Router } from 'zeromq';
import { Link } from '../../src/transport/link.ts';
import { openConnectingPair, openDealer } from '../../src/transport/sockets.ts';

const [role, kind, endpoint = '', count = '0', heldMs = '0'] = process.argv.slice(2);
/** What a server says that has nothing else to send. */
const last = '{"ack":1}';
const tell = (word: string) => process.send?.(word);

async function serve(): Promise<void> {
  // While it is stopped, more than two who call are not even answered.
  const socket = kind === 'room' ? new Router({ backlog: 1 }) : new Pair();
  await socket.bind(endpoint);
  tell(socket.lastEndpoint ?? '');
  const [id] = await socket.receive();
  const say = (frame: string) => socket.send(kind === 'room' && id ? [id, frame] : frame);
  for (let n = 0; n < Number(count); n++) await say('{"name":"a","text":"hello\\n"}');
  tell('sent');
  if (count === '0') await say(last);
  await socket.receive();
}

async function talk(): Promise<void> {
  const link = new Link(kind === 'room' ? openDealer : openConnectingPair, endpoint);
  let frames = 0;
  for await (const event of link.events) {
    if (event.type === 'connected') link.send([], '{}');
    if (event.type !== 'frame') continue;
    if (++frames === 1) hold();
    if (event.frame.kind === 'ack') tell(`read ${frames}`);
  }
}

function hold(): void {
  tell('held');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(heldMs));
}

await (role === 'server' ? serve() : talk());
