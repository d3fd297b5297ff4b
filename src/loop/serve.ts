import type { Store } from '../core/log/store.ts';
import type { Room } from '../core/room/room.ts';
import type { Input, Now } from '../core/turn.ts';
import type { View } from '../terminal/view.ts';
import type { RouterLink } from '../transport/router.ts';
import { Driver } from './drive.ts';
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
  const watch = new Watch(room.feed, view, diary);
  const ignored = (frames: number, reason: string) =>
    diary.log('warn', `ignored ${frames} ${frames === 1 ? 'frame' : 'frames'}: ${reason}`);
  const driver = new Driver({ core: room, links: link, store, show: (event) => watch.show(event), ignored, now });
  const look = () => {
    for (const words of troubles()) diary.log('warn', words);
  };
  const clocks = [setInterval(() => driver.put({ type: 'tick' }), tickMs), setInterval(look, lookMs)];
  const take = (inputs: readonly Input[]) => {
    driver.put(...inputs);
    return driver.turned();
  };
  void driver.pump(link.inputs, take);
  let isStopping = false;
  void driver.pump(stop, () => (isStopping = true));
  try {
    for await (const _ of driver.turns()) {
      watch.pump();
      if (isStopping) break;
    }
    await driver.turn({ type: 'leave' });
    watch.pump();
  } finally {
    for (const clock of clocks) clearInterval(clock);
    driver.close();
  }
}
