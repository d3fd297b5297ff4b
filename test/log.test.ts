import { beforeEach, describe, expect, test } from 'vitest';
import { maxLost, maxTail } from '../src/core/limits.ts';
import { Log } from '../src/core/log/log.ts';
import type { Message } from '../src/protocol/frames.ts';
import { rot } from './sim/rot.ts';
import { fakeCrypto } from './support/fake-crypto.ts';
import { range } from './support/people.ts';
import { entryAfter, hashAt, Written } from './support/places.ts';

let written: Written;
let log: Log;
/** Five entries on a disk, read by a program that has just been started. */
beforeEach(() => {
  written = new Written();
  written.append(5);
  restart();
});
const restart = () => {
  log = new Log(written.store, fakeCrypto);
};
const texts = (from = 1, limit = 100) => log.read(from, limit).map(({ message }) => message?.text);
const original = (seq: number) => written.log.read(seq, 1)[0]?.message as Message;

describe('a log', () => {
  test('is read place by place, from where it begins to its end', () => {
    expect(texts()).toEqual(['1', '2', '3', '4', '5']);
    expect([texts(2, 2), texts(6), texts(9)]).toEqual([['2', '3'], [], []]);
    written.store.apply({ keep: { from: 3, hash: hashAt(written.store, 2) } });
    restart();
    expect([texts(), texts(1, 2), log.first]).toEqual([['3', '4', '5'], ['3', '4'], 3]);
  });

  test('knows the chain from before its first place to its head', () => {
    const hashes = range(0, 5).map((seq) => log.hashAt(seq));
    written.store.apply({ keep: { from: 3, hash: hashAt(written.store, 2) } });
    restart();
    expect(range(0, 5).map((seq) => log.hashAt(seq))).toEqual([undefined, undefined, ...hashes.slice(2)]);
    expect(log.hashAt(0)).toBeUndefined();
    expect([log.store.headHash, log.hashAt(6)]).toEqual([hashes[5], undefined]);
  });

  test('keeps its newest places in memory, so that those who follow it do not read the disk', () => {
    written.append(maxTail.entries + 5);
    written.store.read = () => {
      throw new Error('the disk is read');
    };
    const { head } = written.log;
    expect(written.log.read(head - maxTail.entries + 1, 10_000)).toHaveLength(maxTail.entries);
    expect(written.log.read(head + 1, 10)).toEqual([]);
    expect(() => written.log.read(head - maxTail.entries, 1)).toThrow('the disk is read');
  });

  test('keeps fewer of them the longer their texts are', () => {
    written.append(1_000, { text: 'x'.repeat(4_096) });
    written.store.read = () => {
      throw new Error('the disk is read');
    };
    const { head } = written.log;
    const kept = maxTail.characters / 4_096;
    expect(written.log.read(head - kept + 1, 10_000)).toHaveLength(kept);
    expect(() => written.log.read(head - kept, 1)).toThrow('the disk is read');
  });

  test('of an earlier run has its newest places in memory when one of them was read', () => {
    written.append(maxTail.entries);
    const { store } = written;
    const before = written.log.read(1, 10_000);
    restart();
    const { head } = log;
    expect(log.read(head, 1)).toEqual(before.slice(-1));
    store.read = () => {
      throw new Error('the disk is read');
    };
    expect(log.read(head - maxTail.entries + 1, 10_000)).toEqual(before.slice(-maxTail.entries));
    expect(() => log.read(head - maxTail.entries, 1)).toThrow('the disk is read');
  });

  test('has nothing in memory of what is no longer kept, or was another log', () => {
    written.commit({ keep: { from: 4, hash: hashAt(written.store, 3) } });
    expect(written.log.read(1, 100).map(({ seq }) => seq)).toEqual([4, 5]);
    written.commit({ restart: { log: 'other', seq: 7, hash: 'h' } });
    expect([written.log.read(1, 100), written.log.head, written.log.hashAt(7)]).toEqual([[], 7, 'h']);
  });
});

describe('a damaged place', () => {
  test.each(['another text', 'another id', 'no message', 'no row'])('with %s is lost, and hides no other', (damage) => {
    for (const seq of [1, 3, 5]) rot(written.store, seq, damage);
    restart();
    expect(texts()).toEqual([undefined, '2', undefined, '4', undefined]);
    for (const seq of range(0, 5)) expect(log.hashAt(seq)).toBe(written.log.hashAt(seq));
    expect([...log.lost.keys()]).toEqual([1, 3, 5]);
  });

  test.each(['another hash', 'another hash before'])('with %s is what its neighbours say', (damage) => {
    for (const seq of [1, 3, 5]) rot(written.store, seq, damage);
    restart();
    expect(log.read(1, 5)).toEqual(written.log.read(1, 5));
    expect(range(1, 5).flatMap((seq) => log.read(seq, 1))).toEqual(written.log.read(1, 5));
    expect(log.lost.size).toBe(0);
  });

  test('beside another one is lost with it, and no third', () => {
    rot(written.store, 2, 'no row');
    rot(written.store, 3, 'another text');
    restart();
    expect(texts()).toEqual(['1', undefined, undefined, '4', '5']);
  });

  test('is found once, and those beyond the limit are not remembered', () => {
    written.append(maxLost + 10 + maxTail.entries);
    for (const seq of range(1, maxLost + 10)) rot(written.store, seq, 'another text');
    restart();
    log.read(1, 3);
    expect(log.takeFound().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    log.read(1, 1_000);
    expect(log.takeFound().map(({ seq }) => seq)).toEqual(range(4, maxLost));
    expect([log.takeFound(), log.lost.size]).toEqual([[], maxLost]);
  });

  test('may be one of very many in a row', () => {
    written.append(10_000);
    for (const seq of range(2, 9_000)) rot(written.store, seq, 'no row');
    restart();
    expect(texts(8_999, 4)).toEqual([undefined, undefined, '9001', '9002']);
    expect(log.hashAt(5_000)).toBeDefined();
  });

  test('that nobody keeps any more is forgotten', () => {
    for (const seq of [1, 3]) rot(written.store, seq, 'another text');
    restart();
    texts();
    const change = { keep: { from: 3, hash: hashAt(written.store, 2) } };
    written.store.apply(change);
    log.settle(change);
    expect([...log.lost.keys()]).toEqual([3]);
    log.settle({ restart: { log: 'other', seq: 0, hash: '' } });
    expect(log.lost.size).toBe(0);
  });
});

describe('a lost entry', () => {
  beforeEach(() => {
    rot(written.store, 3, 'no row');
    restart();
    texts();
  });

  test('is mended by what its hash comes to, whoever brings it, and nothing else', () => {
    const right = original(3);
    for (const wrong of [{ text: 'x' }, { name: 'y' }, { at: 9 }, { void: true }, { seq: 4 }, { seq: undefined }])
      expect(log.mend({ ...right, ...wrong } as Message)).toBeUndefined();
    expect(log.mend(original(2))).toBeUndefined();
    const entry = log.mend({ ...right, first: true, hash: 'a claim' });
    expect(entry).toMatchObject({ seq: 3, hash: right.hash, message: right });
    expect(entry?.message).not.toHaveProperty('first');
  });

  test('is whole, and lost no more, when it is on disk', () => {
    const mended = log.mend(original(3));
    if (!mended) throw new Error('not mended');
    expect(log.lost.size).toBe(1);
    written.store.apply({ mended: [mended] });
    log.settle({ mended: [mended] });
    expect([texts(), log.lost.size]).toEqual([['1', '2', '3', '4', '5'], 0]);
  });

  test.each(['another hash', 'another hash before'])('is mended although the one before it has %s', (damage) => {
    rot(written.store, 3, 'no message');
    rot(written.store, 2, damage);
    restart();
    log.read(3, 1);
    expect(log.mend(original(3))).toMatchObject({ seq: 3, message: { text: '3' } });
    expect(texts()).toEqual(['1', '2', undefined, '4', '5']);
  });

  test('may be lost from the beginning: a copy that never had it', () => {
    const { message: right, ...place } = entryAfter({ seq: 5, hash: written.store.headHash }, original(1));
    written.commit({ entries: [place] });
    expect([...written.log.lost.keys()]).toEqual([6]);
    const mended = [written.log.mend(right)].filter((entry) => entry !== undefined);
    written.commit({ mended });
    expect(written.log.read(6, 1)).toMatchObject([{ seq: 6, message: { text: '1', seq: 6 } }]);
  });
});
