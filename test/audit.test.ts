import { beforeAll, describe, expect, test } from 'vitest';
import { extentLine, placeLine, readExport } from '../src/cli/exported.ts';
import { Audit, type Extent } from '../src/core/log/audit.ts';
import { crypto } from '../src/keys/ed25519.ts';
import { decode, encode } from '../src/protocol/codec.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainHash, headProof, signedText } from '../src/protocol/signed.ts';
import { device, neo, noonMs, person, RoomLog, room, run, says, token } from './support/room-log.ts';

/* What an auditor finds in an export: each line is changed in some way, and each change is named. */

type Json = Record<string, unknown>;
let lines: string[];
const count = 7;

beforeAll(() => {
  const kept = new RoomLog();
  for (let n = 1; n <= 4; n++) kept.say(says(n, `text ${n}`, { salt: token(n, 16) }));
  kept.say(says(5, 'x'.repeat(5_000)));
  kept.take({ type: 'relay', from: '', words: { name: 'Lea', text: 'from an old program', salt: token(9, 16) } });
  kept.take({ type: 'erase', from: '', seq: 2 });
  lines = exported(kept);
});

function exported({ store, log }: RoomLog): string[] {
  const head = { log: store.log, run, seq: store.head, hash: store.headHash };
  const signed = { run, sig: room.sign(headProof(room.key, head)) };
  const extent = { room: room.key, log: store.log, since: 0, hash: '', head: head.seq, headHash: head.hash, signed };
  return [extentLine(extent), ...log.read(1, 1_000).map(placeLine)];
}

async function audit(given: string[] = lines): Promise<string[]> {
  const { extent, rows } = await readExport(bytesOf(given.map((line) => `${line}\n`).join('')));
  const auditor = new Audit(crypto, extent);
  const found: string[] = [];
  for await (const row of rows) found.push(...(typeof row === 'string' ? [row] : auditor.take(row)));
  return [...found, ...auditor.end()];
}
async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** The export with fields of this line changed; undefined takes one away. Line 0 is about the log, the others are places. */
const changed = (at: number, more: Json): string[] =>
  lines.with(at, JSON.stringify({ ...JSON.parse(lines[at] ?? ''), ...more }));
const without = (at: number): string[] => lines.toSpliced(at, 1);
const messageAt = (at: number) => decode(Buffer.from(lines[at] ?? '')) as Message;

/** As somebody would do it who can write the chain anew, up to the head, but has nobody's key. */
function forged(at: number, more: Partial<Message>): string[] {
  const before = at === 1 ? '' : (messageAt(at - 1).hash ?? '');
  let hash = before;
  const places = lines.slice(at).map((_, i) => {
    const message = { ...messageAt(at + i), ...(i === 0 && more) };
    hash = chainHash(crypto, hash, message);
    return encode({ ...message, hash });
  });
  const { run: _, sig: __, ...extent } = JSON.parse(lines[0] ?? '');
  return [JSON.stringify({ ...extent, hh: hash }), ...lines.slice(1, at), ...places];
}

test('a log that is right: texts, a void one, one of the original, an erased one, and what says so', async () => {
  expect(lines).toHaveLength(1 + count);
  expect(messageAt(2)).toMatchObject({ text: '', erased: expect.any(String) });
  expect(await audit()).toEqual([]);
});

test('a part of it, from any place on', async () => {
  for (let since = 1; since <= count; since++) {
    const first = { ...JSON.parse(lines[0] ?? ''), since, h: messageAt(since).hash };
    expect(await audit([JSON.stringify(first), ...lines.slice(1 + since)])).toEqual([]);
  }
});

describe('what was changed', () => {
  const changedAt = 'does not follow: it was changed';
  const cases: [what: string, fields: Json, found: string[]][] = [
    ['text', { text: 'other\n' }, [changedAt, 'is wrongly signed']],
    ['salt', { salt: token(0, 16) }, [changedAt, 'is wrongly signed']],
    ['name', { name: 'Trinity' }, [changedAt, 'is wrongly signed']],
    ['type', { type: 'action' }, [changedAt, 'is wrongly signed']],
    ['lc', { lc: 9 }, [changedAt, 'is wrongly signed']],
    ['ts', { ts: 9 }, [changedAt, 'is wrongly signed']],
    ['in', { in: 1 }, [changedAt, 'is wrongly signed']],
    ['ext', { ext: 'x' }, [changedAt, 'is wrongly signed']],
    ['re', { re: 'x.1' }, [changedAt, 'is wrongly signed']],
    ['at', { at: noonMs }, [changedAt]],
    ['at, to what is no time', { at: 'noon' }, [changedAt]],
    ['ago', { ago: 90_000 }, [changedAt]],
    ['guest', { guest: 1 }, [changedAt]],
    ['sig', { sig: token(1, 64) }, ['is wrongly signed']],
    ['sig, away', { sig: undefined }, ['is not signed']],
    [
      'key, to that of nobody',
      { key: token(0, 32) },
      [changedAt, 'is wrongly signed', 'is of a device that is not made from its key'],
    ],
    ['id, away', { id: undefined }, [changedAt, 'is wrongly signed', 'has no id']],
  ];
  test.each(cases)('%s', async (_, fields, found) =>
    expect(await audit(changed(3, fields))).toEqual(found.map((what) => `place 3 ${what}`)),
  );

  test('h: nobody knows whether it is this place that is wrong, or the next one', async () =>
    expect(await audit(changed(3, { h: token(0, 16) }))).toEqual([`place 3 ${changedAt}`, `place 4 ${changedAt}`]));

  test('the words that an entry erases', async () =>
    expect(await audit(changed(count, { text: `${'w'.repeat(43)} x\n` }))).toEqual([
      `place 7 ${changedAt}`,
      'place 7 erases without a proof',
      'place 7 is wrongly signed',
    ]));
});

describe('what somebody has done who has written the chain anew', () => {
  test('a text', async () => expect(await audit(forged(3, { text: 'other' }))).toEqual(['place 3 is wrongly signed']));

  test('a text, signed with another key', async () => {
    const mallory = person(66);
    const message = says(3, 'other', { salt: token(3, 16) }, mallory);
    expect(await audit(forged(3, message))).toEqual(['place 3 is of a device that is not made from its key']);
  });

  test('a message twice', async () => {
    const message = messageAt(3);
    expect(await audit(forged(4, { ...message, seq: 4 }))).toEqual([
      'place 4 is number 3 of its device, and 3 stands before it',
    ]);
  });

  test('words taken away, without a proof or with that of another message', async () => {
    const { salt: _, ...message } = messageAt(3);
    const words = crypto.digest(JSON.stringify(['0mq-chat words', token(3, 16), 'text 3']));
    const none = { ...message, text: '', words };
    const found = ['place 3 has no words, and the room has not signed that they go'];
    for (const more of [none, { ...none, erased: messageAt(2).erased ?? '' }]) {
      const given = lines.with(3, encode(more));
      expect(await audit(given)).toEqual(found);
    }
    expect(await audit(lines.with(3, encode({ ...none, void: true })))).toEqual([
      'place 3 does not follow: it was changed',
    ]);
  });

  test('an erasure that the room has not signed', async () => {
    const own = { ...says(6, '', { type: 'erase', re: { dev: device(neo, 3), n: 1 } }), text: `${'w'.repeat(43)} x` };
    const sig = room.sign(
      signedText(crypto, room.key, { ...own, id: { dev: run, n: 2 }, key: room.key, name: 'server' }),
    );
    const message = { ...own, id: { dev: run, n: 2 }, key: room.key, name: 'server', sig };
    expect(await audit(forged(count, message))).toEqual(['place 7 erases without a proof']);
  });

  test('the head: that is signed', async () => {
    const [first = ''] = forged(3, { text: 'other' });
    const { run, sig } = JSON.parse(lines[0] ?? '');
    const given = [JSON.stringify({ ...JSON.parse(first), run, sig }), ...forged(3, { text: 'other' }).slice(1)];
    expect(await audit(given)).toEqual(['place 3 is wrongly signed', 'the head, 7, is not signed by the room']);
  });
});

describe('what is not there', () => {
  test('a place', async () => expect(await audit(without(3))).toEqual(['place 3 is missing']));
  test('several', async () => expect(await audit(lines.toSpliced(3, 2))).toEqual(['places 3 to 4 are missing']));
  test('the first one', async () => expect(await audit(without(1))).toEqual(['place 1 is missing']));
  test('the end', async () => expect(await audit(lines.slice(0, 6))).toEqual(['places 6 to 7 are missing']));
  test('two places that were swapped', async () =>
    expect(await audit(lines.with(3, lines[4] ?? '').with(4, lines[3] ?? ''))).toEqual([
      'place 3 is missing',
      'place 3 stands behind place 4',
    ]));
  test('a place that stands twice', async () =>
    expect(await audit(lines.toSpliced(3, 0, lines[3] ?? ''))).toEqual(['place 3 stands behind place 3']));
  test('what the log has lost itself: the chain goes on', async () =>
    expect(await audit(lines.with(3, encode({ kind: 'lost', seq: 3, hash: messageAt(3).hash ?? '' })))).toEqual([
      'place 3 is lost',
    ]));
  test('what it has lost with its chain', async () =>
    expect(await audit(lines.with(3, '{"lost":3}'))).toEqual(['place 3 is lost']));
});

describe('the first line', () => {
  const head = (more: Partial<Extent> & Json) => audit(changed(0, more));

  test('another end', async () => {
    expect(await head({ head: 6 })).toEqual(['place 7 is behind the head, 6', expect.stringContaining('not signed')]);
    expect(await head({ head: 8 })).toEqual(['place 8 is missing', 'the head, 8, is not signed by the room']);
    expect(await head({ hh: token(0, 16), run: undefined, sig: undefined })).toEqual([
      'the chain does not come to the head, 7',
    ]);
    expect(await head({ run: undefined, sig: undefined })).toEqual([]);
    expect(await head({ sig: token(0, 64) })).toEqual(['the head, 7, is not signed by the room']);
    expect(await head({ log: 'other' })).toEqual(['the head, 7, is not signed by the room']);
  });

  test('another beginning', async () => {
    expect(await head({ h: token(0, 16) })).toEqual([]);
    expect(await head({ since: 1, h: token(0, 16) })).toEqual([
      'place 1 stands behind place 1',
      'place 2 does not follow: it was changed',
    ]);
  });

  test('a chain before the first place of all: there is none', async () => {
    const hash = chainHash(crypto, token(0, 16), messageAt(1));
    const place = encode({ ...messageAt(1), hash });
    const first = { ...JSON.parse(lines[0] ?? ''), h: token(0, 16), head: 1, hh: hash, run: undefined, sig: undefined };
    expect(await audit([JSON.stringify(first), place])).toEqual(['place 1 does not follow: it was changed']);
  });

  test('another room: nothing is its authors’', async () => {
    const found = await head({ room: person(66).key });
    expect(found.filter((what) => what.endsWith('is wrongly signed'))).toHaveLength(count);
  });

  test.each<[what: string, given: () => string[], code: string]>([
    ['nothing', () => [], 'DATA_DAMAGED'],
    ['an empty line', () => [''], 'DATA_DAMAGED'],
    ['no JSON', () => ['hello'], 'DATA_DAMAGED'],
    ['JSON of something else', () => ['[1]', 'null'], 'DATA_DAMAGED'],
    ['a place', () => without(0), 'DATA_DAMAGED'],
    ['half of it', () => [(lines[0] ?? '').slice(0, 60)], 'DATA_DAMAGED'],
    ['no head', () => changed(0, { head: undefined }), 'DATA_DAMAGED'],
    ['a head that is no number', () => changed(0, { head: '7' }), 'DATA_DAMAGED'],
    ['a signature of nothing', () => changed(0, { run: undefined }), 'DATA_DAMAGED'],
    ['the key of nobody', () => changed(0, { room: token(0, 32) }), 'DATA_DAMAGED'],
    ['an end before the beginning', () => changed(0, { since: 8 }), 'DATA_DAMAGED'],
    ['no key', () => changed(0, { room: 7 }), 'DATA_DAMAGED'],
    ['a later format', () => changed(0, { export: 2 }), 'DATA_VERSION'],
    ['two of them', () => [...lines, ...lines], 'NOT_VERIFIED'],
  ])('%s: a word', async (_, given, code) => {
    await expect(audit(given())).rejects.toMatchObject({ code, message: expect.stringMatching(/\.$/) });
  });
});

test('a line that is no place: a word, and the next one is read', async () => {
  const noPlace = (line: number) => `line ${line} is no place of a log: it was changed or cut off`;
  for (const line of [
    '',
    'x',
    'null',
    '{"name":"x"}',
    '{"hb":3}',
    '{"name":"x","text":"y\\n"}',
    (lines[3] ?? '').slice(0, 99),
  ])
    expect(await audit(lines.with(3, line))).toEqual([noPlace(4), 'place 3 is missing']);
  expect(await audit([...lines, 'x'.repeat(200_000)])).toEqual([noPlace(9)]);
});
