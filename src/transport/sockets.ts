import { Dealer, Pair, Router, type Socket } from 'zeromq';
import { maxFrameBytes } from '../protocol/frames.ts';

/** The one place of ZeroMQ settings; the reasons stand in docs/protocol.md, rules T1 to T8. */
const everySocket = {
  ipv6: true,
  sendTimeout: 0,
  maxMessageSize: maxFrameBytes,
  handshakeInterval: 3_000,
};
/**
 * Only the connecting side sends ZeroMQ's heartbeats, and says in them how long it may be silent. libzmq 4.3.5 aborts
 * the process when its own heartbeat is due on a connection that ended while its input was held back, which a stranger
 * can bring about at the binding side. That side lets TCP find dead connections. [T3]
 */
const connecting = (intervalMs: number, timeoutMs: number) => ({
  heartbeatInterval: intervalMs,
  heartbeatTimeout: timeoutMs,
  heartbeatTimeToLive: timeoutMs,
  connectTimeout: 3_000,
  // Spread, because libzmq's delays are equal in all processes: a restarted server must not meet everybody at once.
  reconnectInterval: 200 + Math.floor(Math.random() * 300),
  reconnectMaxInterval: 2_000 + Math.floor(Math.random() * 500),
});
const binding = {
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 6,
  tcpKeepaliveInterval: 2,
  tcpKeepaliveCount: 3,
  tcpMaxRetransmitTimeout: 8_000,
};
const goneFrame = '{"gone":1}';
const disconnectMessageOption = 111;

/** A socket without a reader is garbage for the collector, although its connections live: hold it until it is closed. */
const open = new Set<Socket>();

export function hold<T extends Socket>(socket: T): T {
  open.add(socket);
  return socket;
}

export function release(socket: Socket): void {
  open.delete(socket);
  socket.close();
}

/** libzmq puts `goneFrame` into the queue itself when a connection has ended. */
class GoneRouter extends Router {
  constructor() {
    super({ ...everySocket, ...binding, mandatory: true, linger: 1_000 });
    this.setStringOption(disconnectMessageOption, goneFrame);
  }
}

export const openRouter = (): Router => hold(new GoneRouter());
export const openDealer = (): Dealer => hold(new Dealer({ ...everySocket, ...connecting(2_000, 6_000), linger: 500 }));
export const openBindingPair = (): Pair => hold(new Pair({ ...everySocket, ...binding, linger: 500 }));
/** Faster heartbeats than a room's: they tell a taken side (see core/pair.ts). */
export const openConnectingPair = (): Pair =>
  hold(new Pair({ ...everySocket, ...connecting(500, 2_000), linger: 500 }));
