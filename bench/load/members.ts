import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { context } from 'zeromq';
import { type RoomAt, SmallMember } from '../../test/support/small-member.ts';
import { textOf } from '../people.ts';

/*
 * Members on ZeroMQ itself, in a process of their own: for encrypted doors, which load.c does not know, and for machines without a
 * compiler. They cost more than the server does, so they are what limits.
 */
export type Crowd = {
  at: RoomAt;
  members: number;
  senders: number;
  messages: number;
  underWay: number;
  textBytes: number;
};

const { at, members, senders, messages, underWay, textBytes }: Crowd = JSON.parse(process.argv[2] ?? '');
context.maxSockets = 4 * members + 100;
const all = Array.from({ length: members }, () => new SmallMember(at));
await once(process, 'message');
for (const member of all) await member.enter();
process.send?.('entered');
for await (const [warmUp] of asked()) {
  const count = warmUp ? messages / 5 : messages;
  const read = all.reduce((sum, { read }) => sum + read, 0);
  for (let said = 0; said < count; ) {
    const missing = all.slice(0, senders).reduce((sum, { missing }) => sum + missing, 0);
    for (let i = missing; i < underWay && said < count; i++, said++)
      void all[said % senders]?.say(textOf(said % senders, said, { bytes: textBytes, isAscii: true }));
    await delay(0);
  }
  const wanted = read + count * members;
  for (let tries = 0; all.reduce((sum, { read }) => sum + read, 0) < wanted && tries < 2_000; tries++) await delay(5);
  const wrong = all.reduce((sum, { wrong, rejoins, disconnects }) => sum + wrong + rejoins + disconnects, 0);
  process.send?.({ deliveries: all.reduce((sum, { read }) => sum + read, 0) - read, wanted: wanted - read, wrong });
}

/** Whether the next part is to warm up, each time that it is asked for. */
async function* asked(): AsyncGenerator<[boolean]> {
  for (;;) yield (await once(process, 'message')) as [boolean];
}
