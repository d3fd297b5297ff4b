import { beforeEach, expect, test } from 'vitest';
import type { Place } from '../src/core/log/store.ts';
import { withUnwritten } from '../src/core/log/unwritten.ts';
import { entryAfter, Written } from './support/places.ts';

let written: Written;
let places: Place[];
beforeEach(() => {
  written = new Written();
  written.append(5);
  places = [];
  follow('six', 1);
  follow('seven', 2);
});
function follow(text: string, n: number, more: object = {}): void {
  const before = places.at(-1) ?? { seq: written.log.head, hash: written.store.headHash };
  places.push(entryAfter(before, { kind: 'message', name: 'x', text, id: { dev: 'D', n }, ...more }));
}
const seqs = (found: readonly Place[]) => found.map(({ seq }) => seq);

test('what is on its way to the disk is read behind what is there', () => {
  const log = withUnwritten(written.log, places);
  expect([log.first, log.head]).toEqual([1, 7]);
  expect(seqs(log.read(1, 100))).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(seqs(log.read(4, 3))).toEqual([4, 5, 6]);
  expect(seqs(log.read(6, 1))).toEqual([6]);
  expect(seqs(log.read(7, 9))).toEqual([7]);
  expect(log.find({ dev: 'D', n: 2 })?.message?.text).toBe('seven');
  expect(log.find({ dev: 'D', n: 3 })).toBeUndefined();
});

test('it is found by its words; what no reader is shown is not', () => {
  follow('never mind 5', 3, { type: 'nothing' });
  const log = withUnwritten(written.log, places);
  expect(log.search((text) => /[s5]/.test(text))).toEqual([5, 6, 7]);
});

test('what follows another log is left out, also where its places would fit', () => {
  const other = new Written();
  other.append(5, { name: 'y' });
  expect(withUnwritten(other.log, places)).toBe(other.log);
  expect(withUnwritten(written.log, places.slice(1))).toBe(written.log);
  expect(withUnwritten(written.log, [])).toBe(written.log);
});
