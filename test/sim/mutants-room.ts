import { type Mutant, of } from './mutate.ts';

/** The rules of the room, and of its log. */
export const roomMutants: Mutant[] = [
  ...of('room/welcome', [
    [
      'the welcome says what the log had',
      '{ n = 0, hash: nHash } = log.store.mark(dev) ?? {}',
      '{ n = 0, hash: nHash } = {}',
    ],
  ]),
  ...of('room/guests', [['a client of the original hears what comes', 'log.head, now.ms', '1e9, now.ms']]),
  ...of('room/lost-places', [['whoever asks is given the entry', 'place.hash === hash && place.message', 'false']]),
  ...of('room/door', [
    ['a session’s device is made from its key', '!this.#options.crypto.isDeviceOf(key, dev)', 'false'],
    ['whoever joins is asked for what is lost', 'if (seq <= resumption.since)', 'if (false)'],
    ['only the author needs no signature', 'message.id?.dev === by.dev && message.key === by.key', 'true'],
    ['behind an upload that is missing nothing is taken', 'upload.k === by.taken + 1', 'upload.k > by.taken'],
    [
      'words of a session are sealed',
      'if (!by)\n            return [unsealed];',
      'by ??= { taken: upload.k - 1, key: session.who, dev: session.dev };',
    ],
    ['only who is on the list comes in', '|| this.#admitted.has(key)', '|| true'],
    ['in secret nobody is in without a key', 'isSecure(from) ? unproven :', 'false ? unproven :'],
    ['a goodbye is sealed', 'this.#proofs.sealed(session, leave) ?', 'true ?'],
    ['an entry with its place mends', 'message.seq === undefined ?', 'true ?'],
  ]),
  ...of('room/proofs', [
    [
      'what was proven in the open is of no use in secret',
      'joinProof(nonce, identity.key, join, isSecure(from))',
      'joinProof(nonce, identity.key, join)',
    ],
    ['a join is proven', '!crypto.verify(key, joinProof(nonce, identity.key, join, isSecure(from)), proof)', 'false'],
    [
      'a proof opens one session',
      'const { nonce } = asked;\n        this.#asked.delete(from);',
      'const { nonce } = asked;',
    ],
    ['the seal is that of the session', 'this.#macOf(proof, seal.text) === seal.mac', 'true'],
    ['the seal is that of who is there', 'proof?.key !== who || proof.dev !== dev', '!proof'],
  ]),
  ...of('room/room', [
    ['one change is under way', 'if (this.#underWay || ', 'if ('],
    ['the welcome comes after the commit', 'this.#underWay = outcomes;', 'this.#underWay = outcomes; this.#tell(now);'],
    ['what was not taken is sent again', 'this.#readers.holdBack(input.from, input.sent.before, now.ms)', 'undefined'],
    ['those who are there are known when it is tidied', "{ type: 'tidy', present }", "{ type: 'tidy', present: [] }"],
  ]),
  ...of('room/head-signer', [
    ['a head that moved is signed anew', 'this.#newest?.head !== this.#log.head', '!this.#newest'],
  ]),
  ...of('room/readers', [
    [
      'a slow reader has a window',
      'const window = windowEntries - (sent.seq - acked);',
      'const window = batchEntries;',
    ],
    ['the original gets name and text', 'encode(plainMessage(place.message))', 'encode(place.message)'],
    ['the original does not get its own', 'to.length > 0 && author !== to[0]', 'to.length > 0'],
    ['the original reads on at the very frame', 'before = item.place ?', 'before = true ? at : item.place ?'],
  ]),
  ...of('room/signatures', [
    ['each place has its own signature', 'places.get(seq + i)', '[...places.values()][i]'],
    ['whoever asks is given signatures', 'this.#asked.set(from, seq);', ';'],
  ]),
  ...of('log/judge', [
    ['a device that is given back is its author’s', '!this.#options.crypto.isDeviceOf(key, id.dev) ||', ''],
    [
      'an id counts once',
      'if (id.n <= last)\n            return this.#answerHad(by, message, id);\n        if (!this.#erasing.isProper(message))\n            return withoutProof;\n        if (this.#isAhead',
      'if (this.#isAhead',
    ],
    ['n follows n', 'if (id.n === last + 1 || first)', 'if (true)'],
    ['what does not follow is answered', "return { type: 'hole', by, id };", 'return [];'],
    ['behind a hole nothing is taken', 'this.#held.add(by);', ';'],
    ['behind a hole nothing is taken later', '|| by.isHeld', ''],
    [
      'what was given back and had is answered',
      'return this.#answerHad(by, message, id);\n        if (!this.#erasing.isProper(message))\n            return withoutProof;\n        // What lies',
      'return [];\n        // What lies',
    ],
    [
      'what others wrote is never the first',
      'this.#isMending ? 0 : (message.in ?? 0)',
      'message.first ? 1e9 : this.#isMending ? 0 : (message.in ?? 0)',
    ],
    ['what its author had seen in a log needs not come first', 'this.#isMending ? 0 : (message.in ?? 0)', '0'],
    ['what a log lacks comes in its order at first', 'this.#isMending ? 0 : ', ''],
    ['whoever speaks for others needs their signature', ' || !this.#isGenuine(message))', ')'],
    [
      'a decision knows what it has decided of others',
      'this.#held.has(by))\n            return [];\n        const last = this.draft.mark(',
      'this.#held.has(by))\n            return [];\n        const last = this.#log.store.mark(',
    ],
    [
      'a decision knows what it has decided',
      '[];\n        const last = this.draft.mark(id.dev)?.n ?? 0;\n        if (id.n <= last)\n            return this.#answerHad(by, message, id);\n        if (!this.#erasing.isProper(message))\n            return withoutProof;\n        if',
      '[];\n        const last = this.#log.store.mark(id.dev)?.n ?? 0;\n        if (id.n <= last)\n            return this.#answerHad(by, message, id);\n        if (!this.#erasing.isProper(message))\n            return withoutProof;\n        if',
    ],
    ['what is said moves the mark', 'this.#see(message);', ';'],
    ['places follow each other', 'chainHash(crypto, prev, said)]', 'prev]'],
    [
      'an older name is its owner’s',
      'message.name !== name && !this.#isFree(message.name, key)',
      'message.name !== name',
    ],
    [
      'what is given back is its owner’s',
      'return this.#append(message, !this.#isFree(message.name, key))',
      'return this.#append(message, true)',
    ],
    [
      'words are checked for the room',
      'signedText(crypto, identity.key, message), sig)',
      "signedText(crypto, '', message), sig)",
    ],
    ['a name is owned', 'this.draft.claim({', '({'],
    ['a name is one key’s', 'if (other && !isGuestName(name))', 'if (false)'],
    ['who speaks under another’s name is a guest', 'every((owner) => owner.key === key);', 'every(() => true);'],
    ['the name of whoever is there is refreshed', 'if (isOld &&', 'if (false &&'],
    ['only what is old is forgotten', 'this.#now.ranMs - ranMs <= ageMs', 'false'],
    ['what is forgotten leaves its chain', "this.#log.hashAt(from - 1) ?? ''", "''"],
  ]),
  ...of('looks', [['what looks like a name is its owner’s', 'lookAlikes.get(character) ?? character', 'character']]),
  ...of('log/ledger', [
    ['no clock of the machine makes old', 'const ranMs = this.ranMs(now.ms)', 'const ranMs = this.ranMs(now.wallMs)'],
  ]),
  ...of('log/log', [
    ['another hash is a fork', '(!known || known === hash)', 'true'],
    ['a row proves itself', 'chainHash(this.#crypto, prev, message) === hash', 'true'],
    ['a row is mended by its neighbours', 'if (mended && this.#isProven(mended))', 'if (false)'],
    ['the hash decides what mends', 'known || chainHash(crypto, place.prev, message) !== place.hash', 'known'],
  ]),
];
