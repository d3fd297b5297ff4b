import { Outlet } from '../terminal/outlet.ts';
import { visibleJson } from '../text/visible.ts';
import { forStderr } from './streams.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The server's diary on stderr, up to a level: for a person on a terminal, as JSON lines anywhere else. */
export function openDiary(most: LogLevel, out: NodeJS.WriteStream = process.stderr) {
  const lineOf = (level: LogLevel, message: string, fields?: object) => {
    const ts = new Date().toISOString();
    if (!out.isTTY) return visibleJson({ ts, level, message, ...fields });
    return `${ts.slice(11, 19)} ${level.padEnd(5)} ${forStderr(message)}`;
  };
  const outlet = new Outlet(out, (event) => lineOf('warn', event.type === 'status' ? event.message : event.type));
  const writes = (level: LogLevel): boolean => logLevels.indexOf(level) <= logLevels.indexOf(most);
  const log = (level: LogLevel, message: string, fields?: object): void => {
    if (writes(level)) outlet.write(lineOf(level, message, fields));
  };
  return { log, writes };
}
