import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newPerson, openAt, SmallMember } from '../support/small-member.ts';

export const ways = [
  'short texts',
  'texts of 4 KB',
  'wrong proofs',
  'wrong signatures',
  'renames',
  'garbage',
  'originals',
] as const;
export type Way = (typeof ways)[number];
export type FloodOptions = {
  /** How long each phase is. */
  ms: number;
  flooders: number;
  /** How many lines a real client pipes in meanwhile. */
  piped: number;
};
export type Flood = {
  /** How long each of a quiet member's words took to come back, in ms: before, and while others flood the room. */
  before: number[];
  meanwhile: number[];
  /** Frames that each flooder's socket took. */
  sent: number[];
  /** Of the server. */
  cpuMs: number;
  memoryMb: [before: number, after: number];
  /** Of the quiet member: words that have not come back, that came back twice or out of order, and how often it was sent away. */
  missing: number;
  wrong: number;
  rejoins: number;
  /** How the client ended that piped lines in, and how long it took. */
  piped: { code: number; ms: number };
};
const everyMs = 20;
const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a quiet member feels while others send as much as their sockets take; on this machine alone. */
export async function flood(way: Way, { ms, flooders, piped }: FloodOptions): Promise<Flood> {
  const folder = mkdtempSync(join(tmpdir(), 'flood-'));
  const room = await startServer(join(folder, 'room'));
  const quiet = new SmallMember(openAt(room.port), newPerson(), 'quiet');
  const others = [];
  try {
    await quiet.enter();
    await talk(quiet, ms / 2);
    const before = await talk(quiet, ms);
    const was = useOf(room.pid);
    const honest = pipe(room.port, folder, piped);
    const what = [way, `${room.port}`, `${ms}`];
    for (let no = 0; no < flooders; no++)
      others.push(fork(join(root, 'test/flood/flooder.ts'), what, { execArgv: ['--import', 'tsx'] }));
    // They stand for other machines: here they get what the processor has left.
    for (const { pid: other = 0 } of others) setPriority(other, constants.priority.PRIORITY_LOW);
    const counts = others.map(async (other) => Number((await once(other, 'message'))[0]));
    // Until they have begun.
    await sleep(1_000);
    const meanwhile = await talk(quiet, ms);
    const sent = await Promise.all(counts);
    const is = useOf(room.pid);
    const ended = await honest;
    for (let round = 0; round < 200 && quiet.missing > 0; round++) await sleep(50);
    const { missing, wrong, rejoins } = quiet;
    const used = { cpuMs: is.cpuMs - was.cpuMs, memoryMb: [was.mb, is.mb] as [number, number] };
    return { before, meanwhile, sent, ...used, missing, wrong, rejoins, piped: ended };
  } finally {
    quiet.close();
    for (const child of [room.child, ...others]) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Says something every so often, also while what was said before has not come back. */
async function talk(member: SmallMember, ms: number): Promise<number[]> {
  const from = member.tookMs.length;
  for (const endMs = performance.now() + ms; performance.now() < endMs; await sleep(everyMs)) await member.say('tick');
  return member.tookMs.slice(from);
}

async function startServer(folder: string) {
  const place = ['--port', '0', '--ip', '127.0.0.1', '--data-dir', folder];
  const child = spawn(process.execPath, [join(root, 'dist/server.js'), ...place, '--json', '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [first] = await once(child.stdout, 'data');
  child.stdout.resume();
  return { child, port: Number(/"port":(\d+)/.exec(String(first))?.[1]), pid: child.pid ?? 0 };
}

/** A real client that says so many lines. */
async function pipe(port: number, folder: string, lines: number): Promise<{ code: number; ms: number }> {
  const beganMs = performance.now();
  const options = ['--port', `${port}`, '--name', 'pipe', '--data-dir', join(folder, 'pipe'), '-q'];
  const child = spawn(process.execPath, [join(root, 'dist/client.js'), ...options], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join(''));
  const [code] = await once(child, 'exit');
  return { code, ms: performance.now() - beganMs };
}

/** Of a process: the time of its processor in ms, and its memory in MB; nothing where that cannot be read. */
function useOf(pid: number): { cpuMs: number; mb: number } {
  if (process.platform !== 'linux') return { cpuMs: 0, mb: 0 };
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { cpuMs: 10 * (Number(stat[13]) + Number(stat[14])), mb: Math.round(kb / 1_024) };
}
