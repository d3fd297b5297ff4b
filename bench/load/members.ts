import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { context } from 'zeromq';
import { type RoomAt, SmallMember } from '../../test/support/small-member.ts';
import { textOf } from '../people.ts';
import { Original } from './original.ts';

/*
 * Members on ZeroMQ itself, in a process of their own: for encrypted doors, which load.c does not know, and for machines without a
 * compiler. They cost more than the server does, so they are what limits.
 */
export type Crowd = {
  kind: 'room' | 'original';
  at: RoomAt;
  members: number;
  senders: number;
  messages: number;
  underWay: number;
  textBytes: number;
};

const { kind, at, members, senders, messages, underWay, textBytes }: Crowd = JSON.parse(process.argv[2] ?? '');
context.maxSockets = 4 * members + 100;
const all = Array.from({ length: members }, (_, no) =>
  kind === 'room' ? new SmallMember(at) : new Original(at.port, no),
);
/** How many hear each message, and how many messages all of them have. */
const hearers = kind === 'room' ? members : members - 1;
const allHave = (from: number) => (sumOf(({ read }) => read) - from) / hearers;
let said = 0;

await once(process, 'message');
for (const member of all) await member.enter();
await delay(500);
process.send?.('entered');
for await (const [warmUp] of asked()) {
  const [count, from, begun] = [warmUp ? Math.ceil(messages / 5) : messages, sumOf(({ read }) => read), said];
  for (let tries = 0; allHave(from) < count && tries < 20_000; tries++) {
    for (; said - begun < count && said - begun - allHave(from) < underWay; said++)
      void all[said % senders]?.say(textOf(said % senders, said, { bytes: textBytes, isAscii: true }));
    await delay(0);
  }
  const wrong = sumOf(({ wrong, rejoins, disconnects }) => wrong + rejoins + disconnects);
  process.send?.({ deliveries: sumOf(({ read }) => read) - from, wanted: count * hearers, wrong });
}

function sumOf(value: (member: SmallMember | Original) => number): number {
  return all.reduce((sum, member) => sum + value(member), 0);
}

/** Whether the next part is to warm up, each time that it is asked for. */
async function* asked(): AsyncGenerator<[boolean]> {
  for (;;) yield (await once(process, 'message')) as [boolean];
}
