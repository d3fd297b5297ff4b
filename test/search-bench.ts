import { mkdtempSync, rmSync, statSync } from 'node:fs';
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

/** How long /search takes over 100,000 kept messages, and how much disk these take: `npm run bench:search`. */
const count = 100_000;
const words = 'lunch coffee server please résumé build the a of today tomorrow ship release 会議 明日 test 👍'.split(
  ' ',
);
const queries = ['lunch', 'coffee 明日', '"ship release"', 'resume', '会議', 'nowhere', 'needle'];
const folder = mkdtempSync(join(tmpdir(), 'zmqchat-'));
const store = SqliteStore.open(folder, { newLog: 'log' });
const random = new Random(1);
const noonMs = 1_767_225_600_000;
const salt = () => Array.from({ length: 22 }, () => random.below(36).toString(36)).join('');
let prev = '';
let characters = 0;
/** As at a client: the signatures come later. */
const block = 250;
for (let from = 1; from <= count; from += block) {
  const entries: Place[] = [];
  for (let seq = from; seq < from + block; seq++) {
    const said = Array.from({ length: 10 }, () => random.pick(words)).join(' ');
    const text = seq === count / 2 ? `${said} needle` : said;
    const when = { lc: seq, ts: noonMs + seq, in: seq - 1, at: noonMs + seq };
    const id = { dev: 'D'.repeat(32), n: seq };
    const message: Message = { kind: 'message', name: 'Ana', text, id, ...when, salt: salt(), key: 'k'.repeat(43) };
    const hash = chainHash(crypto, prev, message);
    entries.push({ seq, prev, hash, atMs: when.at, ranMs: seq, message: { ...message, seq, hash } });
    prev = hash;
    characters += text.length;
  }
  await store.commit({ entries });
  await store.commit({ signatures: entries.map(({ seq }) => ({ seq, sig: 's'.repeat(86) })) });
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
const bytes = statSync(join(folder, 'log.db')).size;
console.log(`${(bytes / 1e6).toFixed(0)} MB of disk, texts of ${(characters / count).toFixed(0)} characters`);
rmSync(folder, { recursive: true });
