import { join } from 'node:path';
import { Log } from '../core/log/log.ts';
import { serverFolder } from '../history/paths.ts';
import { SqliteStore } from '../history/sqlite.ts';
import { crypto } from '../keys/ed25519.ts';
import { showPlace } from '../prompt/history.ts';
import { JsonView, PipeView } from '../terminal/pipe-view.ts';
import { Renderer } from '../terminal/render.ts';
import type { Values } from './args/flags.ts';
import type { serverExport } from './args/programs.ts';
import { abilityOfStream } from './console.ts';
import type { Opened } from './run.ts';

/** So few places are read at a time: a long read would let the log of a running server grow. */
const chunk = 500;

/** Prints the log, also while a server is writing it; what is damaged is named. */
export async function exportLog(
  { port, 'data-dir': dataDir, since = Number.POSITIVE_INFINITY, json, color }: Values<typeof serverExport.options>,
  _stop: unknown,
  opened: Opened,
): Promise<number> {
  const { stdout } = process;
  const renderer = new Renderer({ ...abilityOfStream(stdout, color), timestamps: 'iso', multiline: false });
  const chat = { stream: stdout, renderer };
  const settings = { joins: 'all' as const };
  const view = json ? new JsonView(stdout, Date.now) : new PipeView({ chat, self: chat, settings, now: Date.now });
  const store = SqliteStore.open(join(serverFolder(dataDir, port), 'log'), { readOnly: true });
  opened.push(store);
  // Whoever has read enough hangs up.
  const isOver = new Promise<'over'>((over) => stdout.once('error', () => over('over')));
  const log = new Log(store, crypto);
  for (let next = log.first; next <= log.head; next += chunk) {
    const wanted = log.read(next, chunk).filter(({ atMs }) => atMs >= Date.now() - since);
    // What is not taken waits on the disk.
    const taken = Promise.all(wanted.map((place) => new Promise<void>((shown) => showPlace(place, view, shown))));
    if ((await Promise.race([taken, isOver])) === 'over') break;
  }
  return 0;
}
