import type { ChatError } from '../../src/errors.ts';
import type { MessageId } from '../../src/protocol/frames.ts';
import type { Machines } from './machines.ts';
import type { Client } from './sides.ts';
import { Violation } from './violation.ts';

/** Who has no name left takes one that nobody else has. */
export function failed(world: Machines, client: Client, { code, message }: ChatError): void {
  if (code === 'DATA_COPIED') {
    world.checker.disks.asked(client, client.session?.courier.left.messages ?? [], world.serverStore);
    return decideLeft(world, client);
  }
  if (code !== 'NAME_REFUSED') throw new Violation('P23', `${client.dev} ends: ${message}`);
  world.input(client, { type: 'named', name: `n${world.clients.indexOf(client)} the ${++world.typed}th` });
}

/** Its person does not want to have typed what it typed last. */
export function takeBack(world: Machines, client: Client): void {
  if (client.isPipe) return;
  world.note(`${client.id} takes back`);
  world.input(client, { type: 'takeBack' });
}

/** Its person says anew what was said nowhere else, and knows what that is. */
export function decideLeft(world: Machines, client: Client): void {
  const left = new Set(client.session?.courier.left.messages.map(({ text }) => text));
  if (left.size === 0) return;
  const waits = world.clients.some(
    (other) => other !== client && other.store.pending().some(({ id, text }) => left.has(text) && isOwn(other, id)),
  );
  // What is on its way from another copy cannot be called back.
  const isUnderWay = world.clients.some(({ connection }) =>
    connection?.toServer.some((data) => [...left].some((text) => data.includes(JSON.stringify(`${text}\n`)))),
  );
  // Who was killed while answering sees that those typed anew wait already.
  const waitsHere = new Set(client.store.pending().flatMap(({ id, text }) => (isOwn(client, id) ? text : [])));
  const unsaid = [...left].filter((text) => !world.checker.facts.said.has(text) && !waitsHere.has(text));
  const wish = waits || isUnderWay ? 'keep' : unsaid.length === left.size ? 'resend' : 'discard';
  world.note(`${client.id} would ${wish} ${[...left]}`);
  if (wish !== 'keep') for (const text of unsaid) world.saidAnew.add(text);
  // What is not said yet is typed once more.
  for (const text of wish === 'discard' ? unsaid : []) world.input(client, { type: 'typed', text });
  world.input(client, { type: 'left', wish });
}

const isOwn = ({ store }: Client, id: MessageId | undefined) => id !== undefined && !store.former.includes(id.dev);
