import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readExport } from '../src/cli/exported.ts';
import { Audit } from '../src/core/log/audit.ts';
import { whole } from '../src/core/log/log.ts';
import { isPublicKey } from '../src/keys/curve.ts';
import { crypto, identityOf } from '../src/keys/ed25519.ts';
import { decode, encode } from '../src/protocol/codec.ts';
import { erasureOf, isErased } from '../src/protocol/erasure.ts';
import type { Entries, Message, Received, RosterFrame, Upload } from '../src/protocol/frames.ts';
import { addressText, membersDigest, rosterText } from '../src/protocol/roster.ts';
import { chainHash, digestOf, linkProof, signedHash, signedText } from '../src/protocol/signed.ts';
import { readBeacon, senderOf } from '../src/transport/beacon-frame.ts';
import { vectors as made } from './vectors/vectors.ts';

/*
 * docs/vectors.json against the program, in both directions: what it makes of the seeds is what stands there, and it reads
 * and verifies what stands there.
 */

const read = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
const file = JSON.parse(read('vectors.json')) as typeof made;
const decoded = (frame: string | object): Received =>
  decode(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)));
const messageOf = (frame: string | object) => decoded(frame) as Message;
const [room, neo] = file.keys.people.map(({ key }) => key) as [string, string];

describe('what the program makes', () => {
  test.each(Object.keys(made) as (keyof typeof made)[])('%s: is what stands there (else: npm run vectors)', (name) =>
    expect(JSON.parse(JSON.stringify(made[name]))).toEqual(file[name]),
  );
});

describe('what the program reads', () => {
  test('keys: those that grow from seeds, and those that are nobody’s', () => {
    for (const { seed, key, curve } of file.keys.people) {
      const { key: grown, curve: own } = identityOf(Buffer.from(seed, 'hex'));
      expect(grown).toBe(key);
      expect([own.publicKey, own.secretKey].map((raw) => raw.toString('hex'))).toEqual([curve.public, curve.secret]);
      expect(isPublicKey(key)).toBe(true);
    }
    expect(file.keys.nobody.map(({ key }) => isPublicKey(key))).toEqual(file.keys.nobody.map(() => false));
  });

  test('devices are made from their keys, and from no other', () => {
    for (const { key, dev } of file.devices)
      for (const other of file.devices) expect(crypto.isDeviceOf(other.key, dev)).toBe(other.key === key);
  });

  test('signatures of joins, welcomes, messages, heads and the erasure', () => {
    const signed = [...file.joins, ...file.welcomes, ...file.heads, file.erasure];
    for (const { key, text, sig } of signed) expect([text, crypto.verify(key, text, sig)]).toEqual([text, true]);
    for (const { text, sig = '' } of file.messages) expect([text, crypto.verify(neo, text, sig)]).toEqual([text, true]);
    for (const { text, sig } of signed) expect(crypto.verify(room, `${text} `, sig)).toBe(false);
  });

  test('session keys: the room comes to the same; and what is sealed with them', () => {
    const identity = identityOf(Buffer.from(file.keys.people[0]?.seed ?? '', 'hex'));
    for (const { key, salt, info, sessionKey } of file.sessions)
      expect(identity.sessionKey(key, salt, info)).toBe(sessionKey);
    for (const { frame, sessionKey, mac } of file.macs) {
      const { seal = { text: '', mac: '' } } = decoded(frame) as Upload;
      expect([seal.mac, crypto.mac(sessionKey, seal.text)]).toEqual([mac, mac]);
    }
  });

  test('digests of words', () => {
    for (const { salt, text, json, digest } of file.words) {
      const said: Message = { kind: 'message', name: '', text, ...(salt !== 0 && { salt: String(salt) }) };
      expect([digestOf(crypto, said), crypto.digest(json)]).toEqual([digest, digest]);
    }
  });

  test('messages: what is signed, and its hash', () => {
    for (const { message, text, hash } of file.messages) {
      const said = messageOf(message as object);
      expect(JSON.parse(encode(said))).toEqual(message);
      expect([signedText(crypto, room, said), signedHash(crypto, room, said)]).toEqual([text, hash]);
    }
  });

  test('the chain, over everything that a place may be', () => {
    let before = '';
    for (const { before: said, entry, text, h } of file.chain) {
      const message = messageOf(entry as object);
      expect(JSON.parse(encode(message))).toEqual(entry);
      expect([said, chainHash(crypto, before, message), crypto.hash(text)]).toEqual([before, h, h]);
      before = h;
    }
    const all = file.chain.map(({ entry }) => messageOf(entry as object));
    const kinds = {
      type: all.map(({ type }) => type),
      void: all.map((one) => one.void),
      guest: all.map(({ guest }) => guest),
    };
    expect(kinds).toMatchObject({
      type: expect.arrayContaining([undefined, 'action', 'erase']),
      void: expect.arrayContaining([true]),
      guest: expect.arrayContaining([true]),
    });
    expect([all.some(({ ago }) => ago), all.some(isErased)]).toEqual([true, true]);
  });

  test('batches: their entries, and the chain that they come to', () => {
    for (const { before, frame, entries, h, lost } of file.batches) {
      if (lost) expect(crypto.verify(lost.key, lost.text, lost.sig)).toBe(true);
      const { rows, hash = '' } = decoded(frame) as Entries;
      expect(encode(decoded(frame) as Entries)).toBe(frame);
      expect(rows.map((row) => JSON.parse(encode(row)))).toEqual(entries);
      const end = rows.reduce(
        (last, row) => (row.kind === 'lost' ? (row.hash ?? '') : chainHash(crypto, last, row)),
        before,
      );
      expect([hash, end]).toEqual([h, h]);
    }
  });

  test('an erased entry: the same place, the room’s proof, and the entry that says so', () => {
    const { before, after, entry, h = '', words } = file.erasure;
    for (const one of [before, after]) expect(chainHash(crypto, '', messageOf(one as object))).toBe(h);
    for (const one of [after, entry]) expect(erasureOf(crypto, room, messageOf(one as object))?.words).toBe(words);
    const other = messageOf({ ...(after as object), id: (entry as { id: string }).id });
    expect(erasureOf(crypto, room, other)).toBeUndefined();
  });

  test('a repair: an answer is judged by h', () => {
    const { before = '', question, answers } = file.repair;
    const lost = decoded(question) as { seq: number; hash: string };
    const place = { seq: lost.seq, prev: before, hash: lost.hash, atMs: 0, ranMs: 0 };
    for (const { frame, isRight, why } of answers)
      expect([why, whole(place, messageOf(frame), crypto) !== undefined]).toEqual([why, isRight]);
  });

  test('rosters: their parts, and the list that each version comes to', () => {
    const { versions, address, question, parts } = file.rosters;
    const members = new Map<string, string>();
    for (const [i, one] of parts.entries()) {
      const { kind: _, members: changed = [], ...part } = decoded(one) as RosterFrame;
      for (const { key, name } of changed) name === undefined ? members.delete(key) : members.set(key, name);
      const { version = 0, at = 0, digest = '', members: text = '', sig = '' } = versions[i] ?? {};
      expect(part).toMatchObject({ version, at, digest, sig });
      expect([membersDigest(crypto, members), crypto.digest(text)]).toEqual([digest, digest]);
      expect(crypto.verify(room, rosterText(room, { version, at, digest }), sig)).toBe(true);
    }
    const [said] = (decoded(question) as RosterFrame).addresses ?? [];
    expect(said).toEqual({ key: neo, dev: address.dev, ts: address.ts, hosts: address.hosts, sig: address.sig });
    expect(addressText(room, address)).toBe(address.text);
    expect(crypto.verify(neo, address.text, address.sig)).toBe(true);
  });

  test('links: what each end proves, and to nobody else; and a beacon, which only its room hears', () => {
    const { proofs, beacon } = file.links;
    for (const [mine, theirs] of [
      [proofs.Neo, proofs.Trinity],
      [proofs.Trinity, proofs.Neo],
    ] as const) {
      expect(linkProof(room, mine, theirs)).toBe(mine.text);
      expect(crypto.verify(mine.key, mine.text, mine.sig)).toBe(true);
      expect(crypto.verify(mine.key, linkProof(room, theirs, mine), mine.sig)).toBe(false);
    }
    const heard = readBeacon(beacon.room, Buffer.from(beacon.hex, 'hex'));
    expect(heard).toMatchObject({ nonce: beacon.nonce, port: beacon.port });
    expect(heard && senderOf(beacon.room, heard, [room, beacon.key])).toBe(beacon.key);
    expect(readBeacon(beacon.key, Buffer.from(beacon.hex, 'hex'))).toBeUndefined();
  });

  test('an export, which is right', async () => {
    const { extent, rows } = await readExport(bytes(`${file.export.join('\n')}\n`));
    const audit = new Audit(crypto, extent);
    for await (const row of rows) expect(typeof row === 'string' ? [row] : audit.take(row)).toEqual([]);
    expect([audit.end(), audit.right]).toEqual([[], file.chain.length]);
  });

  test.each(file.malformed)('malformed: $why', ({ frame = '', hex }) =>
    expect(decode(hex === undefined ? Buffer.from(frame) : Buffer.from(hex, 'hex')).kind).toBe('malformed'),
  );

  test('every frame of the transcripts, and it writes the same', () => {
    for (const line of [...file.transcript, ...file.links.transcript]) {
      const frame = decoded(line.slice(2));
      expect(['malformed', 'unknown']).not.toContain(frame.kind);
      const written = encode(frame as Upload);
      expect(line.slice(2)).toBe(
        line.includes('"mac"') ? line.slice(2, 2 + written.length - 1) + line.slice(-32) : written,
      );
    }
  });
});

describe('the examples in docs/protocol.md', () => {
  const blocks = [...read('protocol.md').matchAll(/^```\n(.*?)^```$/gms)].map(([, block = '']) => block.split('\n'));
  const lines = blocks.flat();
  const known = new Set(stringsIn(file));

  test('every text that is signed or hashed', () => {
    const texts = lines.flatMap(
      (line) => /^\s*(?:salt |info )?\s*(\["0mq-chat .*?\])(?: {3}→.*)?$/.exec(line)?.[1] ?? [],
    );
    expect(texts.length).toBeGreaterThanOrEqual(9);
    expect(texts.filter((text) => !known.has(text))).toEqual([]);
  });

  test('every key, signature, hash and salt', () => {
    const values = lines.flatMap((line) => line.match(/(?<![\w-])[\w-]{22,128}(?![\w-])/g) ?? []);
    expect(values.length).toBeGreaterThan(90);
    const all = [...known].join('\n');
    expect(values.filter((value) => !/^[─-]+$/.test(value) && !all.includes(value))).toEqual([]);
  });

  test('every frame', () => {
    const frames = lines.filter((line) => /^([<>] )?\{"/.test(line));
    expect(frames.length).toBeGreaterThan(15);
    expect(frames.filter((line) => !known.has(line))).toEqual([]);
  });
});

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
