import { beforeEach, describe, expect, test } from 'vitest';
import { Draft } from '../src/core/log/draft.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Message } from '../src/protocol/frames.ts';
import { entryAfter } from './support/places.ts';

let store: MemoryStore;
let draft: Draft;
beforeEach(() => {
  store = new MemoryStore('log');
  store.apply({
    marks: [{ dev: 'A', n: 3, hash: 'h3' }],
    owners: [{ look: 'ann', name: 'Ann', key: 'kA', seenMs: 1 }],
  });
  draft = new Draft(store);
});
const message = (n: number): Message => ({ kind: 'message', name: 'x', text: `${n}`, id: { dev: 'A', n } });

describe('a draft of the next change', () => {
  test('is none before anything is in it', () => expect(draft.change).toBeUndefined());

  test('knows what was known, and what is in it', () => {
    draft.see({ dev: 'A', n: 4, hash: 'h4' });
    draft.claim({ look: 'bo', name: 'bo', key: 'kB', seenMs: 2 });
    expect([draft.mark('A'), draft.mark('B')]).toEqual([{ dev: 'A', n: 4, hash: 'h4' }, undefined]);
    expect([draft.owner('ann')?.key, draft.owner('bo')?.key, draft.owner('cy')]).toEqual(['kA', 'kB', undefined]);
    expect([store.mark('A')?.n, store.owner('bo')]).toEqual([3, undefined]);
  });

  test('lets no mark go back', () => {
    draft.see({ dev: 'A', n: 2 });
    expect(draft.mark('A')).toEqual({ dev: 'A', n: 3, hash: 'h3' });
    draft.see({ dev: 'A', n: 7, hash: 'h7' });
    draft.see({ dev: 'A', n: 5, hash: 'h5' });
    expect(draft.change?.marks).toEqual([{ dev: 'A', n: 7, hash: 'h7' }]);
  });

  test('knows what a device lacks until the log has that, whatever is said of the device before', () => {
    const hole = { n: 6, day: 9, days: 2 };
    draft.lacks('A', hole);
    draft.see({ dev: 'A', n: 2 });
    expect(draft.mark('A')).toEqual({ dev: 'A', n: 3, hash: 'h3', hole });
    draft.see({ dev: 'A', n: 4, hash: 'h4' });
    expect(draft.change?.marks).toEqual([{ dev: 'A', n: 4, hash: 'h4', hole }]);
    draft.see({ dev: 'A', n: 5 });
    expect(draft.mark('A')).toEqual({ dev: 'A', n: 5 });
    draft.lacks('B', hole);
    expect(draft.mark('B')).toEqual({ dev: 'B', n: 0, hole });
  });

  test('says of a message that waits the last word', () => {
    draft.keep([message(1), message(2)]);
    draft.drop([{ dev: 'A', n: 1 }]);
    draft.drop([{ dev: 'A', n: 3 }]);
    draft.keep([message(3)]);
    expect(draft.change).toEqual({ pending: [message(2), message(3)], dropped: [{ dev: 'A', n: 1 }] });
  });

  test('that begins another log has nothing of the old one', () => {
    draft.append(entryAfter({ seq: 0, hash: '' }, message(1)));
    draft.trim(1, '');
    draft.restart('other', 7, 'h');
    const next = entryAfter({ seq: 7, hash: 'h' }, message(2));
    draft.append(next);
    expect(draft.change).toEqual({ restart: { log: 'other', seq: 7, hash: 'h' }, entries: [next] });
    expect(draft.places).toEqual([next]);
  });
});
