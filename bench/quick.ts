import { load, type Measured } from './load.ts';
import { kinds, perDelivery, perMessage, table, unlimited } from './report.ts';
import { type ServerName, start } from './servers.ts';

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
  const found = new Map<string, Measured>();
  const row = table('server', 'members', 'µs a delivery', 'µs a message', 'messages/s', 'others busy');
  for (const { name, members, messages } of cases) {
    const server = await start(name, { dist, options: unlimited });
    if (!server) {
      console.log(`${name}: is not on this machine`);
      continue;
    }
    const measured = await load(server, { kind: kinds[name], members, messages, warmUp: messages / 5 });
    await server.stop();
    found.set(`${name}@${members}`, measured);
    const { seconds, otherCpu } = measured;
    const [each, all] = [perDelivery(measured).toFixed(3), perMessage(measured).toFixed(1)];
    row(name, members, each, all, (messages / seconds).toFixed(0), (otherCpu / seconds).toFixed(2));
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
