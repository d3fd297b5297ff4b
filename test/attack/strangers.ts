import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { curveKeyPair, Dealer } from 'zeromq';
import { bark, knock, RawDealer } from '../support/raw.ts';
import { openAt, SmallMember } from '../support/small-member.ts';
import { malformed } from '../vectors/malformed.ts';
import { type Attack, brokenOf, share } from './attack.ts';
import { besieged } from './crowd.ts';

/*
 * Whoever reaches the port of an open room, and never joins. What makes ZeroMQ itself end is not among these: against that an
 * open room has whoever starts it again (docs/manual.md), and a secure one its door.
 */

const target = 'members feel and hear nothing of it, nothing stays open';
const shortestMs = 10;
const http = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
const noise = (seed: number) => Buffer.from(Array.from({ length: 600 }, (_, i) => ((i + 1) * (seed + 7919)) % 251));

const kinds: [
  name: string,
  all: number,
  what: string,
  send: (port: number, count: number, ms: number) => Promise<void>,
][] = [
  ['slow loris', 500, 'connections that begin a handshake and go no further', slowLoris],
  [
    'bare connects',
    8_000,
    'connections that come and go',
    (port, ...how) => paced(...how, () => bark(port, Buffer.alloc(0))),
  ],
  ['HTTP', 2_000, 'requests of a browser', (port, ...how) => paced(...how, () => bark(port, http))],
  ['noise', 200, 'connections with 600 bytes of noise', (port, ...how) => paced(...how, (i) => bark(port, noise(i)))],
  ['mute', 200, 'ZeroMQ connections that say nothing', mute],
  ['no frames', 5_000, 'frames that are none', noFrames],
  ['encrypted', 100, 'clients that want an encrypted room', encrypted],
];

/** An address of this machine that is not of its own network. */
const elsewhere = () =>
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one && !one.internal && one.family === 'IPv4')?.address;

const places: Attack = {
  name: 'strangers: all places',
  target: 'one network gets three of eight places, and whoever comes from another one is in',
  async run(stage, times) {
    const all = share(200, times);
    const server = stage.spawn('server', ['--port', '0', '--max-clients', String(all), '--json']);
    const port = Number((await server.json({ type: 'listening' })).port);
    const many = Array.from({ length: all }, () => new SmallMember(openAt(port)));
    for (const member of many) void member.enter();
    await sleep(2_000 + 4_000 * times);
    const inside = many.filter(({ isIn }) => isIn).length;
    const address = elsewhere();
    const newcomer = new SmallMember(openAt(port));
    const tookMs = await Promise.race([timed(newcomer.enter(address)), sleep(5_000)]);
    for (const member of [...many, newcomer]) member.close();
    const facts = {
      'no more than three of eight': inside === Math.max(8, Math.floor((3 / 8) * all)),
      'the newcomer is in': address === undefined || tookMs !== undefined,
    };
    const measured = `${inside} of ${all} places; ${address ? `a newcomer is in after ${tookMs?.toFixed(0)} ms` : 'this machine has no other network to come from'}`;
    return { tried: `${all} members of one machine`, measured, broken: brokenOf(facts) };
  },
};

async function timed(what: Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  await what;
  return performance.now() - fromMs;
}

const sieges = kinds.map(
  ([name, all, what, send]): Attack => ({
    name: `strangers: ${name}`,
    target,
    run: (stage, times) =>
      besieged(stage, times, async (port) => {
        const count = share(all, times);
        await send(port, count, 4_000 * times);
        return `${count} ${what}`;
      }),
  }),
);
export const strangers: Attack[] = process.platform === 'linux' ? [places, ...sieges] : sieges;

/** Spread over this time. */
async function paced(count: number, ms: number, each: (i: number) => Promise<unknown>): Promise<void> {
  const batch = Math.ceil((count * shortestMs) / ms);
  for (let i = 0; i < count; i += batch) {
    await Promise.all(Array.from({ length: Math.min(batch, count - i) }, (_, k) => each(i + k)));
    await sleep((ms * batch) / count);
  }
}

/** They come within the first half of the time: what opens all at once would hold up the members, who run in this process. */
async function slowLoris(port: number, count: number, ms: number): Promise<void> {
  const begun = Buffer.from([0xff, 0, 0, 0]);
  const sockets: Socket[] = [];
  await paced(count, ms / 2, async (i) => {
    sockets.push(await knock(port, i % 2 === 0 ? begun : Buffer.alloc(0)));
  });
  await sleep(ms / 2);
  for (const socket of sockets) socket.destroy();
}

async function mute(port: number, count: number, ms: number): Promise<void> {
  const dealers = Array.from({ length: count }, () => new RawDealer(port));
  await sleep(ms);
  for (const dealer of dealers) dealer.close();
}

async function noFrames(port: number, count: number, ms: number): Promise<void> {
  const dealer = new RawDealer(port);
  const frames = malformed.map(({ frame = '', hex }) => (hex ? Buffer.from(hex, 'hex') : Buffer.from(frame)));
  await paced(Math.ceil(count / frames.length), ms, async () => {
    for (const frame of frames) await dealer.send(frame);
  });
  await sleep(100);
  dealer.close();
}

async function encrypted(port: number, count: number, ms: number): Promise<void> {
  const [{ publicKey: curveServerKey }, keys] = [curveKeyPair(), curveKeyPair()];
  const own = { curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey };
  const dealers = Array.from({ length: count }, () => new Dealer({ linger: 0, curveServerKey, ...own }));
  for (const dealer of dealers) dealer.connect(`tcp://127.0.0.1:${port}`);
  await sleep(ms);
  for (const dealer of dealers) dealer.close();
}
