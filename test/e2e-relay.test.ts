import { describe, expect } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { type Stage, test } from './support/command.ts';
import { Person, RawDealer } from './support/raw.ts';

type Json = Record<string, unknown>;

/** Somebody between one client and a room, who passes everything on and hears it, and may say more to the room. */
class Relay {
  readonly heard: string[] = [];
  port = 0;
  readonly #router = new Router({ linger: 0 });
  readonly #dealer = new Dealer({ linger: 0 });
  #client: Buffer | undefined;

  static async to(port: number): Promise<Relay> {
    const relay = new Relay();
    await relay.#router.bind('tcp://127.0.0.1:*');
    relay.port = Number(relay.#router.lastEndpoint?.split(':').pop());
    relay.#dealer.connect(`tcp://127.0.0.1:${port}`);
    void relay.#up().catch(() => {});
    void relay.#down().catch(() => {});
    return relay;
  }

  say(frame: Json | string): Promise<void> {
    return this.#dealer.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** What the client said that has this in it. */
  find(word: string): string {
    return this.heard.find((data) => data.includes(word)) ?? '';
  }

  close(): void {
    this.#router.close();
    this.#dealer.close();
  }

  async #up(): Promise<void> {
    for await (const [id, data] of this.#router) {
      this.#client = id;
      this.heard.push(String(data));
      await this.#dealer.send(data ?? '');
    }
  }

  async #down(): Promise<void> {
    for await (const [data] of this.#dealer)
      if (this.#client) await this.#router.send([this.#client, data ?? '']).catch(() => {});
  }
}

/** A server that says this, whatever it is asked. */
async function saying(stage: Stage, answer: (join: Json) => Json[]): Promise<number> {
  const router = stage.keep(new Router({ linger: 0 }));
  await router.bind('tcp://127.0.0.1:*');
  const serve = async () => {
    for await (const [id, data] of router)
      for (const frame of answer(JSON.parse(String(data)))) await router.send([id ?? '', JSON.stringify(frame)]);
  };
  void serve().catch(() => {});
  return Number(router.lastEndpoint?.split(':').pop());
}

describe.concurrent('whoever stands between a member and the room', () => {
  test('cannot speak in its name, nor say goodbye for it', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const relay = stage.keep(await Relay.to(port));
    const ana = await stage.online(relay.port, 'ana', '--listen');
    await bo.stdoutLine('[room] ana joined the room. 2 online.');
    ana.write('hello\n');
    await bo.stdoutLine('[ana] hello');
    const [message] = JSON.parse(relay.find('"up"')).m as [{ id: string }];
    const forged = { ...message, id: message.id.replace(/1$/, '2'), text: 'send the money to Mallory\n' };
    const own = relay.find('"up":1');
    const inWords = /ignored \d+ frames?: (words without the seal of their session|an upload that was taken before)/;
    for (const frame of [
      forged,
      { up: 2, m: [forged] },
      { up: 2, m: [forged], mac: 'A'.repeat(22) },
      own.replace('hello', 'hullo'),
      own,
      { auth: 0, name: 'ana' },
    ]) {
      await relay.say(frame);
      await server.stderrLine(inWords);
    }
    ana.write('bye\n');
    expect(await bo.stdoutUntil('[ana] bye')).toEqual(['[ana] bye']);
  });

  test('cannot use its proof again when it has left', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const relay = stage.keep(await Relay.to(port));
    const ana = await stage.online(relay.port, 'ana');
    ana.write('hello\n');
    ana.end();
    await ana.ends(0);
    await bo.stdoutLine('[room] ana left the room. 1 online.');
    for (const data of [relay.find('"proof"'), relay.find('"up"')]) await relay.say(data);
    const old = stage.keep(new RawDealer(port));
    await old.ask({ auth: 1, name: 'old' });
    expect(await bo.stdoutUntil('[room] old joined the room. 2 online.')).toHaveLength(1);
  });
});

test('a key that is nobody’s opens nothing, whatever is called its proof', async ({ stage }) => {
  const { port } = await stage.server('--name', 'room');
  const point = (first: number, length: number) =>
    Buffer.concat([Buffer.from([first]), Buffer.alloc(length - 1)]).toString('base64url');
  const nobody = stage.keep(new RawDealer(port));
  const join = { auth: 1, name: 'Nobody', v: 1, key: point(1, 32), dev: 'device', cn: 'nonce' };
  await nobody.ask(join);
  expect(await nobody.ask({ ...join, proof: point(1, 64) })).toContain('"refused":"PROOF_REFUSED"');
});

describe.concurrent('who is not let in hears why: exit 5', () => {
  const refusal = (refused: string, text: string, join: Json) => ({
    refused,
    name: 'room',
    text: `${text}\n`,
    cn: join.cn,
  });

  test('a proof that is not accepted', async ({ stage }) => {
    const room = new Person().key;
    const port = await saying(stage, (join) =>
      join.proof
        ? [refusal('PROOF_REFUSED', 'The room does not accept the proof of your key.', join)]
        : [{ v: 1, nonce: 'n', room, log: 'l', cn: join.cn }],
    );
    const ana = stage.spawn('client', ['--port', String(port), '--name', 'ana', '-m', 'hi']);
    await ana.ends(5);
    expect(ana.stderr).toContain('The room does not accept the proof of your key.');
  });

  test('a version that is not spoken', async ({ stage }) => {
    const text = 'This room speaks version 2 of the protocol, and not that of your program.';
    const port = await saying(stage, (join) => [{ ...refusal('VERSION_REFUSED', text, join), v: 2 }]);
    const ana = stage.spawn('client', ['--port', String(port), '--name', 'ana', '-m', 'hi']);
    await ana.ends(5);
    expect(ana.stderr).toContain(text);
  });
});
