import { join } from 'node:path';
import { Ledger, type WhyKept } from '../core/log/ledger.ts';
import { Log } from '../core/log/log.ts';
import { ChatError } from '../errors.ts';
import { serverFolder } from '../history/paths.ts';
import { type Answer, request } from '../history/requests.ts';
import { SqliteStore } from '../history/sqlite.ts';
import { crypto, newDevice } from '../keys/ed25519.ts';
import { findIdentity } from '../keys/identity-file.ts';
import type { Values } from './args/flags.ts';
import type { serverErase } from './args/programs.ts';

/** Takes the words of a message out of the log for good: itself, or by the server that uses the log. [P36] */
export async function eraseMessage({
  seq,
  port,
  'data-dir': dataDir,
  identity,
}: Values<typeof serverErase.options>): Promise<number> {
  if (seq === undefined) throw new ChatError('USAGE', 'erase needs the number of a message.', whereNumbersAre);
  const folder = serverFolder(dataDir, port);
  const answer = (await eraseHere(folder, identity, seq)) ?? (await request(join(folder, 'log'), seq));
  if (answer === undefined)
    throw new ChatError('TIMEOUT', 'the program that uses the log does not answer.', 'It may do it later: ask again.');
  if (answer !== 'erased' && answer !== 'already') throw refusal(seq, answer);
  process.stdout.write(`message ${seq} ${answer === 'already' ? 'was erased before' : 'is erased'}\n`);
  return 0;
}

/** Undefined if another program uses the log. */
async function eraseHere(folder: string, keyFile: string | undefined, seq: number): Promise<Answer | undefined> {
  const logFolder = join(folder, 'log');
  // There must be one: to open it for writing would make it.
  await SqliteStore.open(logFolder, { readOnly: true }).close();
  const store = openUnused(logFolder);
  if (!store) return undefined;
  try {
    const path = keyFile ?? join(folder, 'identity');
    const hint = 'Name its file with --identity.';
    const identity = findIdentity(path, 'room');
    if (!identity) throw new ChatError('DATA_NOT_WRITABLE', `the room's key is not in ${path}.`, hint);
    store.check(identity.key);
    const retention = { entries: Number.POSITIVE_INFINITY, ageMs: Number.POSITIVE_INFINITY };
    const log = new Log(store, crypto);
    const ledger = new Ledger({ name: 'server', identity, dev: newDevice(identity.key), crypto, retention }, log);
    const now = { ms: performance.now(), wallMs: Date.now() };
    const { change, outcomes } = ledger.decide([{ type: 'erase', from: '', seq }], now);
    if (change) await store.commit(change);
    const [outcome] = outcomes;
    return (outcome?.type === 'erased' && outcome.why) || 'erased';
  } finally {
    await store.close();
  }
}

function openUnused(folder: string): SqliteStore | undefined {
  try {
    return SqliteStore.open(folder, { program: 'chat-server erase' });
  } catch (error) {
    if (error instanceof ChatError && error.code === 'DATA_IN_USE') return undefined;
    throw error;
  }
}

const whereNumbersAre = 'chat-server export --json shows it: seq.';
const words: Record<Exclude<WhyKept, 'already'>, [what: string, hint: string]> = {
  none: ['does not exist', whereNumbersAre],
  trimmed: ['is no longer kept', whereNumbersAre],
  damaged: ['is damaged here', 'It can be erased when a member has given it back.'],
  void: ['has no words: it was too long', whereNumbersAre],
  erasure: ['only says that another one is erased', whereNumbersAre],
};

function refusal(seq: number, why: Exclude<WhyKept, 'already'>): ChatError {
  const [what, hint] = words[why];
  return new ChatError('NOT_ERASED', `message ${seq} ${what}.`, hint);
}
