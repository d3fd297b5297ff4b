import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Member } from './member.ts';

/**
 * npm run flood [-- --ways garbage,renames] [--pipe 10000]: what a quiet member feels while three others send as much as the
 * socket takes, in each of these ways; on this machine alone, each for 5 s. It says so many things in a second before and
 * meanwhile (`--rude`: the others take their share of the processor, too), and a real client pipes lines in. Exits with 1 if anything was lost, twice, out of order or joined again.
 */
const all = [
  'none',
  // To compare with: what the machine gives while another room of it is flooded.
  'elsewhere',
  'short texts',
  'texts of 4 KB',
  'wrong proofs',
  'wrong signatures',
  'renames',
  'garbage',
  'originals',
];
const phaseMs = 5_000;
const everyMs = 20;
const flooders = 3;
const root = fileURLToPath(new URL('../..', import.meta.url));

const option = (name: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
};
const isPolite = !process.argv.includes('--rude');
const ways = option('ways')?.split(',') ?? all;
const piped = Number(option('pipe') ?? 300);

const quantile = (times: readonly number[], q: number): number => {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
};
const shown = (times: readonly number[]) =>
  [0.5, 0.99, 1].map((q) => quantile(times, q).toFixed(1).padStart(7)).join(' ');
/** Of a process: the time of its processor in ms, and its memory in MB. */
function useOf(pid: number): { cpuMs: number; mb: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  const kb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { cpuMs: 10 * (Number(stat[13]) + Number(stat[14])), mb: Math.round(kb / 1_024) };
}

async function startServer(folder: string, name: string) {
  const options = [
    '--port',
    '0',
    '--ip',
    '127.0.0.1',
    '--data-dir',
    join(folder, name),
    '--json',
    '--log-level',
    'error',
  ];
  const child = spawn(process.execPath, [join(root, 'dist/server.js'), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [first] = await once(child.stdout, 'data');
  child.stdout.resume();
  const port = Number(/"port":(\d+)/.exec(String(first))?.[1]);
  return { child, port, pid: child.pid ?? 0 };
}

/** A real client that says so many lines. Resolves with its exit code and how long it took. */
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

/** Says something every so often, also while what was said before has not come back. */
async function talk(member: Member, ms: number): Promise<number[]> {
  const from = member.tookMs.length;
  for (const endMs = performance.now() + ms; performance.now() < endMs; await sleep(everyMs)) await member.say('tick');
  return member.tookMs.slice(from);
}

async function flood(way: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'flood-'));
  const { child, port, pid } = await startServer(folder, 'room');
  const isElsewhere = way === 'elsewhere';
  const flooded = isElsewhere ? await startServer(folder, 'other') : { child, port };
  const quiet = new Member(port, 'quiet');
  try {
    await quiet.enter();
    await talk(quiet, 2_000);
    const before = await talk(quiet, phaseMs);
    const was = useOf(pid);
    const honest = pipe(port, folder, piped);
    const others = (way === 'none' ? [] : Array.from({ length: flooders })).map(() =>
      fork(join(root, 'test/flood/flooder.ts'), [isElsewhere ? 'short texts' : way, `${flooded.port}`, `${phaseMs}`], {
        execArgv: ['--import', 'tsx'],
      }),
    );
    // They stand for other machines: here they get what the processor has left.
    for (const { pid: other = 0 } of isPolite ? others : []) setPriority(other, constants.priority.PRIORITY_LOW);
    const counts = others.map(async (other) => Number((await once(other, 'message'))[0]));
    // Until they have begun.
    await sleep(1_000);
    const meanwhile = await talk(quiet, phaseMs - 500);
    const sent = await Promise.all(counts);
    const is = useOf(pid);
    const { code, ms } = await honest;
    for (let round = 0; round < 100 && quiet.missing > 0; round++) await sleep(50);
    const faults = quiet.missing + quiet.wrong + quiet.rejoins + code;
    console.log(
      `${way.padEnd(17)} before ${shown(before)}  meanwhile ${shown(meanwhile)} ms (p50 p99 max)  ` +
        `sent ${sent.join(' ') || '-'}  server ${is.cpuMs - was.cpuMs} ms CPU, ${was.mb} -> ${is.mb} MB  ` +
        `missing ${quiet.missing}, wrong ${quiet.wrong}, rejoins ${quiet.rejoins}; ${piped} piped lines: exit ${code}, ${(ms / 1_000).toFixed(1)} s`,
    );
    for (const other of others) other.kill('SIGKILL');
    return faults === 0;
  } finally {
    quiet.close();
    for (const server of [child, flooded.child]) server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

let isFine = true;
for (const way of ways) isFine = (await flood(way)) && isFine;
process.exit(isFine ? 0 : 1);
