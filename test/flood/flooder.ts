import { constants, setPriority } from 'node:os';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { encode } from '../../src/protocol/codec.ts';
import { openDealer } from '../../src/transport/sockets.ts';
import { newPerson, openAt, SmallMember } from '../support/small-member.ts';

/**
 * A process that sends as much as a room's socket takes: node flooder.ts WAY PORT MS. It gets a processor only when nobody else
 * wants it, for a flooder comes with a machine of its own, and here it shares one with those who are measured.
 */
setPriority(constants.priority.PRIORITY_LOW);
const [way = '', port = '', forMs = ''] = process.argv.slice(2);
const name = `flood ${process.pid}`;
const garbage = Buffer.from(`{"a":${'['.repeat(30_000)}`);

const ways: Record<string, (member: SmallMember, count: number) => Promise<boolean>> = {
  'short texts': (member, count) => member.say(`flood ${count}`),
  'texts of 4 KB': (member) => member.say('x'.repeat(4_000)),
  'wrong proofs': (member) => member.send(encode({ ...member.joinFrame(), proof: 'A'.repeat(86) })),
  'wrong signatures': (member, count) => member.forge(`flood ${count}`, other),
  renames: (member, count) => member.rename(`${process.pid} ${count}`),
  garbage: (member) => member.send(garbage),
};
const other = newPerson();

async function flood(send: (count: number) => Promise<boolean>): Promise<number> {
  const endMs = performance.now() + Number(forMs);
  let sent = 0;
  for (let count = 1; performance.now() < endMs; count++) {
    if (await send(count)) sent++;
    else await sleep(2);
    if (count % 20 === 0) await nextTurn();
  }
  return sent;
}

async function asOriginal(): Promise<number> {
  const socket = openDealer();
  socket.connect(`tcp://127.0.0.1:${port}`);
  const say = (frame: object) =>
    socket.send(JSON.stringify(frame)).then(
      () => true,
      () => false,
    );
  await say({ auth: 1, name });
  void (async () => {
    for await (const _ of socket);
  })().catch(() => {});
  return await flood((count) => say({ name, text: `flood ${count}\n` }));
}

async function asMember(): Promise<number> {
  const member = new SmallMember(openAt(Number(port)), newPerson(), name);
  await member.enter();
  const send = ways[way];
  return send ? await flood((count) => send(member, count)) : 0;
}

process.send?.(await (way === 'originals' ? asOriginal() : asMember()));
process.exit(0);
