/** The word most like `typed`, if any is like it: at most one change in three letters (Levenshtein distance, two letters swapped count as one). */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const [best] = words.map((word) => ({ word, changes: distance(typed, word) })).sort((a, b) => a.changes - b.changes);
  return best && best.changes <= Math.max(1, typed.length / 3) ? best.word : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  let before = row;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
