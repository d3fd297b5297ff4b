import type { Place } from '../core/log/store.ts';
import { LogStore, type Places } from './log-store.ts';

/** A store that lives as long as the process. */
export class MemoryStore extends LogStore {
  constructor(log = '') {
    super(log, { entries: new PlaceMap(), marks: new Map(), owners: new Map(), pending: new Map() });
  }
}

class PlaceMap extends Map<number, Place> implements Places {
  read(from: number, to: number): Place[] {
    const places: Place[] = [];
    for (let seq = from; seq <= to; seq++) places.push(...[this.get(seq)].filter((place) => place !== undefined));
    return places;
  }

  trim(from: number, to: number): void {
    for (let seq = from; seq < to; seq++) this.delete(seq);
  }
}
