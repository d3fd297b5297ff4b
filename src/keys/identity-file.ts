import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChatError } from '../errors.ts';
import type { Identity } from '../protocol/signed.ts';
import { identityOf, seedBytes } from './ed25519.ts';

const elsewhere = 'Choose another folder with --data-dir.';

/** The identity kept in `folder`, made on first use (docs/protocol.md, F2). Throws a ChatError. */
export function loadIdentity(folder: string, path = join(folder, 'identity')): Identity {
  return identityOf(read(path) ?? keep(path, randomBytes(seedBytes)));
}

/** Kept nowhere. */
export const newIdentity = (): Identity => identityOf(randomBytes(seedBytes));

function read(path: string): Buffer | undefined {
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      const hint = `Close it: chmod 600 ${quote(path)}`;
      throw new ChatError('DATA_NOT_WRITABLE', 'your identity can be read by others.', hint);
    }
    const seed = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url');
    if (seed.length === seedBytes) return seed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof ChatError) throw error;
    throw new ChatError('DATA_NOT_WRITABLE', `cannot read the identity in ${path}.`, elsewhere, error);
  }
  const hint = 'Restore it from a copy, or remove it to begin as somebody new.';
  throw new ChatError('DATA_DAMAGED', `the identity in ${path} is damaged.`, hint);
}

/** Two programs may start at once: each writes a file of its own, and the first to link it gives the identity. */
function keep(path: string, seed: Buffer): Buffer {
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(own, `${seed.toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(own, path);
    return seed;
  } catch (error) {
    const other = (error as NodeJS.ErrnoException).code === 'EEXIST' ? read(path) : undefined;
    if (other) return other;
    throw new ChatError('DATA_NOT_WRITABLE', `cannot write ${path}.`, elsewhere, error);
  } finally {
    rmSync(own, { force: true });
  }
}

const quote = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
