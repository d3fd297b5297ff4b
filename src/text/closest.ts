/** The word most like `typed`, if any is like it: at most one change in three letters (Levenshtein distance, two letters swapped count as one). */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const [best] = words.map((word) => ({ word, changes: distance(typed, word) })).sort((a, b) => a.changes - b.changes);
  return best && best.changes <= Math.max(1, typed.length / 3) ? best.word : undefined;
}

function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1, isSwap ? at(i - 2, j - 2) + 1 : replaced));
    }
  }
  return at(a.length, b.length);
}
