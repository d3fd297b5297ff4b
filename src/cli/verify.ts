import { createReadStream } from 'node:fs';
import { Audit, type Extent } from '../core/log/audit.ts';
import { ChatError, exitCodeOf } from '../errors.ts';
import { serverFolder } from '../history/paths.ts';
import { keyInHex } from '../keys/allow-list.ts';
import { crypto } from '../keys/ed25519.ts';
import type { Row } from '../protocol/rows.ts';
import type { Values } from './args/flags.ts';
import type { serverVerify } from './args/programs.ts';
import { readExport } from './exported.ts';
import { Kept } from './kept.ts';
import { digits, Progress } from './progress.ts';
import type { Opened } from './run.ts';

/** Checks a log in its folder, or one that was exported. Prints each place that is not right, or what it has found. */
export async function verifyLog(
  { file, port, 'data-dir': dataDir, 'server-key': meant }: Values<typeof serverVerify.options>,
  stop: AsyncIterable<NodeJS.Signals>,
  opened: Opened,
): Promise<number> {
  const { extent, rows } = file ? await readExport(bytesOf(file)) : fromFolder(serverFolder(dataDir, port), opened);
  if (meant !== undefined && meant !== extent.room) throw otherRoom(extent.room);
  const ended = firstOf(stop);
  const audit = new Audit(crypto, extent);
  const progress = new Progress();
  const say = (line: string) => {
    progress.clear();
    process.stdout.write(`${line}\n`);
  };
  let [read, wrong] = [0, 0];
  const tell = (findings: string[]) => {
    wrong += findings.length;
    for (const finding of findings) say(finding);
  };
  for await (const row of rows) {
    if (ended.signal) return exitCodeOf(ended.signal);
    tell(typeof row === 'string' ? [row] : audit.take(row));
    progress.tell(++read, extent.head - extent.since, 'read');
  }
  progress.clear();
  tell(audit.end());
  if (wrong > 0) throw refusal(wrong, audit.right, extent);
  say(`${verdict(extent, file !== undefined)}\nthe room has the key ${keyInHex(extent.room)}`);
  return 0;
}

function fromFolder(folder: string, opened: Opened): { extent: Extent; rows: AsyncIterable<Row> } {
  const kept = new Kept(folder);
  opened.push(kept);
  return { extent: kept.extent(), rows: rowsOf(kept) };
}

async function* rowsOf(kept: Kept): AsyncGenerator<Row> {
  for await (const places of kept.places())
    for (const { seq, hash, message } of places) yield message ?? { kind: 'lost', seq, ...(hash && { hash }) };
}

async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file === '-' ? process.stdin : createReadStream(file);
  } catch (error) {
    const why = (error as Error).message.replace(/^\w+: |, \w+( '.*')?$/g, '');
    throw new ChatError('DATA_NOT_WRITABLE', `cannot read ${file}: ${why}.`, 'Give the path of an export.', error);
  }
}

/** The first signal, when there is one. */
function firstOf(stop: AsyncIterable<NodeJS.Signals>): { signal?: NodeJS.Signals } {
  const first: { signal?: NodeJS.Signals } = {};
  void (async () => {
    for await (const signal of stop) if (signal !== 'SIGPIPE') first.signal ??= signal;
  })();
  return first;
}

/** In a folder no head is signed: a server does that when it tells of one. */
function verdict({ since, head, headHash, signed }: Extent, isExport: boolean): string {
  const count = head - since;
  const range = `${digits(count)} ${count === 1 ? 'message' : 'messages'} from ${digits(since + 1)} to ${digits(head)}`;
  const found = count === 0 ? 'there are no messages' : `${range}, chain and signatures are right`;
  const by = signed ? ', signed by the room' : isExport ? ', not signed' : '';
  return `${found}; head ${digits(head)} ${headHash}`.trimEnd() + by;
}

function refusal(wrong: number, right: number, { since, head }: Extent): ChatError {
  const things = wrong === 1 ? '1 thing is' : `${digits(wrong)} things are`;
  const message = `${things} wrong; ${digits(right)} of ${digits(head - since)} messages are right.`;
  return new ChatError('NOT_VERIFIED', message, 'What a server has lost its members give back while they are online.');
}

function otherRoom(room: string): ChatError {
  const message = `this is the log of another room: it has the key ${keyInHex(room)}.`;
  return new ChatError('OTHER_ROOM', message, 'Choose another log, or leave --server-key out.');
}
