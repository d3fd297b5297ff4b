import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { test } from './support/command.ts';
import { Person, RawDealer } from './support/raw.ts';

describe.concurrent('a device is its key’s, whoever else names it', () => {
  test('where nothing is kept and the server came back: who has not spoken since goes on, and is heard', async ({
    stage,
  }) => {
    const args = ['--no-history', '--data-dir', join(stage.home, 'room')];
    const first = await stage.server(...args);
    await stage.client(first.port, 'ana', '-m', 'hello').ends(0);
    const { id } = await first.server.json({ type: 'message', text: 'hello' });
    const [dev] = String(id).split('.');
    first.server.kill('SIGTERM');
    await first.server.ends(0);
    const { server, port } = await stage.server(...args, '--port', String(first.port));
    const [eve, dealer] = [new Person(), stage.keep(new RawDealer(port))];
    await eve.join(dealer, 'eve');
    const said = (id: string) => eve.says({ name: 'eve', text: 'mine', id });
    await eve.upload(dealer, said(`${dev}.1`), said(`${eve.device}.1`));
    await server.json({ type: 'message' });
    const ana = stage.client(port, 'ana', '-m', 'me again');
    await ana.ends(0);
    const heard = (await server.jsonUntil({ text: 'me again' })).filter(({ type }) => type === 'message');
    expect(heard).toMatchObject([
      { seq: 2, text: 'hello', id: `${dev}.1` },
      { seq: 3, text: 'me again', id: `${dev}.2` },
    ]);
    await server.stderrLine(/ignored 1 frame: a kept message without a valid signature/);
  });

  test('also while that is silent: who joins with it takes nobody’s place', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const [ana, eve] = [new Person(), new Person()];
    const [here, there] = [stage.keep(new RawDealer(port)), stage.keep(new RawDealer(port))];
    await ana.join(here, 'ana');
    const answer = await eve.join(there, 'eve', ana.device);
    await ana.upload(here, ana.says({ name: 'ana', text: 'hello', id: `${ana.device}.1` }));
    expect(await here.hears(/"rejoin"|hello/)).not.toContain('"rejoin"');
    expect(answer).toMatchObject({ refused: 'PROOF_REFUSED' });
  });
});
