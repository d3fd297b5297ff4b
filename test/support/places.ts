import { Log } from '../../src/core/log/log.ts';
import { type Entry, emptyHash } from '../../src/core/log/store.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { chainHash } from '../../src/protocol/signed.ts';
import { fakeCrypto } from './fake-crypto.ts';

/** The entry that holds `message` behind `before`. */
export function entryAfter(before: { seq: number; hash: string }, message: Message, more: Partial<Entry> = {}): Entry {
  const seq = before.seq + 1;
  const { atMs = 0 } = more;
  const hash = chainHash(fakeCrypto, before.hash, { ...message, at: atMs });
  return { seq, prev: before.hash, hash, message: { ...message, seq, hash, at: atMs }, atMs, ranMs: 0, ...more };
}

/** A log on a disk to which a test can write. */
export class Written {
  readonly store: MemoryStore;
  readonly log: Log;

  constructor(store = new MemoryStore('log')) {
    this.store = store;
    this.log = new Log(store, fakeCrypto);
  }

  /** Appends so many messages, whose texts are their places. */
  append(count: number, message: Partial<Message> = {}, more: Partial<Entry> = {}): void {
    const entries: Entry[] = [];
    let before = { seq: this.store.head, hash: this.store.headHash };
    for (let i = 0; i < count; i++) {
      before = entryAfter(before, { kind: 'message', name: 'x', text: `${before.seq + 1}`, ...message }, more);
      entries.push(before as Entry);
    }
    this.commit({ entries });
  }

  commit(change: Parameters<MemoryStore['apply']>[0]): void {
    this.store.apply(change);
    this.log.settle(change);
  }
}

export const hashAt = (store: MemoryStore, seq: number): string =>
  seq === store.first - 1 ? store.baseHash : (store.read(seq, 1)[0]?.hash ?? emptyHash);
