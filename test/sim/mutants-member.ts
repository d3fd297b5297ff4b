import { type Mutant, of } from './mutate.ts';

/** The rules of a member, and of its copy of the log. */
export const memberMutants: Mutant[] = [
  {
    rule: 'a signed head is of one run',
    file: 'protocol/signed.js',
    from: "'0mq-chat head', room, log, run, seq, hash",
    to: "'0mq-chat head', room, log, '', seq, hash",
  },
  {
    rule: 'what another place has settled may be brought from there',
    file: 'core/member/sender.js',
    from: 'now.ms < this.#told.untilMs && this.#isElsewhere',
    to: 'false',
  },
  {
    rule: 'the highest counter is also that of what waits',
    file: 'history/memory.js',
    from: 'lc = Math.max(lc, message.lc ?? 0);',
    to: ';',
  },
  ...of('member/heads', [
    ['a signed head is the room’s', '!isKnown && options.crypto.verify(room, headProof(room, head), sig)', '!isKnown'],
    ['a signed head is compared with the log', 'read === undefined || read === head.hash', 'true'],
    ['two signed heads are compared', 'if (reason)', 'if (false)'],
    ['the oldest head is awaited', '[awaited, newest, head]', '[head]'],
    ['a contradiction is said once', '!copy.signed || copy.signed.said', '!copy.signed'],
    ['what was signed in another run is past', 'known?.newest.run === head.run ?', 'known ?'],
  ]),
  ...of('member/session', [
    ['no answer, hang up', 'now.ms - this.#heardAtMs >= silentMs', 'false'],
    ['a place that is lost is mended', 'this.#reading.mend(frame)', 'undefined'],
    ['two that count with one device part', ' || this.#handshake.isElsewhere(welcome)', ''],
    ['a gap is no next place', 'frame.from > copy.cursor + 1', 'false'],
  ]),
  ...of('member/handshake', [['a welcome is the room’s', 'crypto.verify(this.room', '((...said) => said)(this.room']]),

  ...of('member/pulse', [
    ['the heartbeat shows a lost tail', 'isBehind || ', ''],
    ['no echo, send again', '|| this.#unanswered >= maxUnanswered', ''],
    [
      'only what was shown is acknowledged',
      'this.#acked = this.#member.copy.buffer.shown;\n        this.#ackedAtMs = ms;',
      'this.#acked = this.#member.copy.cursor;\n        this.#ackedAtMs = ms;',
    ],
    ['lost places are asked for', "this.#member.send({ kind: 'lost', seq, hash });", ';'],
    ['whoever has an entry gives it', 'if (!answer || !isSigned(answer))', 'if (true)'],
    ['what is not signed is no answer', '!answer || !isSigned(answer)', '!answer'],
  ]),
  ...of('member/reading', [
    [
      'of what the room refused its digest tells whose it is',
      'entry.id?.n ?? 0, signedHash(',
      'entry.id?.n ?? 0, entry.void ? undefined : signedHash(',
    ],
    ['what does not come to its chain is not taken', 'fresh.length > 0 && hashes.at(-1) !== hash', 'false'],
    ['what waits keeps its signature', '? courier.withKnownSignature(row)', '? row'],
    ['an awaited head is met', 'this.#member.heads.reached();', ';'],
    ['another log is read from its place', 'copy.restart(log, since, hash)', '[]'],
    ['what the log had has arrived', 'this.#pass(courier.acceptLogged(id, hash));', ';'],
    ['what the log had counts when it was read', 'if (copy.cursor < seq)', 'if (false)'],
    ['nothing is given back before the log is read', 'if (copy.cursor < this.#head)', 'if (false)'],
    ['what is in the log is dropped', 'copy.buffer.drop(accepted);', ';'],
  ]),
  ...of('member/member', [
    ['a folder is known to be a copy before anything is sent', 'options.isCopied ||', ''],
    ['what is not shown waits', 'this.copy.buffer.release(this.#shown);', 'this.copy.buffer.release(this.#shows);'],
    ['what is shown is kept', 'this.copy.buffer.release(input.place);', ';'],
    ['on disk before it is sent', 'if (!this.#keep())', 'this.#keep();'],
  ]),
  ...of('member/signatures', [
    ['a signature is checked', 'if (options.crypto.verify(', 'if (((...said) => said)('],
    ['a wrong signature is not kept as one', 'sig: wrongSignature }', 'sig }'],
    ['signatures are asked for', "this.#member.send({ kind: 'signatures', seq });", ';'],
    ['what was not answered is asked for again', 'ms - this.#askedAtMs < retryUnsignedMs', 'true'],
    ['a block is asked for when it is old', 'ms - this.#sinceMs < unsignedMs', 'true'],
  ]),
  ...of('member/naming', [
    [
      'what is typed bears a name that was taken',
      'this.#wanted = normalizeName(name);',
      'this.name = this.#wanted = normalizeName(name);',
    ],
  ]),
  ...of('member/courier', [
    ['words are signed when they are typed', 'this.#room === undefined ? message', 'true ? message'],
    ['a message is signed once', 'message.sig ? message : this.#sign(', 'this.#sign('],
    ['what was typed before is signed when the room is met', 'this.outbox.change(sign)', '[]'],
    ['words are signed for the room', 'signedText(crypto, room, message)', "signedText(crypto, '', message)"],
    ['every welcome sends all again', 'this.outbox.restart();', ''],
    ['who counts further has a copy of the folder', 'if (n > this.lastN)', 'if (false)'],
    [
      'who has other words has a copy of the folder',
      'mine !== undefined && hash !== undefined && mine !== hash',
      'false',
    ],
    ['what leaves counts as given before', 'if (!this.left.isAwaited && next > this.giving.given)', 'if (false)'],
    [
      'what a pipe has given stays in doubt',
      'this.outbox.remove(this.giving.isNew)',
      'this.outbox.remove((message) => this.giving.isOfRun(message))',
    ],
    ['what was given is not taken back', '&& this.giving.isUngiven(newest) ? newest', '? newest'],
    [
      'what is taken back is kept no longer',
      'this.outbox.remove((waiting) => waiting === message);\n        this.#copy.buffer.forget([message]);',
      'this.outbox.remove((waiting) => waiting === message);',
    ],
    ['what is taken back goes to nobody', 'this.outbox.remove((waiting) => waiting === message);', ';'],
    [
      'what another place has left has no erased words',
      'doubts.map((message) => copy.buffer.erasedIn(message))',
      'doubts',
    ],
    ['no number that was given is used twice', 'copy.buffer.seen(dev), given,', 'copy.buffer.seen(dev),'],
    ['what the log has by its hash is not said again', 'this.#isSame(message, entry)', 'false'],
    [
      'what a copy has is not sent before it is decided',
      'const isLeft = ({ id }) =>',
      'const isLeft = ({ id }) => false &&',
    ],
    ['n is never used twice', 'this.lastN = Math.max(', 'this.lastN = 0 * Math.max('],
    ['what the log had counts as used', 'if (this.#waitsFor(dev))', 'if (false)'],
  ]),
  ...of('member/sender', [
    [
      'a message stays until it is seen',
      'return unsent.map((message) => ({',
      'this.#copy.buffer.drop(unsent); return unsent.map((message) => ({',
    ],
    ['what may be refused goes alone', 'return this.#isDoubtful(message);', 'return false;'],
    ['what is in doubt waits after a fork', '&& !this.#others.isNeeded', ''],
    ['a fork gives back what is lost', 'this.#waiting.outbox.adopt(lost);', '[];'],
    ['a skip is marked', 'message === first &&', 'false &&'],
  ]),
  ...of('member/unread', [
    ['what the log has at a place that is lost here is held', 'this.#copy.isWhole ? []', 'true ? []'],
    ['with the last lost place held words are let go', '!this.isEmpty && this.#copy.isWhole', 'false'],
  ]),
  ...of('member/delivery', [
    ['a proof counts anew', 'this.#count = 0;\n        this.#effects', 'this.#effects'],
    ['a proof makes a new key', 'this.#key = key;', 'this.#key ||= key;'],
  ]),
  ...of('member/giving', [
    ['a pipe writes down where its words begin', 'this.#isPipe ? lastN : undefined', 'undefined'],
  ]),
  ...of('member/giving-back', [
    ['nothing unsigned is given back', 'isWhole && isSigned(message)', "isWhole && message.sig !== '-'"],
    [
      'what is wrongly signed is never given back',
      'isWhole && isSigned(message)',
      'isWhole && message.sig !== undefined',
    ],
    ['a fork knows nothing of the log', 'this.#inLog.clear();', ''],
    ['others have 30 s to give back what lies before', 'ms - this.#mendedAtMs >= mendPatienceMs', 'true'],
    ['behind many holes nothing waits longer than behind one', 'isRest || !this.isOver(ms)', 'true'],
    ['what fills a hole goes at once', 'hole && hole.n <= n', 'hole'],
    ['what did not follow is tried again', 'ms - this.#heldAtMs >= holeRetryMs', 'false'],
  ]),
  ...of('limits', [
    [
      'what is behind a hole goes ahead in the end',
      'holePatienceMs = 30_000',
      'holePatienceMs = Number.POSITIVE_INFINITY',
    ],
  ]),
  ...of('log/doubt', [
    ['what a killed pipe has given to nobody is not said', '> Math.max(given, piped)', '> Number.POSITIVE_INFINITY'],
    ['what a killed pipe has given is said', 'Math.max(given, piped)', 'piped'],
    ['what was typed at a terminal is kept', 'piped = Number.POSITIVE_INFINITY', 'piped = 0'],
  ]),
  ...of('log/ordered', [
    ['sent in order', 'messages.splice(placeIn(messages, isBefore), 0, message)', 'messages.push(message)'],
  ]),
  ...of('log/outbox', [
    ['what another place has left in doubt is settled', '[...messages, ...older]', '[...messages]'],
  ]),
  ...of('log/copy', [
    ['a place is lost on the word of the room', "row.kind === 'lost' && !this.#isLost(row, prev, room)", 'false'],
    ['a device of another key counts for nobody', 'key === undefined || this.#crypto.isDeviceOf(key, id.dev)', 'true'],
    ['the chain that is read follows', 'chainHash(this.#crypto, prev, row)', 'chainHash(this.#crypto, this.hash, row)'],
    ['what was signed is kept', 'this.buffer.draft.sign(signed);', ';'],
    ['a message is shown once', 'id.n <= this.buffer.seen(id.dev)', 'false'],
    ['what was not on disk is given back too', '...this.buffer.places.flatMap(({ message }) => message ?? [])', ''],
  ]),
  ...of('log/write-buffer', [
    ['kept when it was shown', 'taken.shows = shows;', 'taken.shows = 0;'],
    ['dropped with the entry that it belongs to', 'newest.dropped.push(...ids);', 'this.draft.drop(ids);'],
    ['marked with the entry that it belongs to', 'newest.marks.push(mark);', 'this.draft.see(mark);'],
    ['what was read of another log is none of this one', 'taken.place = undefined;', ';'],
  ]),
  ...of('log/draft', [
    [
      'another log has no places of the old one',
      'this.#change = { restart',
      'this.#change = { ...this.#change, restart',
    ],
    ['what is not on disk yet counts too', 'this.#marks.get(dev) ?? this.#known.mark(dev)', 'this.#known.mark(dev)'],
  ]),
];
