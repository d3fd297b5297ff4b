import { expect, test } from 'vitest';
import { Tally } from '../src/loop/tally.ts';

/** Reads so many lines; what `isTaken` does not take is refused. */
function read(count: number, isTaken: (line: number) => boolean = () => true): Tally {
  const tally = new Tally();
  for (let line = 1; line <= count; line++) {
    tally.next();
    if (isTaken(line)) tally.take();
    else tally.refuse();
  }
  return tally;
}

test('what has not arrived are the newest lines: those in doubt, then those that were not sent', () => {
  const tally = read(9);
  tally.isWhole = true;
  tally.settle({ inDoubt: 2, ungiven: 3 });
  expect(tally.spans).toEqual({
    arrived: [{ from: 1, to: 4 }],
    inDoubt: [{ from: 5, to: 6 }],
    notSent: [{ from: 7, to: 9 }],
  });
});

test('a line that was refused is not sent, wherever it stands', () => {
  const tally = read(6, (line) => line !== 2 && line !== 5);
  tally.isWhole = true;
  tally.settle({ inDoubt: 0, ungiven: 1 });
  const arrived = [
    { from: 1, to: 1 },
    { from: 3, to: 4 },
  ];
  const notSent = [
    { from: 2, to: 2 },
    { from: 5, to: 6 },
  ];
  expect(tally.spans).toEqual({ arrived, inDoubt: [], notSent });
});

test('what was not read was not sent', () => {
  const tally = read(3);
  tally.settle({ inDoubt: 1, ungiven: 1 });
  expect(tally.spans.notSent).toEqual([{ from: 3 }]);
  const other = read(3);
  other.settle({ inDoubt: 1, ungiven: 0 });
  expect(other.spans.notSent).toEqual([{ from: 4 }]);
});

test('a pipe that runs for long is remembered only as far as it is under way', () => {
  const tally = read(100_000);
  tally.isWhole = true;
  tally.settle({ inDoubt: 255, ungiven: 1 });
  expect(tally.spans).toEqual({
    arrived: [{ from: 1, to: 99_744 }],
    inDoubt: [{ from: 99_745, to: 99_999 }],
    notSent: [{ from: 100_000, to: 100_000 }],
  });
});
