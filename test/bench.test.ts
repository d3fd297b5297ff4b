import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { Router } from 'zeromq';
import { draw } from '../bench/chart.ts';
import { load } from '../bench/load.ts';
import { lineThrough } from '../bench/report.ts';
import { type Running, start } from '../bench/servers.ts';
import { dist } from './support/dist.ts';

/*
 * What measures checks all that comes: a figure for a room that loses something is none. It is compiled on the spot.
 */

const canCompile = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
const few = { members: 4, senders: 2, messages: 100, settleMs: 50 };

describe.skipIf(!canCompile)('the load', () => {
  test('finds a room in order, and says what it took', async () => {
    const server = (await start('ours', { dist })) as Running;
    ends.push(() => server.stop());
    const measured = await load(server, { kind: 'room', ...few, signatures: true, isAscii: false });
    expect(measured).toMatchObject({ members: 4, messages: 100, deliveries: 400 });
    expect(measured.cpu).toBeGreaterThan(0);
  });

  test('says when each line was there, from when it was to be said', async () => {
    const server = (await start('ours', { dist })) as Running;
    ends.push(() => server.stop());
    const { own, others } = await load(server, { kind: 'room', task: 'rate', rate: 500, ...few });
    expect([own?.count, others?.count]).toEqual([100, 300]);
    expect(others?.p50).toBeGreaterThan(0);
  });

  const wrongs: [what: string, say: (n: number, last: string[]) => string[]][] = [
    ['nothing wrong', (_n, last) => last.slice(-1)],
    ['a lost message', (n, last) => (n === 50 ? [] : last.slice(-1))],
    ['a double', (n, last) => [...(n === 50 ? last.slice(-1) : []), ...last.slice(-1)]],
    ['two in another order', (n, last) => (n === 50 ? [] : n === 51 ? last.slice(-2).reverse() : last.slice(-1))],
    ['other words', (n, last) => last.slice(-1).map((text) => (n === 50 ? text.replace('$', 'x$') : text))],
    ['as many other letters', (n, last) => last.slice(-1).map((text) => (n === 50 ? text.replace('x$', 'y$') : text))],
    ['the last one again', (n, last) => (n === 90 ? [...last.slice(-1), ...last.slice(-1)] : last.slice(-1))],
  ];
  test.each(wrongs)('of one author, from a server that sends %s', async (what, say) => {
    const server = await sends(say);
    const measured = load(server, { kind: 'original', ...few, senders: 1, messages: 90, underWay: 90 });
    if (what === 'nothing wrong') expect(await measured).toMatchObject({ deliveries: 270 });
    else await expect(measured).rejects.toThrow('ended with 2');
  });
});

/** A server that sends what `say` makes of each message and those before it to all others. */
async function sends(say: (n: number, last: string[]) => string[]): Promise<Running> {
  const socket = new Router({ linger: 0 });
  await socket.bind('tcp://127.0.0.1:*');
  const port = Number(socket.lastEndpoint?.split(':').at(-1));
  ends.push(() => socket.close());
  const members = new Map<string, Buffer>();
  const last: string[] = [];
  const serve = async () => {
    for await (const [id, text] of socket) {
      if (!id || !text) continue;
      const from = id.toString('latin1');
      if (JSON.parse(text.toString()).auth === 1) members.set(from, id);
      else {
        last.push(text.toString());
        for (const words of say(last.length, last))
          for (const [to, id] of members) if (to !== from) await socket.send([id, words]);
      }
    }
  };
  void serve().catch(() => {});
  return { pid: process.pid, port, stop: async () => {} };
}

test('a fit finds the line that points lie on', () => {
  const { a, b } = lineThrough([2, 10, 100, 5_000].map((x) => [x, 25 + 0.3 * x] as const));
  expect(a).toBeCloseTo(25, 6);
  expect(b).toBeCloseTo(0.3, 6);
});

test('a chart has its lines, its ticks and its names', () => {
  const series = [
    { name: 'ours', points: [[10, 1.5] as const, [1_000, 0.2] as const] },
    { name: 'a < b', points: [[10, 6] as const, [100, 3] as const] },
  ];
  const svg = draw({ title: 't', x: 'members', y: 'µs', isLog: { x: true, y: true }, series });
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b');
  for (const tick of ['>10<', '>1,000<', '>0.2<', '>10<']) expect(svg).toContain(tick);
  expect(svg).not.toContain('NaN');
});
