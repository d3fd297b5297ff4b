/** The word most like `typed`, if any is like it: at most one change in three letters (Levenshtein distance). */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const [best] = words.map((word) => ({ word, changes: distance(typed, word) })).sort((a, b) => a.changes - b.changes);
  return best && best.changes <= Math.max(1, typed.length / 3) ? best.word : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
