import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ChatEvent } from '../src/core/events.ts';
import { maxNames } from '../src/core/limits.ts';
import { Company } from '../src/core/member/company.ts';
import { nameKey } from '../src/core/names.ts';

/** Ann's, whose key is `kA`. */
let company: Company;
beforeEach(() => {
  company = new Company('kA');
  company.goBy('ann');
});

const server = 'server';
const join = (name: string, online = 2): ChatEvent => ({ type: 'join', server, name, online });
const leave = (name: string, online = 1): ChatEvent => ({ type: 'leave', server, name, online, reason: 'left' });
const rename = (from: string, name: string): ChatEvent => ({ type: 'rename', server, from, name, online: 2 });
const speak = (name: string, more: Partial<ChatEvent & { type: 'message' }> = {}): ChatEvent => ({
  type: 'message',
  from: { name },
  text: 'hi',
  own: false,
  replay: false,
  ...more,
});
const hear = (...events: ChatEvent[]) => {
  for (const event of events) company.hear(event);
};

describe('a welcome', () => {
  test('names who is there, without me', () => {
    company.begin(['bo', 'ANN', 'cy'], 3);
    expect([company.present, company.others]).toEqual([3, ['bo', 'cy']]);
  });

  test('puts others in the place of those before; who spoke stays first', () => {
    company.begin(['ann', 'bo', 'cy', 'dot'], 4);
    hear(speak('cy'), speak('dot'));
    company.begin(['eve', 'dot', 'bo', 'ann'], 4);
    expect(company.others).toEqual(['dot', 'eve', 'bo']);
  });

  test('that names all: who else speaks is not there, its message is older than its author’s name', () => {
    company.begin(['ann', 'bo'], 2);
    hear(speak('cy'));
    expect(company.others).toEqual(['bo']);
  });

  test('that names not all: who else speaks is there too', () => {
    company.begin(['ann', 'bo'], 3);
    hear(speak('cy'));
    expect(company.others).toEqual(['cy', 'bo']);
  });
});

describe('who comes and goes', () => {
  beforeEach(() => company.begin(['ann', 'bo'], 2));

  test.each<[string, ChatEvent[], string[]]>([
    ['a join', [join('cy')], ['bo', 'cy']],
    ['a join of who is there', [join('BO')], ['bo']],
    ['a join of me', [join('Ann')], ['bo']],
    ['a leave', [leave('Bo')], []],
    ['a leave of a speaker', [speak('bo'), leave('bo')], []],
    ['a leave of nobody', [leave('cy')], ['bo']],
    ['a rename keeps the place', [join('cy'), rename('bo', 'bob')], ['bob', 'cy']],
    ['a rename of a speaker keeps the place', [join('cy'), speak('cy'), rename('cy', 'cyd')], ['cyd', 'bo']],
    ['a rename in case only', [rename('bo', 'Bo')], ['Bo']],
    ['a rename to a name that is there', [join('cy'), speak('cy'), rename('bo', 'cy')], ['cy']],
    ['a rename of somebody unknown', [rename('cy', 'cyd')], ['bo', 'cyd']],
    ['a rename of me, at another device', [rename('ann', 'anna'), join('anna')], ['bo']],
    ['a rename to a name of mine', [rename('bo', 'ann')], []],
    ['the latest speaker first', [join('cy'), speak('bo'), speak('cy'), speak('bo')], ['bo', 'cy']],
    ['a message of a replay', [join('cy'), speak('cy', { replay: true })], ['bo', 'cy']],
    ['a message of my own', [speak('ann', { own: true })], ['bo']],
    [
      'a message of mine, from another device',
      [join('anna'), speak('anna', { from: { name: 'anna', id: 'kA' } })],
      ['bo'],
    ],
    ['the words of the room', [{ type: 'notice', server, text: 'x' }], ['bo']],
  ])('%s', (_name, events, others) => {
    hear(...events);
    expect(company.others).toEqual(others);
  });

  test('is counted as the room says, and not at all when it is lost', () => {
    hear(join('cy', 7));
    expect(company.present).toBe(7);
    hear(leave('bo', 6));
    expect(company.present).toBe(6);
    company.present = 0;
    expect([company.present, company.others]).toEqual([0, ['cy']]);
  });

  test('a name that becomes mine is no other one’s', () => {
    company.goBy('BO');
    expect(company.others).toEqual([]);
  });
});

test('a thousand names are remembered: who was silent for the longest time is forgotten first', () => {
  company.begin([], 1e9);
  hear(speak('speaker'));
  for (let i = 0; i < maxNames + 5; i++) hear(join(`n${i}`));
  expect(company.others).toHaveLength(maxNames);
  expect(company.others.slice(0, 2)).toEqual(['speaker', 'n6']);
  for (let i = 0; i < maxNames + 5; i++) hear(speak(`s${i}`));
  expect(company.others).toHaveLength(maxNames);
  expect(company.others.at(-1)).toBe('s5');
});

test('whatever is heard: each name once, mine never, and not too many', () => {
  const name = fc.constantFrom('ann', 'Ann', 'bo', 'BO', 'cy', 'dot', 'ｃy', 'eve');
  const event = fc.oneof(
    name.map((who) => join(who)),
    name.map((who) => leave(who)),
    fc.tuple(name, name).map(([was, who]) => rename(was, who)),
    fc.tuple(name, fc.constantFrom('kA', 'kB')).map(([who, id]) => speak(who, { from: { name: who, id } })),
    fc.array(name, { maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const any = new Company('kA');
      any.goBy('ann');
      for (const heard of events) Array.isArray(heard) ? any.begin(heard, heard.length) : any.hear(heard);
      const keys = any.others.map(nameKey);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys).not.toContain('ann');
    }),
    { numRuns: 2_000 },
  );
});
