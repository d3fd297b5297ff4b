import type { Place } from '../../src/core/log/store.ts';
import type { MemoryStore } from '../../src/history/memory.ts';

/** What a disk may do to a place. */
export const damages: Record<string, (place: Place) => Place | undefined> = {
  'another text': (place) => ({
    ...place,
    ...(place.message && { message: { ...place.message, text: 'rotten', words: undefined } as never }),
  }),
  'another id': (place) => ({
    ...place,
    ...(place.message && { message: { ...place.message, id: { dev: 'rotten', n: 1 } } }),
  }),
  'another hash': (place) => ({ ...place, hash: `${place.hash}x` }),
  'another hash before': (place) => ({ ...place, prev: `${place.prev}x` }),
  'no message': ({ message: _, ...place }) => place,
  'no row': () => undefined,
};

const rotten = new WeakMap<MemoryStore, Map<number, string>>();

/** From now on the store gives back something else at this place, until the place is written anew. */
export function rot(store: MemoryStore, seq: number, damage: string): void {
  (rotten.get(store) ?? wrap(store)).set(seq, damage);
}

function wrap(store: MemoryStore): Map<number, string> {
  const places = new Map<number, string>();
  rotten.set(store, places);
  const read = store.read.bind(store);
  const apply = store.apply.bind(store);
  store.read = (from, limit) =>
    read(from, limit).flatMap((place) => {
      const damage = places.get(place.seq);
      return damage === undefined ? place : (damages[damage]?.(place) ?? []);
    });
  store.apply = (change) => {
    apply(change);
    if (change.restart) places.clear();
    for (const { seq } of change.mended ?? []) places.delete(seq);
  };
  return places;
}

/** Places that give back something else. */
export const rottenIn = (store: MemoryStore): ReadonlyMap<number, string> => rotten.get(store) ?? new Map();
