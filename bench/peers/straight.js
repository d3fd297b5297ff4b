import { Router } from 'zeromq';

/** What the original does: each message that comes goes out to all others, one after the other. `node straight.js PORT` */
const socket = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
await socket.bind(`tcp://127.0.0.1:${process.argv[2]}`);
const members = new Map();
for await (const [id, bytes] of socket) {
  const message = JSON.parse(bytes.toString());
  const from = id.toString('latin1');
  if (message.auth === 1) members.set(from, id);
  else {
    const text = Buffer.from(JSON.stringify(message));
    for (const [other, to] of members) if (other !== from) await socket.send([to, text]);
  }
}
