import type { ChatEvent } from '../../src/core/events.ts';
import type { Send } from '../../src/core/turn.ts';
import { decode } from '../../src/protocol/codec.ts';
import { formatId } from '../../src/protocol/signed.ts';
import type { Machines } from './machines.ts';
import type { Client } from './sides.ts';
import { Violation } from './violation.ts';

/** What the server sends is remembered, and checked. */
export function watchSent(world: Machines, sent: Send): void {
  if (sent.before) world.sentFrom.set(sent.data, sent.before);
  if (sent.data.startsWith('{"hb"')) world.beats.push(sent.data);
  const hole = sent.data.startsWith('{"hole"') ? decode(Buffer.from(sent.data)) : undefined;
  if (hole?.kind === 'hole') world.checker.near.holes.add(formatId(hole.id));
  checkWelcome(world, sent);
  world.uploads.answered(sent);
}

function checkWelcome(world: Machines, { to, data }: Send): void {
  if (!data.startsWith('{"welcome"')) return;
  const welcomed = world.clients.find(({ connection }) => connection?.id === to[0]);
  const frame = decode(Buffer.from(data));
  if (frame.kind === 'welcome') world.uploads.welcomed(to[0] ?? '', frame);
  if (welcomed && frame.kind === 'welcome') welcomed.toldHead = frame.head;
  if (welcomed && frame.kind === 'welcome' && frame.who !== 'mallory')
    world.checker.log.named(welcomed.key, frame.who ?? '', world.serverStore);
}

/** What a client says to its output is checked; what has a place waits until that takes it. */
export function watchShown(world: Machines, client: Client, event: ChatEvent, place: number | undefined): void {
  if (event.type === 'contradiction') throw new Violation('H1', `${client.id} accuses a server that has not lied`);
  if (event.type === 'message' && event.provisional) world.checker.near.shown(client, event);
  else if (event.type === 'placed' || event.type === 'withdrawn') world.checker.near.closed(client, event, world.nowMs);
  if (event.type === 'message' && place === undefined) world.checker.readers.mended(client.id, event);
  if (event.type === 'error' && event.code === 'CHAIN_BROKEN') world.checker.readers.refused(client.id);
  if (event.type === 'unverified') world.checker.readers.accused(client.id, event.from.id);
  if (event.type === 'takenBack') world.checker.disks.tookBack(client, event.text);
  if (place !== undefined) client.output.push({ place, event });
  if (event.type === 'status' && event.code === 'NEW_DEVICE') world.checker.disks.renewed(client);
}
