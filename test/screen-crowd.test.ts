import { describe, expect } from 'vitest';
import { isPlain, type Stage, test } from './support/command.ts';
import { Person, RawDealer } from './support/raw.ts';
import type { Screen } from './support/screen.ts';

const crowd = Array.from({ length: 40 }, (_, i) => `m${i + 1}`);

describe.concurrent('at a terminal', () => {
  test('40 people who come at once are a few lines, and 40 who leave then are one', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    const dealers = crowd.map(() => stage.keep(new RawDealer(port)));
    await Promise.all(dealers.map((dealer, i) => dealer.ask({ auth: 1, name: crowd[i] })));
    await ana.until(/\[room\] .* joined the room\. 41 online\.$/);
    const joined = ana.lines.filter((line) => line.includes('joined the room'));
    expect(joined.at(-1)).toMatch(/ 41 online\.$/);
    // All of them in one line where they come without a gap of 0.7 s.
    expect(joined.length).toBeLessThanOrEqual(5);
    for (const [i, dealer] of dealers.entries()) void dealer.send({ auth: 0, name: crowd[i] });
    await ana.until(/\[room\] .* left the room\. 1 online\.$/);
    await ana.settled();
    expect(ana.count(/joined the room/)).toBe(joined.length);
    expect(ana.count(/left the room/)).toBe(1);
    expect(ana.count(/m\d+, m\d+, m\d+ and 37 others left the room\. 1 online\./)).toBe(1);
  });

  test('who only comes to say something is one line; twelve of them are twelve, and one notice at most', async ({
    stage,
  }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana');
    const names = Array.from({ length: 12 }, (_, i) => `cron${i}`);
    await Promise.all(names.map((name) => stage.client(port, name, '-q', '-m', `I am ${name}`).ends(0)));
    // What comes after them is shown after them.
    const last = await stage.online(port, 'last', '--listen');
    await ana.until(/\[room\] last joined the room\./);
    last.write('the end\n');
    await ana.until(/\[last\] the end/);
    expect(ana.count(/\[cron\d+\] I am cron/)).toBe(12);
    expect(ana.count(/\[room\] .*cron/)).toBeLessThanOrEqual(1);
  });

  test.for(['all', 'none'])('--joins %s', async (joins, { stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana', ['--joins', joins]);
    for (const name of ['bo', 'cy']) await stage.client(port, name, '-m', `I am ${name}`).ends(0);
    await ana.until('[cy] I am cy');
    expect(ana.count('joined the room')).toBe(joins === 'all' ? 2 : 0);
  });

  const hostile = [
    '\u001b[2J\u001b]0;title\u0007',
    '\u009b31m',
    '\r[ana] forged',
    '\n[ana] forged',
    '\u202e[ana]',
    '\b\b\b',
  ];

  test('no byte of a peer does anything to a terminal', async ({ stage }) => {
    const { port } = await stage.server('--name', 'room');
    const ana = await stage.clientScreen(port, 'ana', ['--bell', 'off', '--no-color']);
    const legacy = stage.keep(new RawDealer(port));
    await legacy.ask({ auth: 1, name: `eve${hostile.join('')}` });
    for (const text of hostile) await legacy.send({ name: 'eve', text: `${text}\n` });
    await says(stage, port, hostile, `${hostile.join('')} the end`);
    await ana.until('[mallory] ');
    expect(ana.count('(guest)')).toBe(hostile.length);
    await ana.settled();
    expect(ana.titles).toEqual([]);
    expect(ana.bells).toBe(0);
    expect(ana.lines.filter((line) => /^(\d\d:\d\d )?\[ana\]/.test(line))).toEqual([]);
    expect(ana.lines[0]).toContain('-- connecting to');
    expect(ana.lines.every((line) => isPlain(line))).toBe(true);
    expect(colours(ana)).toEqual(['default']);
  });
});

/** Says this under each of the names, then under their own, in version 1: nobody writes so with a program of ours. */
async function says(stage: Stage, port: number, names: string[], text: string): Promise<void> {
  const person = new Person();
  const dealer = stage.keep(new RawDealer(port));
  await person.join(dealer, 'mallory');
  for (const [i, name] of [...names, 'mallory'].entries())
    await person.upload(dealer, person.says({ name, text, id: `${person.device}.${i + 1}` }));
}

const colours = (screen: Screen) => [...new Set(screen.cells.flatMap((row) => row.map(({ fg }) => fg)))];
