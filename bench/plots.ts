import { type Chart, draw, type Series } from './chart.ts';
import { titles } from './report.ts';
import type { ServerName } from './servers.ts';

type Row = Record<string, unknown> & { name?: ServerName; members?: number };
type Found = Record<string, Row[]>;

/** The pictures of docs/performance.md, by name: of what was measured so far. */
export function plots(found: Found): Record<string, string> {
  const all = Object.entries(charts(found));
  const drawn = all.filter(([, { series }]) => series.some(({ points }) => points.length > 0));
  return Object.fromEntries(drawn.map(([name, chart]) => [name, draw(chart)]));
}

function charts(found: Found): Record<string, Chart> {
  const [throughput = [], latency = [], presence = []] = [found.throughput, found.latency, found.presence];
  return {
    throughput: {
      title: 'What a delivery costs the server, as fast as it goes',
      x: 'members in the room',
      y: 'µs of a processor',
      isLog: { x: true, y: true },
      series: byName(
        throughput.filter(({ us }) => us !== undefined),
        ({ us }) => us,
      ),
    },
    latency: {
      title: 'From the moment a line is to be said until others have it',
      x: 'part of the most that the room can do',
      y: 'ms',
      isLog: { x: false, y: true },
      series: [10, 100, 1_000].flatMap((members) =>
        (['p50', 'p99'] as const).map((quantile) => ({
          name: `${members.toLocaleString('en-US')} members, ${quantile}`,
          points: latency
            .filter((row) => row.members === members)
            .map(({ part, others }) => [Number(part), Number((others as Record<string, number>)[quantile])] as const),
        })),
      ),
    },
    joins: {
      title: 'What it costs the server when so many come at once',
      x: 'members who come',
      y: 'seconds of a processor',
      isLog: { x: false, y: false },
      series: byName(presence, ({ joinsCpu }) => joinsCpu),
    },
    memory: {
      title: 'Memory of the server with so many members',
      x: 'members who are there',
      y: 'MiB',
      isLog: { x: false, y: false },
      series: byName(
        presence.filter(({ kibEach }) => kibEach !== undefined),
        ({ members = 0, emptyMib, kibEach }) => Number(emptyMib) + (members * Number(kibEach)) / 1_024,
      ),
    },
  };
}

function byName(rows: readonly Row[], value: (row: Row) => unknown): Series[] {
  const names = [...new Set(rows.map(({ name }) => name))];
  return names.map((name) => ({
    name: name && name in titles ? titles[name] : String(name),
    points: rows.filter((row) => row.name === name).map((row) => [row.members ?? 0, Number(value(row))] as const),
  }));
}
