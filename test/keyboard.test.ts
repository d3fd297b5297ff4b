import { EventEmitter } from 'node:events';
import type { ReadStream } from 'node:tty';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Keyboard } from '../src/terminal/keyboard.ts';

/** What the keyboard said, and what it did with the terminal, in order. */
let seen: ([key: string, text: string] | { paste: string } | 'end')[];
let did: string[];
let input: EventEmitter;
let keyboard: Keyboard;
const events = {
  key: (key: string, text: string) => void seen.push([key, text]),
  paste: (text: string) => void seen.push({ paste: text }),
  end: () => void seen.push('end'),
};
const openKeyboard = (setRawMode = (mode: boolean) => void did.push(`raw ${mode}`)) => {
  input = Object.assign(new EventEmitter(), {
    setRawMode,
    resume: () => void did.push('resume'),
    pause: () => void did.push('pause'),
  });
  const output = { write: (text: string) => did.push(JSON.stringify(text)) } as unknown as NodeJS.WritableStream;
  keyboard = new Keyboard(input as unknown as ReadStream, output, events);
};
beforeEach(() => {
  seen = [];
  did = [];
  openKeyboard();
  keyboard.open();
});
const type = (...parts: (string | Uint8Array)[]) => {
  for (const part of parts) input.emit('data', Buffer.from(part));
};
const typed = (said: typeof seen) => said.map((one) => (Array.isArray(one) ? one[1] : one)).join('');
/** What is said of the same bytes in two reads, split at each place. */
const split = (text: string) => {
  const bytes = Buffer.from(text);
  return [...bytes.keys()].map((at) => {
    seen = [];
    type(bytes.subarray(0, at), bytes.subarray(at));
    return seen;
  });
};

const keys: [bytes: string, key: string, text: string][] = [
  ['a', 'a', 'a'],
  ['A', 'a', 'A'],
  ['7', '7', '7'],
  [' ', 'space', ' '],
  ['ñ', '', 'ñ'],
  ['漢', '', '漢'],
  ['👍', '', '👍'],
  ['/', '', '/'],
  ['\r', 'return', ''],
  ['\n', 'enter', ''],
  ['\x1b\r', 'meta-return', ''],
  ['\x1b\n', 'meta-enter', ''],
  ['\t', 'tab', ''],
  ['\x1b[Z', 'shift-tab', ''],
  ['\x7f', 'backspace', ''],
  ['\b', 'backspace', ''],
  ['\x1b\x7f', 'meta-backspace', ''],
  ['\x1b[3~', 'delete', ''],
  ['\x1b[3;5~', 'ctrl-delete', ''],
  ['\x1b[A', 'up', ''],
  ['\x1bOA', 'up', ''],
  ['\x1b[B', 'down', ''],
  ['\x1b[C', 'right', ''],
  ['\x1b[D', 'left', ''],
  ['\x1b[1;5C', 'ctrl-right', ''],
  ['\x1b[1;5D', 'ctrl-left', ''],
  ['\x1b[1;3C', 'meta-right', ''],
  ['\x1b[1;3D', 'meta-left', ''],
  ['\x1b[H', 'home', ''],
  ['\x1b[1~', 'home', ''],
  ['\x1bOH', 'home', ''],
  ['\x1b[F', 'end', ''],
  ['\x1b[4~', 'end', ''],
  ['\x1bb', 'meta-b', ''],
  ['\x1bf', 'meta-f', ''],
  ['\x1bd', 'meta-d', ''],
  ['\x1f', 'ctrl-_', ''],
  ['\x1b[200', '', ''],
  ...[...'abcdefklnptuwyz'].map((letter): [string, string, string] => [
    String.fromCharCode(letter.charCodeAt(0) - 0x60),
    `ctrl-${letter}`,
    '',
  ]),
];

describe.each(keys.filter(([, key, text]) => key !== '' || text !== ''))('%j', (bytes, key, text) => {
  test(`is the key "${key}" that types ${JSON.stringify(text)}, in one read or two`, () => {
    for (const one of split(bytes)) expect(one).toEqual([[key, text]]);
  });
});

test('a character of several parts types all of them', () => {
  for (const one of split('👨‍👩‍👧‍👦e\u0301')) {
    expect(typed(one)).toBe('👨‍👩‍👧‍👦e\u0301');
  }
});

test('a key that nobody knows types nothing', () => {
  type('\x1b[99~', '\x1b[1;9Q', '\x1b[M', '\x1bé', '\x00', '\x1b[I');
  expect(typed(seen)).toBe('');
});

const paste = (text: string) => `\x1b[200~${text}\x1b[201~`;

describe('a paste', () => {
  test.each([
    ['a text', 'hello', 'hello'],
    ['nothing', '', ''],
    ['lines', 'a\nb\n', 'a\nb\n'],
    ['lines of a terminal', 'a\rb\r', 'a\nb\n'],
    ['lines of Windows', 'a\r\nb\r\n\r\n', 'a\nb\n\n'],
    ['tabs', '\ta\t', '\ta\t'],
    ['keys', 'a\x7f\x15\x17\x04\x1a\x0cb', 'a\x7f\x15\x17\x04\x1a\x0cb'],
    ['arrows and colours', '\x1b[A\x1b[31mred\x1b[0m\x1bOH', '\x1b[A\x1b[31mred\x1b[0m\x1bOH'],
    ['Alt-Enter', 'a\x1b\rb', 'a\x1b\nb'],
    ['half a key', 'a\x1b[\x1b[1;é', 'a\x1b[\x1b[1;é'],
    ['letters of any script', '漢字 👨‍👩‍👧‍👦 e\u0301', '漢字 👨‍👩‍👧‍👦 e\u0301'],
    ['another beginning', 'a\x1b[200~b', 'a\x1b[200~b'],
  ])('of %s comes as one block, wherever it is split', (_name, pasted, text) => {
    for (const one of split(paste(pasted))) expect(one).toEqual([{ paste: text }]);
  });

  test.each(['\x1b', '\x1b\x1b', '\x1b[', '\x1b[1', '\x1b[1;', '\x1b[[', '\x1bO', '\x1b[20'])(
    'that ends with the half key %j ends there, and what is typed next is typed',
    (half) => {
      type(paste(`text${half}`), 'x');
      expect(seen).toEqual([{ paste: expect.stringMatching(/^text/) }, ['x', 'x']]);
    },
  );

  test('of anything is one block, in any number of reads, and keys before and after it are keys', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\t',
        '\x1b[A',
        '\x1b[31m',
        '\x1bOP',
        '\x1b[1;5D',
        '\x7f',
        '\x01',
        '\x04',
        '\x1a',
      ),
      fc.constantFrom('漢', '👨‍👩‍👧‍👦', 'e\u0301', '[201~', '201~', '/quit\r', '\x9b201~'),
      fc.string({ unit: 'binary', maxLength: 5 }).map((text) => text.replace(/[\x03\x1b]/g, '')),
    );
    const text = fc.array(part, { maxLength: 15 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 6 }), (text, cuts) => {
        seen = [];
        const bytes = Buffer.from(`k${paste(text)}l`);
        const at = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
        for (const [n, from] of at.entries()) type(bytes.subarray(from, at[n + 1] ?? from));
        const expected = text.toWellFormed().replace(/\r\n?/g, '\n');
        expect(seen).toEqual([['k', 'k'], { paste: expected }, ['l', 'l']]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is dropped by Ctrl-C, up to its end', () => {
    type('\x1b[200~a clipboard\x03/quit\r\x1b[201~x', paste('next'));
    expect(seen).toEqual([['x', 'x'], { paste: 'next' }]);
  });

  test('that never ends is ended by the second Ctrl-C', () => {
    type('\x1b[200~never', ' ends\x03', 'x\x03', 'y', paste('next'));
    expect(seen).toEqual([['y', 'y'], { paste: 'next' }]);
  });

  test('of a megabyte is one block that is cut, and keeps its beginning', () => {
    const large = 'abcdefgh漢\n'.repeat(100_000);
    for (let at = 0; at < large.length; at += 65_536)
      type(`${at === 0 ? '\x1b[200~' : ''}${large.slice(at, at + 65_536)}`);
    type('\x1b[201~', 'x');
    const [block, key] = seen as [{ paste: string }, (typeof seen)[0]];
    expect(seen).toHaveLength(2);
    expect(block.paste.length).toBeGreaterThanOrEqual(100_000);
    expect(block.paste.length).toBeLessThan(101_000);
    expect(large.startsWith(block.paste)).toBe(true);
    expect(key).toEqual(['x', 'x']);
  });
});

describe('the terminal', () => {
  const opened = ['raw true', '"\\u001b[?2004h"', 'resume'];
  const closed = ['pause', '"\\u001b[?2004l"', 'raw false'];

  test('is put into raw mode, and left as it was', () => {
    expect(did).toEqual(opened);
    did = [];
    keyboard.close();
    expect(did).toEqual(closed);
    type('a', paste('b'));
    expect(seen).toEqual([]);
  });

  test('can be opened again, and each key comes once', () => {
    keyboard.close();
    keyboard.open();
    expect(did).toEqual([...opened, ...closed, ...opened]);
    type('a');
    expect(seen).toEqual([['a', 'a']]);
  });

  test('that is gone is the end, and no failure', () => {
    openKeyboard(() => {
      throw Object.assign(new Error('setRawMode EIO'), { code: 'EIO' });
    });
    keyboard.open();
    keyboard.close();
    expect(seen).toContain('end');
    expect(did.slice(-1)).toEqual(['"\\u001b[?2004l"']);
  });

  test.each([['end'], ['error', new Error('read EIO')]] as const)('that says %s is the end', (...[event, error]) => {
    input.emit(event, error);
    expect(seen).toEqual(['end']);
  });
});
