import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Crowd } from './load/members.ts';
import { roomIdentity } from './people.ts';
import type { Running } from './servers.ts';

type Wishes = Omit<Crowd, 'at'> & { isSecure?: boolean };
type Cost = { deliveries: number; messages: number; seconds: number; cpu: number; joinsCpu: number };

/** As `load` (load.ts), with members on ZeroMQ. Rejects if something did not come, or came twice. */
export async function crowd(server: Running, { isSecure = false, ...wishes }: Wishes): Promise<Cost> {
  const at = { port: server.port, room: roomIdentity().key, isSecure };
  const file = fileURLToPath(new URL('load/members.ts', import.meta.url));
  const child = fork(file, [JSON.stringify({ at, ...wishes })], { execArgv: ['--import', 'tsx'] });
  const hear = async (words: string | boolean) => {
    child.send(words);
    const [answer] = await once(child, 'message');
    return answer;
  };
  try {
    const emptyCpu = cpuOf(server.pid);
    await hear('enter');
    const joinsCpu = cpuOf(server.pid) - emptyCpu;
    await hear(true);
    const [cpu, fromMs] = [cpuOf(server.pid), performance.now()];
    const { deliveries, wanted, wrong } = await hear(false);
    if (deliveries !== wanted || wrong > 0) throw new Error(`${deliveries} of ${wanted} came, ${wrong} faults`);
    const seconds = (performance.now() - fromMs) / 1_000;
    return { deliveries, messages: wishes.messages, seconds, cpu: cpuOf(server.pid) - cpu, joinsCpu };
  } finally {
    child.kill();
  }
}

/** Seconds of a processor that a process has taken so far, on Linux. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(stat[11]) + Number(stat[12])) / 100;
}
