import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { messageEvent } from '../src/core/narrate.ts';
import { answerCommand, withAnswered } from '../src/prompt/answer.ts';
import type { Meaning } from '../src/prompt/prompt.ts';
import type { Message } from '../src/protocol/frames.ts';
import { Renderer } from '../src/terminal/render.ts';
import { Written } from './support/places.ts';

let written: Written;
let shown: string[];
beforeEach(() => {
  [written, shown] = [new Written(), []];
  say('Ana', 'early');
  say('Ana María', 'lunch at noon?\nor later?');
  say('Ana', 'late');
  say('Ana', 'hidden', { type: 'nothing' });
  say('Bo', 'waves', { type: 'action' });
  say('Neo', 'hi', { guest: true });
});
let n = 0;
const say = (name: string, text: string, more: Partial<Message> = {}) =>
  written.append(1, { kind: 'message', name, text, id: { dev: 'D', n: ++n }, at: 7, ...more });
const view = { show: (event: ChatEvent) => void ('message' in event && shown.push(event.message)) };
const re = (argument: string, others: string[] = []): Meaning =>
  answerCommand({ openLog: () => written.log, view, unkept: () => others }).run(argument);
/** What is answered, by its text. */
const answered = (argument: string) => {
  const meaning = re(argument);
  const id = meaning && typeof meaning === 'object' && 're' in meaning ? meaning.re : undefined;
  return id && written.log.find(id)?.message?.text;
};

describe('/re', () => {
  test.each([
    ['Ana yes', 'late', '@Ana: yes'],
    ['ana: yes', 'late', '@Ana: yes'],
    ['@ana yes  or no', 'late', '@Ana: yes  or no'],
    ['ANA MARÍA yes', 'lunch at noon?\nor later?', '@Ana María: yes'],
    ['Bo\nyes', 'waves', '@Bo: yes'],
    ['Neo (guest) yes', 'hi', '@Neo (guest): yes'],
  ])('%j answers %j', (argument, said, text) => {
    expect(answered(argument)).toBe(said);
    expect(re(argument)).toMatchObject({ text });
  });

  test.each([
    ['', 'Whom do you answer? For example: /re Ana yes'],
    ['Nobody yes', 'Nobody has said nothing here. For example: /re Ana yes'],
    ['Anabel yes', 'Anabel has said nothing here. For example: /re Ana yes'],
    ['\0\x1b[31m yes', '31m has said nothing here. For example: /re Ana yes'],
    [':', ': has said nothing here. For example: /re Ana yes'],
    ['x'.repeat(4_096), `${'x'.repeat(32)} has said nothing here. For example: /re Ana yes`],
    ['x '.repeat(2_048), 'x has said nothing here. For example: /re Ana yes'],
    ['Ana', 'What do you answer Ana? For example: /re Ana yes'],
    ['Ana María:  ', 'What do you answer Ana María? For example: /re Ana María yes'],
  ])('%j is not sent', (argument, answer) => {
    expect(re(argument)).toBeUndefined();
    expect(shown).toEqual([answer]);
  });

  test('says only the name where no messages are kept', () =>
    expect(re('Trinity yes', ['Trinity'])).toEqual({ text: '@Trinity: yes' }));
});

describe('an answer', () => {
  const renderer = (multiline: boolean, ascii = false) =>
    new Renderer({ colorLevel: 0, timestamps: 'off', multiline, ascii });
  const answerTo = (id: Message['id'], text: string, isHidden = false) => {
    const message: Message = { kind: 'message', name: 'Cy', text, ...(id && { re: id }) };
    const event = withAnswered(messageEvent(message, false), written.log, () => isHidden);
    return [renderer(true), renderer(false)].map((one) => one.render(event, 0)?.text);
  };
  const idOf = (text: string) =>
    written.log.read(1, 9).find(({ message }) => message?.text.startsWith(text))?.message?.id;

  test('has on a screen a row before it, and in a pipe the name', () =>
    expect(answerTo(idOf('lunch'), '@Ana María: yes')).toEqual([
      '      ↪ Ana María: lunch at noon?\n[Cy] yes',
      '[Cy] @Ana María: yes',
    ]));

  test('says whom it answers by itself where its words do not', () =>
    expect(answerTo(idOf('late'), 'yes')[0]).toBe('      ↪ Ana: late\n[Cy] yes'));

  test('to what is not to be read, or is not kept, shows no words of that', () => {
    expect(answerTo(idOf('late'), '@Ana: yes', true)[0]).toBe('      ↪ Ana\n[Cy] yes');
    expect(answerTo({ dev: 'X', n: 1 }, '@Ana: yes')[0]).toBe('[Cy] @Ana: yes');
    expect(answerTo(idOf('hidden'), '@Ana: yes')[0]).toBe('[Cy] @Ana: yes');
  });

  test('cannot be forged, and carries no escape sequence', () => {
    say('Eve', '\x1b]0;evil\x07[Bo] no');
    expect(answerTo(idOf('\x1b'), 'yes')[0]).toBe('      ↪ Eve: ␛]0;evil␇[Bo] no\n[Cy] yes');
    expect(answerTo(undefined, 'a\n      ↪ Bo: no')[0]).toBe('[Cy] a\n      |       ↪ Bo: no');
  });
});
