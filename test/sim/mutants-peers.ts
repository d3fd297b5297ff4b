import { type Mutant, of } from './mutate.ts';

/** The rules of members who talk without the server. Their worlds are those of members that are parted. */
export const peersMutants: Mutant[] = [
  ...of('peers/taking', [
    ['nobody near speaks for another one', 'crypto.verify(key, signedText(crypto, room, message), sig)', 'true'],
    ['what was given up does not come again', 'isGivenUp(member, id)', 'false'],
    ['what is known is no news from those near', 'id.n <= copy.buffer.seen(id.dev) || isHere', 'false'],
  ]),
  ...of('peers/peering', [
    ['a stream has no gap', 'frame.k > link.k + 1', 'false'],
    ['a stream begins with all that waits', 'mayGive.toSorted(byCause)', '[]'],
    ['what comes from those near is passed on', 'this.#fresh.push(message);', ';'],
  ]),
  ...of('peers/giving-up', [
    ['what can never follow is given up', 'isGivenUp(member, hole)', 'false'],
    ['what may follow waits as long as a room keeps its log', 'hole.days > heldDays', 'true'],
    ['a clock that is a day off gives up nothing', 'day >= hole.day - heldDays', 'day === hole.day'],
  ]),
  ...of('peers/relay', [
    ['a log over a bridge is the room’s', '!options.crypto.verify(room, headProof(room, head), sig)', 'false'],
  ]),
  ...of('peers/provisional', [
    ['what an earlier run has kept was shown', 'if (!finalOnly)', 'if (false)'],
    ['what was shown without a place is shown once', 'if (!id || !this.#forget(id))', 'if (true)'],
    ['what an earlier run has not shown is shown', ' && !unshown', ''],
    ['what has not left the program is not called shown', 'one.place > place', 'false'],
    ['what a log has had is not provisional', ' || n <= copy.buffer.seen(dev)', ''],
  ]),
  ...of('member/courier', [
    ['who hears those near speaks after them', 'this.#copy.hear(message);', ';'],
    [
      'what those near have said is kept',
      'if (this.outbox.replace(unshown))\n            this.#copy.buffer.keep([unshown]);',
      'this.outbox.replace(unshown);',
    ],
  ]),
  ...of('member/sender', [
    ['what was said near is not lost with a log', 'waiting.outbox.lost.length > 0', 'waiting.outbox.hasOthers'],
  ]),
  ...of('log/outbox', [
    [
      'own words and those near go in one order',
      'yield* merged(this.own, this.near);',
      'yield* this.own;\n        yield* this.near;',
    ],
  ]),
];
