import { beforeEach, describe, expect, test } from 'vitest';
import { heardMs, maxHeard, redialMs } from '../src/core/limits.ts';
import { Acquaintances, type Candidate } from '../src/core/peers/acquaintances.ts';
import { fakeCrypto } from './support/fake-crypto.ts';

let book: Acquaintances;
beforeEach(() => {
  book = new Acquaintances(fakeCrypto, () => 'nonce');
});
const all: Candidate[] = [...'ABCDEFGH'].map((dev) => ({
  key: `k${dev}`,
  dev,
  hosts: [`10.0.0.1:${dev.charCodeAt(0)}`],
}));
const choose = (mine: string, ms = 0, linked = '', count = 3, of = all) =>
  book.choose(of, mine, (dev) => linked.includes(dev), count, ms).map(({ dev }) => dev);

describe('whom to dial', () => {
  test.each([
    ['C', 'D'],
    ['H', 'A'],
  ])('%s dials the next one round the ring first: %s', (mine, next) => expect(choose(mine)[0]).toBe(next));

  test('is nobody twice, never this device, and nobody without an address', () => {
    const chosen = choose('A', 0, '', 9, [...all, { key: 'kI', dev: 'I', hosts: [] }]);
    expect(chosen.sort().join('')).toBe('BCDEFGH');
    expect(choose('A', 0, 'BCD', 9).sort().join('')).toBe('EFGH');
  });

  test('others come by a chance that is not the same for all', () => {
    const orders = Array.from({ length: 20 }, (_, i) =>
      new Acquaintances(fakeCrypto, () => `nonce ${i}`).choose(all, 'A', () => false, 9, 0).map(({ dev }) => dev),
    );
    expect(new Set(orders.map((order) => order.join(''))).size).toBeGreaterThan(5);
  });

  test('who could not be reached waits, longer each time, until it was linked with', () => {
    const { first, longest } = redialMs;
    book.fail('B', 0);
    expect(choose('A', first - 1, '', 9)).not.toContain('B');
    expect(choose('A', first, '', 9)).toContain('B');
    book.fail('B', 0);
    expect(choose('A', 2 * first - 1, '', 9)).not.toContain('B');
    for (let time = 0; time < 9; time++) book.fail('B', 0);
    expect(choose('A', longest, '', 9)).toContain('B');
    book.succeed('B');
    book.fail('B', 0);
    expect(choose('A', first, '', 9)).toContain('B');
  });

  test('a thousand that are stale are not tried before those who have said last where they are', () => {
    const stale = Array.from({ length: 1_000 }, (_, i) => ({ key: 'kX', dev: `B${i}`, hosts: ['10.9.9.9:1'], ts: 1 }));
    const living = all.map((one) => ({ ...one, ts: 2 }));
    expect(choose('A', 0, '', 2, [...stale, ...living]).join('')).toMatch(/^B[BC-H]$/);
    expect(choose('A', 0, 'BC', 2, [...stale, ...living])[0]).toBe('D');
  });

  test('a crowd is ranked once, until it is another one', () => {
    let hashes = 0;
    const hash = (text: string) => {
      hashes++;
      return fakeCrypto.hash(text);
    };
    const crowd = Array.from({ length: 1_000 }, (_, i) => ({ key: `k${i}`, dev: `B${i}`, hosts: ['10.0.0.1:1'] }));
    book = new Acquaintances({ ...fakeCrypto, hash }, () => 'nonce');
    const chosen = Array.from({ length: 100 }, (_, i) => choose('A', 0, `${i}`, 3, crowd));
    expect([hashes, chosen.flat().length]).toEqual([1_000, 300]);
    expect(choose('A', 0, '', 2, all).length).toBe(2);
    expect(hashes).toBe(1_000 + all.length);
  });
});

describe('where somebody was heard', () => {
  const hostsOf = (dev: string, ms = 0) =>
    book.choose(all, 'A', () => false, 9, ms).find((one) => one.dev === dev)?.hosts;

  test('is tried before what was known of a member, and forgotten', () => {
    book.hear('10.0.0.9:9', 'kB', 0);
    expect(hostsOf('B')?.[0]).toBe('10.0.0.9:9');
    expect(hostsOf('C')).toEqual(['10.0.0.1:67']);
    expect(hostsOf('B', heardMs)).toEqual(['10.0.0.1:66']);
  });

  test('may be where anybody is, if it is not said who', () => {
    book.hear('10.0.0.9:9', undefined, 0);
    expect([hostsOf('B')?.[0], hostsOf('C')?.[0]]).toEqual(['10.0.0.9:9', '10.0.0.9:9']);
  });

  test('is all that is known of who has told no address', () => {
    book.hear('10.0.0.9:9', 'kZ', 0);
    expect(book.choose(all, 'A', () => false, 9, 0)).toContainEqual({ key: 'kZ', dev: '?kZ', hosts: ['10.0.0.9:9'] });
  });

  test('is a few places at most', () => {
    for (let i = 0; i < 100; i++) book.hear(`10.0.0.9:${i + 1}`, 'kB', 0);
    expect(hostsOf('B')?.length).toBe(maxHeard + 1);
  });
});
