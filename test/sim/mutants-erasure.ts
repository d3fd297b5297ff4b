import { type Mutant, of } from './mutate.ts';

/** The rules by which words go for good. */
export const erasureMutants: Mutant[] = [
  ...of('protocol/erasure', [
    [
      'an erasure is the room’s',
      'erasure && crypto.verify(room, erasureText(room, erasure), erasure.proof)',
      'erasure',
    ],
    ['its proof covers the id', 'room, formatId(id), words]', 'room, words]'],
    ['its proof covers the digest', 'room, formatId(id), words]', 'room, formatId(id)]'],
    ['the salt goes with the words', 'const { salt: _, ...rest } = message;', 'const { ...rest } = message;'],
  ]),
  ...of('log/judge', [
    [
      'without words a message has its proof, at the server',
      'if (!this.#erasing.isProper(message))\n            return withoutProof;\n        // What lies',
      'if (false)\n            return withoutProof;\n        // What lies',
    ],
    ['what mends has no erased words', 'message: this.#erasing.without(found.message)', 'message: found.message'],
    ['an erasure that is given back is applied', 'return this.#erasing.learn(said);', 'return [];'],
  ]),
  ...of('log/copy', [
    [
      'a copy does not read erased words again',
      'message: this.buffer.erasedIn({ ...message, seq, hash })',
      'message: { ...message, seq, hash }',
    ],
  ]),
  ...of('log/write-buffer', [['a copy drops the words', 'this.draft.erase(erasure);', ';']]),
  ...of('member/courier', [
    ['what is given back has no erased words', '=> this.#copy.buffer.erasedIn(message));', '=> message);'],
    ['what waits has no erased words', '? withoutWords(this.#options.crypto, message, erasure)', '? message'],
  ]),
  ...of('member/reading', [
    [
      'without words an entry has its proof, at the reader',
      "row.kind === 'message' && this.#isProper(row)",
      "row.kind === 'message'",
    ],
  ]),
];
