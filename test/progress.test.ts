import { expect, test } from 'vitest';
import { Progress } from '../src/cli/progress.ts';

function told(isTTY: boolean) {
  let [nowMs, written] = [0, ''];
  const out = { isTTY, write: (text: string) => void (written += text) } as unknown as NodeJS.WriteStream;
  const progress = new Progress(out, () => nowMs);
  for (; nowMs < 1_500; nowMs += 100) progress.tell(nowMs, 12_000, 'read');
  progress.clear();
  progress.clear();
  return written;
}

test('a long work says on a terminal how far it is, from the first second on, and then is gone', () => {
  const line = (done: string) => `\r\x1b[K${done} of 12,000 read`;
  expect(told(true)).toBe(`${line('1,000')}${line('1,200')}${line('1,400')}\r\x1b[K`);
});

test('elsewhere nothing is said', () => expect(told(false)).toBe(''));
