import type { Waiting } from '../core/turn.ts';
import { graphemes } from './cells.ts';
import { duration } from './render.ts';

export type Asides = {
  /** Since when nobody is reached, in ms since 1970. */
  offlineSinceMs?: number | undefined;
  waiting: readonly Waiting[];
  /** What the last key led to, if it needs words. */
  hint: string;
};

const shownWaiting = 5;
/** Of a long text so many characters are shown; all of it comes when it is accepted. */
const shownCharacters = 100;
const slowMs = 10_000;

/** The lines above the prompt. @param more stands for what is left out */
export function asideLines({ offlineSinceMs, waiting, hint }: Asides, more: string, nowMs: number): string[] {
  const lines = waiting.slice(0, shownWaiting).map((message) => waitingLine(message, more, nowMs));
  if (offlineSinceMs !== undefined) lines.unshift(`-- offline ${duration(nowMs - offlineSinceMs)}`);
  if (waiting.length > shownWaiting) lines.push(`${more} and ${waiting.length - shownWaiting} more`);
  return hint === '' ? lines : [...lines, `-- ${hint}`];
}

function waitingLine({ text, action, sinceMs }: Waiting, more: string, nowMs: number): string {
  const shown = graphemes(text.slice(0, 20 * shownCharacters))
    .slice(0, shownCharacters)
    .join('');
  const rest = shown.length < text.length ? more : '';
  const slow = nowMs - sinceMs >= slowMs ? ' (not sent yet)' : '';
  return `${more} ${action ? '/me ' : ''}${shown}${rest}${slow}`;
}
