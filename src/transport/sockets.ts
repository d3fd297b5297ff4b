import { Dealer, Pair, Router, type Socket } from 'zeromq';
import { maxFrameBytes } from '../protocol.ts';

/** The one place of ZeroMQ settings; the reasons stand in docs/protocol.md, rules T1 to T8. */
const everySocket = {
  ipv6: true,
  sendTimeout: 0,
  maxMessageSize: maxFrameBytes,
  handshakeInterval: 3_000,
};
const roomHeartbeat = { heartbeatInterval: 2_000, heartbeatTimeout: 6_000, heartbeatTimeToLive: 8_000 };
const connecting = () => ({
  connectTimeout: 3_000,
  // Spread, because libzmq's delays are equal in all processes: a restarted server must not meet everybody at once.
  reconnectInterval: 200 + Math.floor(Math.random() * 300),
  reconnectMaxInterval: 2_000 + Math.floor(Math.random() * 500),
});
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
    super({ ...everySocket, ...roomHeartbeat, mandatory: true, linger: 1_000 });
    this.setStringOption(disconnectMessageOption, goneFrame);
  }
}

export const openRouter = (): Router => hold(new GoneRouter());
export const openDealer = (): Dealer =>
  hold(new Dealer({ ...everySocket, ...roomHeartbeat, ...connecting(), linger: 500 }));
/** Faster heartbeats than a room's: they tell a taken side (see core/pair.ts). */
export const openPair = (): Pair =>
  hold(new Pair({ ...everySocket, ...connecting(), heartbeatInterval: 500, heartbeatTimeout: 2_000, linger: 500 }));
