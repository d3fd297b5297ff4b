import { beforeEach, describe, expect, test } from 'vitest';
import { Log, resume } from '../src/core/log/log.ts';
import { fakeCrypto } from './support/fake-crypto.ts';
import { hashAt, Written } from './support/places.ts';

let written: Written;
beforeEach(() => {
  written = new Written();
  written.append(6);
});
const asks = (place: { log?: string; since?: number; hash?: string; history?: number }) =>
  resume(written.log, { kind: 'join', name: 'bo', version: 1, ...place });
const at = (since: number) => ({ log: 'log', since, hash: hashAt(written.store, since) });

describe('a client reads on', () => {
  test('after what it has', () => {
    for (const since of [0, 2, 6]) expect(asks(at(since))).toEqual({ since, fork: false });
  });

  test('from now on when it is new, or from the newest few if it wants them', () => {
    expect(asks({})).toEqual({ since: 6, fork: false });
    expect(asks({ history: 2 })).toEqual({ since: 4, fork: false });
    expect(asks({ history: 99 })).toEqual({ since: 0, fork: false });
    expect(asks({ ...at(5), history: 2 })).toEqual({ since: 5, fork: false });
  });

  test('after what it has also where the log is damaged, so that nobody can say what stood there', () => {
    const whole = at(3);
    const read = written.store.read.bind(written.store);
    const lost = (seq: number) => seq === 3 || seq === 4;
    written.store.read = (from, limit) => read(from, limit).filter(({ seq }) => !lost(seq));
    expect(resume(new Log(written.store, fakeCrypto), { kind: 'join', name: 'bo', ...whole })).toEqual({
      since: 3,
      fork: false,
    });
  });

  test.each([
    ['is of another log', { log: 'other', since: 2 }],
    ['is of no log', { since: 2 }],
    ['is beyond the head', { log: 'log', since: 7, hash: 'h' }],
    ['has another hash', { log: 'log', since: 2, hash: 'another' }],
    ['has no hash', { log: 'log', since: 2 }],
  ])('from the beginning when what it has %s: that is a fork', (_what, place) => {
    expect(asks(place)).toEqual({ since: 0, fork: true });
  });

  test('from the beginning when it has nothing of any log: that is no fork', () => {
    for (const log of ['log', 'other']) expect(asks({ log, since: 0 })).toEqual({ since: 0, fork: false });
  });

  test('after what is no longer kept, which cannot be compared', () => {
    written.commit({ keep: { from: 4, hash: hashAt(written.store, 3) } });
    for (const since of [0, 1, 2]) expect(asks({ log: 'log', since, hash: 'any' })).toEqual({ since: 3, fork: false });
    expect(asks(at(3))).toEqual({ since: 3, fork: false });
    expect(asks({ log: 'log', since: 3, hash: 'another' })).toEqual({ since: 3, fork: true });
    expect(asks({ log: 'other', since: 5, hash: 'any' })).toEqual({ since: 3, fork: true });
    expect(asks({ history: 99 })).toEqual({ since: 3, fork: false });
  });
});
