import { beforeEach, describe, expect, test } from 'vitest';
import { statusCommand, whoCommand } from '../src/cli/about.ts';
import {
  type Command,
  completeWith,
  helpCommand,
  type Meaning,
  meCommand,
  nickCommand,
  quitCommand,
  readCommands,
  settingCommand,
} from '../src/cli/commands.ts';
import { historyCommand } from '../src/cli/history.ts';
import { openPrompt } from '../src/cli/prompt.ts';
import { readSpanMs } from '../src/cli/span.ts';
import type { Conversation } from '../src/core/conversation.ts';
import type { ChatEvent } from '../src/core/events.ts';
import { emptyHash, makeEntry } from '../src/core/store.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Settings } from '../src/terminal/settings.ts';
import type { View } from '../src/terminal/view.ts';

let shown: ChatEvent[];
let cleared: number;
let settings: Settings;
const view: View = {
  show: (event) => void shown.push(event),
  waiting: () => {},
  close: () => {},
  clear: () => void cleared++,
};
beforeEach(() => {
  shown = [];
  cleared = 0;
  settings = { joins: 'auto', bell: 'mention' };
});
const error = (message: string) => ({ type: 'error', code: 'USAGE', message });
/** Answers as they are, errors behind `!!`. */
const said = () =>
  shown.map((event) =>
    event.type === 'status' ? event.message : event.type === 'error' ? `!! ${event.message}` : event.type,
  );

const talk = (some: Partial<Conversation> = {}): Conversation => ({
  online: true,
  waiting: [],
  others: ['Luis', 'Ana María', 'ana', 'Bo'],
  present: 5,
  left: false,
  step: () => [],
  ...some,
});
const prompt = (own: Command[] = [], some: Partial<Conversation> = {}) =>
  openPrompt(own, { conversation: talk(some), view, settings, about: () => ['the room'] });

describe('a line at the prompt', () => {
  test.each<[string, Meaning]>([
    ['hello', { text: 'hello' }],
    [' /quit', { text: ' /quit' }],
    ['a/b', { text: 'a/b' }],
    ['a\n/quit', { text: 'a\n/quit' }],
    ['//quit', { text: '/quit' }],
    ['///', { text: '//' }],
    ['//a\nb', { text: '/a\nb' }],
    ['/quit', 'quit'],
    ['/quit  ', 'quit'],
    ['/quit now', 'quit'],
    ['/me waves', { text: 'waves', action: true }],
    ['/me  waves\nand smiles ', { text: 'waves\nand smiles', action: true }],
    ['/me /quit', { text: '/quit', action: true }],
    ['/me', undefined],
    ['/nick Ana  María ', { name: 'Ana  María' }],
    ['/nick', undefined],
    ['/clear', undefined],
    ['/who', undefined],
    ['/bell off', undefined],
    ['/nosuch', undefined],
    ['/', undefined],
    ['/ quit', undefined],
    ['/Quit', undefined],
    ['/quitnow', undefined],
  ])('%j means %j', (line, meaning) => expect(prompt([nickCommand(view)])(line)).toEqual(meaning));

  test('gives a command its argument, as it was typed', () => {
    const given: string[] = [];
    const history: Command = { name: 'history', does: 'again', run: (argument) => void given.push(argument) };
    const read = readCommands([history], view);
    for (const line of ['/history', '/history 5', '/history   a  b ', '/history a\nb']) read(line);
    expect(given).toEqual(['', '5', 'a  b', 'a\nb']);
    expect(shown).toEqual([]);
  });

  test('with an unknown command is not sent, and says what may be meant', () => {
    const read = prompt();
    for (const line of ['/hlep', '/inviet', '/']) expect(read(line)).toBeUndefined();
    expect(shown).toEqual([
      error('Unknown command /hlep. Did you mean /help? Start with // to send it as text.'),
      error('Unknown command /inviet. See /help. Start with // to send it as text.'),
      error(
        expect.stringMatching(/^Unknown command \/\. .* Start with \/\/ to send it as text\.$/) as unknown as string,
      ),
    ]);
  });

  test('without what the command needs says so', () => {
    const read = prompt([nickCommand(view)]);
    read('/me');
    read('/nick  ');
    expect(said()).toEqual(['!! What do you do? For example: /me waves', '!! Which name? For example: /nick Ana']);
  });
});

test('/help names every command and the keys', () => {
  prompt([nickCommand(view)])('/help');
  const lines = said();
  expect(lines.filter((line) => line.startsWith('/')).map((line) => line.split(' ')[0])).toEqual([
    '/who',
    '/status',
    '/nick',
    '/me',
    '/bell',
    '/clear',
    '/quit',
    '/help',
  ]);
  expect(lines).toContain(`${'/nick NAME'.padEnd(22)} go by another name`);
  expect(lines).toContain(`${'/bell mention|all|off'.padEnd(22)} what rings`);
  for (const key of ['Alt-Enter', 'Tab', 'Ctrl-C', 'Ctrl-L', 'Ctrl-Z', '//']) expect(lines.join('\n')).toContain(key);
});

test('/help names the commands given to it only', () => {
  helpCommand([quitCommand], view).run('');
  expect(said()[0]).toBe(`${'/quit '.padEnd(22)} leave`);
});

test('/clear empties the screen, where there is one', () => {
  expect(prompt()('/clear')).toBeUndefined();
  expect(cleared).toBe(1);
});

describe('a setting', () => {
  test('is changed, and said', () => {
    const read = prompt();
    for (const line of ['/bell', '/bell off', '/bell']) read(line);
    expect(said()).toEqual(['bell: mention', 'bell: off', 'bell: off']);
    expect(settings.bell).toBe('off');
  });

  test('is not changed to what it cannot be', () => {
    prompt()('/bell loud');
    expect(said()).toEqual(['!! /bell is one of mention, all, off.']);
    expect(settings.bell).toBe('mention');
  });
});

describe('/who', () => {
  const who = (some: Partial<Conversation>) => {
    whoCommand(talk(some), view).run('');
    return said();
  };
  const many = Array.from({ length: 150 }, (_, n) => `p${n}`);

  test.each<[string, Partial<Conversation>, string]>([
    ['names all', {}, '5 online: you, Luis, Ana María, ana, Bo'],
    ['counts those whose names are not known', { present: 7 }, '7 online: you, Luis, Ana María, ana, Bo, 2 more'],
    ['is fine alone', { others: [], present: 1 }, '1 online: you'],
    [
      'names at most a hundred',
      { others: many, present: 151 },
      `151 online: you, ${many.slice(0, 100).join(', ')}, 50 more`,
    ],
    ['knows nothing offline', { online: false }, 'you are offline'],
  ])('%s', (_name, some, expected) => expect(who(some)).toEqual([expected]));
});

describe('/status', () => {
  test.each<[string, Partial<Conversation>, string]>([
    ['nothing waits', {}, 'online, 5 there; nothing waits to be sent'],
    ['one waits', { waiting: [{ text: 'a', sinceMs: 0 }] }, 'online, 5 there; 1 message not sent yet'],
    [
      'two wait, offline',
      {
        online: false,
        waiting: [
          { text: 'a', sinceMs: 0 },
          { text: 'b', sinceMs: 0 },
        ],
      },
      'offline; 2 messages not sent yet',
    ],
  ])('says what only the program knows, then that %s', (_name, some, expected) => {
    statusCommand(talk(some), () => ['first', 'second'], view).run('');
    expect(said()).toEqual(['first', 'second', expected]);
  });
});

describe('what Tab can make of it', () => {
  const joins = settingCommand('joins', ['auto', 'all', 'none'], '', { joins: 'auto' }, view);
  const commands = [meCommand(view), nickCommand(view), joins, quitCommand];
  const complete = completeWith(commands, () => talk().others);

  test.each([
    ['/', ['/me ', '/nick ', '/joins ', '/quit']],
    ['/q', ['/quit']],
    ['/j', ['/joins ']],
    ['/joins ', ['/joins auto', '/joins all', '/joins none']],
    ['/joins a', ['/joins auto', '/joins all']],
    ['/joins none', ['/joins none']],
    ['/joins x', []],
    ['/x', []],
    ['l', ['Luis: ']],
    ['L', ['Luis: ']],
    ['an', ['Ana María: ', 'ana: ']],
    ['Ana M', ['Ana María: ']],
    ['', ['Luis: ', 'Ana María: ', 'ana: ', 'Bo: ']],
    ['hi l', ['hi Luis ']],
    ['hi ana m', ['hi Ana María ']],
    ['hi Bo an', ['hi Bo Ana María ', 'hi Bo ana ']],
    ['hi\nbo', ['hi\nBo ']],
    ['/me thanks bo', ['/me thanks Bo ']],
    ['/me b', ['/me Bo ']],
    ['/nick a', ['/nick Ana María ', '/nick ana ']],
    ['xyz', []],
    ['hixl', []],
    ['@', []],
  ])('%j: %j', (before, expected) => expect(complete(before)).toEqual(expected));

  test('is asked at the prompt', () => {
    const asked: View = { ...view };
    openPrompt([], { conversation: talk(), view: asked, settings, about: () => [] });
    expect(asked.completer?.('b')).toEqual(['Bo: ']);
    expect(asked.completer?.('/b')).toEqual(['/bell ']);
  });
});

test.each([
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['2d', 172_800_000],
  ['0h', 0],
  ['999999d', 999_999 * 86_400_000],
  ['1000000d', undefined],
  ['5', undefined],
  ['h', undefined],
  ['2 h', undefined],
  ['2H', undefined],
  ['-2h', undefined],
  ['2.5h', undefined],
  ['2h ', undefined],
  ['', undefined],
])('the span %j is %j ms', (text, ms) => expect(readSpanMs(text)).toBe(ms));

describe('/history', () => {
  const nowMs = 100 * 86_400_000;
  const hourMs = 3_600_000;
  /** Message n was written so many hours ago. */
  const history = (...hoursAgo: number[]) => {
    const store = new MemoryStore('log');
    const entries = hoursAgo.map((hours, n) => {
      const atMs = nowMs - hours * hourMs;
      return makeEntry({ kind: 'message', name: 'bob', text: `${n + 1}`, ts: atMs }, n + 1, emptyHash, atMs);
    });
    store.apply({ entries });
    return historyCommand(store, view, () => nowMs);
  };
  const texts = () => shown.map((event) => (event.type === 'message' ? event.text : said()[0]));
  const manyHours = Array.from({ length: 30 }, (_, n) => 30 - n);

  test.each([
    ['', manyHours, Array.from({ length: 20 }, (_, n) => `${n + 11}`)],
    ['2', [9, 8, 7], ['2', '3']],
    ['99', [9, 8, 7], ['1', '2', '3']],
    ['2h', [9, 2.1, 2, 1], ['3', '4']],
    ['120m', [9, 2.1, 2, 1], ['3', '4']],
    ['1d', [25, 24, 23], ['2', '3']],
    // Clocks differ: the order is that of the log.
    ['2h', [1, 9, 0], ['1', '3']],
    ['1h', [9, 8], ['nothing was said']],
    ['5', [], ['nothing was said']],
  ])('%j shows of messages so many hours ago %j', (argument, hoursAgo, expected) => {
    expect(history(...hoursAgo).run(argument)).toBeUndefined();
    expect(texts()).toEqual(expected);
  });

  test.each(['0', '-1', 'x', '1 2', '2w', '0h', '1e3', '1000000'])('%j is not understood', (argument) => {
    history(1).run(argument);
    expect(said()).toEqual(['!! How many, or since when? For example: /history 50, /history 2h']);
  });

  test('shows what was said as of then, so that nothing rings', () => {
    history(1).run('1');
    expect(shown).toEqual([expect.objectContaining({ replay: true, own: false, sentMs: nowMs - hourMs })]);
  });

  test('shows no void entry', () => {
    const store = new MemoryStore('log');
    const message = { kind: 'message', name: 'bob', text: '', void: true } as const;
    store.apply({ entries: [makeEntry(message, 1, emptyHash, nowMs)] });
    historyCommand(store, view, () => nowMs).run('');
    expect(said()).toEqual(['nothing was said']);
  });
});
