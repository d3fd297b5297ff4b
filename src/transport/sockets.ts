import { Dealer, Pair, Router } from 'zeromq';
import { decode } from '../protocol/codec.ts';
import { maxFrameBytes, type Received } from '../protocol/frames.ts';
import { mark } from './probe.ts';

/** The one place of ZeroMQ settings; the reasons stand in docs/protocol.md, rules T1 to T9. */
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
/** Short, so that a network that comes back is used within 2 s. [T6, T7] */
const connecting = () => ({
  connectTimeout: 1_000,
  // Spread, because libzmq's delays are equal in all processes: a restarted server must not meet everybody at once.
  reconnectInterval: 200 + Math.floor(Math.random() * 300),
  reconnectMaxInterval: 700 + Math.floor(Math.random() * 300),
});
/** So many frames may wait for one connection of a room, and from it. The fewer, the sooner input is held back. [T3, T9] */
const perConnection = { sendHighWaterMark: 24, receiveHighWaterMark: 256 };
/**
 * ZeroMQ's heartbeats end a connection to a taken side, and one of the original's that the network has cut. In p2p alone:
 * libzmq 4.3.5 aborts the process when one is due, or read, on a connection that ended while its input was held back, and
 * a PAIR never holds it back (no high-water mark). [T3, P42]
 */
const heartbeats = { heartbeatInterval: 500, heartbeatTimeout: 2_000, heartbeatTimeToLive: 2_000 };
const pair = { ...everySocket, receiveHighWaterMark: 0, linger: 500 };
const metadataOption = 95;
const disconnectMessageOption = 111;

/** A room's socket. libzmq puts this frame into the queue itself when a connection has ended. */
export class GoneRouter extends Router {
  constructor() {
    super({ ...everySocket, ...perConnection, mandatory: true, linger: 1_000 });
    this.setStringOption(metadataOption, `${mark.name}:${mark.value}`);
    this.setStringOption(disconnectMessageOption, '{"gone":1}');
  }
}

export const openDealer = (): Dealer => new Dealer({ ...everySocket, ...connecting(), linger: 500 });
export const openBindingPair = (): Pair => new Pair(pair);
export const openConnectingPair = (): Pair => new Pair({ ...pair, ...connecting(), ...heartbeats });

/** A frame of several parts is not of this protocol; an empty one is malformed for the decoder. */
export const bytesOf = ([bytes, ...rest]: Buffer[]): Uint8Array =>
  bytes && rest.length === 0 ? bytes : new Uint8Array();
export const decodeParts = (parts: Buffer[]): Received => decode(bytesOf(parts));
