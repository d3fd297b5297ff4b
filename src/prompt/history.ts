import type { ChatEvent } from '../core/events.ts';
import type { Place } from '../core/log/store.ts';
import type { Readable } from '../core/log/unwritten.ts';
import { isShown, messageEvent, saidMs } from '../core/narrate.ts';
import type { View } from '../terminal/view.ts';
import { readSpanMs } from '../text/span.ts';
import { type Command, complain, say } from './prompt.ts';

const shownByDefault = '20';

/** `/history [N|2h|2d]`: the last messages of the copy kept here. */
export const historyCommand = (openLog: () => Readable, view: Pick<View, 'show'>, now: () => number): Command => ({
  name: 'history',
  argument: '[N|2h|2d]',
  does: `the last messages again (${shownByDefault})`,
  run(argument) {
    const wanted = argument === '' ? shownByDefault : argument;
    const count = /^\d{1,6}$/.test(wanted) ? Number(wanted) : undefined;
    const spanMs = readSpanMs(wanted);
    if (!count && !spanMs) return complain(view, 'How many, or since when? For example: /history 50, /history 2h');
    const log = openLog();
    const places = log.read(count ? Math.max(log.head - count + 1, 1) : 1, count ?? log.head);
    const sinceMs = spanMs ? now() - spanMs : 0;
    const shown = places.filter((place) => !isHidden(place) && timeOf(place) >= sinceMs);
    const [oldest] = shown;
    if (!oldest) return say(view, 'nothing was said');
    view.show({ type: 'replay', count: shown.length, total: shown.length, sinceMs: timeOf(oldest), first: true });
    for (const place of shown) showPlace(place, view);
    view.show({ type: 'replayed', first: true });
    return undefined;
  },
});

/** Where a person reads, and what becomes of an event there: undefined if it is not to be read. */
export type Eye = Pick<View, 'show'> & { see(event: ChatEvent): ChatEvent | undefined };

/** A place of a log as an event. What no reader sees is not shown here either, a lost one is named. */
export function showPlace(place: Place, view: Pick<View, 'show'>, taken?: () => void): void {
  const event = placeEvent(place);
  if (event) view.show(event, taken);
  else taken?.();
}

export function placeEvent(place: Place): ChatEvent | undefined {
  const { seq, message } = place;
  if (!message) return { type: 'lost', seq };
  return isHidden(place) ? undefined : messageEvent(message, false, Number.POSITIVE_INFINITY);
}

const isHidden = ({ message }: Place): boolean => message !== undefined && !isShown(message);
const timeOf = ({ message, atMs }: Place): number => (message ? saidMs(message) : atMs);
