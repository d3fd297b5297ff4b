import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { roomSeed } from './people.ts';

/** What the members speak (load/load.c). */
export type Kind = 'room' | 'original' | 'irc' | 'nats' | 'ws';
/** Ours, and what it is measured beside. */
export const peers = ['straight', 'loop', 'ngircd', 'nats', 'ws'] as const;
export type ServerName = 'ours' | (typeof peers)[number];
export type Running = { pid: number; port: number; stop(signal?: NodeJS.Signals): Promise<void> };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const startMs = 20_000;

/** All that a bench leaves on the disk: a folder that is gone when it ends. */
export const folder = mkdtempSync(join(tmpdir(), 'zmqchat-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const identity = join(folder, 'room');
writeFileSync(identity, roomSeed(), { mode: 0o600 });

/** The compiled program of a source in C; undefined where that needs what this machine does not have. */
export function compiled(source: string, ...libraries: string[]): string | undefined {
  const path = join(folder, source.replace(/\W/g, '-'));
  if (existsSync(path)) return path;
  const { status } = spawnSync('cc', ['-O2', '-w', '-o', path, here(source), ...libraries], { stdio: 'ignore' });
  return status === 0 ? path : undefined;
}

const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

/** How a server is started; undefined if it is not here. */
export function commandOf(name: ServerName, port: number, dist: string, options: readonly string[]) {
  switch (name) {
    case 'ours':
      return [process.execPath, join(dist, 'server.js'), '--ip', '127.0.0.1', '--port', `${port}`, ...options];
    case 'straight':
      return [process.execPath, here('peers/straight.js'), `${port}`];
    case 'ws':
      return [process.execPath, here('peers/broadcast.js'), `${port}`];
    case 'loop': {
      const program = compiled('peers/loop.c', '-lzmq');
      return program && [program, `${port}`];
    }
    case 'ngircd':
      return has('ngircd') ? ['ngircd', '-n', '-f', ircConfig(port)] : undefined;
    case 'nats':
      return has('nats-server') ? ['nats-server', '-a', '127.0.0.1', '-p', `${port}`] : undefined;
  }
}

/** Nothing that a limit of its own would hold back. */
function ircConfig(port: number): string {
  const path = join(folder, 'ngircd.conf');
  const owner = process.getuid?.() === 0 ? ['ServerUID = nobody', 'ServerGID = nogroup'] : [];
  const all = ['[Global]', 'Name = irc.bench.local', 'Info = bench', `Ports = ${port}`, 'Listen = 127.0.0.1', ...owner];
  const limits = ['MaxConnections = 0', 'MaxConnectionsIP = 0', 'MaxPenaltyTime = 0', 'MaxJoins = 0'];
  const lines = [
    ...all,
    'MotdPhrase = "bench"',
    '[Limits]',
    ...limits,
    '[Options]',
    'DNS = no',
    'Ident = no',
    'PAM = no',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o644 });
  return path;
}

/** Ours has a log of its own in each run, unless `data` names one. */
export type Start = { dist: string; options?: readonly string[]; data?: string; port?: number };

/** Resolves when it listens; with undefined if it is not on this machine. */
export async function start(name: ServerName, { dist, options = [], data, port }: Start): Promise<Running | undefined> {
  const at = port ?? (await freePort());
  const own = ['--data-dir', data ?? newData(), '--identity', identity, '--name', 'server', ...options];
  const command = commandOf(name, at, dist, own);
  if (!command) return undefined;
  const [program = '', ...args] = command;
  const words = join(folder, `${name}.log`);
  const log = openSync(words, 'w');
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  running.add(child);
  const ended = once(child, 'exit');
  for (const until = performance.now() + startMs; !(await answers(at)); await delay(5))
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`${name} does not listen: ${readFileSync(words, 'utf8')}`);
  return {
    pid: child.pid as number,
    port: at,
    async stop(signal = 'SIGKILL') {
      child.kill(signal);
      await ended;
      running.delete(child);
    },
  };
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

let logs = 0;
export const newData = (): string => join(folder, `data-${++logs}`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  }).then((isHere) => {
    socket.destroy();
    return isHere as boolean;
  });
}
