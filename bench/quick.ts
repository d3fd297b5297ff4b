import { crowd } from './crowd.ts';
import { canCompile, load } from './load.ts';
import { type Cost, kinds, perDelivery, perMessage, table, unlimited } from './report.ts';
import { type Kind, type Running, type ServerName, start } from './servers.ts';

/** So many messages to so many members: a few seconds of each server. */
const cases: { name: ServerName; members: number; messages: number }[] = [
  { name: 'ours', members: 10, messages: 40_000 },
  { name: 'straight', members: 10, messages: 20_000 },
  { name: 'ours', members: 100, messages: 20_000 },
  { name: 'straight', members: 100, messages: 4_000 },
  { name: 'loop', members: 100, messages: 20_000 },
  { name: 'ngircd', members: 100, messages: 20_000 },
  { name: 'ours', members: 1_000, messages: 4_000 },
  { name: 'straight', members: 1_000, messages: 300 },
];

/** In less than a minute; the last line is one JSON object. */
export async function quick(dist: string): Promise<void> {
  const found = new Map<string, Cost>();
  if (!canCompile())
    console.log('There is no compiler: members on Node are what limits, and peers of other protocols are left out.');
  const row = table('server', 'members', 'µs a delivery', 'µs a message', 'messages/s', 'others busy');
  for (const { name, members, messages } of cases) {
    const server = await start(name, { dist, options: unlimited });
    if (!server) {
      console.log(`${name}: is not on this machine`);
      continue;
    }
    const [cost, busy = ''] = await measure(server, kinds[name], members, messages);
    await server.stop();
    if (!cost) continue;
    found.set(`${name}@${members}`, cost);
    const [each, all] = [perDelivery(cost).toFixed(3), perMessage(cost).toFixed(1)];
    row(name, members, each, all, (cost.messages / cost.seconds).toFixed(0), busy);
  }
  const ratio = (other: ServerName, members: number) => {
    const [ours, theirs] = [found.get(`ours@${members}`), found.get(`${other}@${members}`)];
    return ours && theirs && Number((perDelivery(ours) / perDelivery(theirs)).toFixed(3));
  };
  const ratios = {
    'cpu/ngircd@100': ratio('ngircd', 100),
    'cpu/cloop@100': ratio('loop', 100),
    'cpu/naive@10': ratio('straight', 10),
    'cpu/naive@100': ratio('straight', 100),
    'cpu/naive@1000': ratio('straight', 1_000),
  };
  console.log(JSON.stringify({ ratios }));
}

/** What it cost, and how many processors other programs had meanwhile. */
async function measure(server: Running, kind: Kind, members: number, messages: number): Promise<[Cost?, string?]> {
  if (canCompile()) {
    const measured = await load(server, { kind, members, messages, warmUp: messages / 2 });
    return [measured, (measured.otherCpu / measured.seconds).toFixed(2)];
  }
  if (kind !== 'room' && kind !== 'original') return [];
  const few = { members, senders: 10, messages: Math.ceil(messages / 20), underWay: 200, textBytes: 80 };
  return [await crowd(server, { kind, ...few }), '?'];
}
