import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './files.ts';

const pathIn = (folder: string): string => join(folder, 'peers.port');
const mostPort = 65_535;

/** Where the client with this folder listened for other members before; 0 if that is not known. */
export function lastPort(folder: string): number {
  const text = readText(pathIn(folder))?.trim() ?? '';
  return /^\d{1,5}$/.test(text) && Number(text) <= mostPort ? Number(text) : 0;
}

/** Without it any free port is as good. */
export function keepPort(folder: string, port: number): void {
  try {
    if (lastPort(folder) !== port) writeFileSync(pathIn(folder), `${port}\n`, { mode: 0o600 });
  } catch {
    // The disk is full, or the folder gone: whoever must know of that is told where messages are kept.
  }
}
