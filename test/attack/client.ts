import { Router } from 'zeromq';
import type { Stage } from '../support/command.ts';
import { malformed } from '../vectors/malformed.ts';
import { type Attack, brokenOf } from './attack.ts';

type Frame = Record<string, unknown> | string | Buffer;
const room = 'gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q';
const words = { name: 'room', text: 'You are now online. 2 online.\n' };
const sig = 'A'.repeat(86);
const welcome = { welcome: 1, v: 1, ...words, log: 'log', since: 0, head: 0, run: 'run', sig, online: 1, members: [] };

/** docs/protocol.md, 3.6: what a server says to whoever joins, and is not believed. `cn` is that of the join. */
const rows: [input: string, answer: (cn: unknown) => Frame[]][] = [
  ['frames that are none', () => malformed.map(({ frame = '', hex }) => (hex ? Buffer.from(hex, 'hex') : frame))],
  ['an unknown kind', () => [{ zzz: 1 }, '{"__proto__":{"welcome":1}}']],
  ['a challenge with another cn', () => [{ nonce: 'n', room, log: 'log', cn: 'other' }]],
  ['a challenge of nobody', (cn) => [{ nonce: 'n', room: 'A'.repeat(43), log: 'log', cn }]],
  ['two challenges', (cn) => Array(2).fill({ nonce: 'n', room, log: 'log', cn })],
  ['a welcome without a challenge', () => [welcome]],
  ['a welcome that the room has not signed', (cn) => [{ nonce: 'n', room, log: 'log', cn }, welcome]],
  ['a refusal before the proof', (cn) => [{ refused: 'NAME_REFUSED', ...words, cn }]],
  ['a refusal of another join', () => [{ refused: 'ROOM_FULL', ...words, cn: 'other' }]],
  [
    'the log before the welcome',
    (cn) => [
      { nonce: 'n', room, log: 'log', cn },
      { from: 1, e: [[['ana', 'dev', room]], [0, 1, 1, 5, 0, 1, 'forged', 'A'.repeat(22)]], h: 'h' },
      ...[{ had: ['dev.1'], head: 1 }, { hole: 'dev.1' }, { hb: 9 }, { kept: 9 }, { sigs: 1, s: [''] }],
    ],
  ],
];

/** A server that answers the first join of each connection with this. */
async function saying(stage: Stage, answer: (cn: unknown) => Frame[]): Promise<number> {
  const router = stage.keep(new Router({ linger: 0 }));
  await router.bind('tcp://127.0.0.1:*');
  const answered = new Set<string>();
  const serve = async () => {
    for await (const [id = Buffer.alloc(0), data] of router) {
      if (answered.has(id.toString('hex'))) continue;
      answered.add(id.toString('hex'));
      for (const frame of answer(JSON.parse(String(data)).cn))
        await router.send([id, typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)]);
    }
  };
  void serve().catch(() => {});
  return Number(router.lastEndpoint?.split(':').pop());
}

export const client: Attack[] = [
  {
    name: 'client: what a server must not say',
    target: 'the client believes nothing of it, shows nothing, and gives up in time (exit 4)',
    async run(stage) {
      const results = await Promise.all(rows.map(([input, answer]) => meets(stage, input, answer)));
      const wrong = results.filter((input) => input !== undefined);
      return {
        tried: `${rows.length} servers that say what nobody may believe`,
        measured: `${rows.length - wrong.length} clients ended as they should`,
        broken: brokenOf(Object.fromEntries(wrong.map((input) => [input, false]))),
      };
    },
  },
];

async function meets(stage: Stage, input: string, answer: (cn: unknown) => Frame[]): Promise<string | undefined> {
  const port = await saying(stage, answer);
  const bot = stage.client(port, `bot ${port}`, '--json', '--timeout', '2', '-m', 'secret');
  const { code } = await bot.exit;
  const shown = bot.stdout.split('\n').filter((line) => /"type":"(message|join|notice)"|"state":"online"/.test(line));
  return code === 4 && shown.length === 0 ? undefined : `${input}: ended with ${code}, ${shown.join()}`;
}
