import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { theLink } from '../src/core/turn.ts';
import { portOf } from '../src/transport/endpoint.ts';
import { Link, type LinkEvent } from '../src/transport/link.ts';
import { RouterLink } from '../src/transport/router.ts';
import { openBindingPair, openConnectingPair, openDealer } from '../src/transport/sockets.ts';
import { freePort, LinkProxy } from './chaos/proxy.ts';

const anyPort = 'tcp://127.0.0.1:*';
/** A network that is back must be used again within this. */
const backMs = 3_000;
const frame = (n: number) => JSON.stringify({ ack: n });
const ack = (seq: number) => ({ type: 'frame', from: theLink, frame: { kind: 'ack', seq } });

let closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
});
const closed = <T extends { close(): unknown }>(socket: T): T => {
  closing.push(() => socket.close());
  return socket;
};

function listen(link: Link) {
  closed(link);
  const events = link.events[Symbol.asyncIterator]();
  /** What happens up to the next event of this type. */
  const until = async (type: LinkEvent['type']): Promise<LinkEvent[]> => {
    const seen: LinkEvent[] = [];
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error(`closed before ${type}`);
      seen.push(value);
      if (value.type === type) return seen;
    }
  };
  return { link, until };
}
const dial = (endpoint: string) => listen(new Link(openDealer, endpoint));

/** A server by hand. */
async function server() {
  const router = closed(new Router({ linger: 0, sendTimeout: 0, mandatory: true }));
  await router.bind(anyPort);
  const hear = async () => (await router.receive()) as [Buffer, Buffer];
  return { router, hear, endpoint: router.lastEndpoint ?? '' };
}
const isOpened = { type: 'opened' };
const isConnected = { type: 'connected', from: theLink };
const isDisconnected = { type: 'disconnected', from: theLink };

describe('a link', () => {
  test('says what happens on its connection, in order', async () => {
    const { router, hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    expect(await until('connected')).toEqual([isOpened, isConnected]);
    link.send([theLink], frame(1));
    const [id, said] = await hear();
    expect(String(said)).toBe(frame(1));
    await router.send([id, frame(2)]);
    expect(await until('frame')).toEqual([ack(2)]);
    await router.send([id, frame(3), 'another part']);
    expect(await until('frame')).toMatchObject([{ frame: { kind: 'malformed' } }]);
    router.close();
    expect((await until('disconnected')).at(-1)).toEqual(isDisconnected);
  });

  test('says what the other side said last before it says that it is gone', async () => {
    const { router, hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    link.send([theLink], frame(0));
    const [id] = await hear();
    await until('connected');
    router.linger = 1_000;
    // More than the link takes in before somebody reads it.
    const said = Array.from({ length: 90 }, (_, n) => n);
    for (const n of said) await router.send([id, frame(n)]);
    router.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await until('disconnected')).toEqual([...said.map(ack), isDisconnected]);
  });

  test('hears what comes at the very moment when it has sent something', async () => {
    const { router, hear, endpoint } = await server();
    let sent = () => {};
    class Answered extends Dealer {
      override async send(message: string) {
        const result = super.send(message);
        sent();
        return result;
      }
    }
    const open = () => new Answered({ sendTimeout: 0, linger: 0 });
    const { link, until } = listen(new Link(open, endpoint));
    link.send([theLink], frame(1));
    const [id] = await hear();
    await until('connected');
    sent = () => {
      void router.send([id, frame(3)]);
      // It is here before this program does anything else.
      const thenMs = performance.now() + 30;
      while (performance.now() < thenMs);
    };
    link.send([theLink], frame(2));
    expect(await until('frame')).toEqual([ack(3)]);
  });

  test('says that nobody listens, and comes when somebody does', async () => {
    const port = await freePort();
    const { until } = dial(`tcp://127.0.0.1:${port}`);
    await until('refused');
    const router = closed(new Router({ linger: 0 }));
    await router.bind(`tcp://127.0.0.1:${port}`);
    expect((await until('connected')).at(-1)).toEqual(isConnected);
  });

  test('tries the next address of a name where nobody answers, and finds one that it has later', async () => {
    const { router, endpoint } = await server();
    const [deaf, port] = [await freePort(), await freePort()];
    const later = `tcp://127.0.0.1:${port}`;
    let endpoints = [`tcp://127.0.0.1:${deaf}`, endpoint];
    const way = {
      endpoint: endpoints[0] ?? '',
      async turn() {
        this.endpoint = endpoints[(endpoints.indexOf(this.endpoint) + 1) % endpoints.length] ?? '';
      },
    };
    const { until } = listen(new Link(openDealer, way));
    expect((await until('connected'))[0]).toEqual({ type: 'refused' });
    expect(way.endpoint).toBe(endpoint);
    endpoints = [later];
    router.close();
    const moved = closed(new Router({ linger: 0 }));
    await moved.bind(later);
    await until('disconnected');
    expect((await until('connected')).at(-1)).toEqual(isConnected);
    expect(way.endpoint).toBe(later);
  });

  test('keeps what it is given until the handshake', async () => {
    const { hear, endpoint } = await server();
    const { link } = dial(endpoint);
    link.send([theLink], frame(1));
    expect(link.outgoing.length).toBe(1);
    expect(String((await hear())[1])).toBe(frame(1));
    expect(link.outgoing.length).toBe(0);
  });

  test('redialled, it is another connection, and nothing of the old one comes after its end', async () => {
    const { router, hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    await until('connected');
    link.send([theLink], frame(0));
    const [old] = await hear();
    // More than the link takes in before somebody reads it.
    for (let n = 1; n <= 90; n++) await router.send([old, frame(1)]);
    await until('frame');
    link.redial();
    link.send([theLink], frame(2));
    const [anew, said] = await hear();
    expect(String(said)).toBe(frame(2));
    expect(anew).not.toEqual(old);
    await router.send([anew, frame(3)]);
    const before = await until('disconnected');
    expect(before.slice(0, -1).every((event) => event.type === 'frame')).toBe(true);
    expect(await until('frame')).toEqual([isOpened, isConnected, ack(3)]);
  });

  test('redialled, it forgets what it was given for the old connection', async () => {
    const { hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    await until('connected');
    link.send([theLink], frame(1));
    await hear();
    link.redial();
    expect(link.outgoing.length).toBe(0);
    await until('connected');
    link.send([theLink], frame(2));
    expect(String((await hear())[1])).toBe(frame(2));
  });

  test('ends the connection of whoever asks for more and more and takes nothing', async () => {
    const { hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    await until('connected');
    const large = 'x'.repeat(1_000);
    while (link.outgoing.length < 20_000) link.send([theLink], large);
    link.send([theLink], large);
    expect(link.outgoing.length).toBe(0);
    expect(await until('connected')).toEqual([isDisconnected, isOpened, isConnected]);
    link.send([theLink], frame(1));
    while (String((await hear())[1]) === large);
  });

  test('redialled before it was connected, it says nothing of an end', async () => {
    const { hear, endpoint } = await server();
    const { link, until } = dial(endpoint);
    for (let i = 0; i < 5; i++) link.redial();
    link.send([theLink], frame(1));
    await hear();
    const seen = await until('connected');
    expect(seen).not.toContainEqual(isDisconnected);
    expect(seen.at(-1)).toEqual(isConnected);
  });

  test('that listens does not dial', async () => {
    const waiting = listen(new Link(openBindingPair));
    const { link } = waiting;
    const endpoint = await link.bind(anyPort);
    const calling = listen(new Link(openConnectingPair, endpoint));
    await Promise.all([waiting.until('connected'), calling.until('connected')]);
    link.redial();
    calling.link.send([theLink], frame(1));
    expect(await waiting.until('frame')).toEqual([ack(1)]);
    await calling.link.close();
    expect(await waiting.until('disconnected')).toEqual([isDisconnected]);
  });

  test('that listens tells a peer that comes back before its end was seen from a stranger', async () => {
    const happens = new EventEmitter();
    const socket = { events: happens, closed: false, close() {}, async *[Symbol.asyncIterator]() {} };
    const { until } = listen(new Link(() => Object.assign(socket, { connect() {} }) as never, anyPort));
    const stranger = ['accept', 'disconnect'];
    for (const event of ['accept', 'handshake', ...stranger, 'accept', 'disconnect', 'handshake', ...stranger])
      happens.emit(event);
    const types = (await until('disconnected')).map(({ type }) => type);
    expect(types).toEqual(['opened', 'connected', 'opened', 'opened', 'disconnected']);
    expect(await until('connected')).toEqual([isConnected]);
    happens.emit('disconnect');
    expect(await until('disconnected')).toEqual([isOpened, isDisconnected]);
  });
});

describe('a network that swallows everything for a while', () => {
  test('a link that dials anew is back soon after its end', async () => {
    const { router, hear, endpoint } = await server();
    const proxy = closed(await LinkProxy.open(portOf(endpoint)));
    const { link, until } = dial(`tcp://127.0.0.1:${proxy.port}`);
    await until('connected');
    proxy.blackHole();
    link.redial();
    await until('disconnected');
    // One attempt has run out of time when the next begins, which needs as long again.
    for (let attempts = 0; attempts < 2; attempts++) await until('opened');
    const startedMs = performance.now();
    proxy.heal();
    await until('connected');
    link.send([theLink], frame(1));
    const [id] = await hear();
    await router.send([id, frame(2)]);
    expect(await until('frame')).toEqual([ack(2)]);
    expect(performance.now() - startedMs).toBeLessThan(backMs);
  });

  // How many connections wait for a program that stands still is the system's business: this is Linux'.
  test.skipIf(process.platform !== 'linux')('and so is one whose connections are not even answered', async () => {
    const program = new URL('support/held.ts', import.meta.url).pathname;
    const server = fork(program, ['server', 'room', anyPort], { execArgv: ['--import', 'tsx'] });
    closing.push(() => server.kill('SIGKILL'));
    const [endpoint] = await once(server, 'message');
    server.kill('SIGSTOP');
    // Until then it still accepts.
    while (!/^State:\s+T/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8')))
      await new Promise((turned) => setImmediate(turned));
    await fill(portOf(endpoint));
    const { until } = dial(endpoint);
    // Two attempts have run out of time.
    for (let attempts = 0; attempts < 2; attempts++) await until('refused');
    const startedMs = performance.now();
    server.kill('SIGCONT');
    await until('connected');
    expect(performance.now() - startedMs).toBeLessThan(backMs);
  });
});

// In a process of its own: it holds for the first socket, and this process may have made one.
test.skipIf(process.platform !== 'linux')('the thread of ZeroMQ does not interrupt who gives it work', async () => {
  const program = new URL('support/held.ts', import.meta.url).pathname;
  const server = fork(program, ['server', 'room', anyPort], { execArgv: ['--import', 'tsx'] });
  closing.push(() => server.kill('SIGKILL'));
  await once(server, 'message');
  const folder = `/proc/${server.pid}/task`;
  const policies = () =>
    readdirSync(folder)
      .filter((thread) => readFileSync(`${folder}/${thread}/comm`, 'utf8').startsWith('ZMQbg/IO'))
      .map((thread) => /\) (?:\S+ ){38}(\S+)/.exec(readFileSync(`${folder}/${thread}/stat`, 'utf8'))?.[1]);
  // A thread takes its name, and then its policy, when it runs for the first time.
  const schedBatch = '3';
  await vi.waitFor(() => expect(policies()).toEqual([schedBatch]), 10_000);
});

/** Takes the two places in which connections wait until a server accepts them. */
async function fill(port: number): Promise<void> {
  const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  closing.push(() => sockets.map((socket) => socket.destroy()));
  await Promise.all(sockets.slice(0, 2).map((socket) => once(socket, 'connect')));
}

describe("a room's link", () => {
  const room = async () => {
    const link = closed(new RouterLink());
    return { link, endpoint: await link.bind(anyPort) };
  };
  /** Somebody who has said its name, and the connection this came over. */
  const enter = async ({ link, endpoint }: Awaited<ReturnType<typeof room>>, options = {}) => {
    const dealer = closed(new Dealer({ linger: 0, ...options }));
    dealer.connect(endpoint);
    await dealer.send(frame(0));
    const [input] = (await link.inputs.next()).value;
    expect(input).toEqual({ type: 'bytes', from: expect.any(String), data: Buffer.from(frame(0)) });
    return { dealer, from: input.from as string };
  };

  test('hands one frame to many, whoever is gone, and says which connections end', async () => {
    const here = await room();
    const { link } = here;
    const ana = await enter(here);
    const bo = await enter(here);
    expect(await link.send([ana.from, bo.from, 'nobody'], frame(1))).toEqual([]);
    for (const { dealer } of [ana, bo]) expect(String(await dealer.receive())).toBe(frame(1));
    bo.dealer.close();
    expect((await link.inputs.next()).value).toEqual([
      { type: 'bytes', from: bo.from, data: Buffer.from('{"gone":1}') },
    ]);
  });

  test('takes a bounded amount for one that does not read; what it took arrives in order, and the others are served', async () => {
    const here = await room();
    const { link } = here;
    // Its own queue is short, and so are the kernel's: what waits, waits here.
    const small = { receiveHighWaterMark: 1, receiveBufferSize: 16_384 };
    const slow = await enter(here, small);
    const quick = await enter(here);
    const large = (n: number) => JSON.stringify({ name: 'a', text: `${n}${'x'.repeat(32_000)}` });
    let taken = 0;
    while ((await link.send([slow.from], large(taken))).length === 0) taken++;
    // The kernel holds up to 4 MB for a connection.
    expect(taken).toBeLessThan((1_048_576 + 6_000_000) / 32_000);
    // By now the kernel may have taken some more.
    expect(await link.send([slow.from, quick.from], frame(1))).not.toContain(quick.from);
    expect(String(await quick.dealer.receive())).toBe(frame(1));
    for (let n = 0; n < taken; n++) expect(String(await slow.dealer.receive())).toBe(large(n));
  });

  test('reads on while it closes, so that the farewell arrives', async () => {
    const here = await room();
    const { link } = here;
    const { dealer, from } = await enter(here);
    for (let n = 1; n <= 500; n++) await dealer.send(large);
    await link.send([from], frame(1));
    const closed = link.close();
    expect(String(await dealer.receive())).toBe(frame(1));
    await closed;
    expect(await link.inputs.next()).toMatchObject({ done: true });
  });
});

const large = JSON.stringify({ name: 'a', text: 'x'.repeat(10_000) });
