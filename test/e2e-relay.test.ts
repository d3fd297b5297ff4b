import { describe, expect } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { type Stage, test } from './support/command.ts';
import { deviceOf, Person, RawDealer } from './support/raw.ts';

type Json = Record<string, unknown>;

type RelayOptions = { routingId?: string; alter?: (answer: string) => string };

/** Somebody between one client and a room, who passes everything on and hears it, and may say more to the room. */
class Relay {
  readonly heard: string[] = [];
  port = 0;
  readonly #router = new Router({ linger: 0 });
  readonly #dealer: Dealer;
  readonly #alter: (answer: string) => string;
  #client: Buffer | undefined;

  private constructor({ alter = (answer) => answer, ...options }: RelayOptions) {
    this.#alter = alter;
    this.#dealer = new Dealer({ linger: 0, ...options });
  }

  static async to(port: number, options: RelayOptions = {}): Promise<Relay> {
    const relay = new Relay(options);
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
      if (this.#client) await this.#router.send([this.#client, this.#alter(String(data))]).catch(() => {});
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

  test('cannot use what it heard on another connection, called the same or not', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const relay = stage.keep(await Relay.to(port, { routingId: 'ana’s' }));
    await stage.client(relay.port, 'ana', '-m', 'hello').ends(0);
    await bo.stdoutLine('[room] ana left the room. 1 online.');
    // Of a client of the original the room says at once that its connection is gone.
    await relay.say({ auth: 1, name: 'old' });
    await bo.stdoutLine('[room] old joined the room. 2 online.');
    relay.close();
    await bo.stdoutLine('[room] old left the room. 1 online.');
    for (const options of [{ routingId: 'ana’s' }, {}]) {
      const thief = stage.keep(new RawDealer(port, options));
      expect(await thief.ask(relay.find('"auth":1'))).toContain('"nonce"');
      expect(await thief.ask(relay.find('"proof"'))).toContain('"refused":"PROOF_REFUSED"');
      expect(await thief.ask(relay.find('"up":1'))).toContain('"rejoin"');
    }
    await stage.client(port, 'end', '-m', 'end').ends(0);
    expect(await bo.stdoutUntil('[end] end')).toEqual(['[room] end joined the room. 2 online.', '[end] end']);
  });

  test('cannot pass for another room that asks what this one asks', async ({ stage }) => {
    const { port, room } = await stage.server('--name', 'room');
    const bo = await stage.online(port, 'bo', '--listen');
    const other = new Person().key;
    const relay = stage.keep(await Relay.to(port, { alter: (answer) => answer.replaceAll(room, other) }));
    const ana = stage.client(relay.port, 'ana', '-m', 'hello');
    await ana.ends(5);
    expect(ana.stderr).toContain('The room does not accept the proof of your key.');
    await stage.client(port, 'end', '-m', 'end').ends(0);
    expect(await bo.stdoutUntil('[end] end')).toEqual(['[room] end joined the room. 2 online.', '[end] end']);
  });
});

describe.concurrent('a key that is nobody’s', () => {
  const point = (length: number) => Buffer.concat([Buffer.from([1]), Buffer.alloc(length - 1)]).toString('base64url');
  const [key, sig] = [point(32), point(64)];

  test('opens nothing, whatever is called its proof', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const nobody = stage.keep(new RawDealer(port));
    const join = { auth: 1, name: 'Nobody', v: 1, key, dev: deviceOf(key), cn: 'nonce' };
    expect(await nobody.ask(join)).toContain('"nonce"');
    expect(await nobody.ask({ ...join, proof: sig })).toContain('The room does not accept the proof of your key.');
  });

  test('has said nothing, whatever is called its signature', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const eve = new Person();
    const dealer = stage.keep(new RawDealer(port));
    await eve.join(dealer, 'eve');
    const words = eve.says({ name: 'Nobody', text: 'from nobody', id: `${deviceOf(key)}.1` });
    await eve.upload(dealer, { ...words, key, sig });
    await eve.upload(dealer, eve.says({ name: 'eve', text: 'end', id: `${eve.device}.1` }));
    expect(await server.json({ type: 'message' })).toMatchObject({ seq: 1, text: 'end' });
    await server.stderrLine(/ignored 1 frame: a kept message without a valid signature/);
  });
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
