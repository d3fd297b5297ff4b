import type { Measured } from './load.ts';
import type { Kind, ServerName } from './servers.ts';

/** Limits of how much one may say, and how many may come from one machine, are not what is measured. */
export const unlimited = ['--rate', '0', '--max-clients', '20000'];
export const kinds: Record<ServerName, Kind> = {
  ours: 'room',
  straight: 'original',
  loop: 'original',
  ngircd: 'irc',
  nats: 'nats',
  ws: 'ws',
};
export const titles: Record<ServerName, string> = {
  ours: 'chat-server',
  straight: 'straight ROUTER loop, Node',
  loop: 'C loop on libzmq',
  ngircd: 'ngircd',
  nats: 'NATS',
  ws: 'ws broadcast, Node',
};

/** Microseconds of the server's processor for each message that somebody got, and for each that was said. */
export const perDelivery = ({ cpu, deliveries }: Cost): number => (1e6 * cpu) / deliveries;
export const perMessage = ({ cpu, messages }: Cost): number => (1e6 * cpu) / messages;
export type Cost = Pick<Measured, 'cpu' | 'deliveries' | 'messages' | 'seconds'>;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** The line a + b·x that goes best through all points, each weighed by how near to it the line should be: by its own size. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): { a: number; b: number } {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / y ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const b = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { a: (wy - b * wx) / w, b };
}

/** Prints rows below each other as they come. */
export function table(...columns: readonly string[]): (...cells: readonly (string | number)[]) => void {
  const widths = columns.map((column) => Math.max(column.length, 9) + 2);
  const row = (...cells: readonly (string | number)[]) =>
    console.log(
      cells
        .map((cell, i) => `${cell}`.padEnd(widths[i] ?? 0))
        .join('')
        .trimEnd(),
    );
  row(...columns);
  return row;
}
