import type { Store } from '../core/log/store.ts';
import { LmdbStore } from '../history/lmdb.ts';
import { serverFolder } from '../history/paths.ts';
import { showEntry } from '../prompt/history.ts';
import { JsonView } from '../terminal/json-view.ts';
import { PipeView } from '../terminal/pipe-view.ts';
import { Renderer } from '../terminal/render.ts';
import { parseOptions } from './args/options.ts';
import { serverExport } from './args/programs.ts';
import { abilityOfStream, now } from './console.ts';

const chunk = 500;

/** `chat-server export`: prints the log, also while a server is writing it. */
export async function exportLog(args: string[]): Promise<number> {
  const parsed = parseOptions(serverExport, args);
  if (!parsed) return 0;
  const { port, dataDir, since: spanMs = Number.POSITIVE_INFINITY, json, color } = parsed;
  const { stdout } = process;
  const renderer = new Renderer({ ...abilityOfStream(stdout, color), timestamps: 'iso', multiline: false });
  const chat = { stream: stdout, renderer };
  const view = json ? new JsonView(stdout, now) : new PipeView({ chat, self: chat, settings: { joins: 'all' }, now });
  const store = LmdbStore.open(serverFolder(dataDir, port), { readOnly: true });
  try {
    for (const entry of entriesOf(store))
      if (entry.atMs >= now() - spanMs) {
        showEntry(entry, view);
        if (stdout.writableNeedDrain) await new Promise((resolve) => stdout.once('drain', resolve));
      }
  } finally {
    await store.close();
  }
  return 0;
}

function* entriesOf(store: Store) {
  for (let next = store.first; next <= store.head; ) {
    const entries = store.read(next, chunk);
    if (entries.length === 0) return;
    yield* entries;
    next = (entries.at(-1)?.seq ?? next) + 1;
  }
}
