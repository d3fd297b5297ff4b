import { describe, expect, test } from 'vitest';
import { lookAlikes } from '../src/core/look-alikes.ts';
import { lookAlike, looksOf, sayingIn } from '../src/core/looks.ts';
import { table } from './look-alikes/table.ts';

describe('two names look alike', () => {
  test.each([
    ['Ana Paula', '\u0410na Paula', 'a Cyrillic A'],
    ['server', 's\u0435rver', 'a Cyrillic e'],
    ['Ana Paula', 'Ana PauIa', 'a capital I for an l'],
    ['Bob', 'B0b', 'a zero'],
    ['admin', 'adrnin', 'r and n'],
    ['KIM', 'kirn', 'r and n, if it were in small letters'],
    ['Maria', 'Mar\u0131a', 'an i without its dot'],
    ['Maria', 'Mari\u0307a', 'an i with two dots, of which one is seen'],
    ['paypal', '\u0440\u0430\u0443\u0440\u0430\u04cf', 'all in Cyrillic'],
    ['Ana', '\u13aana', 'a Cherokee letter'],
    ['Ana', '\u{1d400}na', 'a mathematical letter'],
    ['Ana', 'A\u0336n\u0336a\u0336', 'struck out'],
    ['Ana', 'A\u20ddna', 'with a ring around a letter'],
    ["O'Neil", 'O\u2019Neil', 'another apostrophe'],
    ['Jean-Luc', 'Jean\u2010Luc', 'another hyphen'],
    ['Ana Paula', 'AnaPaula', 'no space'],
    ['Σίσυφος', 'ΣΊΣΥΦΟΣ', 'capitals'],
    ['Σίσυφος', 'Σίσυφοσ', 'the other sigma'],
    ['user1', 'userl', 'a one'],
    ['Ian', 'lan', 'an l for a capital I'],
  ])('%s and %s: %s', (name, other) => {
    expect(lookAlike(name, other)).toBe(true);
    expect(lookAlike(other, name)).toBe(true);
  });
});

test.each([
  ['José', 'Jose'],
  ['Peña', 'Pena'],
  ['Ana', 'Anna'],
  ['Elia', 'Ella'],
  ['Maria', 'Marla'],
  ['Олег', 'Ольга'],
  ['田中', '山田'],
  ['Ana', 'Ana.'],
  ['👍', '👎'],
])('%s and %s are two', (name, other) => expect(lookAlike(name, other)).toBe(false));

test.each([
  ['Ana left the room. 1 online. B', 'left the room'],
  ['Ana LEFT the ROOM', 'left the room'],
  ['Ana l\u0435ft the r\u043e\u043em', 'left the room'],
  ['Bo joined the roorn', 'joined the room'],
  ['Ana lost the connection', 'lost the connection'],
  ['Ana is now cal1ed B', 'is now called'],
  ['2 0nline', 'online'],
  ['Ana is here. Bo', 'is here'],
  ['Ana is aw\u0430y: lunch', 'is away'],
  ['Ana is back. Bo', 'is back'],
  ['Server is off', 'server is off'],
])('%s has words of the room in it: %s', (name, words) => expect(sayingIn(name)).toBe(words));

test.each(['Online', 'Joined', 'Left Hand', 'Ana María', 'Off Server'])('%s has none', (name) =>
  expect(sayingIn(name)).toBeUndefined(),
);

describe('the table', () => {
  test('is what the data says: `npm run look-alikes` makes it', () => expect([...lookAlikes]).toEqual(sorted(table)));

  test('leads nowhere twice: what something looks like looks like itself', () => {
    for (const [character, looks] of lookAlikes) {
      const again = [...looks.normalize('NFD')].map((one) => lookAlikes.get(one) ?? one).join('');
      expect([character, again.normalize('NFD')]).toEqual([character, looks]);
    }
  });

  test('makes one look of what stands in it', () => {
    for (const [character, looks] of lookAlikes)
      expect([character, lookAlike(character, looks)]).toEqual([character, true]);
  });
});

test('a name has one look or two', () => {
  expect([looksOf('ann'), looksOf('Kim'), looksOf('IAN')]).toEqual([['ann'], ['kirn'], ['lan', 'ian']]);
});

/** By what it looks like, then by its number, as it stands in the file. */
function sorted(rows: typeof table): typeof table {
  const key = ([character, looks]: [string, string]) => [looks, character.codePointAt(0) ?? 0] as const;
  return rows.toSorted((a, b) => (key(a)[0] === key(b)[0] ? key(a)[1] - key(b)[1] : key(a)[0] < key(b)[0] ? -1 : 1));
}
