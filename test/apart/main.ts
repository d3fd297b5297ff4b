import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Run } from '../chaos/checker.ts';
import { Program } from '../chaos/fleet.ts';
import { dist } from '../support/dist.ts';
import { quantile } from '../support/small-member.ts';
import { count } from './counted.ts';

/*
 * npm run bench:apart [-- --members 100]: what talk without the server costs. First in simulated time, frame by frame; then with
 * real programs on this machine, whose server is killed.
 */
const at = process.argv.indexOf('--members');
const members = at === -1 ? 100 : Number(process.argv[at + 1]);
const atOnce = 10;
const lines = 100;

simulate();
await measure();

function simulate(): void {
  console.log(
    'members  links of each  frames a message  words a member hears each  bytes a message  uploads a message',
  );
  for (const [people, lost] of [
    [5, 0],
    [20, 0],
    [members, 0],
    [members, Math.ceil(members / 5)],
  ] as const) {
    const { messages, links, said, all, bytes, uploaded, inLog } = count(people, 2, lost);
    if (inLog !== messages) throw new Error(`${messages} were said, and ${inLog} are in the log`);
    const spread = `${Math.min(...links)}–${Math.max(...links)}, ${(sum(links) / people).toFixed(1)}`;
    const each = [all / messages, said / messages / people, bytes / messages, uploaded / messages];
    const cells = each.map((one, i) => (i === 2 ? Math.round(one) : one.toFixed(1)));
    console.log([`${people}${lost > 0 ? `, of whom ${lost} never come back` : ''}`, spread, ...cells].join('  '));
  }
}

async function measure(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'zmqchat-apart-'));
  const place = ['--port', '9631', '--ip', '127.0.0.1', '--json'];
  const program = (kind: string, name: string, ...more: string[]) => {
    const args = [join(dist, `${kind}.js`), ...place, '--name', name, '--data-dir', join(home, name), ...more];
    return new Program(
      name,
      home,
      () => args,
      () => new Run(name, name, 0),
    );
  };
  const server = program('server', 'room', '--max-clients', '3000');
  const clients = Array.from({ length: members }, (_, i) => program('client', `m${i}`, '--listen'));
  const all = [server, ...clients];
  try {
    const listens = server.says(({ type }) => type === 'listening', 'listening');
    server.start();
    await listens;
    for (let from = 0; from < members; from += atOnce) {
      const some = clients.slice(from, from + atOnce);
      for (const client of some) client.start();
      await Promise.all(some.map((client) => client.isOnline(60_000)));
    }
    // Until all have the list of all.
    await sleep(12_000);
    const before = used(clients);
    await sleep(10_000);
    const idle = used(clients);
    await server.kill();
    await sleep(10_000);
    const linked = used(clients);
    const tookMs: number[] = [];
    for (let line = 0; line < lines; line++) {
      const author = clients[line % members] as Program;
      const fromMs = performance.now();
      author.type(`line ${line}`);
      const heard = async (client: Program) => {
        await client.shows(`line ${line}`);
        tookMs.push(performance.now() - fromMs);
      };
      await Promise.all(clients.filter((client) => client !== author).map(heard));
      await sleep(50);
    }
    const talked = used(clients);
    const near = clients.map(({ name }) => nearOf(join(home, `${name}.1.jsonl`)));
    const cpu = (from: Used, to: Used, per: number) => ((to.cpuMs - from.cpuMs) / members / per).toFixed(2);
    const spread = `${Math.min(...near)}–${Math.max(...near)} others, ${(sum(near) / members).toFixed(1)} on average`;
    const [p50, p99] = [0.5, 0.99].map((part) => quantile(tookMs, part).toFixed(0));
    console.log(`${members} programs on one machine: near ${spread}`);
    console.log(
      `  CPU of a member: ${cpu(before, idle, 10)} ms a second at rest; without the server ${cpu(linked, talked, lines)} ms for each line`,
    );
    console.log(
      `  memory of a member: ${idle.mb.toFixed(1)} MB with the server, ${talked.mb.toFixed(1)} MB after ${lines} lines without`,
    );
    console.log(`  a line is with each of the others: p50 ${p50} ms, p99 ${p99} ms`);
  } finally {
    await Promise.all(all.map((each) => each.kill()));
    rmSync(home, { recursive: true, force: true });
  }
}

/** How many others it has told last to be near. */
function nearOf(transcript: string): number {
  const lines = readFileSync(transcript, 'utf8').trimEnd().split('\n');
  const last = lines.findLast((line) => line.startsWith('{"type":"near"'));
  return last ? JSON.parse(last).names.length : 0;
}

type Used = { cpuMs: number; mb: number };
function used(programs: readonly Program[]): Used {
  const cpuMs = programs.map(({ pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return 10 * (Number(stat[11]) + Number(stat[12]));
  });
  const mb = programs.map(
    ({ pid }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
  );
  return { cpuMs: sum(cpuMs), mb: sum(mb) / programs.length };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
