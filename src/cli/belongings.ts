import type { Identity } from '../core/crypto.ts';
import type { Store } from '../core/store.ts';
import { MemoryStore } from '../history/memory.ts';
import { openClientStore, personFolder } from '../history/places.ts';
import { newDevice } from '../keys/crypto.ts';
import { loadIdentity, newIdentity, shareIdentity } from '../keys/identity-file.ts';

/** What a client brings to a room: who it is, and what it keeps. MUST be closed. */
export type Belongings = {
  identity: Identity;
  store: Store;
  dev: string;
  /** Where the store is; absent if it is kept nowhere. */
  folder?: string;
  /** The person goes by another name now, and is to be the same person when starting under that. */
  renamed: (name: string) => void;
};
export type Place = { name: string; ip: string; port: number; dataDir: string | undefined };

export function openBelongings({ name, ip, port, dataDir }: Place): Belongings {
  const person = personFolder(dataDir, name);
  const identity = loadIdentity(person);
  const store = openClientStore(person, ip, port);
  const renamed = (other: string) => shareIdentity(person, personFolder(dataDir, other));
  return { identity, store, dev: store.fact('dev', newDevice), folder: store.folder, renamed };
}

/** For who only looks in. */
export const noBelongings = (): Belongings => ({
  identity: newIdentity(),
  store: new MemoryStore(),
  dev: newDevice(),
  renamed: () => {},
});
