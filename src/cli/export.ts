import { Log } from '../core/log/log.ts';
import type { Place } from '../core/log/store.ts';
import { serverFolder } from '../history/paths.ts';
import { SqliteStore } from '../history/sqlite.ts';
import { crypto } from '../keys/ed25519.ts';
import { showPlace } from '../prompt/history.ts';
import { JsonView } from '../terminal/json-view.ts';
import { PipeView } from '../terminal/pipe-view.ts';
import { Renderer } from '../terminal/render.ts';
import { parseOptions } from './args/options.ts';
import { serverExport } from './args/programs.ts';
import { abilityOfStream, wallMs } from './console.ts';

const chunk = 500;

/** `chat-server export`: prints the log, also while a server is writing it; what is damaged is named. */
export async function exportLog(args: string[]): Promise<number> {
  const parsed = parseOptions(serverExport, args);
  if (!parsed) return 0;
  const { port, dataDir, since: spanMs = Number.POSITIVE_INFINITY, json, color } = parsed;
  const { stdout } = process;
  const renderer = new Renderer({ ...abilityOfStream(stdout, color), timestamps: 'iso', multiline: false });
  const chat = { stream: stdout, renderer };
  const plain = { chat, self: chat, settings: { joins: 'all' as const }, now: wallMs };
  const view = json ? new JsonView(stdout, wallMs) : new PipeView(plain);
  const store = SqliteStore.open(serverFolder(dataDir, port), { readOnly: true });
  // Whoever has read enough hangs up.
  const isOver = new Promise<'over'>((over) => stdout.once('error', () => over('over')));
  try {
    for (const places of chunksOf(new Log(store, crypto))) {
      const wanted = places.filter(({ atMs }) => atMs >= wallMs() - spanMs);
      // What is not taken waits on the disk.
      const taken = Promise.all(wanted.map((place) => new Promise<void>((shown) => showPlace(place, view, shown))));
      if ((await Promise.race([taken, isOver])) === 'over') break;
    }
  } finally {
    await store.close();
  }
  return 0;
}

/** Read a little at a time: a long read would let the log of a running server grow. */
function* chunksOf(log: Log): Generator<Place[]> {
  for (let next = log.first; next <= log.head; next += chunk) yield log.read(next, chunk);
}
