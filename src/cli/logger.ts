import { visibleJson } from '../text/visible.ts';
import { forStderr } from './run.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** While so many bytes wait for whoever reads the diary, nothing more is written. */
const maxWaitingBytes = 65_536;

/** The server's diary on stderr: for a person on a terminal, as JSON lines anywhere else. */
export class Logger {
  readonly #threshold: number;
  readonly #out: NodeJS.WriteStream;
  #leftOut = 0;

  constructor(level: LogLevel, out: NodeJS.WriteStream = process.stderr) {
    this.#threshold = logLevels.indexOf(level);
    this.#out = out;
  }

  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void {
    if (logLevels.indexOf(level) > this.#threshold) return;
    if (this.#out.writableLength > maxWaitingBytes) this.#leaveOut();
    else this.#write(level, message, fields);
  }

  #write(level: LogLevel, message: string, fields?: Record<string, unknown>): void {
    const ts = new Date().toISOString();
    const line = this.#out.isTTY
      ? `${ts.slice(11, 19)} ${level.padEnd(5)} ${forStderr(message)}`
      : visibleJson({ ts, level, message, ...fields });
    this.#out.write(`${line}\n`);
  }

  /** The first line that is left out waits to tell of them all. */
  #leaveOut(): void {
    if (this.#leftOut++ > 0) return;
    this.#out.once('drain', () => {
      this.#write('warn', `${this.#leftOut} lines were left out while nobody read them`);
      this.#leftOut = 0;
    });
  }
}
