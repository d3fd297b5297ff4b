import { extentLine, placeLine } from '../../src/cli/exported.ts';
import { crypto } from '../../src/keys/ed25519.ts';
import { encode, seal } from '../../src/protocol/codec.ts';
import { erase, erasing, erasureText } from '../../src/protocol/erasure.ts';
import type { Frame, Message } from '../../src/protocol/frames.ts';
import type { Row } from '../../src/protocol/rows.ts';
import {
  chainHash,
  deviceText,
  digestOf,
  formatId,
  headProof,
  type Identity,
  lostText,
  sessionInfo,
  sessionSalt,
  signedHash,
  signedText,
} from '../../src/protocol/signed.ts';
import { dev, device, neo, noonMs, person, RoomLog, room, run, says, seedOf, token } from '../support/room-log.ts';
import { links } from './link.ts';
import { malformed } from './malformed.ts';
import { nobody } from './nobody.ts';
import { rosters } from './roster.ts';
import { join, keyOfTalk, type Talk, talks, transcript, welcomeText } from './transcript.ts';

/* What docs/vectors.json says: the examples of docs/protocol.md, and more of their kind. All of it comes from fixed seeds. */

const signed = (by: Identity, text: string) => ({ text, key: by.key, sig: by.sign(text) });
/** A frame as an object, to be read in the file. */
const json = (frame: Frame): unknown => JSON.parse(encode(frame));

const trinity = person(42);
const trinityDev = device(trinity, 43);
const salted = (byte: number) => ({ salt: token(byte, 16) });
const hi = says(1, 'hi', salted(6));
const well = says(2, 'all well?', { type: 'action', ...salted(12) });
const atMs = noonMs + 25;

const people = { room, Neo: neo, Trinity: trinity };
const keys = {
  people: Object.entries(people).map(([who, { key, curve }], i) => ({
    ...{ who, seed: seedOf([1, 2, 42][i] ?? 0), key },
    curve: { public: curve.publicKey.toString('hex'), secret: curve.secretKey.toString('hex') },
  })),
  nobody,
};

const devices = [
  { key: neo.key, byte: 3 },
  { key: room.key, byte: 8 },
  { key: trinity.key, byte: 43 },
].map(({ key, byte }) => {
  const salt8 = token(byte, 8);
  return { key, salt8, text: deviceText(key, salt8), dev: device({ key } as Identity, byte) };
});

const session = (talk: Talk) => ({
  ...talk,
  ...{ room: room.key, key: neo.key, dev },
  salt: sessionSalt(talk.nonce, talk.cn),
  info: sessionInfo(room.key, join(talk)),
  sessionKey: keyOfTalk(talk),
});

const words = [
  ['hi', 6],
  ['no salt'],
  ['', 6],
  ['two\nlines, and one more\n', 6],
  ['quote " slash / backslash \\ tab \t bell \u0007 zero \u0000 delete \u007f', 6],
  ['é ñ 你 👍 \u2028 \u200f \uffff', 6],
  ['half a pair, repaired: \ufffd', 6],
].map(([said, byte]) => {
  const [text, salt] = [String(said), byte === undefined ? 0 : token(Number(byte), 16)];
  const digest = digestOf(crypto, { kind: 'message', name: '', text, ...(salt !== 0 && { salt: String(salt) }) });
  return { salt, text, json: JSON.stringify(['0mq-chat words', salt, text]), digest };
});

const messages = [
  hi,
  well,
  says(3, 'answers', { re: { dev: trinityDev, n: 7 }, ext: '{"later":1}', ...salted(13) }),
  says(4, '', { name: 'Ñandú 👍', lc: Number.MAX_SAFE_INTEGER, ts: 0, in: 0 }),
  says(5, 'seen by nobody', { type: 'nothing', ...salted(14) }),
].map((message) => ({
  message: json(message),
  text: signedText(crypto, room.key, message),
  sig: message.sig,
  hash: signedHash(crypto, room.key, message),
}));

/** Everything that a place may be. */
function chain() {
  const kept = new RoomLog();
  kept.say(hi);
  kept.say(well, noonMs + 1_030);
  kept.say(says(3, 'x'.repeat(4_097), salted(13)), noonMs + 2_000);
  kept.take({ type: 'relay', from: '', words: { name: 'Lea', text: 'hello', ...salted(11) } }, noonMs + 3_000);
  kept.take({ type: 'enter', from: '', name: 'Neo', key: neo.key, dev, join: join(talks.first) });
  const id = { dev: trinityDev, n: 1 };
  const late = says(1, 'said offline', { id, lc: 6, ...salted(15) }, trinity);
  kept.say({ ...late, ago: 90_000 }, noonMs + 95_000, 'Trinity');
  kept.take({ type: 'erase', from: '', seq: 2 }, noonMs + 100_000);
  return kept;
}

const kept = chain();
const entries = kept.messages.map((entry, i, all) => {
  const before = all[i - 1]?.hash ?? '';
  return { before, entry: json(entry), text: chainText(before, entry), h: chainHash(crypto, before, entry) };
});

/** The text whose hash the chain is. */
function chainText(before: string, message: Message): string {
  let text = '';
  chainHash({ ...crypto, hash: (covered) => (text = covered) }, before, message);
  return text;
}

function placed(message: Message, seq: number, before: string, at: number): Message {
  return { ...message, seq, hash: chainHash(crypto, before, { ...message, at }), at };
}
const first = placed(hi, 1, '', atMs);
const second = placed(well, 2, first.hash ?? '', noonMs + 1_030);

const head = { log: kept.store.log, run, seq: 1, hash: first.hash ?? '' };
const heads = [head, { ...head, seq: 0, hash: '' }].map(({ hash, ...rest }) => ({
  ...rest,
  h: hash,
  ...signed(room, headProof(room.key, { ...rest, hash })),
}));

/** As its readers get it: without its signature and its `h`, and with all its numbers. */
function travels(place: Row): unknown {
  const { sig: _, hash: __, ...message } = place as Message;
  return json(place.kind === 'lost' ? place : { ...message, in: message.in ?? 0 });
}

function batch(rows: Message[], lost?: string) {
  const [from = 1, hash = ''] = [rows[0]?.seq, lost ?? rows.at(-1)?.hash];
  const gap = { seq: from + rows.length, prev: rows.at(-1)?.hash ?? '', hash: lost ?? '' };
  const word = signed(room, lostText(room.key, kept.store.log, gap));
  const places = [...rows, ...(lost ? [{ kind: 'lost' as const, seq: gap.seq, hash: lost, sig: word.sig }] : [])];
  const frame = encode({ kind: 'entries', from, rows: places, hash });
  return {
    before: kept.log.hashAt(from - 1) ?? '',
    frame,
    entries: places.map(travels),
    h: hash,
    ...(lost && { lost: word }),
  };
}

function erasure() {
  const gone = { id: { dev, n: 1 }, words: digestOf(crypto, hi) };
  const proof = room.sign(erasureText(room.key, gone));
  const when = { id: { dev: run, n: 1 }, lc: 2, ts: noonMs + 60_025, key: room.key };
  const said: Message = { kind: 'message', name: 'server', ...erasing({ ...gone, proof }), ...when, ...salted(11) };
  const entry = placed(
    { ...said, sig: room.sign(signedText(crypto, room.key, said)) },
    2,
    first.hash ?? '',
    noonMs + 60_025,
  );
  const after = erase(first, { ...gone, proof });
  const erasedBatch = JSON.parse(encode({ kind: 'entries', from: 1, rows: [after], hash: first.hash ?? '' }));
  return {
    id: formatId(gone.id),
    words: gone.words,
    ...signed(room, erasureText(room.key, gone)),
    frame: encode({ kind: 'entries', from: 2, rows: [entry], hash: entry.hash ?? '' }),
    entry: json(entry),
    before: json(first),
    after: json(after),
    row: erasedBatch.e[1],
    h: first.hash,
  };
}

function repair() {
  const [place, question] = [second, { kind: 'lost' as const, seq: 2, hash: second.hash ?? '' }];
  const answer = (why: string, message: Message, isRight = false) => ({ frame: encode(message), isRight, why });
  const { salt: _, ...rest } = second;
  return {
    before: first.hash,
    question: encode(question),
    answers: [
      answer('the entry', place, true),
      answer(
        'its words are gone, the digest proves the place; the erasure has to be proved besides',
        { ...rest, text: '', words: digestOf(crypto, second) },
        true,
      ),
      answer(
        'the signature is no part of the chain: it has to be checked besides',
        { ...place, sig: hi.sig ?? '' },
        true,
      ),
      answer('another text', { ...place, text: 'all bad?' }),
      answer('another time', { ...place, at: noonMs }),
      answer('a mark that the log did not make', { ...place, guest: true }),
      answer('another place of the same log', { ...first, seq: 2 }),
    ],
  };
}

function exported(): string[] {
  const { store, log } = kept;
  const { key, ...end } = { key: room.key, log: store.log, run, seq: store.head, hash: store.headHash };
  const mark = { run, sig: room.sign(headProof(key, end)) };
  const extent = { room: key, log: end.log, since: 0, hash: '', head: end.seq, headHash: end.hash, signed: mark };
  return [extentLine(extent), ...log.read(1, 1_000).map(placeLine)];
}

/** Neo is away in his first session, behind what he has said in 7.7, and back. */
const absences = ['lunch', false as const].map((away, i) => {
  const frame = { kind: 'upload' as const, k: i + 2, messages: [], away };
  return seal(frame, (text) => crypto.mac(keyOfTalk(talks.first), text));
});
const sealedIn = (talk: Talk, frame: string) => ({ sessionKey: keyOfTalk(talk), frame, mac: frame.slice(-24, -2) });
const spoken = transcript.map((line) => line.slice(2));
const macs = [
  ...[...spoken.filter((frame) => frame.startsWith('{"up"')), ...absences].map((frame) => sealedIn(talks.first, frame)),
  ...spoken.filter((frame) => /^{"auth":0.*"mac"/.test(frame)).map((frame) => sealedIn(talks.second, frame)),
];

export const vectors = {
  about: 'Test vectors for docs/protocol.md, version 1. Section 16 says what is in here. Made by: npm run vectors',
  keys,
  devices,
  joins: [
    { ...talks.first, ...signed(neo, join.text(talks.first)) },
    { ...talks.second, ...signed(neo, join.text(talks.second)) },
    { ...talks.first, ...signed(neo, join.text(talks.first, true)) },
  ],
  welcomes: [
    { cn: talks.first.cn, log: head.log, run, head: 0, ...signed(room, welcomeText(talks.first.cn, 0)) },
    {
      cn: talks.second.cn,
      log: head.log,
      run,
      head: 1,
      hh: head.hash,
      ...signed(room, welcomeText(talks.second.cn, 1, head.hash)),
    },
  ],
  sessions: [session(talks.first), session(talks.second)],
  macs,
  words,
  messages,
  chain: entries,
  heads,
  batches: [batch([first, second], kept.messages[2]?.hash), batch(kept.messages)],
  erasure: erasure(),
  repair: repair(),
  rosters,
  links,
  export: exported(),
  malformed,
  transcript,
};
