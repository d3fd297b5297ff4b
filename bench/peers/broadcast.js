import { WebSocketServer } from 'ws';

/** What most chats for the browser do: each message goes out to all other WebSockets. `node broadcast.js PORT` */
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false });
server.on('connection', (socket) =>
  socket.on('message', (bytes) => {
    const text = JSON.stringify(JSON.parse(bytes.toString()));
    for (const other of server.clients) if (other !== socket) other.send(text);
  }),
);
