import { count, token, type Value } from './values.ts';

/** Messages `from` … `to` of a device, one after the other. */
export type Run = { dev: string; from: number; to: number };

/** Most of them in one frame. */
export const maxRuns = 1_000;

/** `[[dev, from, to], …]` */
export const runs: Value<Run[]> = {
  write: (value) => value.map(({ dev, from, to }) => [dev, from, to]),
  read(json) {
    if (!Array.isArray(json) || json.length > maxRuns) return undefined;
    const read = json.map(readRun);
    return read.every((run) => run !== undefined) ? read : undefined;
  },
  isVital: true,
};

function readRun(json: unknown): Run | undefined {
  const [dev, from, to, ...more] = Array.isArray(json) ? json : [];
  const isRun = token.read(dev, {}) !== undefined && count.read(from, {}) && count.read(to, {}) && from <= to;
  return isRun && more.length === 0 ? { dev, from, to } : undefined;
}

const maxCounts = 256;
export const counts: Value<number[]> = {
  write: (value) => value,
  read(json) {
    const isList = Array.isArray(json) && json.length <= maxCounts;
    return isList && json.every((one) => count.read(one, {}) !== undefined) ? json : undefined;
  },
  isVital: true,
};
