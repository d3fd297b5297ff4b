import { readFileSync } from 'node:fs';
import { encode } from '../../src/protocol/codec.ts';
import { Chain, challenge, notice } from '../support/member-world.ts';
import { bye, entry, gone, hello, type Json, words } from '../support/people.ts';

const vectors = JSON.parse(readFileSync(new URL('../../docs/vectors.json', import.meta.url), 'utf8'));

/** All frames of the test vectors, as bytes. */
export const frames: Uint8Array[] = [...new Set(textsIn(vectors))].map((text) => Buffer.from(text));

function textsIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  const text = String(value).replace(/^[<>] /, '');
  return typeof value === 'string' && /^[[{]/.test(text) ? [text] : [];
}

/** What clients say to a room in which Ann and Bo are, with a key, and Lea, without. */
export const fromClients: Json[] = [
  hello('ann'),
  hello('bo', { since: 2, log: 'log', h: 'h' }),
  hello('cy', { name: 'Ann', history: 5 }),
  { auth: 1, name: 'lea' },
  entry('ann', 4),
  entry('ann', 5, 'five', { first: true }),
  entry('bo', 1, 'waves', { type: 'action' }),
  entry('bo', 2, '@ann: yes', { re: { dev: 'A', n: 1 } }),
  { up: 1, m: [entry('ann', 4), entry('bo', 1)] },
  { up: 1, away: 'lunch\n' },
  { up: 1, away: 0 },
  words('lea', 'hi'),
  bye('ann'),
  bye('lea'),
  gone,
  { ack: 2 },
  { lost: 1, h: 'h' },
  { sigs: 1 },
  { roster: 1, at: 1, digest: 'd'.repeat(43), sig: 's', a: [['A', 5, ['tcp://127.0.0.1:1'], 's']] },
  { ...entry('ann', 1), seq: 1, h: 'h', at: 1 },
];

const log = new Chain();
const entries = [1, 2, 3].map((seq) => log.entry(seq));
/** What a room says to Ann, whose client has read up to 3. */
export const fromServer: Json[] = [
  ...[challenge, notice({ notice: 'join', who: 'cy', online: 3 }), ...entries].map((each) => JSON.parse(encode(each))),
  { from: 4, e: [[['bo', 'B', 'kB']], [0, 4, 1, 5, 0, 1, 'hi', 's'.repeat(22)]], h: 'h' },
  { welcome: 1, v: 1, ...words('server', 'You are now online. 2 online.'), log: 'log', since: 3, head: 3, run: 'run' },
  { refused: 'NAME_REFUSED', ...words('server', 'no'), cn: 'cn' },
  { hb: 3, kept: 1, held: 1, head: 3, hh: log.hashAt(3), sig: 's' },
  { ...words('server', 'bo is away: lunch.'), notice: 'away', who: 'bo', away: 'lunch\n' },
  { had: ['A.1', 'A.2'], head: 3 },
  { hole: 'B.2' },
  { rejoin: 0 },
  { lost: 2, h: log.hashAt(2) },
  { sigs: 1, s: ['s', ''] },
  { roster: 2, from: 1, m: [['kA', 'ann']], a: [], at: 1, digest: 'd'.repeat(43), sig: 's' },
  words('server', 'Server is off.'),
  bye('ann'),
  gone,
];
