import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { Copy } from '../src/core/log/copy.ts';
import { Log } from '../src/core/log/log.ts';
import { MemoryStore } from '../src/history/memory.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import { searchCommand } from '../src/prompt/search.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainHash } from '../src/protocol/signed.ts';
import { finder, fold } from '../src/text/search.ts';
import { fakeCrypto } from './support/fake-crypto.ts';

describe('what is looked for', () => {
  test.each<[query: string, found: string[], not: string[]]>([
    ['lunch', ['Lunch?', 'at LUNCH', 'lunchtime'], ['lun ch', 'brunc']],
    ['at lunch', ['lunch at noon'], ['lunch', 'at noon']],
    ['resume', ['Résumé', 're\u0301sume\u0301'], ['result']],
    ['RÉSUMÉ', ['resume'], []],
    ['"at noon"', ['Lunch at noon?', 'at  NOON', 'at\nnoon'], ['noon at', 'at noons', 'bat noon']],
    ['"résumé"', ['my resume.'], ['resumed']],
    ['"at noon', ['see you at noon'], ['at']],
    ['lunch "at noon"', ['at noon: lunch'], ['at noon']],
    ['会議', ['明日の会議です'], ['会う議']],
    ['"会議"', ['明日の会議です'], []],
    ['가나', ['가나다'], ['각나']],
    ['*', ['2 * 3'], ['2 x 3']],
    ['"a.b"', ['a.b!'], ['axb']],
    ['"(?"', ['what (?)'], ['what']],
    ['\\', ['a\\b'], ['ab']],
    ['ΟΔΟΣ', ['οδος', 'οδοσ'], []],
    ['ｌｕｎｃｈ', ['lunch'], []],
    ['👍', ['ok 👍🏽'], ['ok']],
    ['\x1b[31m', ['a\x1b[31mb'], ['31m']],
  ])('%j is in %j, not in %j', (query, found, not) => {
    expect(found.map((text) => finder(query)?.(text))).toEqual(found.map(() => true));
    expect(not.map((text) => finder(query)?.(text))).toEqual(not.map(() => false));
  });

  test.each(['', ' ', '"', '""', '" "', '"" "', '\n\t'])('%j is nothing', (query) =>
    expect(finder(query)).toBeUndefined(),
  );

  test('may be 10,000 words, or one huge one', () => {
    const words = Array.from({ length: 10_000 }, (_, n) => `w${n}`).join(' ');
    expect(finder(words)?.(words)).toBe(true);
    expect(finder(words)?.('w1')).toBe(false);
    expect(finder('x'.repeat(100_000))?.('x')).toBe(false);
    expect(finder(`"${'x '.repeat(50_000)}`)?.('x')).toBe(false);
  });

  test('is folded once: what is folded stays as it is', () => {
    for (const text of ['Ünï', 'ſ', 'İ', 'ﬁ', '各', 'ΑΣ']) expect(fold(fold(text))).toBe(fold(text));
  });
});

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'zmqchat-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const kinds = {
  memory: () => new MemoryStore('log'),
  SQLite: () => SqliteStore.open(folder, { newLog: 'log' }),
};

describe.each(Object.entries(kinds))('/search in %s', (_kind, open) => {
  /** A log of these messages, and what the command then shows. */
  async function search(
    words: string,
    messages: Partial<Message>[],
    see = (event: ChatEvent): ChatEvent | undefined => event,
  ) {
    const store = open();
    let prev = '';
    const entries = messages.map((more, i) => {
      const message: Message = { kind: 'message', name: 'bo', text: '', id: { dev: 'B', n: i + 1 }, at: 7, ...more };
      const hash = chainHash(fakeCrypto, prev, message);
      const place = { seq: i + 1, prev, hash, atMs: 7, ranMs: 0, message: { ...message, seq: i + 1, hash } };
      prev = hash;
      return place;
    });
    await store.commit({ entries });
    const shown: ChatEvent[] = [];
    searchCommand(() => new Log(store, fakeCrypto), { see, show: (event) => void shown.push(event) }).run(words);
    await store.close();
    return shown.map((event) => ('text' in event ? event.text : 'message' in event ? event.message : event.type));
  }
  const frame = (count: string, ...texts: string[]) => [`${count} found ---`, ...texts, 'end of what was found ---'];

  test('newest last, with its place and time', async () => {
    expect(await search('lunch', [{ text: 'Lunch?' }, { text: 'no' }, { text: 'lunch!' }])).toEqual(
      frame('2 messages were', 'Lunch?', 'lunch!'),
    );
  });

  test('also where a text has a line end, NUL, quotes or half a bracket', async () => {
    const texts = ['a\nlunch', 'a\0lunch', '"lunch"', '[lunch', 'lunch\u2028\x1b'];
    expect(
      await search(
        'lunch',
        texts.map((text) => ({ text })),
      ),
    ).toEqual(frame('5 messages were', ...texts));
  });

  test('not in what nobody is shown', async () => {
    const hidden = { text: 'lunch', type: 'nothing' };
    expect(await search('lunch', [hidden, { text: 'lunch', type: 'erase' }, { text: '', void: true }])).toEqual([
      'nothing was found in what is kept here',
    ]);
  });

  test('also in what somebody does', async () =>
    expect(await search('waves', [{ text: 'waves', type: 'action' }])).toEqual(frame('1 message was', 'waves')));

  test('of more than 50 the newest, and all are counted', async () => {
    const shown = await search(
      'lunch',
      Array.from({ length: 70 }, (_, n) => ({ text: `lunch ${n}` })),
    );
    expect(shown[0]).toBe('70 messages were found; the last 50 ---');
    expect(shown.slice(1, -1)).toEqual(Array.from({ length: 50 }, (_, n) => `lunch ${n + 20}`));
  });

  test('what is not to be read is neither shown nor counted', async () => {
    const see = (event: ChatEvent) => (event.type === 'message' && event.from.name === 'cy' ? undefined : event);
    expect(await search('lunch', [{ text: 'lunch' }, { text: 'lunch!', name: 'cy' }], see)).toEqual(
      frame('1 message was', 'lunch'),
    );
  });

  test.each(['', '"', '  '])('%j: it asks what for', async (words) =>
    expect(await search(words, [{ text: 'lunch' }])).toEqual([
      'What do you look for? For example: /search lunch, /search "at noon"',
    ]),
  );
});

test('a long copy is not read as a whole at the start', async () => {
  const store = new MemoryStore('log');
  let prev = '';
  const entries = Array.from({ length: 20_000 }, (_, i) => {
    const message: Message = { kind: 'message', name: 'bo', text: `${i}`, id: { dev: 'B', n: i + 1 }, lc: i, at: 7 };
    const hash = chainHash(fakeCrypto, prev, message);
    const place = { seq: i + 1, prev, hash, atMs: 7, ranMs: 0, message: { ...message, seq: i + 1, hash } };
    prev = hash;
    return place;
  });
  await store.commit({ entries });
  let read = 0;
  const counting = Object.assign(Object.create(store), {
    read(from: number, limit: number) {
      const places = store.read(from, limit);
      read += places.length;
      return places;
    },
  });
  const copy = new Copy(new Log(counting, fakeCrypto), fakeCrypto, 100_000, []);
  expect(copy.nextLc()).toBe(20_000);
  expect(read).toBeLessThan(7_000);
});
