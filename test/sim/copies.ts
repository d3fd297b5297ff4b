import type * as memory from '../../src/history/memory.ts';
import type { Machines } from './machines.ts';
import { Client } from './sides.ts';

/** Most folders that come of one. */
const maxCopies = 3;

/** What is in a folder, in another one. */
function cloneOf(world: Machines, store: memory.MemoryStore): memory.MemoryStore {
  const { log, first, baseHash, dev, former, given, piped } = store;
  const entries = structuredClone(store.read(first, 1e9));
  const marks = [...world.devices].flatMap((device) => store.mark(device) ?? []);
  const clone = new world.cores.MemoryStore('', dev);
  const place = log === '' ? {} : { restart: { log, seq: first - 1, hash: baseHash }, entries };
  clone.apply({ ...place, marks, pending: structuredClone(store.pending()), device: { dev, former, given, piped } });
  return clone;
}

/** A person copies a folder while its program runs or not, and uses it elsewhere at the same time. */
export function copyFolder(world: Machines, client: Client): void {
  // Nobody copies a folder in which it is not decided yet what came of the copy before.
  if (world.clients.length > 2 * maxCopies || client.store.former.length > 0) return;
  const { dev } = client.store;
  const copy = new Client(
    client.name,
    `${client.id}c${world.clients.length}`,
    client.key,
    cloneOf(world, client.store),
  );
  mark(world, copy, dev);
  world.note(`copy ${client.id} to ${copy.id}`);
  world.clients.push(copy);
  if (world.more.chance(0.6)) world.start(copy);
}

export function backUp(world: Machines, client: Client): void {
  if (client.store.former.length === 0) world.backup = { of: client, store: cloneOf(world, client.store) };
}

/** Its folder is again as it was once. */
export function restore(world: Machines): void {
  const { of, store } = world.backup ?? {};
  if (!of || !store || of.store.former.length > 0) return;
  // Nobody brings back words that were said anew meanwhile.
  if (store.pending().some(({ text }) => world.saidAnew.has(text))) return;
  world.note(`restore ${of.id}`);
  world.stop(of);
  world.checker.facts.restored(of.store.pending());
  of.store = cloneOf(world, store);
  mark(world, of, store.dev);
}

/** Half of them can be told by their files, the others only by what the room says. */
function mark(world: Machines, client: Client, dev: string): void {
  world.checker.facts.copied(dev);
  client.copyOf = world.random.chance(0.5) ? dev : undefined;
}
