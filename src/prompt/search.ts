import type { ChatEvent } from '../core/events.ts';
import type { Readable } from '../core/log/unwritten.ts';
import { finder } from '../text/search.ts';
import { type Eye, placeEvent } from './history.ts';
import { type Command, complain, say } from './prompt.ts';

/** Of more that is found the newest is shown. */
const mostShown = 50;

/** `/search WORDS`: what was said in the copy kept here, newest last. */
export const searchCommand = (openLog: () => Readable, eye: Eye): Command => ({
  name: 'search',
  argument: 'WORDS',
  does: 'what has these words, or "these words" together',
  run(words) {
    const isWanted = finder(words);
    if (!isWanted) return complain(eye, 'What do you look for? For example: /search lunch, /search "at noon"');
    const log = openLog();
    const found = log.search(isWanted);
    const events = found.slice(-mostShown).flatMap((seq) => log.read(seq, 1).map(placeEvent));
    const seen = events.flatMap((event) => (event && eye.see(event)) ?? []);
    if (seen.length === 0) return say(eye, 'nothing was found in what is kept here');
    say(eye, `${title(seen, found.length)} ---`);
    for (const event of seen) eye.show(event);
    return say(eye, 'end of what was found ---');
  },
});

function title({ length }: readonly ChatEvent[], total: number): string {
  if (total > mostShown) return `${total} messages were found; the last ${length}`;
  return length === 1 ? '1 message was found' : `${length} messages were found`;
}
