import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * A beacon is 32 bytes: a nonce of 10, the port of 2, a hint of 4 whose device it is, and a tag of 16. The tag is an HMAC by
 * the room's key over all before it; the hint is a hash of the room's key, the nonce and the member's own key. Nothing but the
 * port is the same twice: who does not know the room learns that somebody is there, and who does not know the member, that it
 * is one of the room.
 */
const nonceBytes = 10;
const portAt = nonceBytes;
const hintAt = portAt + 2;
const tagAt = hintAt + 4;
export const beaconBytes = 32;

export type Heard = { nonce: string; port: number; hint: string };

/** Made for each member of a room with each beacon that is heard: so it is a plain hash. */
const hintOf = (room: string, nonce: string, key: string): string =>
  hash('sha256', `0mq-chat beacon of ${room} ${nonce} ${key}`, 'hex').slice(0, 2 * (tagAt - hintAt));
const tagOf = (room: string, beacon: Buffer): Buffer =>
  createHmac('sha256', Buffer.from(room, 'base64url'))
    .update('0mq-chat beacon')
    .update(beacon.subarray(0, tagAt))
    .digest()
    .subarray(0, beaconBytes - tagAt);

/** What a member with this key says, who listens at this port. */
export function makeBeacon(room: string, key: string, port: number, nonce = randomBytes(nonceBytes)): Buffer {
  const beacon = Buffer.alloc(beaconBytes);
  nonce.copy(beacon);
  beacon.writeUInt16BE(port, portAt);
  beacon.write(hintOf(room, nonce.toString('base64url'), key), hintAt, 'hex');
  tagOf(room, beacon).copy(beacon, tagAt);
  return beacon;
}

/** Undefined for what was not made with the key of this room. */
export function readBeacon(room: string, beacon: Buffer): Heard | undefined {
  if (beacon.length !== beaconBytes || !timingSafeEqual(tagOf(room, beacon), beacon.subarray(tagAt))) return undefined;
  const port = beacon.readUInt16BE(portAt);
  const nonce = beacon.toString('base64url', 0, nonceBytes);
  return port === 0 ? undefined : { nonce, port, hint: beacon.toString('hex', hintAt, tagAt) };
}

/** Which of these members has sent it. */
export function senderOf(room: string, { nonce, hint }: Heard, keys: Iterable<string>): string | undefined {
  for (const key of keys) if (hintOf(room, nonce, key) === hint) return key;
  return undefined;
}
