import { existsSync, readFileSync } from 'node:fs';
import { context, Dealer, Pair, Router } from 'zeromq';
import { decode, goneText } from '../protocol/codec.ts';
import { maxFrameBytes, type Received } from '../protocol/frames.ts';
import { mark } from './probe.ts';

/** The one place of ZeroMQ settings; the reasons stand in docs/protocol.md, rules T1 to T15. */
const everySocket = {
  ipv6: true,
  sendTimeout: 0,
  maxMessageSize: maxFrameBytes,
  handshakeInterval: 3_000,
  // A dead connection is found by TCP, by the protocol's own heartbeat, and by redialling: see below for ZeroMQ's. [T3]
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 6,
  tcpKeepaliveInterval: 2,
  tcpKeepaliveCount: 3,
  tcpMaxRetransmitTimeout: 8_000,
};
/** So ZeroMQ's thread does not interrupt who gives it work, and is not woken again for each of many sends. [T15] */
const [schedOther, schedBatch] = ['0', 3];
if (isLinux() && policyHere() === schedOther) context.threadSchedulingPolicy = schedBatch;
/** Short, so that a network that comes back is used within 2 s. [T6, T7] */
const connecting = () => ({
  connectTimeout: 1_000,
  // Spread, because libzmq's delays are equal in all processes: a restarted server must not meet everybody at once.
  reconnectInterval: 200 + Math.floor(Math.random() * 300),
  reconnectMaxInterval: 700 + Math.floor(Math.random() * 300),
});
/** So many frames may wait for one connection of a room, and from it. The fewer, the sooner input is held back. [T3, T9] */
const perConnection = { sendHighWaterMark: 24, receiveHighWaterMark: 256 };
const outBatchBytes = 32_768;
/**
 * ZeroMQ's heartbeats end a connection to a taken side, and one of the original's that the network has cut. In p2p alone:
 * libzmq 4.3.5 aborts the process when one is due, or read, on a connection that ended while its input was held back, and
 * a PAIR never holds it back (no high-water mark). [T3, P42]
 */
const heartbeats = { heartbeatInterval: 500, heartbeatTimeout: 2_000, heartbeatTimeToLive: 2_000 };
const pair = { ...everySocket, receiveHighWaterMark: 0, linger: 500 };
/**
 * What makes a connection secret (CURVE), by X25519 keys of 32 raw bytes: a `door` asks the handler of permissions (zap.ts),
 * and takes nobody if there is none; who dials meets nobody but the owner of `other`. Without it everything is open.
 */
export type Encryption = { own: { publicKey: Buffer; secretKey: Buffer } } & ({ door: true } | { other: Buffer });
/**
 * libzmq asks for permission only where one is set: `closed` for encrypted sockets, `open` for a room's others, if somebody counts
 * who comes in there. Where it asks, each connection costs 12 KiB more as long as it lasts.
 */
export const domains = { closed: 'closed', open: 'open' };

function encrypted(encryption: Encryption | undefined) {
  if (encryption === undefined) return {};
  const [publicKey, secretKey] = [z85(encryption.own.publicKey), z85(encryption.own.secretKey)];
  if ('other' in encryption)
    return { curvePublicKey: publicKey, curveSecretKey: secretKey, curveServerKey: z85(encryption.other) };
  return { curveServer: true, curveSecretKey: secretKey, zapDomain: domains.closed, zapEnforceDomain: true };
}

const curveKeyBytes = 32;
const digits85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** As ZeroMQ writes keys: five digits for four bytes (rfc.zeromq.org/spec/32). */
export function z85(raw: Buffer): string {
  // libzmq might go on without a key: nothing is ever open because of a mistake in here.
  if (raw.length !== curveKeyBytes) throw new RangeError('not a key');
  let text = '';
  for (let at = 0; at < raw.length; at += 4)
    for (let power = 85 ** 4; power >= 1; power /= 85) text += digits85[Math.floor(raw.readUInt32BE(at) / power) % 85];
  return text;
}

const metadataOption = 95;
const disconnectMessageOption = 111;
const outBatchSizeOption = 102;

/**
 * A room's socket. libzmq puts this frame into the queue itself when a connection has ended. It gives the system at most so
 * many bytes at once: by itself 8,192, and the second call for the rest of a frame costs as much as the first. [T14]
 */
export class GoneRouter extends Router {
  constructor(encryption?: Encryption, isOpenToAll = false) {
    super({
      ...(!isOpenToAll && { zapDomain: domains.open }),
      ...everySocket,
      ...perConnection,
      ...encrypted(encryption),
      mandatory: true,
      linger: 1_000,
    });
    this.setStringOption(metadataOption, `${mark.name}:${mark.value}`);
    this.setStringOption(disconnectMessageOption, goneText);
    this.setInt32Option(outBatchSizeOption, outBatchBytes);
  }
}

export const openDealer = (encryption?: Encryption): Dealer =>
  new Dealer({ ...everySocket, ...connecting(), ...encrypted(encryption), linger: 500 });
/**
 * For one link with a member, which ends when it breaks: libzmq would try again only when all is over. Not `immediate`, which
 * throws away what has come and is not read when the other side is gone.
 */
export const openPeerDealer = (encryption: Encryption): Dealer =>
  new Dealer({ ...everySocket, ...perConnection, ...encrypted(encryption), reconnectInterval: 60_000, linger: 200 });
export const openBindingPair = (encryption?: Encryption): Pair => new Pair({ ...pair, ...encrypted(encryption) });
export const openConnectingPair = (encryption?: Encryption): Pair =>
  new Pair({ ...pair, ...connecting(), ...heartbeats, ...encrypted(encryption) });

/** A frame of several parts is not of this protocol; an empty one is malformed for the decoder. */
export const bytesOf = ([bytes, ...rest]: Buffer[]): Uint8Array =>
  bytes && rest.length === 0 ? bytes : new Uint8Array();
export const decodeParts = (parts: Buffer[]): Received => decode(bytesOf(parts));

/** Not what only looks like it (gVisor): there a thread has one policy, and ZeroMQ would abort. */
function isLinux(): boolean {
  return existsSync('/proc/sys/kernel/sched_rr_timeslice_ms');
}

/** How the system schedules this program. From another policy it may not let a thread change, and ZeroMQ would abort. */
function policyHere(): string | undefined {
  try {
    // Behind the program's name, which ends in a bracket and may hold anything, comes field 3; this is field 41. (proc_pid_stat(5))
    return readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ')[41 - 3];
  } catch {
    return undefined;
  }
}
