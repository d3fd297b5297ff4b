import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WhyKept } from '../core/log/ledger.ts';
import { inWords } from './trouble.ts';

/** The longest wait for an answer, and how often it is looked for. */
const patienceMs = 5_000;
const lookMs = 50;

const asked = /^erase-(\w+)\.ask$/;
const fileOf = (folder: string, name: string, kind: 'ask' | 'answer') => join(folder, `erase-${name}.${kind}`);
export type Answer = WhyKept | 'erased';

/** Wishes of whoever keeps the room, as files beside the log that its server uses. Each is answered with another file. */
export class Requests {
  readonly #folder: string;

  /** What lies there already is of somebody who has stopped waiting. */
  constructor(folder: string) {
    this.#folder = folder;
    for (const name of this.#files.filter((file) => /^erase-\w+\.(ask|answer)$/.test(file))) this.#remove(name);
  }

  /** Those that came since the last call. */
  take(): { type: 'erase'; from: string; seq: number }[] {
    return this.#files.flatMap((file) => {
      const [, from] = asked.exec(file) ?? [];
      if (from === undefined) return [];
      const seq = Number(readFileSync(join(this.#folder, file), 'utf8'));
      this.#remove(file);
      return Number.isSafeInteger(seq) ? { type: 'erase', from, seq } : [];
    });
  }

  answer(to: string, why: Answer = 'erased'): void {
    write(fileOf(this.#folder, to, 'answer'), why);
  }

  get #files(): string[] {
    return existsSync(this.#folder) ? readdirSync(this.#folder) : [];
  }

  #remove(file: string): void {
    rmSync(join(this.#folder, file), { force: true });
  }
}

/** Asks the server that uses the log in `folder`. Returns what it says; undefined if it does not answer. */
export async function request(folder: string, seq: number): Promise<Answer | undefined> {
  const name = randomBytes(8).toString('hex');
  const [ask, answer] = [fileOf(folder, name, 'ask'), fileOf(folder, name, 'answer')];
  inWords(folder, () => write(ask, String(seq)));
  try {
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += lookMs) {
      if (existsSync(answer)) return readFileSync(answer, 'utf8') as Answer;
      await delay(lookMs);
    }
    return undefined;
  } finally {
    for (const file of [ask, answer]) rmSync(file, { force: true });
  }
}

/** All of it or nothing. */
function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
