import { describe, expect } from 'vitest';
import { type Command, type Event, type Serving, type Stage, test } from './support/command.ts';
import { LegacyClient } from './support/legacy.ts';

describe.concurrent('who was away', () => {
  test('gets with --replay exactly what it missed, marked, and nothing twice', async ({ stage }) => {
    const { port } = await stage.server();
    const bo = await stage.jsonOnline(port, 'bo');
    const first = await stage.jsonOnline(port, 'ana', '--replay');
    await says(bo, 'seen');
    await first.json({ type: 'message', text: 'seen', replay: false });
    await leaves(first);
    await says(bo, 'missed 1', 'missed 2');

    const second = await stage.jsonOnline(port, 'ana', '--replay');
    expect(await second.jsonUntil({ type: 'replayed' })).toMatchObject([
      { type: 'replay', count: 2, total: 2 },
      { type: 'message', seq: 2, text: 'missed 1', replay: true, from: { name: 'bo' }, ts: expect.any(String) },
      { type: 'message', seq: 3, text: 'missed 2', replay: true },
      { type: 'replayed' },
    ]);
    await says(bo, 'live');
    expect(await second.jsonUntil({ type: 'message' })).toMatchObject([{ seq: 4, text: 'live', replay: false }]);
    await leaves(second);

    const third = await stage.jsonOnline(port, 'ana', '--replay');
    await says(bo, 'later');
    expect(await third.jsonUntil({ type: 'message' })).toMatchObject([{ seq: 5, text: 'later' }]);
  });

  test('is not told in a pipe, only with --replay, and then in words', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.jsonOnline(port, 'bo');
    await leaves(await stage.online(port, 'ana'));
    await says(bo, 'missed');

    const plain = await stage.online(port, 'ana');
    await says(bo, 'live');
    await plain.stdoutLine('[bo] live');
    await leaves(plain);
    expect(plain.stdout).toBe('[room] You are now online. 2 online.\n[bo] live\n');
    expect(plain.stderr).not.toContain('missed');

    await says(bo, 'missed again');
    const replay = await stage.online(port, 'ana', '--replay');
    await says(bo, 'live again');
    await replay.stdoutLine('[bo] live again');
    await leaves(replay);
    expect(replay.stdout).toBe('[room] You are now online. 2 online.\n[bo] missed again\n[bo] live again\n');
    expect(replay.stderr).toMatch(/^-- 1 missed message since \d\d:\d\d ---\n-- end of missed messages ---$/m);
  });

  test('for the first time: only what it asks for with --history', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.jsonOnline(port, 'bo');
    await says(bo, ...Array.from({ length: 5 }, (_, i) => `old ${i + 1}`));
    const [none, some, all] = await Promise.all([
      stage.online(port, 'none'),
      stage.online(port, 'some', '--history', '2'),
      stage.jsonOnline(port, 'all', '--history', '1000'),
    ]);
    expect(await messages(all, 'replayed')).toEqual([1, 2, 3, 4, 5].map((n) => [n, `old ${n}`, true]));
    await says(bo, 'live');
    for (const client of [none, some]) await client.stdoutLine('[bo] live');
    const chat = (client: Command) => client.stdout.match(/^\[bo\].*$/gm);
    expect(chat(none)).toEqual(['[bo] live']);
    expect(chat(some)).toEqual(['[bo] old 4', '[bo] old 5', '[bo] live']);
  });
});

describe.concurrent('killed with kill -9', () => {
  test('a terminal keeps what was typed while the server was away; its next run sends it, once', async ({ stage }) => {
    const first = await stage.server();
    const ana = await stage.clientScreen(first.port, 'ana');
    ana.enter('before');
    await ana.until('[ana] before');
    await kill(first.server);
    await ana.until(/^-- connection lost/);
    ana.enter('typed while away');
    // It is shown as waiting after the turn that has put it on disk.
    await ana.until(/^… typed while away/);
    ana.kill('SIGKILL');
    await ana.exit;

    const { port } = await again(stage, first);
    const bo = await stage.jsonOnline(port, 'bo', '--history', '100');
    const next = await stage.jsonOnline(port, 'ana');
    await next.json({ type: 'message', text: 'typed while away', own: true });
    await says(next, 'after');
    const heard = await bo.jsonUntil({ type: 'message', text: 'after' });
    expect(heard.filter(isMessage).map(({ seq, text }) => [seq, text])).toEqual([
      [1, 'before'],
      [2, 'typed while away'],
      [3, 'after'],
    ]);
  });

  test('a pipe that had no server drops its lines, and says which', async ({ stage }) => {
    const first = await stage.server();
    await leaves(await stage.jsonOnline(first.port, 'bot'));
    await kill(first.server);
    const pipe = stage.client(first.port, 'bot', '--timeout', '1');
    pipe.end('one\ntwo\n');
    await pipe.ends(4);
    expect(pipe.stderr).toContain('!! not sent, may be sent again: lines 1-2\n');
    const { port } = await again(stage, first);
    const reader = await stage.jsonOnline(port, 'reader');
    const next = stage.client(port, 'bot', '-m', 'three');
    await next.ends(0);
    const heard = await reader.jsonUntil({ type: 'message', text: 'three' });
    expect(heard.filter(isMessage).map(({ text }) => text)).toEqual(['three']);
  });

  test('a server has everything after its restart, and the places go on', async ({ stage }) => {
    const first = await stage.server();
    const ana = await stage.jsonOnline(first.port, 'ana');
    await says(ana, 'one', 'two', 'three');
    await kill(first.server);
    const { port } = await again(stage, first);
    await ana.json({ type: 'state', state: 'online' });
    await says(ana, 'four');
    const cy = await stage.jsonOnline(port, 'cy', '--history', '100');
    const texts = ['one', 'two', 'three', 'four'];
    expect(await messages(cy, 'replayed')).toEqual(texts.map((text, i) => [i + 1, text, true]));
  });

  test('a server that keeps less is honest: who returns is told what is gone', async ({ stage }) => {
    const first = await stage.server();
    const bo = await stage.jsonOnline(first.port, 'bo');
    const ana = await stage.jsonOnline(first.port, 'ana', '--replay');
    await says(bo, 'seen');
    await ana.json({ type: 'message', text: 'seen' });
    await leaves(ana);
    await says(bo, ...Array.from({ length: 30 }, (_, i) => `missed ${i + 2}`));
    await kill(first.server);
    const { port } = await again(stage, first, '--history-limit', '10');
    await bo.json({ type: 'state', state: 'online' });
    await says(bo, 'last');
    const back = await stage.jsonOnline(port, 'ana', '--replay');
    // Of 31 messages the last 10 were kept, and one more was said.
    expect(back.stdout).toContain('{"type":"gap","from":2,"to":21,');
    const places = (await messages(back, 'replayed')).map(([seq]) => seq);
    expect(places).toEqual(Array.from({ length: 11 }, (_, i) => 22 + i));
  });

  test('a server with --no-history begins anew; who was there gives back what it has', async ({ stage }) => {
    const first = await stage.server('--no-history');
    const ana = await stage.jsonOnline(first.port, 'ana');
    await says(ana, 'one', 'two');
    const bo = await stage.jsonOnline(first.port, 'bo', '--history', '9');
    await bo.json({ type: 'replayed' });
    await kill(ana);
    await kill(bo);
    await kill(first.server);
    const second = await again(stage, first, '--no-history');
    const cy = await stage.jsonOnline(second.port, 'cy', '--history', '9');
    await says(cy, 'a new beginning');
    expect(cy.stdout).not.toContain('"text":"one"');

    const back = await stage.jsonOnline(second.port, 'ana');
    await back.json({ type: 'status', code: 'RESTORED' });
    await says(back, 'three');
    const heard = await cy.jsonUntil({ type: 'message', text: 'three' });
    expect(heard.filter(isMessage).map(({ seq, text, from }) => [seq, text, (from as Event).name])).toEqual([
      [2, 'one', 'ana'],
      [3, 'two', 'ana'],
      [4, 'three', 'ana'],
    ]);
    const shown = back.stdout.split('\n').filter((line) => line.includes('"type":"message"'));
    expect(shown.map((line) => JSON.parse(line).text)).toEqual(['three']);
  });
});

describe.concurrent('who somebody is', () => {
  test('two terminals of one person are one member, and both get everything', async ({ stage }) => {
    const { server, port } = await stage.server();
    const bo = await stage.jsonOnline(port, 'bo');
    const [one, two] = [await stage.jsonOnline(port, 'ana'), stage.client(port, 'ana', '--json')];
    expect(await two.json({ type: 'state', state: 'online' })).toMatchObject({ online: 2, members: ['bo', 'ana'] });
    await says(one, 'from one');
    await two.json({ type: 'message', text: 'from one' });
    await says(two, 'from two');
    await one.json({ type: 'message', text: 'from two' });
    const heard = await bo.jsonUntil({ type: 'message', text: 'from two' });
    const [fromOne, fromTwo] = heard.filter(isMessage).map(({ from }) => from);
    expect(fromOne).toEqual(fromTwo);
    await leaves(one);
    await says(two, 'still here');
    await leaves(two);
    expect(await bo.jsonUntil({ type: 'leave' })).toMatchObject([
      { type: 'message', text: 'still here' },
      { type: 'leave', name: 'ana', online: 1 },
    ]);
    expect((await server.jsonUntil({ type: 'leave' })).filter(({ type }) => type === 'join')).toHaveLength(2);
  });

  test('a name belongs to who had it first: another is refused with exit 6, also after a restart', async ({
    stage,
  }) => {
    const first = await stage.server();
    const mine = ['--data-dir', `${stage.home}/mine`];
    const ana = await stage.jsonOnline(first.port, 'Ana', ...mine);
    const refused = async (port: number) => {
      const other = stage.client(port, 'ANA', '--data-dir', `${stage.home}/other`, '-m', 'it is me, Ana');
      await other.ends(6);
      expect(other.stderr).toContain('chat-client: "ANA" belongs to somebody else.\n');
    };
    await refused(first.port);
    await leaves(ana);
    await refused(first.port);
    await kill(first.server);
    const { port } = await again(stage, first);
    await refused(port);
    const back = await stage.jsonOnline(port, 'Ana', ...mine);
    await says(back, 'here I am');
    expect(back.stdout).not.toContain('it is me');
  });

  test('an original client with the name of somebody is a guest', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.online(port, 'ana');
    const old = stage.keep(LegacyClient.connect(port, 'ana'));
    await old.say('hi');
    expect(await ana.stdoutUntil('[ana (guest)] hi')).toEqual([
      '[room] ana (guest) joined the room. 2 online.',
      '[ana (guest)] hi',
    ]);
  });
});

const isMessage = ({ type }: Event) => type === 'message';

/** Writes lines and waits until they are in the log. */
async function says(client: Command, ...texts: string[]): Promise<void> {
  client.write(texts.map((text) => `${text}\n`).join(''));
  await client.json({ type: 'message', text: texts.at(-1), own: true });
}

/** Place, text and mark of the messages up to the next event of this type. */
const messages = async (client: Command, type: string) =>
  (await client.jsonUntil({ type })).filter(isMessage).map(({ seq, text, replay }) => [seq, text, replay]);

async function leaves(client: Command): Promise<void> {
  client.kill('SIGTERM');
  await client.ends(0);
}

async function kill(command: Command): Promise<void> {
  command.kill('SIGKILL');
  await command.exit;
}

/** The server on the same port, with the same data. */
const again = (stage: Stage, { port }: Serving, ...args: string[]) => stage.server('--port', String(port), ...args);
