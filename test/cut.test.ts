import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent, WhyWithdrawn } from '../src/core/events.ts';
import { Cut, longestRising, type Shown } from '../src/terminal/cut.ts';

/** What a person reads, in words: events go in, and what is to be shown comes out, at the times that are set here. */

let cut: Cut;
let nowMs: number;
let read: string[];
let taken: string[];
let dropped: string[];
beforeEach(() => {
  dropped = [];
  cut = new Cut((line) => void dropped.push(line));
  nowMs = 1_000_000;
  read = [];
  taken = [];
  show({ type: 'state', state: 'online', online: 3, legacy: false, server: 'server' });
  read = [];
});

const wordsOf = (event: ChatEvent): string[] => {
  if (event.type === 'status') return [`-- ${event.message}`];
  if (event.type === 'message') return [`${event.provisional ? '~' : ''}[${event.from.name}] ${event.text}`];
  if (event.type === 'state') return [event.state];
  if (event.type === 'near') return [];
  return [event.type];
};
const print = (shown: readonly Shown[]) => {
  for (const { event, taken: tell } of shown) {
    if (event) read.push(...wordsOf(event));
    tell?.();
  }
};
const show = (event: ChatEvent, mark?: string) =>
  print(cut.take(event, mark === undefined ? undefined : () => void taken.push(mark), nowMs));
/** Time goes by, and it is looked when it was wished for. */
const pass = (ms: number) => {
  const endMs = nowMs + ms;
  for (let wait = cut.waitMs(nowMs); wait !== undefined && nowMs + wait <= endMs; wait = cut.waitMs(nowMs)) {
    expect(wait).toBeGreaterThan(0);
    nowMs += wait;
    print(cut.look(nowMs));
  }
  nowMs = endMs;
};

const loses = (seeking = true) =>
  show({ type: 'state', state: 'offline', reason: 'lost', ...(seeking && { seeking: true }) });
const finds = (afterMs = 12_000) =>
  show({ type: 'state', state: 'online', online: 3, legacy: false, server: 'server', afterMs });
const near = (...names: string[]) => show({ type: 'near', names });
type Said = Partial<ChatEvent & { type: 'message' }>;
const message = (id: string, name: string, more: Said = {}): ChatEvent => ({
  type: 'message',
  id,
  from: { name },
  text: `text ${id}`,
  own: name === 'Me',
  replay: false,
  ...more,
});
const says = (id: string, name: string, more: Said = {}) => show(message(id, name, { provisional: true, ...more }), id);
const place = (id: string, seq?: number) =>
  show({ type: 'placed', id, ...(seq !== undefined && { seq }) }, `placed ${id}`);
const withdraw = (id: string, reason: WhyWithdrawn = 'refused') =>
  show({ type: 'withdrawn', id, reason }, `withdrawn ${id}`);
/** What was missed comes between two marks. */
const misses = (...ids: string[]) => {
  show({ type: 'replay', count: ids.length, total: ids.length, sinceMs: 1 });
  for (const [i, id] of ids.entries()) show(message(id, 'Cy', { seq: 100 + i, replay: true }), id);
  show({ type: 'replayed' });
};
const talking = '-- the server does not answer; talking with Ana and Bo directly';
const back = '-- back with the server';

describe('when the server is away', () => {
  test('one line says so, and names who is near', () => {
    loses();
    pass(1_100);
    near('Ana', 'Bo');
    expect(read).toEqual([]);
    pass(10_000);
    expect(read).toEqual([talking]);
    near('Ana');
    near();
    near('Ana', 'Bo', 'Cy');
    expect(read).toEqual([talking]);
  });

  test('nothing is said if it is back within two seconds', () => {
    loses();
    near('Ana');
    pass(1_999);
    finds(1_999);
    pass(60_000);
    expect(read).toEqual([]);
  });

  test('it is said at once if somebody says something', () => {
    loses();
    near('Ana', 'Bo');
    says('a1', 'Ana');
    expect(read).toEqual([talking, '~[Ana] text a1']);
    pass(10_000);
    expect(read.length).toBe(2);
  });

  test('and nobody is near, it is said as ever, and so is its return', () => {
    loses();
    pass(1_999);
    expect(read).toEqual([]);
    pass(1);
    expect(read).toEqual(['offline']);
    finds();
    pass(60_000);
    expect(read).toEqual(['offline', 'online']);
  });

  test('and there is nobody who could be near, it is said at once', () => {
    loses(false);
    expect(read).toEqual(['offline']);
  });

  test('and somebody comes near later, that is said then', () => {
    loses();
    pass(2_000);
    near('Ana', 'Bo');
    pass(60_000);
    expect(read).toEqual(['offline', talking]);
  });

  test('and was never there in this run, who is near is named', () => {
    cut = new Cut(() => {});
    show({ type: 'state', state: 'connecting', endpoint: 'localhost:9999' });
    near('Ana', 'Bo');
    says('a1', 'Ana');
    expect(read).toEqual(['connecting', talking, '~[Ana] text a1']);
  });

  test('an own line that somebody near was given says so while the session stands', () => {
    near('Ana', 'Bo');
    expect(read).toEqual([]);
    says('m1', 'Me');
    says('m2', 'Me');
    expect(read).toEqual([talking, '~[Me] text m1', '~[Me] text m2']);
    loses();
    pass(60_000);
    expect(read.length).toBe(3);
  });

  test('to others: what they say comes here too, and nothing is said of it to who is in the room', () => {
    near('Ana');
    says('a1', 'Ana');
    place('a1', 7);
    pass(60_000);
    expect(read).toEqual(['~[Ana] text a1']);
  });

  test('a clock that is set back holds nothing', () => {
    loses();
    nowMs -= 3_600_000;
    show({ type: 'notice', server: 'server', text: 'x' });
    expect(read).toEqual(['notice', 'offline']);
  });
});

describe('when the server is back', () => {
  const cutOff = () => {
    loses();
    near('Ana', 'Bo');
    says('a1', 'Ana');
    says('m1', 'Me');
    says('b1', 'Bo');
    read = [];
  };

  test('one line says that all have their place', () => {
    cutOff();
    finds();
    for (const [i, id] of ['a1', 'm1', 'b1'].entries()) place(id, 11 + i);
    pass(299);
    expect(read).toEqual([]);
    pass(1);
    expect(read).toEqual([`${back}: 3 lines have their place`]);
    pass(60_000);
    expect(read.length).toBe(1);
  });

  test('how many stand in another order, and how many of others follow, with their marks', () => {
    cutOff();
    finds();
    place('m1', 11);
    misses('c1', 'c2');
    place('b1', 14);
    place('a1', 15);
    pass(300);
    expect(read).toEqual([
      `${back}: 3 lines have their place, 1 in another order than above (/history); 2 from the others follow`,
      '[Cy] text c1',
      '[Cy] text c2',
      'replayed',
    ]);
  });

  test('of a long absence, which part is shown', () => {
    cutOff();
    for (const id of ['a1', 'm1', 'b1']) place(id, 1);
    finds();
    show({ type: 'replay', count: 1, total: 900, sinceMs: 1 });
    show(message('c1', 'Cy', { replay: true }));
    show({ type: 'replayed' });
    pass(300);
    expect(read.slice(1)).toEqual(['replay', '[Cy] text c1', 'replayed']);
  });

  test('what has no place yet is waited for, but not for long', () => {
    cutOff();
    finds();
    place('a1', 11);
    pass(2_999);
    expect(read).toEqual([]);
    pass(1);
    expect(read).toEqual([`${back}: 1 line has its place, 2 wait for their place`]);
    place('m1', 12);
    place('b1', 13);
    expect(read.length).toBe(1);
  });

  test('what was missed is read to its end first, if that does not take long', () => {
    cutOff();
    finds();
    for (const id of ['a1', 'm1', 'b1']) place(id, 1);
    show({ type: 'replay', count: 2, total: 2, sinceMs: 1 });
    show(message('c1', 'Cy', { replay: true }));
    pass(500);
    expect(read).toEqual([]);
    show(message('c2', 'Cy', { replay: true }));
    show({ type: 'replayed' });
    expect(read).toEqual([
      expect.stringContaining('; 2 from the others follow'),
      '[Cy] text c1',
      '[Cy] text c2',
      'replayed',
    ]);
  });

  test('what has got its place over a bridge counts, too, and so does what is not kept any more', () => {
    cutOff();
    place('a1', 11);
    place('m1');
    finds();
    place('b1', 12);
    pass(300);
    expect(read).toEqual([`${back}: 3 lines have their place`]);
  });

  test('it was only slow: the session stood all the time', () => {
    near('Ana', 'Bo');
    says('m1', 'Me');
    place('m1', 8);
    pass(300);
    expect(read).toEqual([talking, '~[Me] text m1', `${back}: 1 line has its place`]);
    says('m2', 'Me');
    expect(read.slice(3)).toEqual([talking, '~[Me] text m2']);
  });

  test('what is said meanwhile stands below that line, once', () => {
    cutOff();
    finds();
    show(message('c9', 'Cy', { seq: 20 }), 'c9');
    says('a2', 'Ana');
    for (const id of ['a1', 'm1', 'b1', 'a2']) place(id, 30);
    pass(60_000);
    expect(read).toEqual([expect.stringContaining(back), '[Cy] text c9', '~[Ana] text a2']);
  });

  test('what was in the past again is not taken for what was missed', () => {
    cutOff();
    finds();
    show({ type: 'replay', count: 1, total: 1, sinceMs: 1, first: true });
    show(message('h1', 'Cy', { replay: true }));
    show({ type: 'replayed', first: true });
    for (const id of ['a1', 'm1', 'b1']) place(id, 1);
    pass(300);
    expect(read).toEqual([expect.not.stringContaining('follow'), 'replay', '[Cy] text h1', 'replayed']);
  });

  test('and gone again before all was told: that is told first', () => {
    cutOff();
    finds();
    place('a1', 11);
    misses('c1');
    loses();
    expect(read).toEqual([
      `${back}: 1 line has its place, 2 wait for their place; 1 from the others follows`,
      '[Cy] text c1',
      'replayed',
    ]);
    pass(2_000);
    expect(read.at(-1)).toBe(talking);
    place('m1', 21);
    finds();
    place('b1', 20);
    pass(300);
    expect(read.at(-1)).toBe(`${back}: 2 lines have their place, 1 in another order than above (/history)`);
  });

  test('what this program could not show before its end comes next time', () => {
    cutOff();
    finds();
    misses('c1');
    withdraw('m1');
    expect(cut.isHolding).toBe(true);
    const before = [...taken];
    show({ type: 'state', state: 'closing' });
    expect(read).toEqual([`${back}: 2 wait for their place`, 'closing']);
    expect(taken).toEqual(before);
    expect(cut.isHolding).toBe(false);
  });
});

describe('while it is found out what became of all', () => {
  const settles = () => {
    loses();
    near('Ana');
    says('a1', 'Ana');
    finds();
    read = [];
  };

  test('what the person has asked for is answered at once', () => {
    settles();
    show({ type: 'status', code: 'ANSWER', message: '3 online' });
    show({ type: 'takenBack', text: 'not yet' });
    show({ type: 'error', code: 'USAGE', message: 'which name?' });
    expect(read).toEqual(['-- 3 online', 'takenBack', 'error']);
    misses('c1');
    show({ type: 'error', code: 'REFUSED', message: 'a place of the log' }, 'refused');
    place('a1', 9);
    pass(300);
    expect(taken).toEqual(['a1', 'c1', 'refused', 'placed a1']);
  });
});

describe('what the room does not take', () => {
  const reasons: [reason: WhyWithdrawn, words: string][] = [
    ['refused', 'was not taken by the room.'],
    ['replaced', 'is not what the room has: its author has signed two.'],
    ['lost', 'was lost with a log of the server.'],
    ['waited', 'has waited for 30 days for what was said before it, and is given up.'],
  ];
  test.each(reasons)('%s: is said to its author, who finds it under Up', (reason, words) => {
    loses();
    near('Ana');
    says('m1', 'Me', { text: '/etc is full' });
    says('a1', 'Ana');
    read = [];
    withdraw('m1', reason);
    withdraw('a1', reason);
    expect(read).toEqual([
      `-- your line, "/etc is full", ${words} Up brings it back.`,
      `-- what Ana said, "text a1", ${words}`,
    ]);
    expect(dropped).toEqual(['//etc is full']);
  });

  test('is quoted by its beginning, and comes back whole', () => {
    loses();
    near('Ana');
    const texts = [`${'x'.repeat(40)}y`, 'one\ntwo'];
    for (const [i, text] of texts.entries()) says(`m${i}`, 'Me', { text });
    read = [];
    for (const [i] of texts.entries()) withdraw(`m${i}`);
    expect(read).toEqual([
      expect.stringContaining(`your line, "${'x'.repeat(40)}…", was`),
      expect.stringContaining('your line, "one…", was'),
    ]);
    expect(dropped).toEqual(texts);
  });

  test('was shown by an earlier run: it is said again what it was, if that is known', () => {
    withdraw('a1');
    expect(read).toEqual([]);
    show({ type: 'withdrawn', id: 'a2', reason: 'waited', from: { name: 'Ana' }, text: 'one\ntwo' }, 'withdrawn a2');
    expect(read).toEqual([expect.stringContaining('-- what Ana said, "one…", has waited for 30 days')]);
    expect(taken).toEqual(['withdrawn a1', 'withdrawn a2']);
  });

  test('stands below the line that says that the server is back, and is not among those that wait', () => {
    loses();
    near('Ana');
    says('m1', 'Me');
    says('a1', 'Ana');
    read = [];
    finds();
    withdraw('m1');
    place('a1', 3);
    pass(300);
    expect(read).toEqual([`${back}: 1 line has its place`, expect.stringContaining('your line, "text m1"')]);
  });
});

describe('who waits for what is shown', () => {
  test('is told of all in order, also of what is not shown', () => {
    loses();
    near('Ana', 'Bo');
    says('a1', 'Ana');
    says('m1', 'Me');
    finds();
    misses('c1', 'c2');
    place('a1', 5);
    show(message('c3', 'Cy', { seq: 6 }), 'c3');
    place('m1', 7);
    pass(300);
    show(message('c4', 'Cy', { seq: 8 }), 'c4');
    place('unknown', 9);
    expect(taken).toEqual(['a1', 'm1', 'c1', 'c2', 'placed a1', 'c3', 'placed m1', 'c4', 'placed unknown']);
  });
});

test.each([
  [[], 0],
  [[1], 1],
  [[1, 2, 3], 3],
  [[3, 2, 1], 1],
  [[2, 3, 1, 4], 3],
  [[5, 1, 6, 2, 7, 3], 3],
])('of %j so many need not move: %d', (numbers, expected) => expect(longestRising(numbers)).toBe(expected));

test('a cut of a week is counted in no time', () =>
  expect(longestRising(Array.from({ length: 1_000_000 }, (_, i) => i))).toBe(1_000_000));
