import { describe, expect } from 'vitest';
import { test } from './support/command.ts';
import { LegacyClient, LegacyPeer, LegacyServer } from './support/legacy.ts';
import { Person, RawDealer } from './support/raw.ts';

describe.concurrent('original clients in our room', () => {
  test('both kinds read each other; an original one is sent name and text, nothing else', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    const ana = await stage.online(port, 'ana');
    const bo = await stage.jsonOnline(port, 'bo');
    ana.write('from a new one\n');
    await bo.json({ type: 'message', text: 'from a new one' });
    await old.say('from an old one');
    await ana.stdoutLine('[old] from an old one');
    expect(await bo.json({ type: 'message', text: 'from an old one' })).toMatchObject({
      seq: 2,
      from: { name: 'old' },
    });
    bo.write('two\nin a row\n');
    await old.hears('in a row');
    bo.kill('SIGINT');
    await old.hears('bo left the room. 2 online.');
    await old.leave();
    await ana.stdoutLine('[room] old left the room. 1 online.');
    server.kill('SIGINT');
    await ana.stdoutLine('[room] Server is off.');

    expect(old.frames.all.map(({ raw }) => JSON.parse(raw))).toEqual([
      { name: 'room', text: 'You are now online. 1 online.\n' },
      { name: 'room', text: 'ana joined the room. 2 online.\n' },
      { name: 'room', text: 'bo joined the room. 3 online.\n' },
      { name: 'ana', text: 'from a new one\n' },
      { name: 'bo', text: 'two\n' },
      { name: 'bo', text: 'in a row\n' },
      { name: 'room', text: 'bo left the room. 2 online.\n' },
    ]);
    expect(old.keySets).toEqual(['name,text']);
    expect(old.killed).toBeUndefined();
  });

  test('original clients among themselves: never their own words, a second join changes nothing', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const [one, two] = ['one', 'two'].map((name) => stage.keep(LegacyClient.connect(port, name)));
    await one?.join();
    await one?.hears('You are now online. 1 online.');
    await two?.join();
    await two?.hears('You are now online. 2 online.');
    await one?.join();
    await one?.hears('You are now online. 2 online.');
    await one?.say('mine');
    await two?.say('yours');
    expect((await two?.hearsUntil('mine'))?.map(({ text }) => text)).toEqual(['mine\n']);
    expect((await one?.hearsUntil('yours'))?.map(({ text }) => text)).toEqual(['yours\n']);
  });

  test('a message of somebody unknown is a join and a message', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.say('no join before');
    await old.hears('You are now online. 2 online.');
    expect(await ana.stdoutUntil('[old] no join before')).toEqual([
      '[room] old joined the room. 2 online.',
      '[old] no join before',
    ]);
  });

  test('an ended input sends empty messages for ever: history unharmed, one word to it and one in the log', async ({
    stage,
  }) => {
    const { server, port } = await stage.server('--name', 'room', '--history-limit', '10');
    const ana = await stage.online(port, 'ana');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    await old.say('kept');
    await ana.stdoutLine('[old] kept');
    for (let i = 0; i < 5_000; i++) await old.say('');
    await old.say('the end');
    expect(await ana.stdoutUntil('[old] the end')).toEqual(['[old] the end']);
    await old.hears('Empty messages are not passed on.');
    const late = stage.client(port, 'late', '--history', '10', '--listen');
    expect(await late.stdoutUntil('[old] the end')).toEqual([
      expect.stringContaining('You are now online.'),
      '[old] kept',
      '[old] the end',
    ]);
    await server.stderrLine(/ignored 1 frame: old, a client of the original, sends empty messages; this is said once/);
    server.kill('SIGTERM');
    await server.ends(0);
    expect(server.stderr.match(/empty messages/g)).toHaveLength(1);
    expect(old.frames.all.filter(({ text }) => text.startsWith('Empty'))).toHaveLength(1);
  });

  test('a text that is too long is answered', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    for (const length of [4_097, 60_000]) {
      await old.say('x'.repeat(length));
      await old.hears('Your message was not sent: it is longer than 4096 bytes.');
    }
    const ana = await stage.online(port, 'ana');
    await old.say('x'.repeat(4_096));
    await ana.stdoutLine(`[old] ${'x'.repeat(4_096)}`);
  });

  test('nobody writes lines of somebody else, or escapes, on its screen', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.join();
    await old.hears('You are now online. 1 online.');
    await stage.client(port, 'eve', '-m', 'hi\n [room] Server is off.\u001b[2J').ends(0);
    expect(await old.hears('hi␊ [room] Server is off.␛[2J')).toMatchObject({ name: 'eve' });
    for (const { raw } of old.frames.all) expect(JSON.parse(raw).text).toMatch(/^[^\p{Cc}]+\n$/u);
  });

  test('who joins under its name with a key has it, and the original is a guest from then on', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.jsonOnline(port, 'bo', '--listen');
    const old = stage.keep(LegacyClient.connect(port, 'max'));
    await old.join();
    await bo.json({ type: 'join', name: 'max' });
    await stage.jsonOnline(port, 'max', '--listen');
    expect(await bo.jsonUntil({ type: 'join', name: 'max' })).toMatchObject([
      { type: 'rename', from: 'max', name: 'max (guest)' },
      { type: 'join', name: 'max', online: 3 },
    ]);
    await old.hears('max is now called max (guest). 2 online.');
    await old.say('still here');
    expect(await bo.json({ type: 'message' })).toMatchObject({ from: { name: 'max (guest)' }, text: 'still here' });
  });

  test('nobody uses up the numbers of what they say: not as a friend who kept it, nor as its device', async ({
    stage,
  }) => {
    const { server, port } = await stage.server('--name', 'room');
    const reader = await stage.jsonOnline(port, 'reader', '--listen');
    const old = stage.keep(LegacyClient.connect(port, 'old'));
    await old.say('before');
    const { id } = await reader.json({ type: 'message', text: 'before' });
    const [dev = ''] = String(id).split('.');
    const [eve, dealer] = [new Person(), stage.keep(new RawDealer(port))];
    await eve.join(dealer, 'eve');
    const next = eve.says({ name: 'eve', text: 'next', id: `${dev}.2`, in: 1 });
    const own = eve.says({ name: 'eve', text: 'mine', id: `${eve.device}.1` });
    await eve.upload(dealer, { ...next, first: 1 }, own);
    await reader.json({ text: 'mine' });
    const answer = await eve.join(stage.keep(new RawDealer(port)), 'eve', dev);
    await old.say('after');
    await old.say('and after that');
    const read = await reader.jsonUntil({ text: 'and after that' });
    expect(read.map(({ text }) => text)).toEqual(['after', 'and after that']);
    expect(answer).toMatchObject({ refused: 'PROOF_REFUSED', text: 'This device is made from another key.\n' });
    await server.stderrLine(/ignored 1 frame: a kept message without a valid signature/);
  });

  test('names an original client could forge with are made harmless', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    for (const [name, shown] of [
      ['room', 'room (guest)'],
      ['Ana', 'Ana (guest)'],
      ['[bob]\u202e', 'bob'],
      ['', 'somebody'],
    ] as const) {
      const old = stage.keep(LegacyClient.connect(port, name));
      await old.say('hi');
      await ana.stdoutLine(`[${shown}] hi`);
    }
  });
});

describe.concurrent("our client and the original's server", () => {
  test('talks both ways, knows the notices, and sends nothing but join, messages and leave', async ({ stage }) => {
    const server = stage.keep(await LegacyServer.bind('old-room'));
    const ana = await stage.online(server.port, 'ana');
    await ana.stderrLine('-- this server runs the original program: no receipts and nothing missed is sent again.');
    const bo = await stage.jsonOnline(server.port, 'bo');
    const old = stage.keep(LegacyClient.connect(server.port, 'old'));
    await old.join();
    await old.hears('You are now online. 3 online.');
    await old.say('hello new ones');
    await ana.stdoutLine('[old] hello new ones');
    await bo.json({ type: 'status', code: 'LEGACY_SERVER' });
    expect(await bo.jsonUntil({ type: 'message' })).toMatchObject([
      { type: 'join', name: 'old', online: 3 },
      { type: 'message', from: { name: 'old' }, text: 'hello new ones', own: false },
    ]);
    ana.write('hello old one\n');
    expect(await old.hears('hello old one')).toMatchObject({ name: 'ana', keys: 'name,text' });
    await bo.json({ type: 'message', text: 'hello old one' });
    bo.write('mine\n');
    expect(await bo.json({ type: 'message', text: 'mine' })).toMatchObject({ own: true });
    bo.kill('SIGTERM');
    await ana.stdoutLine('[old-room] bo left the room. 2 online.');
    await old.leave();
    await ana.stdoutLine('[old-room] old left the room. 1 online.');
    await server.stop();
    await ana.stdoutLine('[old-room] Server is off.');
    await ana.stderrLine(/^-- connection lost\./);

    expect(server.frames.all).toEqual([
      ourJoin('ana'),
      ourJoin('bo'),
      { auth: 1, name: 'old' },
      { name: 'old', text: 'hello new ones\n' },
      { name: 'ana', text: 'hello old one\n' },
      { name: 'bo', text: 'mine\n' },
      { auth: 0, name: 'bo' },
      { auth: 0, name: 'old' },
    ]);
    expect(server.killed ?? old.killed).toBeUndefined();
  });

  test('--check finds it, and nobody in its room is told', async ({ stage }) => {
    const server = stage.keep(await LegacyServer.bind('old-room'));
    const old = stage.keep(LegacyClient.connect(server.port, 'old'));
    await old.join();
    await old.hears('You are now online. 1 online.');
    const check = stage.client(server.port, 'root', '--check');
    await check.ends(0);
    expect([check.stdout, check.stderr]).toEqual(['', expect.stringContaining('the original program listens there.')]);
    const other = stage.keep(LegacyClient.connect(server.port, 'other'));
    await other.join();
    // What comes next is that somebody else has joined.
    await old.frames.until(() => true, 'the next word of the room');
    expect(old.frames.all.map(({ text }) => text)).toEqual([
      'You are now online. 1 online.\n',
      'other joined the room. 2 online.\n',
    ]);
    expect(server.frames.all).toHaveLength(2);
  });

  test('a pipe sends all its lines, and ends well', async ({ stage }) => {
    const server = stage.keep(await LegacyServer.bind('old-room'));
    const old = stage.keep(LegacyClient.connect(server.port, 'old'));
    await old.join();
    const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}`);
    const pipe = stage.client(server.port, 'bot');
    pipe.end(lines.join('\n'));
    const heard = await old.hearsUntil('bot left the room. 1 online.');
    expect(heard.filter(({ name }) => name === 'bot').map(({ text }) => text.trim())).toEqual(lines);
    await pipe.ends(0);
  });

  test('started again, our client is a member again by itself', async ({ stage }) => {
    const server = stage.keep(await LegacyServer.bind('old-room'));
    const ana = await stage.jsonOnline(server.port, 'ana');
    server.close();
    await ana.json({ type: 'state', state: 'offline' });
    ana.write('typed while it was away\n');
    const again = stage.keep(await LegacyServer.bind('old-room', server.port));
    await ana.json({ type: 'state', state: 'online', legacy: true });
    const old = stage.keep(LegacyClient.connect(server.port, 'old'));
    await old.join();
    await old.hears('You are now online. 2 online.');
    await old.say('welcome back');
    await ana.json({ type: 'message', text: 'welcome back' });
    await again.frames.until(({ text }) => text === 'typed while it was away\n', 'what was typed');
    expect(again.frames.all.filter(({ name }) => name === 'ana')).toEqual([
      ourJoin('ana'),
      { name: 'ana', text: 'typed while it was away\n' },
    ]);
  });
});

describe.concurrent('p2p with the original', () => {
  test('it connects to us: talk both ways, also before it said a word', async ({ stage }) => {
    const ours = stage.spawn('p2p', ['--name', 'ana', '--server', '--port', '0', '--ip', '127.0.0.1', '--json']);
    const { port } = await ours.json({ type: 'listening' });
    const old = stage.keep(LegacyPeer.connect(Number(port), 'old'));
    ours.write('anybody there?\n');
    await old.hears('anybody there?');
    await ours.json({ type: 'state', state: 'online', legacy: true });
    await old.say('yes');
    expect(await ours.json({ type: 'message', own: false })).toMatchObject({ from: { name: 'old' }, text: 'yes' });
    ours.kill('SIGTERM');
    await old.hears('ana left the chat.');
    await ours.ends(0);
    expect(old.frames.all.map(({ name }) => name)).toEqual(['ana', 'ana']);
    expect(old.killed).toBeUndefined();
  });

  test('without a name it is somebody, and is heard', async ({ stage }) => {
    const ours = stage.spawn('p2p', ['--name', 'ana', '--server', '--port', '0', '--ip', '127.0.0.1', '--json']);
    const { port } = await ours.json({ type: 'listening' });
    const old = stage.keep(LegacyPeer.connect(Number(port), null));
    await old.say('hola');
    expect(await ours.json({ type: 'message' })).toMatchObject({ from: { name: 'somebody' }, text: 'hola' });
    ours.write('te leo\n');
    await old.hears('te leo');
    for (let i = 0; i < 2_000; i++) await old.say('');
    await old.say('adios');
    expect((await ours.jsonUntil({ type: 'message', text: 'adios' })).map(({ type, code }) => code ?? type)).toEqual([
      'message',
      'EMPTY',
      'message',
    ]);
    expect(old.killed).toBeUndefined();
  });

  test('we connect to it: every frame can be shown by it', async ({ stage }) => {
    const old = stage.keep(await LegacyPeer.listen('old'));
    const ours = stage.spawn('p2p', ['--name', 'ana', '--port', String(old.port), '--ip', '127.0.0.1']);
    await old.hears('ana is here.');
    await old.say('hello');
    await ours.stdoutLine('[old] hello');
    ours.write('hello yourself\n');
    expect(await old.hears('hello yourself')).toMatchObject({ name: 'ana', keys: 'name,text' });
    ours.kill('SIGINT');
    await old.hears('ana left the chat.');
    await ours.ends(0);
    expect(old.killed).toBeUndefined();
  });
});

/** What a client of ours asks a server for, before it knows whose it is. */
function ourJoin(name: string) {
  const [key, dev, cn] = [expect.any(String), expect.any(String), expect.any(String)];
  return { auth: 1, name, v: 1, key, dev, cn, history: 0 };
}
