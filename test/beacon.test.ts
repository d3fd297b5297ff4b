import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Beacon } from '../src/transport/beacon.ts';
import { beaconBytes, makeBeacon, readBeacon, senderOf } from '../src/transport/beacon-frame.ts';

const [room, another, ann, bo, eve] = [1, 2, 3, 4, 5].map((byte) => Buffer.alloc(32, byte).toString('base64url')) as [
  string,
  string,
  string,
  string,
  string,
];
const members = [ann, bo];
const ip = '127.0.0.1';
const nonce = Buffer.from('0123456789');
const loopback = {
  address: ip,
  netmask: '255.0.0.0',
  family: 'IPv4' as const,
  mac: '00:00:00:00:00:00',
  internal: true,
  cidr: null,
};

let closing: (() => unknown)[];
let port: number;
beforeEach(async () => {
  closing = [];
  const socket = createSocket('udp4').bind(0, ip);
  await once(socket, 'listening');
  port = socket.address().port;
  await new Promise<void>((closed) => socket.close(closed));
});
afterEach(() => {
  for (const close of closing) close();
});

/** A member who seeks, what it hears, and when it has heard so much. */
function seeker(
  key: string,
  door: number | undefined,
  cards: Partial<Record<string, (typeof loopback)[]>> = { lo: [loopback] },
) {
  const heard: { host: string; key: string | undefined }[] = [];
  const wakes: (() => void)[] = [];
  const beacon = new Beacon({
    key,
    room: () => room,
    portAt: (address) => (address === ip ? door : undefined),
    keys: () => members,
    heard: (host, of) => {
      heard.push({ host, key: of });
      for (const wake of wakes.splice(0)) wake();
    },
    port,
    read: () => cards,
    chance: () => 0,
  });
  closing.push(() => beacon.close());
  const until = async (count: number) => {
    while (heard.length < count) await new Promise<void>((wake) => wakes.push(wake));
    return heard;
  };
  return { beacon, heard, until };
}
async function stranger(): Promise<{ send: (data: Buffer) => Promise<unknown>; socket: Socket }> {
  const socket = createSocket('udp4').bind(0, ip);
  await once(socket, 'listening');
  closing.push(() => socket.close());
  // The socket of who listens is there in the next turns of the loop.
  await delay(100);
  return { socket, send: (data) => new Promise((sent) => socket.send(data, port, ip, sent)) };
}

describe('a beacon', () => {
  test('is 32 bytes: a vector', () => {
    expect(makeBeacon(room, ann, 9_999, nonce).toString('hex')).toBe(
      '30313233343536373839270f6518e49c4b4ec999f2b37208f210f5886ce30be2',
    );
    expect(makeBeacon(room, ann, 9_999)).toHaveLength(beaconBytes);
  });

  test('is read by who knows the room, and says whose it is to who knows the member', () => {
    const heard = readBeacon(room, makeBeacon(room, bo, 41_234, nonce));
    expect(heard).toMatchObject({ nonce: nonce.toString('base64url'), port: 41_234 });
    expect(heard && senderOf(room, heard, members)).toBe(bo);
    expect(heard && senderOf(room, heard, [ann, eve])).toBeUndefined();
  });

  test('of another room, forged in any bit, too short, too long, of port 0: none', () => {
    const beacon = makeBeacon(room, ann, 9_999);
    expect(readBeacon(another, beacon)).toBeUndefined();
    for (let bit = 0; bit < beaconBytes * 8; bit++) {
      const forged = Buffer.from(beacon);
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readBeacon(room, forged), String(bit)).toBeUndefined();
    }
    for (const bytes of [0, 1, 31]) expect(readBeacon(room, beacon.subarray(0, bytes))).toBeUndefined();
    expect(readBeacon(room, Buffer.concat([beacon, Buffer.alloc(1)]))).toBeUndefined();
    expect(readBeacon(room, makeBeacon(room, ann, 0))).toBeUndefined();
  });

  test('is never the same twice, and shows no key', () => {
    const [one, two] = [makeBeacon(room, ann, 9_999), makeBeacon(room, ann, 9_999)];
    for (let at = 0; at < beaconBytes; at++)
      if (at < 10 || at > 11) expect(one.subarray(at, at + 4).equals(two.subarray(at, at + 4))).toBe(false);
    for (const key of [room, ann]) expect(one.includes(Buffer.from(key, 'base64url').subarray(0, 4))).toBe(false);
  });
});

describe('who seeks', () => {
  test('is heard by all others of the room on one machine, at once, and not by itself', async () => {
    const [a, b] = [seeker(ann, 41_001), seeker(bo, 41_002)];
    a.beacon.start();
    await delay(50);
    b.beacon.start();
    expect(await a.until(1)).toEqual([{ host: `${ip}:41002`, key: bo }]);
    expect(await b.until(1)).toEqual([{ host: `${ip}:41001`, key: ann }]);
    await a.until(2);
    expect(a.heard.every(({ key }) => key === bo)).toBe(true);
  });

  test('and listens nowhere says nothing, but hears', async () => {
    const [a, b] = [seeker(ann, undefined), seeker(bo, 41_002)];
    a.beacon.start();
    await delay(50);
    b.beacon.start();
    await a.until(2);
    expect(b.heard).toEqual([]);
  });

  test('hears nothing of another room, of what was forged or replayed, and no garbage', async () => {
    const a = seeker(ann, undefined);
    a.beacon.start();
    const { send } = await stranger();
    const real = makeBeacon(room, bo, 41_002);
    const forged = Buffer.from(real);
    forged.writeUInt16BE(6_667, 10);
    for (const data of [makeBeacon(another, bo, 1), forged, Buffer.alloc(0), Buffer.alloc(32), Buffer.alloc(1_400, 65)])
      await send(data);
    for (let i = 0; i < 3; i++) await send(real);
    await a.until(1);
    // In the next second the same place would count again.
    await delay(1_100);
    await send(real);
    await send(makeBeacon(room, eve, 41_003));
    expect(await a.until(2)).toEqual([
      { host: `${ip}:41002`, key: bo },
      { host: `${ip}:41003`, key: undefined },
    ]);
  });

  test('hears little of a flood, and in the next seconds others again', async () => {
    const a = seeker(ann, undefined);
    a.beacon.start();
    const { send } = await stranger();
    for (let i = 1; i <= 100; i++) await send(makeBeacon(room, eve, i));
    await a.until(8);
    await delay(300);
    expect(a.heard.length).toBeLessThanOrEqual(16);
    // More than is read in a second, and few enough at a time for the system to keep them.
    for (let burst = 0; burst < 100; burst++) {
      await Promise.all(Array.from({ length: 20 }, () => send(Buffer.alloc(32))));
      await delay(1);
    }
    const b = seeker(bo, 41_002);
    b.beacon.start();
    const isBo = ({ key }: { key: string | undefined }) => key === bo;
    for (let count = 1; !a.heard.some(isBo); count = a.heard.length + 1) await a.until(count);
  });

  test('is not heard any more when it has stopped, and hears nothing', async () => {
    const [a, b] = [seeker(ann, 41_001), seeker(bo, 41_002)];
    a.beacon.start();
    b.beacon.start();
    await Promise.all([a.until(1), b.until(1)]);
    a.beacon.stop();
    const before = [a.heard.length, b.heard.length];
    await delay(2_200);
    expect([a.heard.length, b.heard.length]).toEqual(before);
  });

  test('in networks that are down, or of no address: the others are told all the same', async () => {
    const down = { ...loopback, internal: false, address: ip, netmask: '255.255.255.255' };
    const lost = { ...loopback, internal: false, address: '203.0.113.7', netmask: '255.255.255.0' };
    const a = seeker(ann, 41_001, { gone: [down], eth7: [lost], lo: [loopback] });
    const b = seeker(bo, undefined);
    b.beacon.start();
    await delay(50);
    a.beacon.start();
    expect(await b.until(1)).toEqual([{ host: `${ip}:41001`, key: ann }]);
  });

  test('finds the port taken by another program for itself: then it is not heard, which is no error', async () => {
    const taken = createSocket('udp4').bind(port, '0.0.0.0');
    await once(taken, 'listening');
    closing.push(() => taken.close());
    const a = seeker(ann, 41_001);
    a.beacon.start();
    await delay(1_200);
    expect(a.heard).toEqual([]);
  });
});
