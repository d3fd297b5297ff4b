import { setInterval } from 'node:timers/promises';
import type { Store } from '../core/log/store.ts';
import type { Room } from '../core/room/room.ts';
import type { Now } from '../core/turn.ts';
import type { View } from '../terminal/view.ts';
import type { RouterLink } from '../transport/router.ts';
import { Driver } from './drive.ts';
import { quiet, race } from './race.ts';
import { type Diary, Watch } from './watch.ts';

export type ServeOptions = {
  room: Room;
  store: Store;
  /** Shows the room's events (JSON), or nothing. */
  view: View | undefined;
  diary: Diary;
  /** What is wrong with this machine, and was not told before, in words. */
  troubles(): string[];
  now: () => Now;
};
/** What a room waits for. */
export type Racers = { link: RouterLink; stop: AsyncIterable<NodeJS.Signals> };

const tickMs = 500;
const lookMs = 60_000;

/**
 * The loop of a room: everything that arrived in one turn of the event loop goes to the room at once, and what it says
 * is done before the next turn. One queue, one consumer: this is where all messages get their one order. Resolves when
 * the room was asked to stop; rejects when its log cannot be written: nothing is sent after that.
 */
export async function serve(
  { room, store, view, diary, troubles, now }: ServeOptions,
  { link, stop }: Racers,
): Promise<void> {
  const over = new AbortController();
  const watch = new Watch(room.feed, view, diary);
  const ignored = (frames: number, reason: string) =>
    diary.log('warn', `ignored ${frames} ${frames === 1 ? 'frame' : 'frames'}: ${reason}`);
  const driver = new Driver({ core: room, links: link, store, show: (event) => watch.show(event), ignored, now });
  let lookedAtMs = now().ms;
  const look = () => {
    if (now().ms - lookedAtMs < lookMs) return;
    lookedAtMs = now().ms;
    for (const words of troubles()) diary.log('warn', words);
  };
  const ticks = quiet(setInterval(tickMs, undefined, { signal: over.signal }));
  const sources = { frames: link.inputs(), due: driver.due.batches(), stop, tick: ticks };
  try {
    for await (const event of race(sources, over.signal)) {
      if (event.source === 'stop' || event.done) break;
      if (event.source === 'tick') look();
      if (event.source === 'tick') await driver.turn([{ type: 'tick' }]);
      else await driver.turn(event.value.flat());
      watch.pump();
    }
    await driver.turn([{ type: 'leave' }]);
    watch.pump();
  } finally {
    over.abort();
    driver.close();
    await link.close();
  }
}
