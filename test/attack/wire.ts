import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '../support/command.ts';
import { Person, RawDealer } from '../support/raw.ts';
import { type Attack, brokenOf } from './attack.ts';

type Frame = Record<string, unknown>;
const noKey = 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** One connection, and who is behind it. */
class Stranger {
  readonly person = new Person();
  readonly dealer: RawDealer;
  readonly name: string;
  #markers = 0;

  constructor(port: number, name: string) {
    this.dealer = new RawDealer(port);
    this.name = name;
  }

  get ask(): Frame {
    const { key, device: dev } = this.person;
    return { auth: 1, name: this.name, v: 1, key, dev, cn: 'nonce' };
  }

  async join(): Promise<void> {
    await this.person.join(this.dealer, this.name);
  }

  /** A message of its own, or of somebody else, as it would be in an upload. */
  message(n: number, more: Frame = {}, author = this.person): Frame {
    const { room } = this.person;
    const said = author.says({ name: this.name, text: 'hi', id: `${author.device}.${n}`, room }) as Frame;
    return { ...said, ...(n === 1 && { first: 1 }), ...more };
  }

  upload = (...messages: Frame[]): Promise<void> => this.person.upload(this.dealer, ...messages);

  /** All that comes up to the answer to a question which is asked last. */
  async answers(): Promise<Frame[]> {
    const cn = `marker${++this.#markers}`;
    await this.dealer.send({ ...this.ask, cn });
    return this.until((frame) => frame.cn === cn);
  }

  async until(isLast: (frame: Frame) => boolean): Promise<Frame[]> {
    const all: Frame[] = [];
    for (;;) {
      for (const frame of [JSON.parse(await this.dealer.receive())].flat() as Frame[]) {
        if (isLast(frame)) return [...all, frame];
        all.push(frame);
      }
    }
  }
}

/** What is told to who did it; a pattern is what the server's log says instead, and nothing means that nothing comes. */
type Answer = { [field: string]: unknown } | RegExp | undefined;
type Row = [input: string, act: (by: Stranger, port: number) => Promise<void>, answer: Answer];

const rejoin = { rejoin: 0 };
const refused = (code: string) => ({ refused: code });
const unsealed = /ignored 1 frame: words without the seal/;
const ignored = /ignored 1 frame/;

/** docs/protocol.md, 3.5. */
const rows: Row[] = [
  ['no JSON', ({ dealer }) => dealer.send('{"hb":'), ignored],
  ['several parts', ({ dealer }) => dealer.send([Buffer.from('{"ack":1}'), Buffer.from('{}')]), ignored],
  ['an unknown kind', ({ dealer }) => dealer.send({ zzz: 1 }), undefined],
  [
    'a frame of 70 KB, over another connection',
    async (_, port) => {
      const other = new RawDealer(port);
      await other.send(`{"a":"${'x'.repeat(70_000)}"}`);
      other.close();
    },
    undefined,
  ],
  ['a kind that only a server sends', ({ dealer }) => dealer.send({ hb: 1 }), ignored],
  ['another version', ({ dealer, ask }) => dealer.send({ ...ask, v: 2 }), refused('VERSION_REFUSED')],
  ['no key', ({ dealer, ask }) => dealer.send({ ...ask, key: undefined }), /a version-1 join without key/],
  ['a key of small order', ({ dealer, ask }) => dealer.send({ ...ask, key: noKey }), refused('PROOF_REFUSED')],
  [
    'a device of another key',
    ({ dealer, ask }) => dealer.send({ ...ask, dev: new Person().device }),
    refused('PROOF_REFUSED'),
  ],
  ['no proof', ({ dealer, ask }) => dealer.send(ask), { cn: 'nonce' }],
  [
    'a wrong proof',
    async ({ dealer, ask }) => {
      await dealer.ask(ask);
      await dealer.send({ ...ask, proof: 'A'.repeat(86) });
    },
    refused('PROOF_REFUSED'),
  ],
  [
    'a proof that was overheard',
    async ({ dealer, ...by }, port) => {
      const victim = new Stranger(port, `${by.name} victim`);
      await victim.join();
      await dealer.send(victim.dealer.last);
      victim.dealer.close();
    },
    rejoin,
  ],
  [
    'a proof again',
    async (by) => {
      await by.join();
      await by.dealer.send(by.dealer.last);
    },
    rejoin,
  ],
  ['a name that nobody may have', async ({ dealer, person }) => void (await person.join(dealer, '[ana]')), undefined],
  ['an upload of nobody', ({ dealer }) => dealer.send({ up: 1, m: [{ name: 'x', text: 'x\n', id: 'dev.1' }] }), rejoin],
  [
    'an upload without a MAC',
    async (by) => {
      await by.join();
      await by.dealer.send({ up: 1, m: [by.message(1)] });
    },
    unsealed,
  ],
  [
    'an upload with a wrong MAC',
    async (by) => {
      await by.join();
      await by.dealer.send({ up: 1, m: [by.message(1)], mac: 'A'.repeat(22) });
    },
    unsealed,
  ],
  [
    'an upload behind one that is missing',
    async (by) => {
      await by.join();
      await by.dealer.send(by.person.seal(by.dealer, { up: 2, m: [by.message(1)] }));
    },
    rejoin,
  ],
  [
    'an upload again',
    async (by) => {
      await by.join();
      await by.upload(by.message(1));
      await by.dealer.send(by.dealer.last);
    },
    /an upload that was taken before/,
  ],
  [
    'a message again',
    (by) =>
      uploads(
        by,
        () => by.message(1),
        () => by.message(1),
      ),
    { had: expect('list') },
  ],
  ['a message that skips', (by) => uploads(by, () => by.message(3)), rejoin],
  [
    'a message of another that skips',
    (by) => uploads(by, () => by.message(3, {}, new Person())),
    { hole: expect('string') },
  ],
  [
    'a message of another without a signature',
    (by) => uploads(by, () => by.message(1, { sig: undefined }, new Person())),
    /without a valid signature/,
  ],
  [
    'a message that was signed for another room',
    (by) => {
      const author = new Person();
      const said = { name: by.name, text: 'yes', id: `${author.device}.1`, room: author.key };
      return uploads(by, () => author.says(said) as Frame);
    },
    /without a valid signature/,
  ],
  ['a counter far ahead', (by) => uploads(by, () => by.message(1, { lc: 2 ** 50 })), /counter is far ahead/],
  [
    'words that nobody has erased',
    (by) => uploads(by, () => by.message(1, { text: undefined, salt: undefined, words: 'A'.repeat(43) })),
    /without its words/,
  ],
  [
    'a text of 5,000 bytes',
    (by) => uploads(by, () => by.message(1, { text: 'x'.repeat(5_000) })),
    { e: expect('list') },
  ],
  [
    'a message in a frame of its own',
    async (by) => {
      await by.join();
      await by.dealer.send(by.message(1));
    },
    unsealed,
  ],
  [
    'an ack above the head',
    async (by) => {
      await by.join();
      await by.dealer.send({ ack: 2 ** 40 });
    },
    undefined,
  ],
  [
    'a goodbye without a MAC',
    async (by) => {
      await by.join();
      await by.dealer.send({ auth: 0, name: by.name });
    },
    unsealed,
  ],
  [
    'a question for a place that there is not',
    async (by) => {
      await by.join();
      await by.dealer.send({ lost: 10_000, h: 'h' });
    },
    undefined,
  ],
  [
    'a question for signatures beyond the head',
    async (by) => {
      await by.join();
      await by.dealer.send({ sigs: 10_000 });
    },
    { sigs: 10_000 },
  ],
];

async function uploads(by: Stranger, ...messages: (() => Frame)[]): Promise<void> {
  await by.join();
  for (const message of messages) await by.upload(message());
}

/** Stands for any value of a type. */
function expect(type: 'list' | 'string'): (value: unknown) => boolean {
  return (value) => (type === 'list' ? Array.isArray(value) : typeof value === 'string');
}

async function isAnswered(server: Command, by: Stranger, answer: Answer): Promise<boolean> {
  if (answer instanceof RegExp)
    return server.stderrLine(answer, 5_000).then(
      () => true,
      () => false,
    );
  if (answer) return (await by.until((frame) => fits(frame, answer))).length > 0;
  return (await by.answers())
    .slice(0, -1)
    .every(({ nonce, rejoin: again }) => nonce === undefined && again === undefined);
}

const fits = (frame: Frame, answer: Frame): boolean =>
  Object.entries(answer).every(([field, wanted]) =>
    typeof wanted === 'function' ? wanted(frame[field]) : frame[field] === wanted,
  );

export const wire: Attack[] = [
  {
    name: 'wire: what a client must not send',
    target: 'each is answered as docs/protocol.md says, nobody speaks for another, and the room goes on',
    async run(stage) {
      const { server, port } = await stage.server('--name', 'room');
      const wrong: string[] = [];
      for (const [i, [input, act, answer]] of rows.entries()) {
        const by = new Stranger(port, `stranger ${i}`);
        await act(by, port);
        const isRight = await Promise.race([isAnswered(server, by, answer), sleep(10_000, false)]);
        if (!isRight) wrong.push(input);
        by.dealer.close();
      }
      const honest = new Stranger(port, 'honest');
      await uploads(honest, () => honest.message(1));
      const heard = await honest.until(({ e }) => JSON.stringify(e ?? '').includes('"hi"'));
      honest.dealer.close();
      return {
        tried: `${rows.length} wrong inputs, each over a connection of its own`,
        measured: `${rows.length - wrong.length} answered as written`,
        broken: [
          ...wrong,
          ...brokenOf({ 'an honest client is heard': heard.length > 0, 'the server is there': !server.ended }),
        ],
      };
    },
  },
];
