import type { Identity } from '../core/crypto.ts';
import type { Store } from '../core/log/store.ts';
import { MemoryStore } from '../history/memory.ts';
import { addName, isFreeName, openClientStore, personFolder } from '../history/paths.ts';
import { newDevice } from '../keys/ed25519.ts';
import { loadIdentity, newIdentity } from '../keys/identity-file.ts';

/** What a client brings to a room: who it is, and what it keeps. MUST be closed. */
export type Belongings = {
  identity: Identity;
  store: Store;
  dev: string;
  /** What the disk has changed and is lost, in words; it grows as things are read. */
  damaged: ReadonlySet<string>;
  /** Where the store is; absent if it is kept nowhere. */
  folder?: string;
  /** What other names mean on this machine. */
  names: {
    /** Says why the person cannot go by this name, if somebody else does. */
    whyNotCalled(name: string): string | undefined;
    /** The person goes by another name now, and is to be the same person when starting under that. */
    renamed(name: string): void;
  };
};
export type Place = { name: string; ip: string; port: number; dataDir: string | undefined };

export function openBelongings({ name, ip, port, dataDir }: Place): Belongings {
  const person = personFolder(dataDir, name);
  const identity = loadIdentity(person);
  const store = openClientStore(person, ip, port, newDevice);
  const whyNotCalled = (other: string) =>
    isFreeName(person, dataDir, other) ? undefined : `"${other}" is somebody else on this machine: start with --name.`;
  const renamed = (other: string) => addName(person, dataDir, other);
  const { folder, damaged, dev } = store;
  return { identity, store, dev, folder, damaged, names: { whyNotCalled, renamed } };
}

/** For who only looks in. */
export const noBelongings = (): Belongings => ({
  identity: newIdentity(),
  store: new MemoryStore(),
  dev: newDevice(),
  damaged: new Set(),
  names: { whyNotCalled: () => undefined, renamed: () => {} },
});
