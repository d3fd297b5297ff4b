import { beforeEach, describe, expect, test } from 'vitest';
import { Ledger } from '../src/core/log/ledger.ts';
import type { Change } from '../src/core/log/store.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainedText } from '../src/protocol/signed.ts';
import { fakeCrypto } from './support/fake-crypto.ts';

const ageMs = 1_000;
let store: MemoryStore;
let ledger: Ledger;
beforeEach(() => {
  store = new MemoryStore('log');
  ledger = new Ledger(store, fakeCrypto, { entries: 1_000, ageMs });
});
const message = (n: number, dev = 'A', key = `k${dev}`): Message => ({
  kind: 'message',
  name: 'x',
  text: `text ${n}`,
  id: { dev, n },
  key,
});
/** What is to be written is on disk. */
const keep = (change = ledger.takeChange()) => {
  if (!change) throw new Error('nothing to keep');
  store.apply(change);
  return ledger.settle(change);
};

describe('what is appended', () => {
  test('gets the next place and the next link of the chain at once', () => {
    const [one, two] = [ledger.append(message(1), 5), ledger.append(message(2), 6)];
    expect([one.seq, two.seq, ledger.head, store.head]).toEqual([1, 2, 2, 0]);
    expect(one.hash).toBe(fakeCrypto.hash(chainedText('', message(1))));
    expect(two.hash).toBe(fakeCrypto.hash(chainedText(one.hash, message(2))));
    expect(two).toMatchObject({ atMs: 6, message: { seq: 2, hash: two.hash, text: 'text 2' } });
    expect(JSON.parse(two.wire)).toMatchObject({ seq: 2, h: two.hash, text: 'text 2\n', id: 'A.2' });
  });

  test('counts once it is on disk, in the order it was appended', () => {
    ledger.append(message(1), 5);
    const first = ledger.takeChange();
    ledger.append(message(2), 5);
    ledger.append(message(3), 5);
    const second = ledger.takeChange();
    expect(keep(first).map(({ seq }) => seq)).toEqual([1]);
    expect(ledger.head).toBe(3);
    expect(keep(second).map(({ seq }) => seq)).toEqual([2, 3]);
    ledger.append(message(4), 5);
    expect(keep().map(({ seq }) => seq)).toEqual([4]);
  });

  test('goes on where the store ends, after a restart', () => {
    const one = ledger.append(message(1), 5);
    keep();
    ledger = new Ledger(store, fakeCrypto, { entries: 1_000, ageMs });
    expect(ledger.append(message(2), 5)).toMatchObject({
      seq: 2,
      hash: fakeCrypto.hash(chainedText(one.hash, message(2))),
    });
  });

  test('does not say that it was sent first', () => {
    expect(ledger.append({ ...message(1), first: true }, 5).wire).not.toContain('first');
  });

  test('moves the mark of its device before it is on disk, and it stays', () => {
    ledger.append(message(7), 5);
    expect(ledger.mark('A')).toEqual({ n: 7, key: 'kA' });
    keep();
    expect(ledger.mark('A')).toEqual({ n: 7, key: 'kA' });
    expect(ledger.mark('B')).toBeUndefined();
  });

  test('is one change with the names claimed, and nothing is no change', () => {
    expect(ledger.takeChange()).toBeUndefined();
    ledger.append(message(1), 5);
    ledger.claim('Ann', 'kA', 5);
    expect(ledger.takeChange()).toMatchObject({
      entries: [{ seq: 1 }],
      owners: [{ name: 'ann', key: 'kA', seenMs: 5 }],
    });
    expect(ledger.takeChange()).toBeUndefined();
  });
});

describe('a name', () => {
  test('is owned at once, and on disk', () => {
    ledger.claim('Ann', 'kA', 5);
    expect(ledger.owner('ANN', 5)).toBe('kA');
    const first = ledger.takeChange();
    ledger.claim('bo', 'kB', 5);
    const second = ledger.takeChange();
    keep(first);
    expect(ledger.owner('bo', 5)).toBe('kB');
    ledger.claim('cy', 'kC', 5);
    keep(second);
    expect(ledger.owner('cy', 5)).toBe('kC');
    keep();
    expect([ledger.owner('ann', 5), ledger.owner('bo', 5), ledger.owner('dot', 5)]).toEqual(['kA', 'kB', undefined]);
  });

  test('lapses when it was not used for longer than entries are kept', () => {
    ledger.claim('ann', 'kA', 5);
    expect(ledger.owner('ann', 5 + ageMs)).toBe('kA');
    expect(ledger.owner('ann', 6 + ageMs)).toBeUndefined();
    keep();
    expect(ledger.owner('ann', 6 + ageMs)).toBeUndefined();
    ledger.claim('ann', 'kA', 100);
    expect(ledger.owner('ann', 6 + ageMs)).toBe('kA');
  });
});

describe('trimming', () => {
  /** The place it would keep from, if any. */
  const trimmed = (nowMs: number) => {
    ledger.trim(nowMs);
    const change: Change = ledger.takeChange() ?? {};
    return change.keepFrom;
  };
  const fill = (count: number, atMs: number) => {
    for (let n = 1; n <= count; n++) ledger.append(message(n), atMs);
    keep();
  };

  test('an empty log does nothing', () => expect(trimmed(1e9)).toBeUndefined());

  test('begins above the limit and a share, and ends at the limit', () => {
    fill(1_050, 0);
    expect(trimmed(0)).toBeUndefined();
    fill(1, 0);
    expect(trimmed(0)).toBe(52);
  });

  test.each([1, 99, 100, 101, 250])('forgets %i old entries and no younger one', (count) => {
    fill(count, 0);
    fill(5, 500);
    expect(trimmed(ageMs)).toBeUndefined();
    expect(trimmed(ageMs + 1)).toBe(count + 1);
  });

  test('may forget everything', () => {
    fill(200, 0);
    expect(trimmed(ageMs + 1)).toBe(201);
  });

  test('forgets by count first, then by age', () => {
    ledger = new Ledger(store, fakeCrypto, { entries: 10, ageMs });
    fill(100, 0);
    fill(5, 500);
    expect(trimmed(0)).toBe(96);
    expect(trimmed(ageMs + 1)).toBe(101);
  });

  test('does not touch what is not on disk', () => {
    fill(3, 0);
    ledger.append(message(4), 0);
    ledger.trim(ageMs + 1);
    const change = ledger.takeChange();
    expect(change).toMatchObject({ keepFrom: 4, entries: [{ seq: 4 }] });
    keep(change);
    expect([store.first, store.head]).toEqual([4, 4]);
  });
});
