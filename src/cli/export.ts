import type { Store } from '../core/log/store.ts';
import { ChatError } from '../errors.ts';
import { LmdbStore } from '../history/lmdb.ts';
import { serverFolder } from '../history/paths.ts';
import { showEntry } from '../prompt/history.ts';
import { JsonView } from '../terminal/json-view.ts';
import { PipeView } from '../terminal/pipe-view.ts';
import { Renderer } from '../terminal/render.ts';
import { readSpanMs } from '../text/span.ts';
import { dataDirOption, parseSubcommand, portOption } from './args/options.ts';
import { abilityOfStream, now } from './console.ts';

const example = 'chat-server export --port 9999 --since 2d';
const chunk = 500;
export const exportOptions = {
  port: portOption(9999),
  'data-dir': dataDirOption,
  since: { type: 'string', value: 'SPAN', describe: 'only the last 30m, 2h, 2d', coerce: toSpanMs },
  json: { type: 'boolean', default: false, describe: 'events as JSON lines' },
} as const;

/** `chat-server export`: prints the log, also while a server is writing it. */
export async function exportLog(args: string[]): Promise<number> {
  const parsed = await parseSubcommand('chat-server export', example, exportOptions, args);
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

function toSpanMs(raw: string): number {
  const spanMs = readSpanMs(raw);
  if (spanMs !== undefined) return spanMs;
  throw new ChatError('USAGE', `--since "${raw}" is not a span of time.`, 'Examples: 30m, 2h, 2d.');
}
