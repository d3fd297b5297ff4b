import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChatError } from '../errors.ts';
import { makeFolder, readGuarded } from '../history/files.ts';
import { inWords } from '../history/trouble.ts';
import { identityOf, type OwnIdentity, seedBytes } from './ed25519.ts';

/** 32 bytes in base64url. */
const written = /^[\w-]{43}\n?$/;
const owners = { person: ['your identity', 'somebody new'], room: ["the room's identity", 'a new room'] } as const;
type Owner = keyof typeof owners;

/** The identity of a person, kept in `folder`, made on first use (docs/protocol.md, F2). Throws a ChatError. */
export function loadIdentity(folder: string): OwnIdentity {
  const path = join(folder, 'identity');
  return findIdentity(path, 'person') ?? makeIdentity(path, 'person');
}

/** Throws a ChatError if what is there cannot be used. */
export function findIdentity(path: string, owner: Owner): OwnIdentity | undefined {
  const seed = read(path, owner);
  return seed && identityOf(seed);
}

/** Two programs may start at once: each writes a file of its own, and the first to link it gives the identity. */
export function makeIdentity(path: string, owner: Owner): OwnIdentity {
  const seed = randomBytes(seedBytes);
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    makeFolder(dirname(path));
    writeFileSync(own, `${seed.toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(own, path);
    return identityOf(seed);
  } catch (error) {
    const other = (error as NodeJS.ErrnoException).code === 'EEXIST' ? findIdentity(path, owner) : undefined;
    if (other) return other;
    return inWords(dirname(path), () => rethrow(error));
  } finally {
    // Below what is no folder, some versions of Node find fault with removing nothing.
    if (existsSync(own)) rmSync(own, { force: true });
  }
}

/** Kept nowhere. */
export const newIdentity = (): OwnIdentity => identityOf(randomBytes(seedBytes));

function read(path: string, owner: Owner): Buffer | undefined {
  const [what, anew] = owners[owner];
  const text = readGuarded(path, { rights: 0o077, wrong: `${what} can be read by others.`, mend: 'chmod 600' });
  if (text === undefined) return undefined;
  const seed = Buffer.from(text, 'base64url');
  if (written.test(text) && seed.toString('base64url') === text.trim()) return seed;
  const hint = `Restore it from a copy, or remove it to begin as ${anew}.`;
  throw new ChatError('DATA_DAMAGED', `the identity in ${path} is damaged.`, hint);
}

function rethrow(error: unknown): never {
  throw error;
}
