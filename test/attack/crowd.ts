import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, Stage } from '../support/command.ts';
import { brokenOf, type Outcome, percentile } from './attack.ts';
import { Member } from './member.ts';

const names = ['ana', 'bo', 'cy'];
/** Longest time between bytes that a connection has for its handshake (transport/sockets.ts), and some more. */
const handshakeMs = 4_000;

/**
 * A room whose members talk while somebody does something to it. What must hold of every attack is asked here: they hear each
 * other, once and in one order, nobody is told to join again, nobody else is heard, and nothing of it stays behind.
 */
export async function besieged(
  stage: Stage,
  times: number,
  attack: (port: number) => Promise<string>,
): Promise<Outcome> {
  const { server, port } = await stage.server('--name', 'room', '--log-level', 'error');
  const members = await Promise.all(names.map((name) => Member.join(port, name)));
  for (const member of members) stage.keep(member);
  const quiet = await phase(members, sleep(3_000 * times));
  const before = usedBy(server);
  const attacked = attack(port);
  const during = await phase(members, attacked);
  const tried = await attacked;
  if (times === 1) await sleep(handshakeMs);
  const after = usedBy(server);
  const heard = await allHear(members);
  const facts = {
    'the server is there': !server.ended,
    'everybody hears everybody': heard,
    'each text once, in one order for all': isOneOrder(members),
    'nobody else is heard': members.every(({ texts }) =>
      texts.every((text) => names.includes(text.split(' ')[0] ?? '')),
    ),
    'nobody must join again': members.every(({ rejoins }) => rejoins === 0),
    'no descriptor stays open': times < 1 || after.descriptors <= before.descriptors,
    'p99 at most twice that of the quiet phase, or 25 ms': times < 1 || during.p99 <= Math.max(2 * quiet.p99, 25),
  };
  const measured =
    `members' p50/p99 ms: quiet ${quiet.p50}/${quiet.p99}, attacked ${during.p50}/${during.p99}, ${during.count} texts; ` +
    `descriptors ${before.descriptors} to ${after.descriptors}, memory ${before.memory} to ${after.memory} MB`;
  return { tried, measured, broken: brokenOf(facts) };
}

async function phase(members: Member[], until: Promise<unknown>): Promise<{ p50: number; p99: number; count: number }> {
  for (const member of members) member.times = [];
  await Promise.all(members.map((member) => member.talk(until)));
  const all = members.flatMap(({ times }) => times);
  return { p50: percentile(all, 0.5), p99: percentile(all, 0.99), count: all.length };
}

async function allHear(members: Member[]): Promise<boolean> {
  for (const member of members) {
    const text = await member.say();
    const heard = await Promise.all(members.map((other) => other.reads(text)));
    if (heard.includes(false)) return false;
  }
  return true;
}

/** Who came first has read more than who came last, and the rest of it is the same. */
function isOneOrder(members: Member[]): boolean {
  const shortest = Math.min(...members.map(({ texts }) => texts.length));
  const ends = members.map(({ texts }) => texts.slice(-shortest).join('\n'));
  const areOnce = members.every(({ texts }) => new Set(texts).size === texts.length);
  return areOnce && new Set(ends).size === 1;
}

function usedBy(server: Command): { memory: number; descriptors: number } {
  if (process.platform !== 'linux') return { memory: 0, descriptors: 0 };
  return { memory: Math.round(server.memoryMb), descriptors: server.descriptors };
}
