import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Ledger, type Outcome, type Proposal, type Uploader } from '../src/core/log/ledger.ts';
import { request } from '../src/history/requests.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import { erase, erasing, erasureOf, erasureText, isProper } from '../src/protocol/erasure.ts';
import type { Message } from '../src/protocol/frames.ts';
import { digestOf, signedText, withoutText } from '../src/protocol/signed.ts';
import { rot } from './sim/rot.ts';
import { fakeCrypto, fakeIdentity, fakeSalt, signature } from './support/fake-crypto.ts';
import { entryAfter, Written } from './support/places.ts';

const room = 'server';
const message = (dev: string, n: number, more: Partial<Message> = {}): Message => {
  const key = `k${dev}`;
  const said: Message = {
    ...{ kind: 'message', name: dev, text: `words of ${dev} ${n}`, salt: fakeSalt },
    ...{ id: { dev, n }, lc: n, ts: n, key, ...more },
  };
  return { ...said, sig: signature(key, signedText(fakeCrypto, room, said)) };
};
/** As the room has erased it. */
const erasureFor = (of: Message, by = room) => {
  const gone = { id: of.id as NonNullable<Message['id']>, words: digestOf(fakeCrypto, of) };
  return { ...gone, proof: signature(by, erasureText(room, gone)) };
};
const erased = (of: Message, by = room) => erase(of, erasureFor(of, by));
/** The room's entry that tells it. */
const telling = (of: Message, n = 1, by = room): Message => {
  const said = { ...message('run0', n, { key: room }), ...erasing(erasureFor(of, by)) };
  return { ...said, sig: signature(room, signedText(fakeCrypto, room, said)) };
};

describe('a proof', () => {
  const proves = (said: Message) => erasureOf(fakeCrypto, room, said) !== undefined;

  test('is the room’s, for this id and these words', () => {
    const [one, other] = [message('a', 1), message('a', 2)];
    expect([proves(telling(one)), proves(erased(one))]).toEqual([true, true]);
    expect([proves(telling(one, 1, 'eve')), proves(erased(one, 'eve'))]).toEqual([false, false]);
    const { erased: proof = '' } = erased(one);
    expect(proves({ ...erased(other), erased: proof })).toBe(false);
    expect(proves({ ...erased(one), words: digestOf(fakeCrypto, other) })).toBe(false);
  });

  test('is what a message needs that is without words; the log itself says of a void one that it is', () => {
    const one = message('a', 1);
    const empty = withoutText(fakeCrypto, one);
    const cases = [one, erased(one), { ...empty, void: true as const }, empty, { ...empty, erased: 'no' }];
    expect(cases.map((said) => isProper(fakeCrypto, room, said))).toEqual([true, true, true, false, false]);
  });
});

describe('the ledger', () => {
  let written: Written;
  let ledger: Ledger;
  beforeEach(() => {
    written = new Written();
    const retention = { entries: 1_000, ageMs: 1e12 };
    const identity = fakeIdentity(room);
    ledger = new Ledger({ name: 'server', identity, dev: 'run', crypto: fakeCrypto, retention }, written.log);
  });
  const keep = (...proposals: Proposal[]): Outcome[] => {
    const { change, outcomes } = ledger.decide<never>(proposals, { ms: 1, wallMs: 7_000_000 });
    if (change) written.commit(change);
    return outcomes;
  };
  const by = (): Uploader => ({ from: 'x', isStopped: false, isHeld: false });
  const say = (said: Message): Proposal => ({ type: 'say', by: by(), message: said, name: said.name });
  const giveBack = (said: Message): Proposal => ({ type: 'giveBack', by: by(), message: said });
  const eraseAt = (seq: number): Proposal => ({ type: 'erase', from: 'keeper', seq });
  const why = (seq: number) => keep(eraseAt(seq)).map((outcome) => outcome.type === 'erased' && outcome.why);
  /** What is read at each place: its words, or what stands for them. */
  const read = () =>
    written.log.read(1, 99).map(({ message }) => {
      if (message?.type === 'erase') return 'erasure';
      return message && (message.text || (message.void ? 'void' : message.erased ? 'erased' : 'empty'));
    });

  test('erases a place with an entry of the room’s own, in one change: id, place and chain stay', () => {
    keep(say(message('a', 1)), say(message('a', 2)));
    const [before] = written.store.read(1, 1);
    expect(why(1)).toEqual([undefined]);
    expect(read()).toEqual(['erased', 'words of a 2', 'erasure']);
    const [after] = written.store.read(1, 1);
    expect([after?.hash, after?.message?.id, after?.message?.salt]).toEqual([
      before?.hash,
      { dev: 'a', n: 1 },
      undefined,
    ]);
    const [told] = written.store.read(3, 1);
    expect(told?.message).toMatchObject({ re: { dev: 'a', n: 1 }, key: room, name: 'server' });
    expect(told?.message?.guest).toBeUndefined();
    // Read anew, from the disk.
    expect(new Written(written.store).log.read(1, 3).every(({ message }) => message)).toBe(true);
  });

  test('says why there is nothing to erase', () => {
    keep(
      say(message('a', 1)),
      say(message('a', 2, { text: 'x'.repeat(5_000) })),
      say(message('a', 3)),
      say(message('a', 4)),
    );
    expect(why(1)).toEqual([undefined]);
    expect([0, 6, 2, 1, 5].map((seq) => why(seq)[0])).toEqual(['none', 'none', 'void', 'already', 'erasure']);
    rot(written.store, 3, 'no message');
    written = new Written(written.store);
    const identity = fakeIdentity(room);
    const options = {
      name: 'server',
      identity,
      dev: 'run',
      crypto: fakeCrypto,
      retention: { entries: 9, ageMs: 1e12 },
    };
    ledger = new Ledger(options, written.log);
    expect(why(3)).toEqual(['damaged']);
    written.commit({ keep: { from: 2, hash: written.log.hashAt(1) ?? '' } });
    expect(why(1)).toEqual(['trimmed']);
  });

  test('takes no message without words that nobody has erased, from its author or from others', () => {
    const empty = withoutText(fakeCrypto, message('a', 1));
    const reason = 'a message without its words, which nobody has erased';
    expect(keep(say(empty), giveBack(empty), giveBack({ ...empty, erased: 'no' }))).toEqual([
      { type: 'ignored', reason },
      { type: 'ignored', reason },
      { type: 'ignored', reason },
    ]);
    expect(keep(giveBack(message('a', 1)))).toEqual([]);
    expect(read()).toEqual(['words of a 1']);
  });

  test('takes what is given back in erased form, and does not take its words any more', () => {
    keep(giveBack(erased(message('a', 1))), say(message('a', 2)));
    expect(read()).toEqual(['erased', 'words of a 2']);
  });

  test('applies an erasure that is given back, before or after its message', () => {
    keep(
      say(message('a', 1)),
      giveBack(telling(message('a', 1))),
      giveBack(telling(message('a', 2), 2)),
      say(message('a', 2)),
    );
    expect(read()).toEqual(['erased', 'erasure', 'erasure', 'erased']);
    keep(giveBack(telling(message('b', 1), 3)));
    keep(giveBack(message('b', 1)));
    expect(read().slice(4)).toEqual(['erasure', 'erased']);
  });

  test('an erased form of what has its words here erases it by an entry, once, and is had', () => {
    const one = message('a', 1);
    keep(say(one), say(message('b', 1)));
    expect(keep(giveBack(erased(one, 'eve')))).toMatchObject([{ type: 'had', ids: [one.id] }]);
    expect(read()).toEqual(['words of a 1', 'words of b 1']);
    expect(keep(giveBack(erased(one)))).toMatchObject([{ type: 'had', ids: [one.id] }]);
    // Who has read it already is told.
    expect(read()).toEqual(['erased', 'words of b 1', 'erasure']);
    keep(say(erased(message('b', 1))), giveBack(erased(message('b', 1))));
    expect(read()).toEqual(['erased', 'erased', 'erasure', 'erasure']);
  });

  test('what mends comes without erased words, and only the room’s proof lets it be without others', () => {
    keep(say(message('a', 1)), say(message('a', 2)));
    const [one, two] = written.store.read(1, 2).map(({ message }) => message as Message) as [Message, Message];
    keep(eraseAt(1));
    for (const seq of [1, 2]) rot(written.store, seq, 'no message');
    written = new Written(written.store);
    const options = { name: 'server', identity: fakeIdentity(room), dev: 'run', crypto: fakeCrypto };
    ledger = new Ledger({ ...options, retention: { entries: 9, ageMs: 1e12 } }, written.log);
    written.log.read(1, 2);
    expect(keep({ type: 'mend', message: withoutText(fakeCrypto, two) })).toEqual([]);
    expect(keep({ type: 'mend', message: one })).toMatchObject([{ type: 'mended', entry: { message: { text: '' } } }]);
    expect(keep({ type: 'mend', message: two })).toMatchObject([
      { type: 'mended', entry: { message: { text: two.text } } },
    ]);
    expect(read()).toEqual(['erased', 'words of a 2', 'erasure']);
  });
});

describe('a file', () => {
  const root = mkdtempSync(join(tmpdir(), 'zmqchat-erasure-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let count = 0;
  const newFolder = () => join(root, String(++count));
  const bytes = (folder: string) =>
    readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), 'latin1'))
      .join();
  const salted = (dev: string, n: number): Message => message(dev, n, { salt: `${dev}salt${n}`.padEnd(22, '-') });
  const eraseIn = (seq: number, of: Message) => ({ erased: [{ ...erasureFor(of), seq }] });
  const leftOf = (folder: string, { id, salt = '' }: Message) =>
    [`words of ${id?.dev} ${id?.n}\0`.slice(0, -1), salt].filter((word) => bytes(folder).includes(word));

  test('has nothing left of what was erased, neither in its tables nor in the space that moved rows have left', async () => {
    const folder = newFolder();
    const [one, two] = [salted('a', 1), salted('a', 2)];
    const first = entryAfter({ seq: 0, hash: '' }, one);
    let store = SqliteStore.open(folder, { newLog: 'log' });
    await store.commit({ entries: [first, entryAfter(first, two)], pending: [one] });
    await store.close();
    // As SQLite does when it moves a row to another page.
    const db = new DatabaseSync(join(folder, 'log.db'));
    db.exec('PRAGMA secure_delete=OFF');
    db.prepare('INSERT INTO pending (dev, n, text, salt) VALUES (?, 9, ?, ?)').run('b', one.text, one.salt ?? '');
    db.exec("DELETE FROM pending WHERE dev = 'b'");
    db.close();
    store = SqliteStore.open(folder);
    await store.commit({ ...eraseIn(1, one), pending: [erase(one, erasureFor(one))] });
    expect(leftOf(folder, one)).toEqual([]);
    expect(leftOf(folder, two)).toHaveLength(2);
    expect(store.pending()).toEqual([erase(one, erasureFor(one))]);
    await store.close();
    store = SqliteStore.open(folder);
    expect([store.erasure('a.1'), store.find({ dev: 'a', n: 1 })]).toEqual([erasureFor(one), 1]);
    await store.close();
  });

  test('somebody who reads keeps the journal; when that is over, the next change or start ends it', async () => {
    for (const end of ['change', 'start']) {
      const folder = newFolder();
      let store = SqliteStore.open(folder, { newLog: 'log' });
      const said = salted('a', 1);
      await store.commit({ entries: [entryAfter({ seq: 0, hash: '' }, said)] });
      const reader = SqliteStore.open(folder, { readOnly: true });
      const [place] = reader.read(1, 1);
      expect(place?.message?.text).toBe(said.text);
      await store.commit(eraseIn(1, said));
      await reader.close();
      if (end === 'change') await store.commit({ ranMs: 5 });
      else {
        await store.close();
        store = SqliteStore.open(folder);
      }
      expect(leftOf(folder, said)).toEqual([]);
      await store.close();
    }
  });

  test('a program that uses the log and is no server gives no answer: so it is said', { timeout: 10_000 }, async () => {
    const folder = newFolder();
    const store = SqliteStore.open(folder, { newLog: 'log' });
    expect(await request(folder, 1)).toBeUndefined();
    expect(readdirSync(folder).filter((file) => file.startsWith('erase-'))).toEqual([]);
    await store.close();
  });
});
