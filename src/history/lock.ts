import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Database } from 'lmdb';
import { ChatError } from '../errors.ts';

/**
 * Who uses a folder. `started` tells a process from a later one with the same pid, where the system says when a process
 * started; `run` is like no other.
 */
type Holder = { pid: number; started: string; program: string; run: string };
type Meta = Database<unknown, string>;

/**
 * Writes down that this process uses the folder. MUST run inside a write transaction: LMDB lets one process at a time
 * have one, also across a crash, so two programs cannot both find the folder free. Returns the run to check later.
 */
export function takeLock(meta: Meta, folder: string, program: string): string {
  const holder = meta.get('holder') as Holder | undefined;
  if (holder && isAlive(holder)) throw inUse(holder, folder);
  const run = randomUUID();
  meta.putSync('holder', { pid: process.pid, started: startOf(process.pid), program, run } satisfies Holder);
  return run;
}

/**
 * Throws if somebody has taken the folder since. Whether a process lives cannot be seen from another container or
 * machine, so this is what keeps two programs from writing: MUST run inside each transaction that writes.
 */
export function checkLock(meta: Meta, folder: string, run: string): void {
  const holder = meta.get('holder') as Holder | undefined;
  if (holder?.run !== run) throw inUse(holder, folder);
}

export function releaseLock(meta: Meta, run: string): void {
  const holder = meta.get('holder') as Holder | undefined;
  if (holder?.run === run) meta.removeSync('holder');
}

function inUse(holder: Holder | undefined, folder: string): ChatError {
  const who = holder ? `another ${holder.program ?? 'program'} (pid ${holder.pid})` : 'another program';
  const hint = 'End it, or choose another folder with --data-dir.';
  return new ChatError('DATA_IN_USE', `${who} is using ${folder}.`, hint);
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(pid) === started;
}

/**
 * When a process started, in clock ticks since boot (Linux: proc(5), field 22), with the boot; '' elsewhere, and for
 * a zombie (field 3), which is dead although its pid is not free yet.
 */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : `${boot} ${fields[19]}`;
  } catch {
    return '';
  }
}
