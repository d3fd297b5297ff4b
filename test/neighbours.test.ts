import { endianness } from 'node:os';
import { describe, expect, test } from 'vitest';
import { Neighbours, networkOf } from '../src/transport/neighbours.ts';

describe('a network', () => {
  test.each([
    ['192.168.1.7', '::ffff:192.168.1.7'],
    ['127.0.0.1', '127.9.8.7'],
    ['127.0.0.1', '::1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['2001:db8:7::1', '2001:db8:7:ffff:1:2:3:4'],
    ['fe80::1%eth0', 'fe80::2'],
  ])('is one for %s and %s', (one, other) => expect(networkOf(one)).toBe(networkOf(other)));

  test.each([
    ['192.168.1.7', '192.168.1.8'],
    ['127.0.0.1', '10.0.0.1'],
    ['2001:db8:7::1', '2001:db8:8::1'],
    ['::1', '::2'],
    ['::ffff:1.2.3.4', '::1.2.3.4'],
  ])('is another one for %s and %s', (one, other) => expect(networkOf(one)).not.toBe(networkOf(other)));
});

describe('of 32 places one network has at most 12', () => {
  const [port, ana, bo] = [9_999, '192.168.1.7', '192.168.1.8'];
  let [table, nowMs, reads] = ['', 0, 0];
  const read = () => {
    reads++;
    return table;
  };
  const room = () => {
    [table, nowMs, reads] = ['', 0, 0];
    return new Neighbours(
      32,
      () => [port],
      read,
      () => nowMs,
    );
  };
  const hex = (bytes: number[]) => Buffer.from(endianness() === 'LE' ? bytes.toReversed() : bytes).toString('hex');
  const at = (bytes: number[], of: number) =>
    `${hex(bytes).toUpperCase()}:${of.toString(16).padStart(4, '0').toUpperCase()}`;
  const line = (of: number, state = '01', last = 7) =>
    `  12: ${at([10, 0, 0, 1], of)} ${at([192, 168, 1, last], 40_000)} ${state} 00000000:00000000 00:00000000`;
  const come = (neighbours: Neighbours, count: number, from = ana) =>
    Array.from({ length: count }, () => neighbours.admits(from)).filter(Boolean).length;

  test('and others come in as if it were not there', () => {
    const neighbours = room();
    table = Array(12).fill(line(port)).join('\n');
    expect([come(neighbours, 20), come(neighbours, 3, bo)]).toEqual([12, 3]);
  });

  test('whose connections have ended has its places again, at the latest after a quarter of a second', () => {
    const neighbours = room();
    table = Array(12).fill(line(port)).join('\n');
    come(neighbours, 20);
    table = [line(port), line(port, '06'), line(port + 1), line(port, '01', 8), 'sl  local_address rem_address'].join(
      '\n',
    );
    nowMs = 249;
    expect(come(neighbours, 1)).toBe(0);
    nowMs = 250;
    expect(come(neighbours, 20)).toBe(11);
    expect(reads).toBe(2);
  });

  test('as the table has it in IPv6', () => {
    const neighbours = room();
    const words = [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 255, 255],
      [192, 168, 1, 7],
    ]
      .map(hex)
      .join('');
    table = Array(12)
      .fill(`1: ${'0'.repeat(32)}:270F ${words}:1234 01`)
      .join('\n');
    expect(come(neighbours, 20)).toBe(12);
  });

  test('where there is no table, all come in', () => expect(come(room(), 100)).toBe(100));

  test('a small room lets in at least eight', () => {
    table = Array(8).fill(line(port)).join('\n');
    expect(
      come(
        new Neighbours(
          2,
          () => [port],
          read,
          () => 0,
        ),
        20,
      ),
    ).toBe(8);
  });
});
