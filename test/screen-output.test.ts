import { describe, expect } from 'vitest';
import { test } from './support/command.ts';
import { RawDealer } from './support/raw.ts';

describe.concurrent('output', () => {
  test('to a full disk: words, and exit 7', async ({ stage }) => {
    const { port } = await stage.server();
    const shell = await stage.shell();
    shell.enter(`chat-client --port ${port} --ip 127.0.0.1 --name ana -m hi --json > /dev/full; echo "code $?"`);
    await shell.until('code 7');
    expect(shell.has('chat-client: cannot write the output.')).toBe(true);
    expect(shell.has('this is a bug')).toBe(false);
  });

  test('on a terminal that knows ASCII only, not one other byte, whoever wrote it', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const env = { LANG: 'C' };
    const ana = await stage.clientScreen(port, 'ana', [], { env });
    const legacy = stage.keep(new RawDealer(port));
    await legacy.ask({ auth: 1, name: 'ěva' });
    await legacy.send({ name: 'ěva', text: 'ś \u009b2J ［bob］ Año …\n' });
    await ana.until('[eva] s <U+009B>2J ?bob? Ano ...');
    ana.enter('/help');
    await ana.until('/help');
    ana.enter('/quit');
    await ana.ends(0);
    expect(ana.raw).toMatch(/^[\x00-\x7f]*$/);
  });

  test("the server's diary and its errors are so, too", async ({ stage }) => {
    const server = stage.screen('server', ['--port', '0', '--ip', '127.0.0.1', '--name', 'rööm'], {
      env: { LANG: 'C' },
    });
    await server.until(/listening on tcp:\/\/127\.0\.0\.1:\d+/);
    const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(server.lines.join('\n')) ?? [];
    const legacy = stage.keep(new RawDealer(Number(port)));
    await legacy.ask({ auth: 1, name: 'ěśƛ' });
    await server.until('joined');
    const second = stage.screen('server', ['--port', port, '--name', 'ě\u009b'], { env: { LANG: 'C' } });
    await second.ends(2);
    expect(server.raw + second.raw).toMatch(/^[\x00-\x7f]*$/);
  });
});
