import { beforeEach, describe, expect, test } from 'vitest';
import { type Command, type Meaning, readCommands } from '../src/cli/commands.ts';
import type { ChatEvent } from '../src/core/events.ts';

const shown: ChatEvent[] = [];
const given: string[] = [];
const view = { show: (event: ChatEvent) => void shown.push(event), waiting: () => {}, close: () => {} };
const history: Command = {
  name: 'history',
  argument: '[N]',
  does: 'again',
  run: (argument) => void given.push(argument),
};
const read = readCommands([history], view);
beforeEach(() => {
  shown.length = 0;
  given.length = 0;
});

describe('a line at the prompt', () => {
  test.each<[string, Meaning]>([
    ['hello', { text: 'hello' }],
    [' /quit', { text: ' /quit' }],
    ['a/b', { text: 'a/b' }],
    ['//quit', { text: '/quit' }],
    ['///', { text: '//' }],
    ['/quit', 'quit'],
    ['/quit  ', 'quit'],
    ['/history 5', undefined],
    ['/nosuch', undefined],
    ['/', undefined],
    ['/Quit', undefined],
  ])('%j means %j', (line, meaning) => expect(read(line)).toEqual(meaning));

  test('gives a command its argument, as it was typed', () => {
    for (const line of ['/history', '/history 5', '/history   a  b ']) read(line);
    expect(given).toEqual(['', '5', 'a  b']);
    expect(shown).toEqual([]);
  });

  test('with an unknown command is not sent, and says what may be meant', () => {
    read('/histroy 5');
    read('/inviet');
    expect(given).toEqual([]);
    expect(shown).toEqual([
      error('Unknown command /histroy. Did you mean /history? Start with // to send it as text.'),
      error('Unknown command /inviet. See /help. Start with // to send it as text.'),
    ]);
  });

  test('/help names every command', () => {
    read('/help');
    const lines = shown.map((event) => (event.type === 'status' ? event.message.trimEnd() : event.type));
    expect(lines).toEqual(['/history [N]   again', '/help          this list', '/quit          leave']);
  });
});

const error = (message: string) => ({ type: 'error', code: 'USAGE', message });
