const isPlain = /^[\x00-\x7f]*$/;
const others = /[^\x00-\x7f]+/g;
/** What others than plain characters are folded to: a chat has few words, again and again. */
const known = new Map<string, string>();
const maxKnown = 10_000;

/** As it is compared: without accents and case, in one form of each character. */
export const fold = (text: string): string =>
  (isPlain.test(text) ? text : text.replace(others, foldOthers)).toLowerCase();

function foldOthers(run: string): string {
  let folded = known.get(run);
  if (folded !== undefined) return folded;
  const bare = run.normalize('NFKD').replace(/[\u0300-\u036f]/g, '');
  folded = bare.normalize('NFC').toLowerCase().replaceAll('ς', 'σ');
  if (known.size >= maxKnown) known.clear();
  known.set(run, folded);
  return folded;
}

/** Words, and between quotes words that stand together; a quote without an end reaches to the end. */
const parts = /"([^"]*)"?|[^\s"]+/gu;

/** Whether a text has all that is looked for, in any order; undefined if that is nothing. */
export function finder(query: string): ((text: string) => boolean) | undefined {
  const found = [...fold(query).matchAll(parts)].map(([word, exact]) => ({
    words: inOneLine(exact ?? word).trim(),
    isExact: exact !== undefined,
  }));
  const wanted = found.filter(({ words }) => words !== '');
  if (wanted.length === 0) return undefined;
  const isIn = (text: string) =>
    wanted.every(
      ({ words, isExact }) =>
        text.includes(isExact ? words.replace(/ .*/s, '') : words) && (!isExact || hasWhole(inOneLine(text), words)),
    );
  return (text) => isIn(fold(text));
}

/** Most texts are so already. */
const broken = /[^\S ]| {2}/u;
const inOneLine = (text: string): string => (broken.test(text) ? text.replace(/\s+/gu, ' ') : text);

const beginsWord = /^[\p{L}\p{N}]/u;
const endsWord = /[\p{L}\p{N}\p{M}]$/u;
/** Such scripts have no spaces: a word has no ends that could be seen. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]/u;

function hasWhole(text: string, words: string): boolean {
  const [isOpen, isBegun, isEnded] = [unspaced, beginsWord, endsWord].map((end) => end.test(words));
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1)) {
    const end = at + words.length;
    const isInside = isBegun && endsWord.test(text.slice(Math.max(at - 2, 0), at));
    if (isOpen || !(isInside || (isEnded && beginsWord.test(text.slice(end, end + 2))))) return true;
  }
  return false;
}
