import { visibleJson } from '../text/visible.ts';
import { forStderr } from './run.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The server's diary on stderr: for a person on a terminal, as JSON lines anywhere else. */
export class Logger {
  readonly #threshold: number;

  constructor(level: LogLevel) {
    this.#threshold = logLevels.indexOf(level);
  }

  log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (logLevels.indexOf(level) > this.#threshold) return;
    const ts = new Date().toISOString();
    const line = process.stderr.isTTY
      ? `${ts.slice(11, 19)} ${level.padEnd(5)} ${forStderr(message)}`
      : visibleJson({ ts, level, message, ...fields });
    process.stderr.write(`${line}\n`);
  }
}
