import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { crowd } from './crowd.ts';
import { handshakeCost } from './handshake.ts';
import { type Load, load, type Measured } from './load.ts';
import { kinds, lineThrough, median, perDelivery, perMessage, unlimited } from './report.ts';
import { folder, newData, peers, type Running, type ServerName, start } from './servers.ts';

/** One part of what `npm run bench` measures: rows that are alike. docs/performance.md says how to read them. */
export type Section = { name: string; measure(dist: string): AsyncGenerator<object> };
type Wishes = Omit<Load, 'kind'>;

const all: readonly ServerName[] = ['ours', ...peers];
const rounds = 3;
/** So many messages to so many members take each server a second or two. */
const messagesFor = (name: ServerName, members: number): number => {
  const isSlow = name === 'straight' || name === 'ws';
  const deliveries = name === 'ours' ? 4_000_000 : isSlow ? 300_000 : 1_500_000;
  return Math.max(Math.min(Math.round(deliveries / members), 40_000), 200);
};

async function run(
  name: ServerName,
  dist: string,
  wishes: Wishes,
  ...options: string[]
): Promise<Measured | undefined> {
  const server = await start(name, { dist, options: [...unlimited, ...options] });
  if (!server) return undefined;
  try {
    return await load(server, { kind: kinds[name], ...wishes });
  } finally {
    await server.stop();
  }
}

/** Half as many before: until Node has compiled what it runs, that is what would be measured. */
const warmed = (messages: number) => ({ messages, warmUp: Math.round(messages / 2) });
const busy = ({ otherCpu, seconds }: Measured): number => Number((otherCpu / seconds).toFixed(2));
const rounded = (value: number, digits = 3): number => Number(value.toPrecision(digits));

/** The median of some runs, and how far apart they were. */
async function saturated(name: ServerName, dist: string, wishes: Wishes, ...options: string[]) {
  const found: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    const measured = await run(name, dist, wishes, ...options);
    if (measured) found.push(measured);
  }
  const [first] = found;
  if (!first) return undefined;
  const each = found.map(perDelivery);
  return {
    us: rounded(median(each)),
    least: rounded(Math.min(...each)),
    most: rounded(Math.max(...each)),
    usPerMessage: rounded(median(found.map(perMessage))),
    messagesPerSecond: Math.round(median(found.map(({ messages, seconds }) => messages / seconds))),
    bytes: Math.round(first.bytes / first.deliveries),
    othersBusy: Math.max(...found.map(busy)),
  };
}

async function* throughput(dist: string) {
  const costs: [members: number, usPerMessage: number][] = [];
  for (const members of [2, 10, 100, 1_000, 5_000])
    for (const name of members > 1_000 ? (['ours'] as const) : all) {
      const found = await saturated(name, dist, { members, ...warmed(messagesFor(name, members)) });
      if (found && name === 'ours') costs.push([members, found.usPerMessage]);
      if (found) yield { name, members, ...found };
    }
  const { a, b } = lineThrough(costs);
  yield { name: 'a message costs a + b for each member, in µs', a: rounded(a), b: rounded(b) };
}

async function* texts(dist: string) {
  for (const members of [10, 100, 1_000])
    for (const [textBytes, isAscii] of [
      [20, true],
      [80, true],
      [80, false],
      [1_000, true],
    ] as const) {
      const messages = messagesFor('ours', members) / (textBytes > 500 ? 4 : 1);
      yield {
        members,
        textBytes,
        isAscii,
        ...(await saturated('ours', dist, { members, textBytes, isAscii, ...warmed(messages) })),
      };
    }
}

/** What else may be asked of the room, at 100 members. */
async function* variants(dist: string) {
  const members = 100;
  const wishes = { members, ...warmed(20_000) };
  yield { name: 'as it is', ...(await saturated('ours', dist, wishes)) };
  yield { name: 'signatures are fetched', ...(await saturated('ours', dist, { ...wishes, signatures: true })) };
  yield { name: '--no-history', ...(await saturated('ours', dist, wishes, '--no-history')) };
  for (const [name, server] of [
    ['originals alone', 'ours'],
    ['originals, straight loop', 'straight'],
  ] as const) {
    const found: Measured[] = [];
    for (let round = 0; round < rounds; round++) {
      const running = await start(server, { dist, options: unlimited });
      if (running) found.push(await load(running, { kind: 'original', members, ...warmed(4_000) }));
      await running?.stop();
    }
    yield { name, us: rounded(median(found.map(perDelivery))), othersBusy: Math.max(...found.map(busy)) };
  }
}

/** The same members, on ZeroMQ itself, at an open and at an encrypted door. */
async function* doors(dist: string) {
  for (let round = 0; round < rounds; round++)
    for (const isSecure of [false, true]) {
      const server = await start('ours', { dist, options: [...unlimited, ...(isSecure ? ['--secure'] : [])] });
      if (!server) return;
      const wishes = {
        kind: 'room' as const,
        members: 100,
        senders: 10,
        messages: 2_000,
        underWay: 200,
        textBytes: 80,
      };
      const { cpu, deliveries, joinsCpu } = await crowd(server, { ...wishes, isSecure });
      await server.stop();
      yield { isSecure, us: rounded((1e6 * cpu) / deliveries), msPerJoin: rounded((1e3 * joinsCpu) / wishes.members) };
    }
}

/** A few lines a second, as people write, each from the moment when it was to be said. */
async function* atLeisure(dist: string) {
  for (const name of ['ours', 'straight', 'loop', 'ngircd'] as const) {
    const found = await run(name, dist, { task: 'rate', members: 100, rate: 50, messages: 1_500, warmUp: 500 });
    if (found)
      yield {
        name,
        rate: 50,
        us: rounded(perDelivery(found)),
        others: found.others,
        own: found.own,
        othersBusy: busy(found),
      };
  }
  yield { name: 'a commit alone', ms: rounded(await commitMs(dist)) };
}

/** From an upload until its author reads it, alone in the room, less the same without a disk. */
async function commitMs(dist: string): Promise<number> {
  const wishes: Wishes = { task: 'rate', members: 1, senders: 1, rate: 50, messages: 500, warmUp: 100 };
  const [kept, unkept] = [await run('ours', dist, wishes), await run('ours', dist, wishes, '--no-history')];
  return (kept?.own?.p50 ?? 0) - (unkept?.own?.p50 ?? 0);
}

async function* latency(dist: string) {
  for (const members of [10, 100, 1_000]) {
    const most = await run('ours', dist, { members, ...warmed(messagesFor('ours', members)) });
    for (const part of [0.1, 0.5, 0.9]) {
      const rate = Math.round((part * (most?.messages ?? 0)) / (most?.seconds ?? 1));
      const messages = Math.min(5 * rate, Math.round(3_000_000 / members));
      const found = await run('ours', dist, {
        task: 'rate',
        members,
        rate,
        messages,
        warmUp: Math.round(messages / 5),
      });
      if (found) yield { members, part, rate, own: found.own, others: found.others, othersBusy: busy(found) };
    }
  }
}

/** Who comes, and is there, and says nothing. */
async function* presence(dist: string) {
  for (const members of [1, 100, 500, 1_000, 2_000, 5_000])
    for (const name of ['ours', 'straight', 'loop'] as const) {
      const found = await run(name, dist, { task: 'idle', members, seconds: 5 });
      if (!found) continue;
      const { emptyKib, kib, joinsCpu, joinsSeconds, cpu, seconds } = found;
      const cost = {
        joinsCpu: rounded(joinsCpu),
        joinsSeconds: rounded(joinsSeconds),
        idleCpu: rounded(cpu / seconds),
      };
      yield {
        name,
        members,
        emptyMib: rounded(emptyKib / 1_024),
        kibEach: rounded((kib - emptyKib) / members),
        ...cost,
      };
    }
  for (const members of [1_000, 5_000])
    for (const [name, areHeard] of [
      ['cryptography of joins', false],
      ['cryptography of joins, and of the first words', true],
    ] as const)
      yield { name, members, joinsCpu: rounded(handshakeCost(members, areHeard)) };
}

/** A log of so many messages, kept in a folder. */
async function filled(dist: string, messages: number): Promise<string> {
  const data = newData();
  const server = await start('ours', { dist, options: [...unlimited, '--history-limit', '2000000'], data });
  await load(server as Running, { kind: 'room', members: 10, messages, underWay: 2_000 });
  await server?.stop('SIGINT');
  return data;
}

async function* replay(dist: string) {
  const messages = 100_000;
  const data = await filled(dist, messages);
  for (const members of [1, 10])
    for (let round = 0; round < rounds; round++) {
      const server = await start('ours', { dist, options: unlimited, data });
      const wishes: Load = { kind: 'room', task: 'replay', members, history: messages };
      const { seconds, deliveries, cpu } = await load(server as Running, wishes);
      await server?.stop();
      yield { members, perSecond: Math.round(deliveries / seconds), usEach: rounded((1e6 * cpu) / deliveries) };
    }
}

/** All come back at once, and read what they have missed. */
async function* restart(dist: string) {
  for (const members of [200, 1_000]) {
    const options = { dist, options: unlimited, data: newData() };
    let server = (await start('ours', options)) as Running;
    const again = async () => {
      await server.stop('SIGINT');
      server = (await start('ours', { ...options, port: server.port })) as Running;
      return server;
    };
    const found = await load(server, { kind: 'room', task: 'restart', members, messages: 1_000, restart: again });
    await server.stop();
    yield { members, missed: 1_000, seconds: rounded(found.seconds), cpu: rounded(found.cpu) };
  }
}

async function* starting(dist: string) {
  for (const messages of [0, 100_000, 1_000_000]) {
    const data = messages > 0 ? await filled(dist, messages) : newData();
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const from = performance.now();
      const server = await start('ours', { dist, options: [...unlimited, '--history-limit', '2000000'], data });
      times.push(performance.now() - from);
      await server?.stop('SIGINT');
    }
    yield { messages, ms: Math.round(median(times)) };
  }
}

/** The programs' own start, beside that of Node, one after the other in each round; all in ms of wall time. */
async function* programs(dist: string) {
  const helps = ['server', 'client', 'p2p'].map((name) => ({ name, args: [join(dist, `${name}.js`), '--help'] }));
  const starts = [
    { program: 'node -e 0', start: () => msOf(['-e', '0']) },
    ...helps.map(({ name, args }) => ({ program: `${name} --help`, start: () => msOf(args) })),
    { program: 'client, first words', start: () => firstWordsMs(dist) },
  ].map((each) => ({ ...each, took: [] as number[] }));
  for (let round = 0; round < 15; round++) for (const { start, took } of starts) took.push(await start());
  const [bare = Number.NaN] = starts.map(({ took }) => median(took));
  for (const { program, took } of starts)
    yield { program, ms: rounded(median(took)), timesNode: rounded(median(took) / bare) };
}
function msOf(args: string[]): number {
  const from = performance.now();
  spawnSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - from;
}
/** Where nobody answers: what it says first is that it waits. */
async function firstWordsMs(dist: string): Promise<number> {
  const data = join(folder, 'person');
  mkdirSync(data, { recursive: true });
  const args = [
    join(dist, 'client.js'),
    '--name',
    'bench',
    '--ip',
    '127.0.0.1',
    '--port',
    '9',
    '--data-dir',
    data,
    '--listen',
  ];
  const from = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
  const ms = performance.now() - from;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return ms;
}

export const sections: readonly Section[] = [
  { name: 'throughput', measure: throughput },
  { name: 'texts', measure: texts },
  { name: 'variants', measure: variants },
  { name: 'doors', measure: doors },
  { name: 'atLeisure', measure: atLeisure },
  { name: 'latency', measure: latency },
  { name: 'presence', measure: presence },
  { name: 'replay', measure: replay },
  { name: 'restart', measure: restart },
  { name: 'starting', measure: starting },
  { name: 'programs', measure: programs },
];
