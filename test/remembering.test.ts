import { expect, test } from 'vitest';
import { remembering } from '../src/core/remembering.ts';

test('what was asked is answered again without a thought, also with nothing; what is long, or long ago, is not kept', () => {
  const asked: string[] = [];
  const lengthOf = remembering((text) => {
    asked.push(text);
    return text === '' ? undefined : text.length;
  });
  const long = 'x'.repeat(257);
  for (const text of ['ab', '', long, 'ab', '', long]) expect(lengthOf(text)).toBe(text.length || undefined);
  expect(asked).toEqual(['ab', '', long, long]);
  for (let i = 0; i < 1_000; i++) lengthOf(`${i}`);
  expect(lengthOf('ab')).toBe(2);
  expect(asked.filter((text) => text === 'ab')).toHaveLength(2);
});
