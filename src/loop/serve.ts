import { setTimeout as delay } from 'node:timers/promises';
import type { ChatEvent } from '../core/events.ts';
import type { Feed, Item } from '../core/log/feed.ts';
import type { WhyKept } from '../core/log/ledger.ts';
import type { Store } from '../core/log/store.ts';
import { isShown, messageEvent, noticeEvent } from '../core/narrate.ts';
import type { Room } from '../core/room/room.ts';
import type { Input } from '../core/turn.ts';
import type { View } from '../terminal/view.ts';
import type { Doors } from '../transport/doors.ts';
import { Driver } from './drive.ts';

type Level = 'error' | 'warn' | 'info' | 'debug';
type Diary = { log(level: Level, message: string): void; writes(level: Level): boolean };
export type ServeOptions = {
  room: Room;
  store: Store;
  doors: Doors;
  /** Yields when the room is to stop. */
  stop: AsyncIterable<NodeJS.Signals>;
  /** Shows the room's events (JSON), or nothing. */
  view: View | undefined;
  diary: Diary;
  /** What is wrong with this machine, and was not told before, in words. */
  troubles(): string[];
  /** Who may come in by the encrypted door: tells the keys when they have changed, and when to look at once. */
  guests?: { look(isHurried?: boolean): ReadonlySet<string> | undefined } | undefined;
  reloads?: AsyncIterable<unknown>;
  /** If this fails, the room ends. */
  guard?: (() => Promise<void>) | undefined;
  /** Where whoever keeps the room says what they want of it. */
  requests?: { take(): Input[]; answer(to: string, why?: WhyKept): void } | undefined;
};

const tickMs = 500;
const lookMs = 60_000;
const atOnce = { items: 64, bytes: 1_048_576 };

/**
 * The loop of a room. This is where all messages get their one order. Resolves when the room was asked to stop; rejects
 * when its log cannot be written: nothing is sent after that.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { room, store, doors, stop, view, diary, troubles, guests, reloads, guard, requests } = options;
  const warn = (words: string) => diary.log('warn', words);
  const show = (event: ChatEvent) => {
    if (event.type === 'lost') warn(`message ${event.seq} is damaged; members are asked for it`);
    if (event.type === 'erased' && event.seq !== undefined) diary.log('info', `message ${event.seq} was erased`);
    view?.show(event);
  };
  const ignored = (frames: number, reason: string) =>
    warn(`ignored ${frames} ${frames === 1 ? 'frame' : 'frames'}: ${reason}`);
  const answered = (to: string, why?: WhyKept) => requests?.answer(to, why);
  const driver = new Driver({ core: room, links: doors, store, show, ignored, answered });
  const pump = watch(room.feed, view, diary);
  let isStopping = false;
  void driver.pump(stop, () => (isStopping = true));
  for (const inputs of doors.inputs)
    void driver.pump(inputs, async (some) => {
      await driver.turned(...some);
      const pauseMs = room.takePauseMs();
      if (pauseMs >= 1) await delay(pauseMs, undefined, { ref: false });
    });
  if (guard) void driver.guard(guard);
  const admit = (isHurried?: boolean) => {
    const keys = guests?.look(isHurried);
    if (keys) driver.put({ type: 'admitted', keys });
    if (keys) diary.log('info', `the list has ${keys.size} ${keys.size === 1 ? 'key' : 'keys'} now`);
  };
  if (reloads) void driver.pump(reloads, () => admit(true));
  setInterval(() => troubles().forEach(warn), lookMs).unref();
  const tick = () => {
    admit();
    driver.put({ type: 'tick' }, ...(requests?.take() ?? []));
  };
  for await (const _ of driver.turns(tickMs, tick)) {
    pump();
    if (isStopping) break;
  }
  await driver.turn({ type: 'leave' });
  pump();
}

/**
 * The standard output is one more reader of the log, which nobody waits for. What it has not taken waits in the log; what
 * is no longer kept when it goes on is counted. Returns what shows all that has happened, as far as the output takes it.
 */
function watch(feed: Feed, view: View | undefined, diary: Diary): () => void {
  let at = feed.end;
  // Of what is said nothing is made for nobody.
  const hearsWords = view !== undefined || diary.writes('debug');

  function pump(): void {
    while (!view?.isBehind) {
      const { items, next } = hearsWords ? feed.read(at, atOnce.items, atOnce.bytes) : feed.notices(at);
      if (items.length === 0) return;
      const left = next.seq - at.seq + (next.notice - at.notice) - items.length;
      const message = `${left} ${left === 1 ? 'event was' : 'events were'} left out while the output stood still`;
      at = next;
      if (left > 0) view?.show({ type: 'status', code: 'FOLDED', message });
      for (const item of items) tell(item);
    }
  }

  /** `pump` goes on when the newest text has left the program. */
  function tell({ place, notice }: Item): void {
    const said = place?.message && isShown(place.message) ? messageEvent(place.message, false) : undefined;
    const event = notice ? noticeEvent(notice) : said;
    if (!event) return;
    view?.show(event, pump);
    if (event.type === 'join') diary.log('info', `${event.name} joined (${event.online} online)`);
    if (event.type === 'rename')
      diary.log('info', `${event.from} is now called ${event.name} (${event.online} online)`);
    if (event.type === 'leave') diary.log('info', `${event.name} ${event.reason} (${event.online} online)`);
    if (event.type === 'message') diary.log('debug', `#${event.seq} ${event.from.name}: ${event.text}`);
  }

  return pump;
}
