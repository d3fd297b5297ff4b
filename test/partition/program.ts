import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { dist } from '../support/dist.ts';
import type { Printed } from './judge.ts';

/** Where it runs, what it is given, and the folder in which it lives and leaves what it said. */
type Start = { name: string; folder: string; through: readonly string[]; args: readonly string[] };

/** One of the real programs with `--json`, somewhere in the networks; notes when it printed what. */
export class Program {
  readonly printed: Printed[] = [];
  readonly #child: ChildProcess;

  constructor(program: 'server' | 'client', { name, folder, through, args }: Start) {
    const errors = openSync(join(folder, `${name}.stderr`), 'a');
    const all = [...through, process.execPath, join(dist, `${program}.js`), '--json', ...args];
    const env = { PATH: process.env.PATH ?? '', HOME: folder };
    this.#child = spawn(all[0] as string, all.slice(1), { env, stdio: ['pipe', 'pipe', errors] });
    closeSync(errors);
    this.#child.stdin?.on('error', () => {});
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const atMs = performance.now();
      this.printed.push({ ...JSON.parse(line), atMs });
      appendFileSync(join(folder, `${name}.jsonl`), `${atMs.toFixed()} ${line}\n`);
    });
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, 'close');
    this.#child.kill(signal);
    await gone;
  }
}
