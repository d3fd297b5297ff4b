import { graphemeAt } from '../text/graphemes.ts';

/** A text being written, and the cursor in it: an offset in UTF-16 units, never inside a grapheme cluster. */
export type Draft = { text: string; cursor: number };

export const emptyDraft: Draft = { text: '', cursor: 0 };

/** The line that is typed for what was said: a draft, from which the same comes. */
export function lineOf({ text, action, re }: { text: string; action?: boolean; re?: string }): string {
  if (action) return `/me ${text}`;
  if (re !== undefined) return `/re ${text.replace(/^@/, '')}`;
  return text.startsWith('/') ? `/${text}` : text;
}

type Move = (draft: Draft) => number;

const left: Move = ({ text, cursor }) => (cursor === 0 ? 0 : graphemeAt(text, cursor - 1).from);
const right: Move = ({ text, cursor }) => graphemeAt(text, cursor).to;
const start: Move = () => 0;
const end: Move = ({ text }) => text.length;

/** Letters and digits with all that joins them. */
const words = /(?:[\p{L}\p{N}_][\p{M}\p{Grapheme_Extend}\u200d]*)+/gu;
const wordLeft = beginOfLast(words);
const blankLeft = beginOfLast(/\S+/gu);
const wordRight: Move = ({ text, cursor }) => {
  const [word] = text.slice(cursor).matchAll(words);
  return word ? graphemeAt(text, cursor + word.index + word[0].length - 1).to : text.length;
};

function beginOfLast(pattern: RegExp): Move {
  return ({ text, cursor }) => {
    const last = [...text.slice(0, cursor).matchAll(pattern)].at(-1);
    return last ? graphemeAt(text, last.index).from : 0;
  };
}

/** A table with an entry for each of several keys, from one with an entry for all of them. */
export const byKey = <T>(table: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(table).flatMap(([keys, does]) => keys.split(' ').map((key) => [key, does])));

/** Where a key moves the cursor: the keys of readline and Emacs, as shells have them. */
export const moves = byKey({
  'left ctrl-b': left,
  'right ctrl-f': right,
  'home ctrl-a': start,
  'end ctrl-e': end,
  'ctrl-left meta-left meta-b': wordLeft,
  'ctrl-right meta-right meta-f': wordRight,
});

/** What a key erases: from the cursor up to there. */
export const erasures = byKey({ backspace: left, 'delete ctrl-d': right });

/** The same, but Ctrl-Y brings it back. */
export const kills = byKey({
  'ctrl-w': blankLeft,
  'meta-backspace': wordLeft,
  'meta-d ctrl-delete': wordRight,
  'ctrl-u': start,
  'ctrl-k': end,
});

export const insert = ({ text, cursor }: Draft, more: string): Draft =>
  snapped(text.slice(0, cursor) + more + text.slice(cursor), cursor + more.length);

/** Takes out what lies between the cursor and `to`. */
export function cut({ text, cursor }: Draft, to: number): { draft: Draft; taken: string } {
  const [from, until] = [Math.min(cursor, to), Math.max(cursor, to)];
  return { draft: snapped(text.slice(0, from) + text.slice(until), from), taken: text.slice(from, until) };
}

/** Swaps the graphemes around the cursor and goes on; at the end the last two. */
export function transpose(draft: Draft): Draft {
  const { text } = draft;
  const at = draft.cursor === text.length ? left(draft) : draft.cursor;
  if (at === 0) return draft;
  const [from, to] = [left({ text, cursor: at }), right({ text, cursor: at })];
  return snapped(text.slice(0, from) + text.slice(at, to) + text.slice(from, at) + text.slice(to), to);
}

/** What stands together may have become one grapheme: the cursor goes behind it. */
const snapped = (text: string, cursor: number): Draft => ({
  text,
  cursor: cursor === 0 ? 0 : graphemeAt(text, cursor - 1).to,
});
