import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newPerson, SmallMember } from '../support/small-member.ts';
import { Server } from './closed-room.ts';

/* `npm run bench:doors` prints these times first: a key on and off the list, and a server that closes its doors under clients. */

const members = 100;
const clients = 10;

export async function printTimes(): Promise<void> {
  for (const isHurried of [false, true]) await revoke(isHurried);
  await close();
}

/** Off the list and on it again, by the server's own look and by SIGHUP. */
async function revoke(isHurried: boolean): Promise<void> {
  const people = Array.from({ length: members }, newPerson);
  const server = await Server.start(true, people);
  const all = people.map((person) => new SmallMember(server.at, person));
  for (const member of all) await member.enter();
  await delay(1_000);
  const [removed, ...rest] = all;
  const startMs = performance.now();
  const since = () => Math.round(performance.now() - startMs);
  server.admit(people.slice(1), isHurried);
  while (removed?.disconnects === 0) await delay(1);
  const outMs = since();
  while (!rest.every(({ disconnects, isIn }) => disconnects > 0 && isIn)) await delay(1);
  console.log(
    `${isHurried ? 'SIGHUP' : 'list changed'}: out after ${outMs} ms, the ${rest.length} others back after ${since()} ms, ${removed?.isIn ? 'BUT IN AGAIN' : 'and it is not in'}`,
  );
  const againMs = performance.now();
  server.admit(people, isHurried);
  for (let isIn = false; !isIn; ) {
    const again = new SmallMember(server.at, people[0]);
    isIn = await Promise.race([again.enter().then(() => true), delay(100, false)]);
    again.close();
  }
  console.log(`    added again: in after ${Math.round(performance.now() - againMs)} ms, whoever dials each 100 ms`);
  for (const member of all) member.close();
  await server.end();
}

/** Clients wait in pipes; their server was open, and comes back with closed doors. */
async function close(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'zmqchat-times-'));
  const data = ['--data-dir', join(home, 'server'), '--ip', '127.0.0.1', '--json'];
  const open = start('server', ['--port', '0', ...data]);
  const { port } = await open.says('listening');
  const waiting = Array.from({ length: clients }, (_, i) => {
    const place = ['--ip', '127.0.0.1', '--port', String(port), '--data-dir', join(home, 'client')];
    return start('client', [...place, '--name', `c${i}`, '--listen', '--json']);
  });
  for (const client of waiting) await client.says('online');
  open.child.kill();
  await once(open.child, 'exit');
  await delay(2_000);
  const startMs = performance.now();
  const closed = start('server', ['--port', String(port), '--secure', ...data]);
  await closed.says('listening');
  const listeningMs = performance.now();
  await Promise.all(waiting.map((client) => client.says('online')));
  const [started, back] = [listeningMs - startMs, performance.now() - listeningMs].map(Math.round);
  console.log(
    `open, now closed: the server needs ${started} ms; ${clients} waiting clients are back ${back} ms after that`,
  );
  for (const { child } of [...waiting, closed]) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
}

function start(program: string, args: string[]) {
  const file = fileURLToPath(new URL(`../../dist/${program}.js`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]();
  /** The next event of this type, or the next state. */
  async function says(what: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${program} has ended`);
      const event = JSON.parse(value);
      if (event.type === what || event.state === what) return event;
    }
  }
  return { child, says };
}
