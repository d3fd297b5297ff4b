import { beforeEach, describe, expect, test } from 'vitest';
import { Pair } from '../src/core/pair/pair.ts';
import { type Input, theLink } from '../src/core/turn.ts';
import { lineOf } from '../src/terminal/draft.ts';
import { Editor } from '../src/terminal/editor.ts';
import { connected, disconnected, MemberWorld } from './support/member-world.ts';

let ann: MemberWorld;
beforeEach(() => (ann = new MemberWorld()));
const takeBack: Input = { type: 'takeBack' };
const pending = () => ann.store.pending().map(({ id, text }) => `${id?.n} ${text}`);

describe('what waits and was given to nobody', () => {
  test('is a draft again, the newest first, and is kept no longer', () => {
    ann.type('one', 'two');
    ann.step(takeBack);
    expect(ann.shown).toEqual([{ type: 'takenBack', text: 'two' }]);
    expect([ann.waiting, pending()]).toEqual([['one'], ['1 one']]);
    ann.step(takeBack, takeBack);
    expect([ann.shown, ann.waiting, pending()]).toEqual([[{ type: 'takenBack', text: 'one' }], [], []]);
  });

  test('leaves no hole: its number is the next one, also in the turn in which it was typed', () => {
    ann.type('one', 'two');
    ann.step(takeBack, { type: 'typed', text: 'three' }, { type: 'typed', text: 'four' }, takeBack);
    expect(pending()).toEqual(['1 one', '2 three']);
    ann.goOnline();
    expect(ann.sentIds).toEqual(['A1', 'A2']);
  });

  test('may be of an earlier run', () => {
    ann.type('one');
    ann.start();
    ann.step(takeBack);
    expect([ann.shown, ann.waiting]).toEqual([[{ type: 'takenBack', text: 'one' }], []]);
  });

  test('may be what somebody does, or an answer', () => {
    ann.step({ type: 'typed', text: 'waves', action: true });
    ann.step(takeBack);
    expect(ann.shown).toEqual([{ type: 'takenBack', text: 'waves', action: true }]);
    ann.step({ type: 'typed', text: '@Bo: yes', re: { dev: 'B', n: 7 } });
    ann.step(takeBack);
    expect(ann.shown).toEqual([{ type: 'takenBack', text: '@Bo: yes', re: 'B.7' }]);
  });
});

describe('is not taken back: what', () => {
  const stays = (text: string) => {
    expect(ann.member.retractable).toBeUndefined();
    ann.step(takeBack);
    expect([ann.shown, ann.waiting]).toEqual([[], [text]]);
  };

  test('was sent', () => {
    ann.goOnline();
    ann.type('one');
    stays('one');
  });

  test('was sent over a connection that is gone', () => {
    ann.goOnline();
    ann.type('one');
    ann.step(disconnected);
    stays('one');
  });

  test('is of an earlier run, which may have sent it', () => {
    ann.goOnline();
    ann.type('one');
    ann.start();
    stays('one');
  });

  test('is typed and given in one turn', () => {
    ann.goOnline();
    ann.step({ type: 'typed', text: 'one' });
    stays('one');
  });
});

test('between two people, too', () => {
  const pair = new Pair({ name: 'ann', dev: 'A', binds: false });
  const step = (...inputs: Input[]) => pair.turn(inputs, { ms: 0, wallMs: 0 });
  step({ type: 'typed', text: 'one' }, { type: 'typed', text: 'two' }, takeBack);
  expect(pair.waiting).toMatchObject([{ text: 'one' }]);
  step(connected, { type: 'frame', from: theLink, frame: { kind: 'join', name: 'bo', version: 1, dev: 'B' } });
  expect(pair.retractable).toBeUndefined();
  step({ type: 'disconnected', from: theLink }, takeBack);
  expect(pair.waiting).toMatchObject([{ text: 'one' }]);
});

describe('Up', () => {
  let editor: Editor;
  let asked: number;
  beforeEach(() => {
    [editor, asked] = [new Editor(20), 0];
    editor.takeBack = () => ++asked > 0;
  });

  test('asks for what waits where nothing is typed, and nowhere else', () => {
    editor.key('up', '');
    expect([asked, editor.draft.text]).toEqual([1, '']);
    editor.insert('x');
    editor.key('up', '');
    expect(asked).toBe(1);
  });

  test('goes on to what was sent before where nothing comes back', () => {
    editor.insert('sent');
    editor.take();
    editor.takeBack = () => false;
    editor.key('up', '');
    expect(editor.draft.text).toBe('sent');
    editor.takeBack = () => ++asked > 0;
    editor.key('down', '');
    editor.key('up', '');
    expect(asked).toBe(1);
  });

  test('what comes back stands before what was typed meanwhile', () => {
    editor.insert('more');
    editor.restore('line ');
    expect(editor.draft).toEqual({ text: 'line more', cursor: 9 });
  });

  test.each([
    [{ text: 'hi' }, 'hi'],
    [{ text: '/quit' }, '//quit'],
    [{ text: 'waves', action: true }, '/me waves'],
    [{ text: '@Ana: yes', re: 'A.1' }, '/re Ana: yes'],
  ])('%j comes back as %j', (words, line) => expect(lineOf(words)).toBe(line));
});
