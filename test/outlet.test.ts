import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { abandoned, Outlet } from '../src/terminal/outlet.ts';
import { JsonView, PipeView } from '../src/terminal/pipe-view.ts';
import { Renderer } from '../src/terminal/render.ts';
import { SlowStream, turn } from './support/slow-stream.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const leftOut = (count: number) => `(${count} left out)`;
/** An outlet whose reader stands still, and what it has taken. */
function openOutlet() {
  const stream = new SlowStream();
  const taken: string[] = [];
  const outlet = new Outlet(stream, (event) => leftOut((event as { count: number }).count));
  return { stream, taken, outlet, place: (text: string) => outlet.write(text, () => taken.push(text)) };
}

describe('an outlet', () => {
  test('gives a fast stream every line at once', async () => {
    const { stream, taken, outlet, place } = openOutlet();
    await stream.takeAll();
    for (const text of ['a', 'b', 'c']) place(text);
    outlet.write('d');
    expect(stream.lines).toEqual(['a', 'b', 'c', 'd']);
    await turn();
    expect([taken, outlet.isBehind]).toEqual([['a', 'b', 'c'], false]);
  });

  test('gives a slow stream the next line when the one before is out, and says so line by line', async () => {
    const { stream, taken, outlet, place } = openOutlet();
    for (const text of ['a', 'b', 'c']) place(text);
    for (const out of [[], ['a'], ['a', 'b']]) {
      expect([stream.lines, taken, outlet.isBehind]).toEqual([out, out, true]);
      expect(stream.writableLength).toBe('a\n'.length);
      await stream.takeOne();
    }
    expect([taken, outlet.isBehind]).toEqual([['a', 'b', 'c'], false]);
  });

  test('takes what has no text in its turn, and at once when nothing is before it', async () => {
    const { stream, taken, outlet } = openOutlet();
    const note = (name: string) => () => void taken.push(name);
    outlet.write('', note('first'));
    expect([taken, outlet.isBehind]).toEqual([['first'], false]);
    for (const [text, name] of ['a', '', '', 'b', ''].entries()) outlet.write(name, note(`${text}`));
    expect(taken).toEqual(['first']);
    await stream.takeOne();
    expect(taken).toEqual(['first', '0', '1', '2']);
    await stream.takeOne();
    expect([taken, outlet.isBehind]).toEqual([['first', '0', '1', '2', '3', '4'], false]);
    expect(stream.lines).toEqual(['a', 'b']);
  });

  test('can be written to by whoever it tells', async () => {
    const { stream, outlet } = openOutlet();
    await stream.takeAll();
    outlet.write('a', () => outlet.write('c', () => outlet.write('d')));
    outlet.write('b');
    await turn();
    expect(stream.lines).toEqual(['a', 'b', 'c', 'd']);
  });

  test('does not stand still because somebody else writes to the stream', async () => {
    const { stream, outlet, place } = openOutlet();
    stream.write('theirs\n');
    for (const text of ['a', 'b']) place(text);
    await stream.takeAll();
    expect([stream.lines, outlet.isBehind]).toEqual([['theirs', 'a', 'b'], false]);
  });

  test('keeps 100 notices, and the number of the others where they were; of places it leaves out none', async () => {
    const { stream, taken, outlet, place } = openOutlet();
    place('under way');
    for (const n of upTo(103)) outlet.write(`notice ${n}`);
    for (const n of upTo(200)) place(`place ${n}`);
    outlet.write('notice 103');
    place('last');
    await stream.takeAll();
    const places = upTo(200).map((n) => `place ${n}`);
    const notices = upTo(100).map((n) => `notice ${n}`);
    expect(stream.lines).toEqual(['under way', ...notices, leftOut(3), ...places, leftOut(1), 'last']);
    expect(taken).toEqual(['under way', ...places, 'last']);
    outlet.write('notice 104');
    expect(stream.lines.at(-1)).toBe('notice 104');
  });

  test('shows notices again as soon as there is room, behind those it left out', async () => {
    const { stream, outlet } = openOutlet();
    for (const n of upTo(103)) outlet.write(`${n}`);
    await stream.takeOne();
    outlet.write('again');
    await stream.takeAll();
    expect(stream.lines).toEqual([...upTo(101).map(String), leftOut(2), 'again']);
  });

  test('that is closed drops what waits: it is never written, and nobody is told', async () => {
    const { stream, taken, outlet, place } = openOutlet();
    for (const text of ['under way', 'waits']) place(text);
    outlet.close();
    expect([outlet.isBehind, abandoned.has(stream)]).toEqual([false, true]);
    place('late');
    await stream.takeAll();
    expect([stream.lines, taken]).toEqual([['under way'], []]);
  });

  test('that is closed with nothing left has abandoned nothing', async () => {
    const { stream, outlet, place } = openOutlet();
    place('a');
    await stream.takeAll();
    outlet.close();
    expect(abandoned.has(stream)).toBe(false);
  });

  test('whose reader is gone tells nobody and waits for nothing', async () => {
    const { stream, taken, outlet, place } = openOutlet();
    const errors: unknown[] = [];
    stream.on('error', ({ code }: NodeJS.ErrnoException) => errors.push(code));
    for (const text of ['under way', 'waits']) place(text);
    await stream.fail('EPIPE');
    place('late');
    expect([taken, outlet.isBehind, errors]).toEqual([[], false, ['EPIPE']]);
  });
});

const message = (seq: number, more: Partial<ChatEvent & { type: 'message' }> = {}): ChatEvent => ({
  type: 'message',
  seq,
  from: { name: 'bob' },
  text: `text ${seq}`,
  own: false,
  replay: false,
  ...more,
});
const join1: ChatEvent = { type: 'join', server: 's', name: 'ana', online: 2 };
const renderer = new Renderer({ colorLevel: 0, timestamps: 'off', multiline: false, ascii: false });
function openPipe(joins: 'all' | 'none' = 'all') {
  const [out, err] = [new SlowStream(), new SlowStream()];
  const taken: number[] = [];
  const chat = { stream: out, renderer };
  const view = new PipeView({ chat, self: { stream: err, renderer }, settings: { joins }, now: () => 0 });
  return { out, err, taken, view, show: (n: number, event: ChatEvent) => view.show(event, () => taken.push(n)) };
}

describe('a pipe', () => {
  test('takes in order what is shown, what is not, and what is said on stderr', async () => {
    const { out, err, taken, view, show } = openPipe('none');
    show(0, message(0, { own: true }));
    expect(taken).toEqual([0]);
    show(1, message(1));
    show(2, message(2, { own: true }));
    show(3, { type: 'lost', seq: 3 });
    show(4, join1);
    show(5, message(5));
    await err.takeAll();
    expect([err.lines, taken]).toEqual([
      ['-- message 3 of the room is damaged; it is shown when somebody has it'],
      [0],
    ]);
    await out.takeAll();
    expect([out.lines, taken, view.isBehind]).toEqual([['[bob] text 1', '[bob] text 5'], [0, 1, 2, 3, 4, 5], false]);
  });

  test('is behind while its own words wait', async () => {
    const { err, view } = openPipe();
    view.show({ type: 'status', code: 'ANSWER', message: 'hello' });
    expect(view.isBehind).toBe(true);
    await err.takeAll();
    expect([view.isBehind, err.lines]).toEqual([false, ['-- hello']]);
  });

  test('says how many lines it left out, each stream its own', async () => {
    const { out, view } = openPipe();
    for (const _ of upTo(138)) view.show(join1);
    await out.takeAll();
    const joined = '[s] ana joined the room. 2 online.';
    expect(out.lines.slice(100)).toEqual([joined, '-- 37 lines were left out while the output stood still']);
  });

  test('with one stream for all keeps the order of all', async () => {
    const stream = new SlowStream();
    const both = { stream, renderer };
    const view = new PipeView({ chat: both, self: both, settings: { joins: 'all' }, now: () => 0 });
    view.show(message(1));
    view.show({ type: 'status', code: 'ANSWER', message: 'hello' });
    view.show(message(2));
    await stream.takeAll();
    expect(stream.lines).toEqual(['[bob] text 1', '-- hello', '[bob] text 2']);
  });

  test('that is closed writes nothing more anywhere', async () => {
    const { out, err, view, show } = openPipe();
    for (const seq of [1, 2]) show(seq, message(seq));
    for (const text of ['a', 'b']) view.show({ type: 'status', code: 'ANSWER', message: text });
    view.close();
    await Promise.all([out.takeAll(), err.takeAll()]);
    expect([out.lines, err.lines, view.isBehind]).toEqual([['[bob] text 1'], ['-- a'], false]);
  });
});

test('JSON lines say how many were left out as an event, with the time it is told', async () => {
  const stream = new SlowStream();
  let nowMs = 0;
  const view = new JsonView(stream, () => nowMs);
  const taken: number[] = [];
  for (const _ of upTo(102)) view.show(join1);
  view.show(message(7, { mended: true, sentMs: 9, acceptedMs: 7, agoMs: 2 }), () => taken.push(7));
  nowMs = 1_000;
  await stream.takeAll();
  expect(stream.lines.slice(101).map((line) => JSON.parse(line))).toEqual([
    {
      type: 'status',
      code: 'FOLDED',
      message: '1 line was left out while the output stood still',
      count: 1,
      ts: '1970-01-01T00:00:01.000Z',
    },
    { ...message(7), mended: true, sentMs: 9, acceptedMs: 7, agoMs: 2, ts: '1970-01-01T00:00:00.005Z' },
  ]);
  expect([taken, view.isBehind]).toEqual([[7], false]);
});

/** A real pipe, and a reader that takes all that is in it. */
const pipeTest = test.extend<{ pipe: { end: number; read: () => string } }>({
  pipe: async ({ task: _ }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'outlet-'));
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const end = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(1_000_000);
    await use({ end, read: () => bytes.toString('utf8', 0, readSync(reader, bytes)) });
    closeSync(reader);
    rmSync(folder, { recursive: true });
  },
});

describe.skipIf(process.platform === 'win32')('while nobody reads', () => {
  for (const bytesOfText of [10, 3_900])
    pipeTest(`a pipe has just the lines that were taken, with texts of ${bytesOfText} bytes`, async ({ pipe }) => {
      const writer = new Socket({ fd: pipe.end, readable: false });
      const view = new JsonView(writer, () => 0);
      let taken = 0;
      for (const seq of upTo(5_000)) view.show(message(seq, { text: 'x'.repeat(bytesOfText) }), () => taken++);
      await turn();
      view.close();
      writer.destroy();
      const lines = pipe.read().split('\n');
      expect(lines.pop()).toBe('');
      expect(lines.map((line) => JSON.parse(line).seq)).toEqual(upTo(taken));
      expect(taken).toBeGreaterThan(10);
      expect(taken).toBeLessThan(5_000);
    });

  const program = (main: string) => `
    import { run } from './src/cli/run.ts';
    import { JsonView } from './src/terminal/pipe-view.ts';
    const view = new JsonView(process.stdout, () => 0);
    let taken = 0;
    const show = () => view.show({ type: 'status', code: 'X', message: 'x'.repeat(1_000) }, () => taken++);
    const program = { command: 'test', purpose: '', example: '', options: {}, subcommands: {} };
    await run(program, async () => {
      for (let n = 0; n < 5_000; n++) show();
      await new Promise(setImmediate);
      view.close();
      ${main}
    });`;
  /** The reader reads on when the program has said its last word. */
  async function ends(main: string, { end, read }: { end: number; read: () => string }) {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program(main)];
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', end, 'pipe'] });
    closeSync(end);
    const gone = once(child, 'exit');
    const [said] = await once(child.stderr as Readable, 'data');
    const first = read();
    const [code] = await gone;
    return { code, said: String(said), lines: (first + read()).split('\n') };
  }

  pipeTest('a program ends, and has written what was taken, and nothing else', async ({ pipe }) => {
    const { code, said, lines } = await ends('process.stderr.write(String(taken)); return 3;', pipe);
    expect([code, lines.pop(), lines.length]).toEqual([3, '', Number(said)]);
    expect(lines.length).toBeLessThan(5_000);
  });

  pipeTest('a program ends, and says why it failed', async ({ pipe }) => {
    const { code, said } = await ends("throw new Error('oh no');", pipe);
    expect(code).toBe(1);
    expect(said).toContain('oh no');
  });
});
