import { expect, test } from 'vitest';
import { openDiary } from '../src/cli/logger.ts';
import { SlowStream } from './support/slow-stream.ts';

const open = (level: 'error' | 'info') => {
  const out = new SlowStream();
  return { out, logger: openDiary(level, out as unknown as NodeJS.WriteStream) };
};

test('a diary says what is important enough, as JSON lines where nobody sits', async () => {
  const { out, logger } = open('info');
  await out.takeAll();
  logger.log('info', 'one\u009b', { port: 1 });
  logger.log('debug', 'two');
  expect(out.lines).toHaveLength(1);
  expect(JSON.parse(out.text)).toEqual({
    ts: expect.stringMatching(/Z$/),
    level: 'info',
    message: 'one\u009b',
    port: 1,
  });
  expect(out.text).toContain('\\u009b');
});

test('a diary on a terminal is for a person', async () => {
  const { out, logger } = open('info');
  out.isTTY = true;
  await out.takeAll();
  logger.log('info', 'one\u009b', { port: 1 });
  expect(out.text).toMatch(/^\d\d:\d\d:\d\d info {2}one<U\+009B>\n$/);
});

test.each(['info', 'error'] as const)(
  'a diary nobody reads does not grow, and says how many are missing (%s)',
  async (level) => {
    const { out, logger } = open(level);
    for (let n = 1; n <= 10_000; n++) logger.log('error', `${n}`);
    expect(out.writableLength).toBeLessThan(66_000);
    await out.takeAll();
    const messages = out.lines.map((line) => JSON.parse(line).message);
    const count = messages.length - 1;
    const leftOut = `${10_000 - count} lines were left out while the output stood still`;
    expect(messages).toEqual([...Array.from({ length: count }, (_, n) => `${n + 1}`), leftOut]);
    logger.log('error', 'again');
    expect(out.lines.at(-1)).toContain('again');
    expect(out.lines).toHaveLength(count + 2);
  },
);
