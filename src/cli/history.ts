import { messageEvent } from '../core/narrate.ts';
import type { Entry, Store } from '../core/store.ts';
import type { View } from '../terminal/view.ts';

const shownByDefault = 20;

/** `/history [N]`: the last N messages of the copy kept here. Everything else is a text. */
export const historyCommand = (store: Store, view: View) => (line: string) => {
  const [, digits] = /^\/history(?:\s+(\d{1,6}))?\s*$/.exec(line) ?? [];
  if (!line.startsWith('/history') || (digits === undefined && line.trim() !== '/history')) return false;
  const count = digits === undefined ? shownByDefault : Number(digits);
  for (const entry of store.read(Math.max(store.head - count + 1, 1), count)) showEntry(entry, view);
  return true;
};

/** An entry of a log as an event. A void one is never shown. */
export function showEntry({ message, atMs }: Entry, view: View): void {
  const { ts = atMs } = message;
  if (!message.void) view.show(messageEvent({ ...message, ts }, false, Number.POSITIVE_INFINITY));
}
