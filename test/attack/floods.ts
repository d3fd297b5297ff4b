import { flood, ways } from '../flood/flood.ts';
import { type Attack, brokenOf, percentile, share } from './attack.ts';

/** Members that send as much as their sockets take. Nothing of the others is lost or late, and nobody is sent away for it. */
export const floods: Attack[] = ways.map((way) => ({
  name: `floods: ${way}`,
  target: 'a quiet member: p50 below 10 ms, p99 at most 3 times that before, or 25 ms; all piped lines arrive',
  async run(_, times) {
    const [flooders, ms] = [times === 1 ? 3 : 1, Math.max(5_000 * times, 500)];
    // As many as the room takes in a minute and a half.
    const lines = share(way === 'short texts' ? 10_000 : 300, times);
    const found = await flood(way, { ms, flooders, piped: lines });
    const [quiet, p50, p99] = [
      percentile(found.before, 0.99),
      ...[0.5, 0.99].map((q) => percentile(found.meanwhile, q)),
    ];
    const facts = {
      'each of its words came back': found.missing === 0,
      'once, and in its order': found.wrong === 0,
      'it need not join again': found.rejoins === 0,
      'all piped lines arrive': found.piped.code === 0,
      'p50 below 10 ms': times < 1 || Number(p50) < 10,
      'p99 at most 3 times that before, or 25 ms': times < 1 || Number(p99) <= Math.max(3 * Number(quiet), 25),
    };
    return {
      tried: `${flooders} at once, ${found.sent.reduce((sum, count) => sum + count, 0)} frames taken by their sockets`,
      measured:
        `p99 before ${quiet} ms, meanwhile p50/p99 ${p50}/${p99} ms of ${found.meanwhile.length} words; ` +
        `${lines} piped lines: exit ${found.piped.code} after ${(found.piped.ms / 1_000).toFixed(1)} s; ` +
        `server ${found.cpuMs} ms CPU, memory ${found.memoryMb.join(' to ')} MB`,
      broken: brokenOf(facts),
    };
  },
}));
