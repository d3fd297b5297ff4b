import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, test } from 'vitest';
import { whole } from '../src/core/log/log.ts';
import type { Place } from '../src/core/log/store.ts';
import { lineOf, messagesView, placeOf } from '../src/history/line.ts';
import { crypto } from '../src/keys/ed25519.ts';
import { alike } from '../src/protocol/alike.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainHash, withoutText } from '../src/protocol/signed.ts';
import { Random } from './sim/random.ts';

const pick = <T>(random: Random, ...some: T[]): T => some[random.below(some.length)] as T;
const token = (random: Random, length: number) => Array.from({ length }, () => random.below(36).toString(36)).join('');
const texts = ['', 'hello', '"', '\\', 'a,"b",7,"c"', '\0', '\n\r\t\b', 'é', '会議', '👍', '\u2028', '#1', "it's"];

/** All that a message can say, each with what JSON has to escape. */
function message(random: Random, n: number): Message {
  const may = <T>(value: T): T | undefined => (random.below(2) === 0 ? value : undefined);
  const said = {
    kind: 'message',
    name: pick(random, ...texts),
    text: `${pick(random, ...texts)}${pick(random, ...texts)}`,
    type: may('action'),
    id: may({ dev: token(random, 32), n }),
    lc: may(random.below(1e9)),
    ts: may(1_700_000_000_000 + n),
    in: may(0),
    re: may({ dev: token(random, 32), n: 7 }),
    ext: may(pick(random, ...texts)),
    salt: may(token(random, 22)),
    key: may(token(random, 43)),
    sig: pick(random, undefined, '-', token(random, 86)),
    ago: may(random.below(1e6)),
    void: may(true as const),
    guest: may(true as const),
  } as Message;
  return random.below(4) === 0 ? { ...withoutText(crypto, said), erased: token(random, 86) } : said;
}

function place(random: Random, seq: number): Place & { message: Message } {
  const [prev, atMs] = [pick(random, '', token(random, 22)), 1_700_000_000_000 + seq];
  const said = { ...message(random, seq), at: atMs };
  const hash = chainHash(crypto, prev, said);
  return { seq, prev, hash, atMs, ranMs: seq * 3, message: alike({ ...said, seq, hash }) };
}

describe('a line of the log', () => {
  test('gives back the place that was written, and is JSON', () => {
    const random = new Random(1);
    for (let seq = 1; seq <= 2_000; seq++) {
      const written = place(random, seq);
      expect(placeOf(`${seq} ${lineOf(written)}`)).toEqual(written);
      expect(JSON.stringify(JSON.parse(lineOf(written)))).toBe(lineOf(written));
    }
    const lost: Place = { seq: 5, prev: 'a', hash: '', atMs: 1, ranMs: 2 };
    expect(placeOf(`5 ${lineOf(lost)}`)).toEqual(lost);
  });

  test('is no place under another number', () => {
    expect(placeOf(`6 ${lineOf(place(new Random(2), 5))}`)).toBeUndefined();
  });

  test('with any bit flipped is no place, or one whose message is as it was, or is not proven', () => {
    const random = new Random(3);
    let [flips, unproven, lost] = [0, 0, 0];
    for (let seq = 1; seq <= 12; seq++) {
      const written = place(random, seq);
      const bytes = Buffer.from(`${seq} ${lineOf(written)}`);
      const chain = ({ message: _, ...rest }: Place) => rest;
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const found = placeOf(flipped.toString());
        flips++;
        if (!found) {
          lost++;
          continue;
        }
        expect(chain(found)).toEqual(chain(written));
        const isProven = found.message && whole(chain(found), found.message, crypto);
        if (isProven) expect({ ...found.message, ago: 0, in: 0 }).toEqual({ ...written.message, ago: 0, in: 0 });
        else unproven++;
      }
    }
    expect([flips, lost, unproven].every((count) => count > 1_000)).toBe(true);
  });

  test('is a row of the view, and one that is no JSON is an empty row there', () => {
    const db = new DatabaseSync(':memory:');
    db.exec(`CREATE TABLE entries (seq INTEGER PRIMARY KEY, line TEXT); ${messagesView}`);
    const random = new Random(4);
    // The driver cuts what it reads at U+0000.
    const written = Array.from({ length: 50 }, (_, i) => place(random, i + 1));
    const put = db.prepare('INSERT INTO entries VALUES (?, ?)');
    for (const one of written) put.run(one.seq, lineOf(one));
    put.run(51, '["not');
    const rows = db.prepare('SELECT seq, prev, at_ms, dev, n, name, text, key, words FROM messages').all() as object[];
    expect(rows.map((row) => Object.values(row))).toEqual([
      ...written.map(({ seq, prev, atMs, message: { id, name, text, key, words } }) =>
        [
          seq,
          prev,
          atMs,
          id?.dev,
          id?.n,
          name.split('\0')[0],
          words === undefined ? text.split('\0')[0] : null,
          key,
          words,
        ].map((cell) => cell ?? null),
      ),
      [51, ...new Array(8).fill(null)],
    ]);
    db.close();
  });
});
