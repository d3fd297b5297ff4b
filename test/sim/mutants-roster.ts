import { type Mutant, of } from './mutate.ts';

/** The rules of the roster. */
export const rosterMutants: Mutant[] = [
  ...of('log/enrolment', [
    ['the roster goes on above what was signed', 'if (version >= roster.last)', 'if (false)'],
    ['who is a member no longer is told', 'this.#draft.enroll({ key, version: this.#next(), seenMs });', ';'],
  ]),
  ...of('log/ledger', [['what is signed is what is kept', 'this.#publishes = true;', 'this.#enrolment.publish();']]),
  ...of('room/roster-desk', [
    ['after a lost disk everybody begins anew', 'isAnew || held >= base', 'true'],
    ['a list is told as it was signed', 'signed?.version !== last ||', ''],
  ]),
  ...of('member/roster', [
    ['a list comes to its digest', '=== signed.digest', '!== undefined'],
    [
      'the room signs who its members are',
      '!options.crypto.verify(room, rosterText(room, signed), signed.sig)',
      'false',
    ],
    ['a roster only gets newer', 'signed.version <= this.signed.version', 'false'],
    ['the whole list is asked for', "this.#member.send({ kind: 'roster', version: 0 });", ';'],
    ['who has left is forgotten', 'members.delete(key)', 'undefined'],
  ]),
];
