let made: Intl.Segmenter | undefined;
/** Made when it is first needed: that takes a fifth of the time in which Node starts. */
const segmenter = (): Intl.Segmenter => (made ??= new Intl.Segmenter('en', { granularity: 'grapheme' }));
const ascii = /^[ -~]*$/;

/** The characters as a person counts them (grapheme clusters). */
export const graphemes = (text: string): string[] =>
  ascii.test(text) ? [...text] : Array.from(segmenter().segment(text), ({ segment }) => segment);

/** The bounds of the grapheme that holds the UTF-16 unit at `at`; those of nothing outside of the text. */
export function graphemeAt(text: string, at: number): { from: number; to: number } {
  const { index, segment } = segmenter().segment(text).containing(at) ?? { index: at, segment: '' };
  return { from: index, to: index + segment.length };
}
