import { describe, expect } from 'vitest';
import { type Command, type Stage, test } from './support/command.ts';
import { bark } from './support/raw.ts';

describe.concurrent('p2p', () => {
  test('hello, messages both ways, goodbye', async ({ stage }) => {
    const { ana, bo } = await together(stage);
    ana.write('hello bo\n');
    await bo.stdoutLine('[ana] hello bo');
    bo.write('hello\nana\n');
    await ana.stdoutLine('[bo] ana');
    bo.kill('SIGINT');
    await bo.ends(0);
    await ana.stderrLine('-- bo left.');
    expect(ana.stdout).toBe('[bo] hello\n[bo] ana\n');
    expect(bo.stdout).toBe('[ana] hello bo\n');
  });

  test('either side killed and started again: the other stays, what was typed meanwhile arrives', async ({ stage }) => {
    const { ana, bo, port } = await together(stage);
    await bothTalk(ana, bo, 'at first');
    bo.kill('SIGKILL');
    await ana.stderrLine(/^-- bo lost the connection\./);
    ana.write('while bo is away\n');
    const boAgain = caller(stage, port, 'bo');
    await boAgain.stdoutLine('[ana] while bo is away');
    await bothTalk(ana, boAgain, 'after the caller came back');
    ana.kill('SIGKILL');
    await boAgain.stderrLine(/^-- ana lost the connection\./);
    boAgain.write('while ana is away\n');
    const { side: anaAgain } = await waiter(stage, 'ana', port);
    await anaAgain.stdoutLine('[bo] while ana is away');
    await bothTalk(anaAgain, boAgain, 'after the waiter came back');
  });

  test('a third one is told that the side is taken, and disturbs nobody', async ({ stage }) => {
    const { ana, bo, port } = await together(stage);
    const third = caller(stage, port, 'eve');
    third.write('can you hear me?\n');
    await third.ends(5);
    expect(third.stderr).toContain('p2p: that side is already talking to someone.\n');
    await bothTalk(ana, bo, 'undisturbed');
    expect(ana.stdout).toBe('[bo] undisturbed\n');
    expect(bo.stdout).toBe('[ana] undisturbed\n');
    expect(ana.stderr + bo.stderr).not.toContain('lost');
  });

  test('a pipe ends well when all of it is accepted, on either side', async ({ stage }) => {
    const { side: ana, port } = await waiter(stage, 'ana');
    const bo = caller(stage, port, 'bo');
    bo.end('one\ntwo');
    await bo.ends(0);
    await ana.stdoutLine('[bo] two');
    expect(ana.stdout).toBe('[bo] one\n[bo] two\n');
    await ana.stderrLine('-- bo left.');
    const cy = caller(stage, port, 'cy');
    await ana.stderrLine('-- cy is here.');
    ana.end('bye\n');
    await ana.ends(0);
    await cy.stdoutLine('[ana] bye');
    await cy.stderrLine('-- ana left.');
  });

  test('who only read along leaves well at the end of its input; who met nobody is told what to do', async ({
    stage,
  }) => {
    const { side: ana, port } = await waiter(stage, 'ana');
    const bo = caller(stage, port, 'bo');
    await bo.stderrLine('-- ana is here.');
    bo.end('hi\n');
    await bo.ends(0);
    await ana.stdoutLine('[bo] hi');
    ana.end();
    await ana.ends(0);
    const { side: alone } = await waiter(stage, 'alone');
    alone.end();
    await alone.ends(2);
    expect(alone.stderr).toContain('Pipe text in, or type it at a terminal. To read only, add --listen.\n');
  });

  test('both in JSON: own messages when the other has them', async ({ stage }) => {
    const { side: ana, port } = await waiter(stage, 'ana', 0, '--json');
    const bo = caller(stage, port, 'bo', '--json');
    expect(await ana.json({ type: 'join' })).toMatchObject({ name: 'bo', online: 2 });
    await bo.json({ type: 'state', state: 'online' });
    bo.write('hi\n');
    expect(await ana.json({ type: 'message' })).toMatchObject({ from: { name: 'bo' }, text: 'hi', own: false });
    expect(await bo.json({ type: 'message' })).toMatchObject({ from: { name: 'bo' }, text: 'hi', own: true });
  });

  test('bytes of strangers on the port do not disturb the talk', async ({ stage }) => {
    const { ana, bo, port } = await together(stage);
    for (let i = 0; i < 10; i++) {
      await bark(port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      await bark(port, Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 7919 + i * 104_729) % 256)));
      await bark(port, Buffer.alloc(0));
    }
    await bothTalk(ana, bo, 'undisturbed');
    expect(ana.stdout).toBe('[bo] undisturbed\n');
    expect(ana.stderr + bo.stderr).not.toContain('lost');
  });

  test('strangers who knock first do not keep the expected one away', async ({ stage }) => {
    const { side: ana, port } = await waiter(stage, 'ana');
    for (let i = 0; i < 5; i++) await bark(port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    const bo = caller(stage, port, 'bo');
    await ana.stderrLine('-- bo is here.');
    await bothTalk(ana, bo, 'found you');
  });
});

async function waiter(stage: Stage, name: string, onPort = 0, ...args: string[]) {
  const side = stage.spawn('p2p', ['--name', name, '--server', '--ip', '127.0.0.1', '--port', `${onPort}`, ...args]);
  if (args.includes('--json')) return { side, port: Number((await side.json({ type: 'listening' })).port) };
  const line = await side.stderrLine(/^-- listening on tcp:\/\/127\.0\.0\.1:\d+$/);
  return { side, port: Number(line.split(':').at(-1)) };
}

const caller = (stage: Stage, port: number, name: string, ...args: string[]) =>
  stage.spawn('p2p', ['--name', name, '--ip', '127.0.0.1', '--port', String(port), ...args]);

async function together(stage: Stage) {
  const { side: ana, port } = await waiter(stage, 'ana');
  const bo = caller(stage, port, 'bo');
  await Promise.all([ana.stderrLine('-- bo is here.'), bo.stderrLine('-- ana is here.')]);
  return { ana, bo, port };
}

async function bothTalk(ana: Command, bo: Command, word: string) {
  ana.write(`${word}\n`);
  bo.write(`${word}\n`);
  await Promise.all([ana.stdoutLine(`[bo] ${word}`), bo.stdoutLine(`[ana] ${word}`)]);
}
