import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { Router } from 'zeromq';
import { SqliteStore } from '../src/history/sqlite.ts';
import { LinkProxy } from './chaos/proxy.ts';
import { type Command, type Stage, test } from './support/command.ts';

const hex = (room: string) => Buffer.from(room, 'base64url').toString('hex');
const isContradiction = ({ type }: { type: string }) => type === 'contradiction';
const saidNothing = ({ stdout }: Command) => expect(stdout).not.toContain('contradiction');

async function serve(stage: Stage, name: string) {
  const { server, port, room } = await stage.server('--data-dir', join(stage.home, name));
  const end = async () => {
    server.kill('SIGTERM');
    await server.exit;
  };
  return { port, room, end };
}

/** How far the room has signed its log, as far as this client keeps it. */
function signedAt(folder: string): number | undefined {
  const store = SqliteStore.open(folder, { readOnly: true });
  const seq = store.signed?.newest.seq;
  void store.close();
  return seq;
}

/** A server that signs whatever it is told to sign, written from docs/protocol.md: it shares nothing with src. */
class Liar {
  readonly room: string;
  port = 0;
  readonly #keys = generateKeyPairSync('ed25519');
  readonly #socket = new Router({ linger: 0 });
  #member: Buffer | undefined;

  constructor() {
    this.room = this.#keys.publicKey.export({ format: 'jwk' }).x ?? '';
  }

  async open(): Promise<void> {
    await this.#socket.bind('tcp://127.0.0.1:*');
    this.port = Number(this.#socket.lastEndpoint?.split(':').at(-1));
    void this.#serve();
  }

  async beat(head: number, hh: string): Promise<void> {
    const sig = this.#sign(['0mq-chat head', this.room, 'log', 'run', head, hh]);
    await this.#send({ hb: 0, head, hh, sig });
  }

  close(): void {
    this.#socket.close();
  }

  async #serve(): Promise<void> {
    for await (const [from, data] of this.#socket) {
      const frame = JSON.parse(String(data));
      this.#member = from;
      if (frame.auth === 1 && !frame.proof) await this.#ask(frame.cn);
      if (frame.auth === 1 && frame.proof) await this.#welcome(frame.cn);
      if (frame.auth === 0) await this.#send({ auth: 0, name: 'server' });
    }
  }

  async #ask(cn: string): Promise<void> {
    await this.#send({ v: 1, nonce: 'n', room: this.room, log: 'log', cn });
  }

  async #welcome(cn: string): Promise<void> {
    const sig = this.#sign(['0mq-chat welcome', this.room, cn, 'log', 'run', 0, '']);
    const place = { log: 'log', since: 0, head: 0, run: 'run', sig, online: 1, members: [] };
    await this.#send({ welcome: 1, v: 1, name: 'server', text: '\n', ...place });
  }

  #sign(parts: unknown[]): string {
    return sign(null, Buffer.from(JSON.stringify(parts)), this.#keys.privateKey).toString('base64url');
  }

  async #send(frame: object): Promise<void> {
    if (this.#member) await this.#socket.send([this.#member, JSON.stringify(frame)]);
  }
}

describe.concurrent('a room that signs how far its log goes', () => {
  test('is believed by who reads it over a link that changes nothing', async ({ stage }) => {
    const { port } = await serve(stage, 'room');
    const proxy = stage.keep(await LinkProxy.open(port));
    const data = join(stage.home, 'ann');
    const ann = await stage.jsonOnline(proxy.port, 'ann', '--listen', '--data-dir', data);
    ann.write('one\n');
    await ann.json({ type: 'message', text: 'one' });
    const [person] = readdirSync(data);
    const folder = join(data, person ?? '', 'rooms', '1');
    await vi.waitFor(() => expect(signedAt(folder)).toBe(1), { timeout: 10_000, interval: 100 });
    ann.kill('SIGTERM');
    await ann.exit;
    saidNothing(ann);
  });

  test('and whose data was copied, and runs twice, has two runs: that is a fork, no lie', async ({ stage }) => {
    const first = await serve(stage, 'first');
    const key = ['--server-key', hex(first.room)];
    await stage.client(first.port, 'ann', ...key, '-m', 'one').ends(0);
    await first.end();
    cpSync(join(stage.home, 'first'), join(stage.home, 'second'), { recursive: true });
    const [again, second] = [await serve(stage, 'first'), await serve(stage, 'second')];
    expect(second.room).toBe(again.room);
    await stage.client(second.port, 'bo', ...key, '-m', 'in the second').ends(0);
    const there = await stage.jsonOnline(again.port, 'ann', ...key, '-m', 'in the first');
    await there.ends(0);
    const here = await stage.jsonOnline(second.port, 'ann', ...key, '--listen');
    await here.json({ type: 'status', code: 'RESTORED' });
    here.kill('SIGTERM');
    await here.exit;
    saidNothing(there);
    saidNothing(here);
  });

  test('in two ways is found out: said once, with a proof that anybody can check, and gone on with', async ({
    stage,
  }) => {
    const liar = stage.keep(new Liar());
    await liar.open();
    const ann = await stage.jsonOnline(liar.port, 'ann', '--listen');
    await liar.beat(7, 'one');
    await liar.beat(7, 'other');
    const { reason, seq, file, heads } = await ann.json(isContradiction);
    expect([reason, seq, heads]).toMatchObject(['signed', 7, [{ hash: 'one' }, { hash: 'other' }]]);
    await liar.beat(7, 'third');
    await liar.beat(8, 'eight');
    ann.kill('SIGTERM');
    await ann.exit;
    expect(ann.stdout.split('contradiction"')).toHaveLength(2);
    const proof = JSON.parse(readFileSync(String(file), 'utf8'));
    expect(proof).toMatchObject({ room: liar.room, reason: 'signed', seq: 7 });
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: liar.room }, format: 'jwk' });
    for (const { text, sig } of proof.signed)
      expect(verify(null, Buffer.from(text), key, Buffer.from(sig, 'base64url'))).toBe(true);
    expect(proof.signed.map(({ text }: { text: string }) => JSON.parse(text).slice(2))).toEqual([
      ['log', 'run', 7, 'one'],
      ['log', 'run', 7, 'other'],
    ]);
  });

  test('in two ways is told to a person in words', async ({ stage }) => {
    const liar = stage.keep(new Liar());
    await liar.open();
    const ann = await stage.online(liar.port, 'ann', '--listen');
    await liar.beat(7, 'one');
    await liar.beat(7, 'other');
    const line = await ann.stderrLine(/two different pasts/);
    expect(line).toMatch(
      /^!! the room has signed two different pasts at message 7: .* The proof is in .*contradiction-run\.json$/,
    );
  });
});
