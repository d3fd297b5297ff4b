import { describe, expect } from 'vitest';
import { test } from './support/command.ts';
import type { Screen } from './support/screen.ts';

describe.concurrent('at a terminal', () => {
  test('offline: for how long, and after 10 s what waits is marked; back, nothing of it stays', async ({ stage }) => {
    const { server, port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    server.kill('SIGKILL');
    await ana.until('-- connection lost.');
    ana.enter('on my way');
    ana.type('half a dr');
    await ana.until(/^… on my way$/);
    await ana.until(/^-- offline [1-9] s$/);
    await ana.until(/^… on my way \(not sent yet\)$/);
    await ana.settled();
    expect(
      ana.lines
        .slice(-3)
        .map((line) => line.replace(/\d+ s/, 'N s'))
        .sort(),
    ).toEqual(['-- offline N s', '> half a dr', '… on my way (not sent yet)']);
    expect(ana.lines.at(-1)).toBe('> half a dr');
    await stage.server('--name', 'room', '--port', String(port));
    await ana.until('[ana] on my way');
    await ana.settled();
    expect(ana.has(/offline|not sent yet|^…/)).toBe(false);
    expect(ana.count(/^-- back online after \d+ s\. 1 waiting message sent\.$/)).toBe(1);
    expect(ana.lines.at(-1)).toBe('> half a dr');
  });

  test('a mention rings and is inverse; what was missed rings not', async ({ stage }) => {
    const { port } = await stage.server();
    const bo = await stage.online(port, 'bo', '--listen');
    const ana = await stage.clientScreen(port, 'ana');
    bo.write('anagram\n');
    await ana.until('[bo] anagram');
    await ana.settled();
    expect(ana.bells).toBe(0);
    bo.write('lunch, Ana?\n');
    await ana.until('[bo] lunch, Ana?');
    await ana.settled();
    expect(ana.bells).toBe(1);
    expect(inverse(ana, '[bo] lunch')).toContain('bo');
    ana.enter('/quit');
    await ana.ends(0);
    bo.write('ana, where are you?\n');
    const again = await stage.clientScreen(port, 'ana');
    await again.until('-- end of missed messages ---');
    await again.settled();
    expect(again.bells).toBe(0);
  });

  test('a pasted block is one message, with its newlines', async ({ stage }) => {
    const { server, port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    expect(ana.bracketedPaste).toBe(true);
    ana.paste('one\ntwo\nthree');
    await ana.until(/^> one⏎two⏎three$/);
    ana.press('enter');
    expect((await server.json({ type: 'message' })).text).toBe('one\ntwo\nthree');
    await ana.until(/^\s+\| three$/);
    expect(ana.lines.slice(-4, -1).map((line) => line.trim().replace(/^\d\d:\d\d /, ''))).toEqual([
      '[ana] one',
      '| two',
      '| three',
    ]);
  });

  test('Alt-Enter: a newline in the draft', async ({ stage }) => {
    const { server, port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('one');
    ana.press('alt-enter');
    ana.type('two');
    ana.press('enter');
    expect((await server.json({ type: 'message' })).text).toBe('one\ntwo');
  });

  test('more than 5 pasted lines: it asks first, and no is no', async ({ stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.paste('1\n2\n3\n4\n5\n6');
    ana.press('enter');
    await ana.until(/6 lines/);
    ana.press('ctrl-c');
    await ana.settled();
    ana.enter('afterwards');
    await ana.until('[ana] afterwards');
    expect(ana.has('[ana] 1')).toBe(false);
  });

  test('Ctrl-C drops a draft, Up brings it back, and what was sent before', async ({ stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.enter('sent');
    await ana.until('[ana] sent');
    ana.type('dropped');
    ana.press('ctrl-c');
    await ana.settled();
    const steps = { up: ['> dropped', '> sent'], down: ['> dropped', '>'] } as const;
    for (const key of ['up', 'down'] as const)
      for (const shown of steps[key]) {
        ana.press(key);
        await ana.until(({ lines }) => lines.at(-1) === shown, shown);
      }
  });

  test('Tab completes a command, and the name who spoke last', async ({ stage }) => {
    const { port } = await stage.server();
    const bo = await stage.online(port, 'Bob', '--listen');
    const ana = await stage.clientScreen(port, 'ana');
    bo.write('hi\n');
    await ana.until('[Bob] hi');
    ana.type('/hist');
    ana.press('tab');
    await ana.until(/^> \/history/);
    ana.press('ctrl-c');
    await ana.settled();
    ana.type('b');
    ana.press('tab');
    ana.type('lunch?');
    await ana.until(/^> Bob: lunch\?$/);
  });

  test('Ctrl-C right behind what was entered: all of it is sent before the end', async ({ stage }) => {
    const { server, port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('one\rtwo\rthree\r\x03');
    await ana.ends(0);
    for (const text of ['one', 'two', 'three']) expect((await server.json({ type: 'message' })).text).toBe(text);
    await server.json({ type: 'leave', name: 'ana', reason: 'left' });
    expect(ana.has('not sent')).toBe(false);
    expect(ana.settings).toBe(ana.settingsAtStart);
  });

  test('after /quit nothing that was typed behind it is sent or kept', async ({ stage }) => {
    const { port } = await stage.server();
    const ana = await stage.clientScreen(port, 'ana');
    ana.type('/quit\rls -l\r');
    await ana.ends(0);
    expect(ana.has('not sent')).toBe(false);
    const again = await stage.clientScreen(port, 'ana');
    again.enter('here again');
    await again.until('[ana] here again');
    expect(again.has('ls -l')).toBe(false);
  });
});

/** The inverse characters of the first visible row that contains this. */
function inverse(screen: Screen, text: string): string {
  const row = screen.rows.findIndex((line) => line.includes(text));
  const cells = screen.cells[row] ?? [];
  return cells
    .filter((cell) => cell.inverse)
    .map(({ chars }) => chars)
    .join('');
}
