import { type Mutant, of } from './mutate.ts';

/** What the chain covers of an entry, with what stands there if it does not. */
const chained = Object.entries({
  id: 'undefined',
  lc: '0',
  ts: '0',
  in: '0',
  type: 'undefined',
  name: "''",
  words: "'words'",
  re: 'undefined',
  ext: 'undefined',
  key: 'undefined',
  void: 'undefined',
  guest: 'undefined',
  at: '0',
  ago: '0',
}).map(([field, none]): [string, string, string] => [
  `the chain covers ${field}`,
  '(crypto, before, message) => crypto.hash(',
  `(crypto, before, said, message = { ...said, ${field}: ${none} }) => crypto.hash(`,
]);

/** The rules of what an entry is. */
export const entryMutants: Mutant[] = [
  ...of('protocol/signed', [
    ...chained,
    ['a digest covers the text', 'quoted(text)', '0'],
    ['a digest covers the salt', 'orZero(salt)', '0'],
  ]),
  ...of('narrate', [['what only a later version understands is not shown', "type === 'action' && !isVoid", '!isVoid']]),
  ...of('log/judge', [
    [
      'what has no text any more keeps its digest',
      '...withoutText(crypto, message), void',
      "...message, text: '', void",
    ],
    ['a small step back of the clock is levelled', 'lastMs > ms && lastMs - ms <= levelledMs', 'false'],
    ['a large step back of the clock is taken', 'lastMs > ms && lastMs - ms <= levelledMs', 'lastMs > ms'],
    ['nothing is older than what is kept', 'Math.min(saidMs, this.#options.retention.ageMs)', 'saidMs'],
    ['what was just said has no age', 'saidMs > lateMs ?', 'saidMs > 0 ?'],
    ['no counter is far ahead', 'return lc > Math.max(', 'return false && lc > Math.max('],
    ['the room signs what the original says', 'this.#append({ ...message, sig },', 'this.#append(message,'],
    ['the original’s messages are counted', 'n: (this.draft.mark(dev)?.n ?? 0) + 1 }', 'n: 1 }'],
    [
      'what mends is signed',
      'this.#isGenuine(message) && this.#erasing.isProper(message) ?',
      'this.#erasing.isProper(message) ?',
    ],
  ]),
  ...of('member/courier', [
    [
      'what the original has said is given back',
      'canBeKept(message) && this.#copy',
      'canBeKept(message) && message.key !== this.#room && this.#copy',
    ],
  ]),
];
