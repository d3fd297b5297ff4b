import { describe, expect } from 'vitest';
import { freePort } from './chaos/proxy.ts';
import { type Command, meeting, type Serving, test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';

/** One group, so that the slow ones, which come first, run beside all the others. */
describe.concurrent('a room', () => {
  test('a client that is killed: one of ours after a grace of 15 s, as lost', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    const bo = await stage.online(port, 'bo');
    await ana.stdoutLine('[room] bo joined the room. 2 online.');
    bo.kill('SIGKILL');
    const killedMs = performance.now();
    await ana.stdoutLine('[room] bo lost the connection. 1 online.', 20_000);
    expect(performance.now() - killedMs).toBeGreaterThan(14_000);
  });

  test('stopped, it is noticed within 10 s; when it goes on, the client is back online', async ({ stage }) => {
    const { server, port } = await stage.server();
    const client = await stage.jsonOnline(port, 'ana');
    const text = await stage.online(port, 'bo');
    server.kill('SIGSTOP');
    const stoppedMs = performance.now();
    await Promise.all([
      client.json({ type: 'state', state: 'offline' }, 12_000),
      text.stderrLine(/What you write now is kept and sent when it is back\.$/, 12_000),
    ]);
    expect(performance.now() - stoppedMs).toBeLessThan(10_500);
    text.write('are you there?\n');
    server.kill('SIGCONT');
    await client.json({ type: 'state', state: 'online' });
    await client.json({ type: 'message', text: 'are you there?' });
    await text.stderrLine(/^-- back online after \d+ s\. 1 waiting message sent\.$/);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`${signal}: the clients are told`, async ({ stage }) => {
      const { server, port } = await stage.server('--name', 'room');
      const [text, json] = await Promise.all([stage.online(port, 'text'), stage.jsonOnline(port, 'json')]);
      const legacy = stage.keep(LegacyClient.connect(port, 'legacy'));
      await legacy.join();
      await legacy.hears('You are now online. 3 online.');
      text.write('last\n');
      await json.json({ type: 'message' });
      server.kill(signal);
      const exit = await server.exit;
      expect(exit.code).toBe(0);
      expect(exit.ms).toBeLessThan(2_500);
      await text.stdoutLine('[room] Server is off.');
      await legacy.hears('Server is off.');
      expect(await json.json({ type: 'shutdown' })).toMatchObject({ server: 'room' });
      await server.json({ type: 'closing' });
      await text.stderrLine('-- connection lost. What you write now is kept and sent when it is back.');
      expect(text.ended || json.ended).toBe(false);
    });

  test('killed and started again: three clients are back without typing, and talk', async ({ stage }) => {
    const first = await stage.server();
    const names = ['ana', 'bo', 'cy'];
    const clients = await Promise.all(names.map((name) => stage.jsonOnline(first.port, name)));
    await talkAll(clients, 'before');
    const again = await restart(first, stage);
    const startedMs = performance.now();
    await Promise.all(clients.map((client) => client.json({ type: 'state', state: 'online', room: first.room })));
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    await talkAll(clients, 'after');
    const joins = (await again.jsonUntil({ type: 'join', online: 3 })).map(({ name }) => name);
    expect(joins.sort()).toEqual(names);
  });

  test('what is typed while it is away arrives after the restart, once', async ({ stage }) => {
    const first = await stage.server();
    const [ana, bo] = await Promise.all([stage.jsonOnline(first.port, 'ana'), stage.jsonOnline(first.port, 'bo')]);
    await talkAll([ana, bo], 'before');
    first.server.kill('SIGKILL');
    await first.server.exit;
    await Promise.all([ana, bo].map((client) => client.json({ type: 'state', state: 'offline' })));
    ana.write('away 1\naway 2\n');
    bo.write('away 3\n');
    await stage.server('--port', String(first.port));
    await Promise.all([ana, bo].map((client) => client.json({ type: 'state', state: 'online' })));
    ana.write('ana is back\n');
    bo.write('bo is back\n');
    const wanted = ['ana is back', 'away 1', 'away 2', 'away 3', 'bo is back'];
    await Promise.all([ana, bo].map((client) => client.json(all('back', 2))));
    for (const { stdout } of [ana, bo]) {
      const texts = [...stdout.matchAll(/"text":"([^"]*(?:away|back)[^"]*)"/g)].map(([, text]) => text);
      expect(texts.toSorted()).toEqual(wanted);
      expect(texts.filter((text) => /away [12]|ana/.test(text ?? ''))).toEqual(['away 1', 'away 2', 'ana is back']);
    }
  });

  test('a client that is killed: an original one is announced at once', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    const crash = stage.node(['--input-type=module', '-e', legacyMember, String(port)]);
    await crash.stdoutLine(/You are now online/);
    await ana.stdoutLine('[room] crash joined the room. 2 online.');
    crash.kill('SIGKILL');
    const killedMs = performance.now();
    await ana.stdoutLine('[room] crash left the room. 1 online.');
    expect(performance.now() - killedMs).toBeLessThan(1_000);
  });

  test('everybody reads everybody else, in words', async ({ stage }) => {
    const { server, port, room } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    const bo = await stage.online(port, 'bo');
    await ana.stdoutLine('[room] bo joined the room. 2 online.');
    ana.write('hello bo\n');
    await bo.stdoutLine('[ana] hello bo');
    bo.write('hello ana\r\n\n  \nwhat now?\n');
    await ana.stdoutLine('[bo] what now?');
    bo.end();
    await bo.ends(0);
    await ana.stdoutLine('[room] bo left the room. 1 online.');
    expect(ana.stdout.split('\n')).toEqual([
      '[room] You are now online. 1 online.',
      '[room] bo joined the room. 2 online.',
      '[bo] hello ana',
      '[bo] what now?',
      '[room] bo left the room. 1 online.',
      '',
    ]);
    expect(bo.stdout).toBe('[room] You are now online. 2 online.\n[ana] hello bo\n');
    for (const { stderr } of [ana, bo])
      expect(stderr).toBe(`-- connecting to tcp://127.0.0.1:${port}\n${meeting(room)}\n`);
    expect(await server.jsonUntil({ type: 'leave' })).toMatchObject([
      { type: 'join', name: 'ana', online: 1 },
      { type: 'join', name: 'bo', online: 2 },
      { type: 'message', seq: 1, from: { name: 'ana' }, text: 'hello bo' },
      { type: 'message', seq: 2, from: { name: 'bo' }, text: 'hello ana' },
      { type: 'message', seq: 3, from: { name: 'bo' }, text: 'what now?' },
      { type: 'leave', name: 'bo', online: 1, reason: 'left' },
    ]);
  });

  test('own messages come back in JSON with their place, and everybody has the same places', async ({ stage }) => {
    const { port } = await stage.server();
    const [ana, bo] = await Promise.all([stage.jsonOnline(port, 'ana'), stage.jsonOnline(port, 'bo')]);
    ana.write('one\n');
    expect(await ana.json({ type: 'message' })).toMatchObject({
      seq: 1,
      own: true,
      text: 'one',
      from: { name: 'ana' },
    });
    bo.write('two\n');
    expect(await ana.json({ type: 'message' })).toMatchObject({ seq: 2, own: false, replay: false, text: 'two' });
    expect(await bo.json({ type: 'message' })).toMatchObject({ seq: 1, own: false, text: 'one' });
    expect(await bo.json({ type: 'message' })).toMatchObject({ seq: 2, own: true, text: 'two' });
    bo.kill('SIGTERM');
    expect(await ana.json({ type: 'leave' })).toMatchObject({ name: 'bo', online: 1, reason: 'left' });
    await bo.json({ type: 'state', state: 'closing' });
    await bo.ends(0);
  });

  test('a pipe is sent line by line and ends well; -m and -m - send one message each', async ({ stage }) => {
    const { port } = await stage.server();
    const reader = await stage.online(port, 'reader', '--listen');
    const pipe = stage.client(port, 'bot');
    pipe.end('hi');
    await pipe.ends(0);
    expect(await reader.stdoutUntil('[bot] hi')).toHaveLength(2);

    const given = stage.client(port, 'bot', '-m', 'first', '--message', 'se\ncond', '-m', '-');
    given.end('three\n\nlines\n');
    await given.ends(0);
    const heard = await reader.stdoutUntil('[bot] three\\n\\nlines');
    expect(heard.slice(-3, -1)).toEqual(['[bot] first', '[bot] se\\ncond']);
  });

  test('--listen stays when the input ends, /dev/null without it is a mistake, --check only asks', async ({
    stage,
  }) => {
    const { server, port } = await stage.server();
    const listener = stage.spawn('client', ['--port', `${port}`, '--ip', '127.0.0.1', '--listen'], { stdin: null });
    await listener.stdoutLine(/now online/);
    const mute = stage.spawn('client', ['--port', `${port}`, '--ip', '127.0.0.1'], { stdin: null });
    await mute.ends(2);
    expect(mute.stderr).toContain('chat-client: nothing to send: the input is empty.\n');
    expect(mute.stderr).toContain('Pipe text in, use -m TEXT, or --listen to read only.\n');
    const check = stage.client(port, 'checker', '--check');
    await check.ends(0);
    expect(check.stderr).not.toContain('not sent');
    const marker = stage.client(port, 'bot', '-m', 'marker');
    await marker.ends(0);
    await listener.stdoutLine('[bot] marker');
    expect(listener.stdout).not.toContain('checker');
    expect(await server.json({ type: 'message' })).toMatchObject({ seq: 1, text: 'marker' });
    listener.kill('SIGINT');
    await listener.ends(0);
  });

  test('who reads the output may hang up', async ({ stage }) => {
    const { port, room } = await stage.server();
    const head = await stage.online(port, 'head', '--listen');
    head.hangUp();
    const bot = await stage.online(port, 'bot');
    bot.write('still there?\n');
    await head.ends(0);
    expect(head.stderr).toBe(`-- connecting to tcp://127.0.0.1:${port}\n${meeting(room)}\n`);
    await bot.stdoutLine(/head left the room\. 1 online\.$/);
  });

  test('200 clients join, talk and leave; the count is right at every step', { timeout: 60_000 }, async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room', '--max-clients', '600');
    const watcher = stage.keep(LegacyClient.connect(port, 'watcher'));
    await watcher.join();
    await watcher.hears('You are now online. 1 online.');
    const clients: LegacyClient[] = [];
    for (let i = 0; i < 200; i++) {
      const client = stage.keep(LegacyClient.connect(port, `c${i}`));
      clients.push(client);
      await client.join();
      await client.hears(`You are now online. ${i + 2} online.`);
    }
    await Promise.all(clients.map((client, i) => client.say(`I am ${i}`)));
    const texts = clients.map((_, i) => `I am ${i}\n`).sort();
    await Promise.all(clients.map(({ frames }) => frames.until(counted('I am ', 199), '199 messages', 30_000)));
    for (const [i, client] of clients.entries()) {
      const heard = client.frames.all.map(({ text }) => text).filter((text) => text.startsWith('I am '));
      expect(heard.toSorted()).toEqual(texts.filter((text) => text !== `I am ${i}\n`));
    }
    for (const [i, client] of clients.entries()) {
      await client.leave();
      await watcher.hears(`c${i} left the room. ${200 - i} online.`);
    }
    const counts = watcher.frames.all.map(({ text }) => / (\d+) online\.\n$/.exec(text)?.[1]).filter(Boolean);
    expect(counts.map(Number)).toEqual([...upTo(201), ...upTo(200).reverse()]);
    expect(clients.filter(({ killed }) => killed)).toEqual([]);
    expect(server.ended).toBe(false);
  });

  test('no server: words and exit 4 after --timeout', async ({ stage }) => {
    const port = await freePort();
    const client = stage.client(port, 'ana', '--timeout', '2', '-m', 'hi');
    await client.stderrLine(`-- nobody is listening on 127.0.0.1:${port} yet; trying again`);
    await client.ends(4);
    expect(client.stderr).toContain('chat-client: not online after 2 s.\n');
    expect(client.stdout).toBe('');
  });

  test('the name of the server, also spelt differently: exit 6', async ({ stage }) => {
    const { port } = await stage.server('--name', 'Room');
    for (const name of ['Room', ' rOOM', 'Ｒoom']) {
      const client = stage.client(port, name, '-m', 'hi');
      await client.ends(6);
      expect(client.stderr).toMatch(/^chat-client: ".*" is the name of the server\.$/m);
    }
  });

  test('a text that is too long: exit 8, the count in words, the other lines are sent', async ({ stage }) => {
    const { port } = await stage.server();
    const reader = await stage.online(port, 'reader', '--listen');
    const pipe = stage.client(port, 'bot');
    pipe.end(`before\n${'x'.repeat(4_097)}\n${'é'.repeat(2_049)}\n${'y'.repeat(4_096)}\nafter\n`);
    await pipe.ends(8);
    expect(pipe.stderr.match(/^!! Not sent: a message has at most 4096 bytes\.$/gm)).toHaveLength(2);
    expect(pipe.stderr).toContain('-- arrived: lines 1, 4-5\n!! not sent, may be sent again: lines 2-3\n');
    const heard = await reader.stdoutUntil('[bot] after');
    expect(heard.slice(-3)).toEqual(['[bot] before', `[bot] ${'y'.repeat(4_096)}`, '[bot] after']);
  });

  test('a full room', async ({ stage }) => {
    const { port } = await stage.server('--max-clients', '1');
    const ana = await stage.online(port, 'ana');
    const bo = stage.client(port, 'bo', '-m', 'hi');
    await bo.ends(5);
    expect(bo.stderr).toContain('chat-client: The room is full.\n');
    const legacy = stage.keep(LegacyClient.connect(port, 'old'));
    await legacy.join();
    await legacy.hears('The room is full.');
    ana.kill('SIGTERM');
    await ana.ends(0);
    const late = stage.client(port, 'late', '-m', 'hi');
    await late.ends(0);
  });
});

/** An original client as a process of its own, so that it can be killed. */
const legacyMember = `
  import { Dealer } from 'zeromq';
  const socket = new Dealer();
  socket.connect('tcp://127.0.0.1:' + process.argv[1]);
  await socket.send(JSON.stringify({ auth: 1, name: 'crash' }));
  for await (const [frame] of socket) console.log(String(frame));
`;

/** Each says one thing, and all hear all of it. */
async function talkAll(clients: Command[], word: string): Promise<void> {
  for (const [i, client] of clients.entries()) client.write(`${word} ${i}\n`);
  await Promise.all(clients.map((client) => client.json(all(word, clients.length))));
}

/** Accepts the event with which all `count` messages with this word have come. */
function all(word: string, count: number) {
  const texts = new Set<unknown>();
  return ({ type, text }: { type: string; text?: unknown }) =>
    type === 'message' && String(text).includes(word) && texts.add(text).size === count;
}

function counted(start: string, count: number) {
  let seen = 0;
  return ({ text }: { text: string }) => text.startsWith(start) && ++seen === count;
}

async function restart({ server, port }: Serving, stage: { server(...args: string[]): Promise<Serving> }) {
  server.kill('SIGKILL');
  await server.exit;
  return (await stage.server('--port', String(port))).server;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
