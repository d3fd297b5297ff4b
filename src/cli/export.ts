import { join } from 'node:path';
import type { Extent } from '../core/log/audit.ts';
import type { Place } from '../core/log/store.ts';
import { ChatError } from '../errors.ts';
import { serverFolder } from '../history/paths.ts';
import { newDevice } from '../keys/ed25519.ts';
import { findIdentity } from '../keys/identity-file.ts';
import { showPlace } from '../prompt/history.ts';
import { headProof } from '../protocol/signed.ts';
import { Outlet } from '../terminal/outlet.ts';
import { PipeView } from '../terminal/pipe-view.ts';
import { Renderer } from '../terminal/render.ts';
import type { Values } from './args/flags.ts';
import type { serverExport } from './args/programs.ts';
import { extentLine, placeLine } from './exported.ts';
import { Kept } from './kept.ts';
import { Progress } from './progress.ts';
import type { Opened } from './run.ts';
import { abilityOfStream } from './streams.ts';

type Show = (place: Place, taken: () => void) => void;

/** Prints the log, also while a server is writing it; what is damaged is named. */
export async function exportLog(
  { port, since = Number.POSITIVE_INFINITY, json, ...options }: Values<typeof serverExport.options>,
  _stop: unknown,
  opened: Opened,
): Promise<number> {
  const { stdout } = process;
  const folder = serverFolder(options['data-dir'], port);
  const kept = new Kept(folder);
  opened.push(kept);
  // Whoever has read enough hangs up.
  const isOver = new Promise<'over'>((over) => stdout.once('error', () => over('over')));
  const sinceMs = Date.now() - since;
  // What can be checked has no gaps, whatever the clock did.
  const from = json ? kept.firstSince(sinceMs) : undefined;
  // On a terminal what is printed says it itself.
  const progress = stdout.isTTY ? undefined : new Progress();
  const { since: before, head } = kept.extent(from);
  const show = json ? asJson(signed(kept.extent(from), folder, options.identity)) : asText(options.color);
  for await (const places of kept.places(from)) {
    const wanted = json ? places : places.filter(({ atMs }) => atMs >= sinceMs);
    // What is not taken waits on the disk.
    const taken = Promise.all(wanted.map((place) => new Promise<void>((shown) => show(place, shown))));
    if ((await Promise.race([taken, isOver])) === 'over') break;
    progress?.tell((places.at(-1)?.seq ?? head) - before, head - before, 'written');
  }
  progress?.clear();
  return 0;
}

function asText(color: boolean | undefined): Show {
  const { stdout } = process;
  const renderer = new Renderer({ ...abilityOfStream(stdout, color), timestamps: 'iso', multiline: false });
  const chat = { stream: stdout, renderer };
  const view = new PipeView({ chat, self: chat, settings: { joins: 'all' }, now: Date.now });
  return (place, taken) => showPlace(place, view, taken);
}

function asJson(extent: Extent): Show {
  const outlet = new Outlet(process.stdout, () => '');
  outlet.write(extentLine(extent));
  return (place, taken) => outlet.write(placeLine(place), taken);
}

/** With the room's signature, if its key is here. It is a run of its own, so it contradicts none of a server's. [P26] */
function signed(extent: Extent, folder: string, keyFile: string | undefined): Extent {
  const { room, log, head: seq, headHash: hash } = extent;
  const path = keyFile ?? join(folder, 'identity');
  const identity = findIdentity(path, 'room');
  if (identity?.key === room) {
    const run = newDevice(room);
    return { ...extent, signed: { run, sig: identity.sign(headProof(room, { log, run, seq, hash })) } };
  }
  if (keyFile)
    throw new ChatError('DATA_NOT_WRITABLE', `the room's key is not in ${path}.`, 'Name its file with --identity.');
  return extent;
}
