import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { context } from 'zeromq';
import { newPerson, type RoomAt, SmallMember } from '../support/small-member.ts';
import { Server } from './closed-room.ts';
import { printTimes } from './times.ts';

/*
 * `npm run bench:doors`: what encryption costs the server, in one run with an open room: CPU of all its threads for each delivery,
 * with the handshake and the join of each member, and memory for each of them. The members live in another process.
 */

const rounds = { 10: 200, 100: 100, 1000: 30 };
const text = 'a line of some length, as people write them to each other in a room, and then some more words'.repeat(2);

if (process.argv[2] === 'members') await members(JSON.parse(process.argv[3] ?? ''), Number(process.argv[4]));
else {
  await printTimes();
  await compare();
}

async function members(at: RoomAt, count: number): Promise<void> {
  // One for each, and some for its events.
  context.maxSockets = 4 * count + 100;
  const all = Array.from({ length: count }, () => new SmallMember(at));
  await once(process, 'message');
  for (const member of all) await member.enter();
  process.send?.('entered');
  process.on('message', () => process.send?.(all.reduce((sum, { read }) => sum + read, 0)));
}

async function compare(): Promise<void> {
  console.log('members  door    us a delivery  deliveries  ms CPU a join  KiB a member');
  for (const [count, messages] of Object.entries(rounds))
    for (const isSecure of [false, true, false, true]) await measure(Number(count), messages, isSecure);
  process.exit();
}

async function measure(count: number, messages: number, isSecure: boolean): Promise<void> {
  // Without a list: who it admits costs nothing more.
  const server = await Server.start(isSecure);
  const { at } = server;
  const file = fileURLToPath(import.meta.url);
  const child = fork(file, ['members', JSON.stringify(at), String(count)], { execArgv: ['--import', 'tsx'] });
  await delay(1_500);
  const [joinCpuMs, joinMb] = [server.cpuMs, server.memoryMb];
  child.send('enter');
  await once(child, 'message');
  const [joined, mb] = [server.cpuMs - joinCpuMs, server.memoryMb - joinMb];
  const speaker = new SmallMember(at, newPerson());
  await speaker.enter();
  const before = server.cpuMs;
  for (let i = 0; i < messages; i++) {
    void speaker.say(`${text} ${i}`);
    while (speaker.missing > 0) await delay(2);
  }
  const read = await readBy(child, messages * count);
  const cpuMs = server.cpuMs - before;
  const cells = [(1_000 * cpuMs) / (messages * (count + 1)), read, joined / count, (1_024 * mb) / count];
  const [us = 0, deliveries = 0, join = 0, kib = 0] = cells.map(Number);
  console.log(
    `${String(count).padStart(7)}  ${isSecure ? 'secure' : 'open  '}  ${us.toFixed(1).padStart(13)}  ${String(deliveries).padStart(10)}  ${join.toFixed(2).padStart(13)}  ${kib.toFixed(0).padStart(12)}`,
  );
  speaker.close();
  child.kill();
  await server.end();
}

/** Waits until the members have read so much. */
async function readBy(child: ChildProcess, wanted: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    child.send('how many');
    const [read] = await once(child, 'message');
    if (Number(read) >= wanted || tries === 100) return Number(read);
    await delay(500);
  }
}
