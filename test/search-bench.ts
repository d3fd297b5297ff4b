import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Log } from '../src/core/log/log.ts';
import type { Place } from '../src/core/log/store.ts';
import { SqliteStore } from '../src/history/sqlite.ts';
import { crypto } from '../src/keys/ed25519.ts';
import { searchCommand } from '../src/prompt/search.ts';
import type { Message } from '../src/protocol/frames.ts';
import { chainHash } from '../src/protocol/signed.ts';
import { Random } from './sim/random.ts';

/** How long /search takes over 100,000 kept messages: `npm run bench:search`. */
const count = 100_000;
const words = 'lunch coffee server please résumé build the a of today tomorrow ship release 会議 明日 test 👍'.split(
  ' ',
);
const queries = ['lunch', 'coffee 明日', '"ship release"', 'resume', '会議', 'nowhere', 'needle'];
const folder = mkdtempSync(join(tmpdir(), 'zmqchat-'));
const store = SqliteStore.open(folder, { newLog: 'log' });
const random = new Random(1);
let prev = '';
for (let from = 1; from <= count; from += 1_000) {
  const entries: Place[] = [];
  for (let seq = from; seq < from + 1_000; seq++) {
    const said = Array.from({ length: 10 }, () => random.pick(words)).join(' ');
    const text = seq === count / 2 ? `${said} needle` : said;
    const message: Message = { kind: 'message', name: 'Ana', text, id: { dev: 'D'.repeat(32), n: seq }, at: seq };
    const hash = chainHash(crypto, prev, message);
    entries.push({ seq, prev, hash, atMs: seq, ranMs: 0, message: { ...message, seq, hash } });
    prev = hash;
  }
  await store.commit({ entries });
}
for (const query of queries) {
  const times = Array.from({ length: 5 }, () => {
    let shown = 0;
    const [startMs, cpu] = [performance.now(), process.cpuUsage()];
    searchCommand(() => new Log(store, crypto), { see: (event) => event, show: () => void shown++ }).run(query);
    return { ms: performance.now() - startMs, cpuMs: process.cpuUsage(cpu).user / 1_000, shown };
  });
  const [fastest, , median, , slowest] = times.sort((a, b) => a.ms - b.ms);
  const span = `${fastest?.ms.toFixed(0)}, ${median?.ms.toFixed(0)}, ${slowest?.ms.toFixed(0)} ms`;
  console.log(`${query}: ${median?.shown} lines; fastest, median, slowest ${span}; CPU ${median?.cpuMs.toFixed(0)} ms`);
}
await store.close();
rmSync(folder, { recursive: true });
