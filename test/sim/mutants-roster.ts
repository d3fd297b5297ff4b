import { type Mutant, of } from './mutate.ts';

/** The rules of the roster, but for those that only spare a member asking for the whole list. */
export const rosterMutants: Mutant[] = [
  ...of('log/enrolment', [['the roster goes on above what was signed', 'if (version >= roster.last)', 'if (false)']]),
  ...of('member/roster', [
    ['a list comes to its digest', '=== signed.digest', '!== undefined'],
    [
      'the room signs who its members are',
      '!options.crypto.verify(room, rosterText(room, signed), signed.sig)',
      'false',
    ],
    ['a roster only gets newer', 'version <= this.signed.version', 'false'],
    ['the whole list is asked for', "this.#member.send({ kind: 'roster', version: 0 });", ';'],
  ]),
];
