import { MemoryStore } from '../history/memory.ts';
import { addName, isFreeName, openClientStore, personFolder } from '../history/paths.ts';
import { newDevice } from '../keys/ed25519.ts';
import { loadIdentity, newIdentity } from '../keys/identity-file.ts';

export type Place = { name: string; ip: string; port: number; dataDir: string | undefined };

/**
 * What a client brings to a room: who it is, what it keeps (the store MUST be closed), and what other names mean on this
 * machine: why the person cannot go by one, if somebody else does; that the person goes by one now, and is to be the
 * same person when starting under it.
 */
export function openBelongings({ name, ip, port, dataDir }: Place) {
  const person = personFolder(dataDir, name);
  const identity = loadIdentity(person);
  const store = openClientStore(person, ip, port, newDevice);
  const whyNotCalled = (other: string) =>
    isFreeName(person, dataDir, other) ? undefined : `"${other}" is somebody else on this machine: start with --name.`;
  const renamed = (other: string) => addName(person, dataDir, other);
  return { identity, store, dev: store.dev, folder: store.folder, names: { whyNotCalled, renamed } };
}

/** For who only looks in. */
export const noBelongings = () => ({
  identity: newIdentity(),
  store: new MemoryStore(),
  dev: newDevice(),
  folder: 'nothing',
  names: { whyNotCalled: () => undefined, renamed: () => {} },
});
