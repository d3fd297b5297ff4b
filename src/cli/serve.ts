import { setInterval } from 'node:timers/promises';
import type { ChatEvent } from '../core/events.ts';
import type { Room, RoomInput } from '../core/room.ts';
import { decode } from '../protocol.ts';
import type { View } from '../terminal/view.ts';
import type { RouterLink, SendOutcome } from '../transport/router.ts';
import type { Logger } from './logger.ts';
import { race } from './race.ts';

export type ServeOptions = {
  room: Room;
  link: RouterLink;
  /** Shows the room's events (JSON), or nothing. */
  view: View | undefined;
  logger: Logger;
  stop: AsyncIterable<NodeJS.Signals>;
  now: () => number;
};

const tickMs = 500;

/**
 * The loop of a room: everything that arrived in one turn of the event loop goes to the room at once, and what it
 * says is sent at once. One queue, one consumer: this is where all messages get their one order.
 */
export async function serve({ room, link, view, logger, stop, now }: ServeOptions): Promise<void> {
  const over = new AbortController();
  const inputs: RoomInput[] = [];
  let due: NodeJS.Timeout | undefined;

  const turn = () => {
    clearTimeout(due);
    for (const effect of room.turn(inputs.splice(0), now())) {
      if (effect.type === 'send') for (const to of effect.to) void link.send(to, effect.data).then((o) => note(o, to));
      else if (effect.type === 'event') tell(effect.event);
      else logger.log('warn', `ignored ${effect.frames} ${effect.frames === 1 ? 'frame' : 'frames'}: ${effect.reason}`);
    }
    const nextMs = room.nextTurnMs(now());
    if (nextMs !== undefined) due = setTimeout(turn, nextMs);
  };
  const note = (outcome: SendOutcome, to: string) => {
    if (outcome !== 'sent') inputs.push({ type: outcome, to });
  };
  const tell = (event: ChatEvent) => {
    view?.show(event);
    if (event.type === 'join') logger.log('info', `${event.name} joined (${event.online} online)`);
    if (event.type === 'leave') logger.log('info', `${event.name} ${event.reason} (${event.online} online)`);
    if (event.type === 'message') logger.log('debug', `#${event.seq} ${event.from.name}: ${event.text}`);
  };

  const sources = { frames: link.frames.batches(), stop, tick: setInterval(tickMs) };
  for await (const event of race(sources, over.signal)) {
    if (event.source === 'stop' || event.done) break;
    if (event.source === 'tick') inputs.push({ type: 'tick' });
    else for (const { from, bytes } of event.value) inputs.push({ type: 'frame', from, frame: decode(bytes) });
    turn();
  }
  inputs.push({ type: 'close' });
  turn();
  clearTimeout(due);
  over.abort();
  link.close();
}
