import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { IgnoredFile } from '../src/history/ignored.ts';
import { Ignored, whyNotIgnored } from '../src/prompt/ignore.ts';

const [bo, cy] = ['b'.repeat(43), 'c'.repeat(43)];
let folder: string;
let shown: string[];
let whose: Record<string, string>;
let ignored: Ignored;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zmqchat-'));
  whose = { bo, cy, neo: 'room' };
  start();
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(): void {
  shown = [];
  ignored = new Ignored({
    kept: new IgnoredFile(folder),
    room: () => 'r'.repeat(43),
    whose: (name) => whose[name.toLowerCase()],
    whyNot: (name) => whyNotIgnored(name, { name: 'Ana', server: 'room' }),
    view: { show: (event) => void ('message' in event && shown.push(event.message)) },
  });
}
const run = (name: 'ignore' | 'unignore', argument: string) => {
  ignored.commands.find((command) => command.name === name)?.run(argument);
  return shown.at(-1);
};
const by = (name: string, id?: string, own = false): ChatEvent => ({
  type: 'message',
  from: { name, ...(id && { id }) },
  text: 'x',
  own,
  replay: false,
});

describe('who is ignored', () => {
  test('is known by key, whatever the name, also after a restart', () => {
    expect(run('ignore', 'Bo')).toBe('you read nothing of Bo any more; /unignore Bo ends that.');
    start();
    expect([by('Bo', bo), by('Zoe', bo), by('Bo', cy), by('Bo')].map((event) => ignored.hides(event))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('is known by name in the original program, and for this session', () => {
    expect(run('ignore', 'Neo')).toMatch(/it counts for this name, and until you leave\.$/);
    expect([by('neo', 'r'.repeat(43)), by('NEO'), by('Neo', cy)].map((event) => ignored.hides(event))).toEqual([
      true,
      true,
      false,
    ]);
    start();
    expect(ignored.hides(by('Neo'))).toBe(false);
  });

  test('is never me, and nothing but messages is hidden', () => {
    run('ignore', 'bo');
    expect(ignored.hides(by('Bo', bo, true))).toBe(false);
    expect(ignored.hides({ type: 'join', server: 'room', name: 'bo', online: 2 })).toBe(false);
  });

  test('is read again by the name of then, or the one of now', () => {
    run('ignore', 'bo');
    whose = { zoe: bo };
    expect(run('unignore', 'Zoe')).toBe('you read Zoe again');
    run('ignore', 'zoe');
    whose = {};
    expect(run('unignore', 'ZOE')).toBe('you read ZOE again');
    expect(ignored.hides(by('x', bo))).toBe(false);
  });
});

describe('what is no name of anybody', () => {
  test.each([
    ['ignore', 'ana', 'That is you.'],
    ['ignore', 'ROOM', 'That is the room itself: what it says is for all.'],
    ['ignore', 'nobody', 'Nobody here is known as nobody. See /who.'],
    ['ignore', '\x1b[31m\x07\0', 'Nobody here is known as 31m. See /who.'],
    ['ignore', 'x'.repeat(4_000), `Nobody here is known as ${'x'.repeat(32)}. See /who.`],
    ['ignore', '', 'you ignore nobody'],
    ['unignore', '', 'Whom? For example: /unignore Bo'],
    ['unignore', 'bo', 'You do not ignore bo.'],
    ['unignore', '\u202e', 'You do not ignore somebody.'],
  ] as const)('/%s %j', (name, argument, answer) => {
    expect(run(name, argument)).toBe(answer);
    expect(ignored.hides(by('bo', bo))).toBe(false);
  });
});

describe('the file', () => {
  const path = () => join(folder, 'ignored');

  test('has a line for each, and names all', () => {
    run('ignore', 'Bo');
    run('ignore', 'Cy');
    expect(readFileSync(path(), 'utf8')).toBe(`${bo} Bo\n${cy} Cy\n`);
    expect(run('ignore', '')).toBe('you ignore Bo, Cy');
    run('unignore', 'bo');
    expect(readFileSync(path(), 'utf8')).toBe(`${cy} Cy\n`);
  });

  test.each(['', '\0\0\n', 'Bo\n', `${bo}\n`, 'x'.repeat(100_000)])('%# that is damaged ignores nobody', (text) => {
    writeFileSync(path(), text);
    start();
    expect(ignored.hides(by('Bo', bo))).toBe(false);
    run('ignore', 'cy');
    expect(ignored.hides(by('Cy', cy))).toBe(true);
  });

  test('that cannot be written is said, and ignores nobody', () => {
    mkdirSync(path());
    start();
    for (const hides of [() => ignored.hides(by('Bo', bo)), () => run('ignore', 'bo')]) expect(hides).not.toThrow();
    expect(shown.at(-1)).toMatch(/^This cannot be kept: /);
    chmodSync(folder, 0o700);
    expect(ignored.hides(by('Bo', bo))).toBe(false);
  });
});
