import { graphemeAt, graphemes } from './cells.ts';

/** A text being written, and the cursor in it: an offset in UTF-16 units, never inside a grapheme cluster. */
export type Draft = { text: string; cursor: number };

export const emptyDraft: Draft = { text: '', cursor: 0 };

type Move = (draft: Draft) => number;

const before = ({ text, cursor }: Draft) => text.slice(0, cursor);
const after = ({ text, cursor }: Draft) => text.slice(cursor);
const left: Move = ({ text, cursor }) => (cursor === 0 ? 0 : graphemeAt(text, cursor - 1).from);
const right: Move = ({ text, cursor }) => graphemeAt(text, cursor).to;
const start: Move = () => 0;
const end: Move = ({ text }) => text.length;
const wordLeft: Move = (draft) => draft.cursor - lengthOf(backwards(draft), not(isWord), isWord);
const wordRight: Move = (draft) => draft.cursor + lengthOf(graphemes(after(draft)), not(isWord), isWord);
const blankLeft: Move = (draft) => draft.cursor - lengthOf(backwards(draft), isBlank, not(isBlank));

type Is = (grapheme: string) => boolean;
const isWord: Is = (grapheme) => /^[\p{L}\p{N}_]/u.test(grapheme);
const isBlank: Is = (grapheme) => /^\s/u.test(grapheme);
const not =
  (is: Is): Is =>
  (grapheme) =>
    !is(grapheme);
const backwards = (draft: Draft) => graphemes(before(draft)).reverse();

/** The length of what comes first of the one kind and then of the other, in UTF-16 units. */
function lengthOf(characters: readonly string[], first: Is, then: Is): number {
  let count = 0;
  for (const is of [first, then]) while (count < characters.length && is(characters[count] ?? '')) count++;
  return characters.slice(0, count).join('').length;
}

/** Where a key moves the cursor: the keys of readline and Emacs, as shells have them. */
export const moves: Record<string, Move> = {
  left,
  'ctrl-b': left,
  right,
  'ctrl-f': right,
  home: start,
  'ctrl-a': start,
  end,
  'ctrl-e': end,
  'ctrl-left': wordLeft,
  'meta-left': wordLeft,
  'meta-b': wordLeft,
  'ctrl-right': wordRight,
  'meta-right': wordRight,
  'meta-f': wordRight,
};

/** What a key erases: from the cursor up to there. */
export const erasures: Record<string, Move> = {
  backspace: left,
  delete: right,
  'ctrl-d': right,
};

/** The same, but Ctrl-Y brings it back. */
export const kills: Record<string, Move> = {
  'ctrl-w': blankLeft,
  'meta-backspace': wordLeft,
  'meta-d': wordRight,
  'ctrl-delete': wordRight,
  'ctrl-u': start,
  'ctrl-k': end,
};

export const insert = (draft: Draft, more: string): Draft =>
  snapped(before(draft) + more + after(draft), draft.cursor + more.length);

/** Takes out what lies between the cursor and `to`. */
export function cut({ text, cursor }: Draft, to: number): { draft: Draft; taken: string } {
  const [from, until] = [Math.min(cursor, to), Math.max(cursor, to)];
  return { draft: snapped(text.slice(0, from) + text.slice(until), from), taken: text.slice(from, until) };
}

/** Swaps the graphemes around the cursor and goes on; at the end the last two. */
export function transpose(draft: Draft): Draft {
  const at = draft.cursor === draft.text.length ? left(draft) : draft.cursor;
  const head = { ...draft, cursor: at };
  const [from, to] = [left(head), right(head)];
  if (from === at) return draft;
  const { text } = draft;
  return snapped(text.slice(0, from) + text.slice(at, to) + text.slice(from, at) + text.slice(to), to);
}

/** What stands together may have become one grapheme: the cursor goes behind it. */
const snapped = (text: string, cursor: number): Draft => ({
  text,
  cursor: cursor === 0 ? 0 : graphemeAt(text, cursor - 1).to,
});
