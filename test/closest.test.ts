import { describe, expect, test } from 'vitest';
import { closest } from '../src/text/closest.ts';

const options = ['name', 'port', 'ip', 'server', 'history-limit', 'history-days', 'message'];

describe('a slip of the finger is found:', () => {
  test.each([
    ['nam', 'name'],
    ['nme', 'name'],
    ['naame', 'name'],
    ['nane', 'name'],
    ['nmae', 'name'],
    ['pot', 'port'],
    ['sever', 'server'],
    ['history-limt', 'history-limit'],
    ['histroy-days', 'history-days'],
    ['mesage', 'message'],
    ['server', 'server'],
    ['i', 'ip'],
  ])('%s means %s', (typed, word) => expect(closest(typed, options)).toBe(word));
});

describe('what is like nothing gets no suggestion:', () => {
  test.each(['', 'xyz', 'color', 'wherever', 'NAME'])('%j', (typed) => expect(closest(typed, options)).toBeUndefined());

  test('nor does anything without words to choose from', () => expect(closest('name', [])).toBeUndefined());
});

test('of two words alike the first is taken', () => {
  expect(closest('cat', ['bat', 'hat'])).toBe('bat');
  expect(closest('cat', ['hat', 'bat'])).toBe('hat');
});

test('one change in three letters is the most', () => {
  expect(closest('abcdef', ['abcdXY'])).toBe('abcdXY');
  expect(closest('abcde', ['abcXY'])).toBeUndefined();
});
