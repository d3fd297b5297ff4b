/**
 * The rules of the cores, each with the change that removes it: `from` stands exactly once in the compiled `file`.
 * The simulation must fail with every one of them, or it does not test that rule.
 */
export type Mutant = { rule: string; file: string; from: string; to: string };

const of = (file: string, rows: [rule: string, from: string, to: string][]): Mutant[] =>
  rows.map(([rule, from, to]) => ({ rule, file: `core/${file}.js`, from, to }));

export const mutants: Mutant[] = [
  ...of('room/door', [['a join is proven', '!crypto.verify(key, joinProof(nonce, server, join), proof)', 'false']]),
  ...of('room/room', [
    ['an id counts once', 'if (id.n <= last)', 'if (false)'],
    ['n follows n', 'id.n > last + 1 && !first', 'false'],
    ['what others lost may jump', 'id.n > last + 1 && !first', 'id.n > last + 1'],
    [
      'who speaks for others needs their signature',
      '(mark?.key ?? key) === key && crypto.verify(key, signedText(room, message), sig)',
      'true',
    ],
    ['only the author needs no signature', 'id.dev !== session.dev || key !== session.who', 'false'],
    ['another log is a fork', 'since !== undefined && since > 0 && !checked', 'false'],
    ['another hash is a fork', "(this.#store.hashAt(since) ?? '') === (hash ?? '')", 'true'],
    ['the welcome says what the log had', 'this.#store.mark(dev)?.n ?? 0', '0'],
  ]),
  ...of('member/session', [
    ['a gap is read again', 'seq > cursor + 1', 'false'],
    ['a place counts once', 'seq === undefined || seq <= cursor', 'seq === undefined'],
    ['the heartbeat shows a lost tail', 'sentSeq > this.#copy.cursor ||', ''],
    ['no echo, send again', '|| this.#unanswered >= maxUnanswered', ''],
    ['no answer, ask again', 'if (isLate)', 'if (false)'],
    ['a server may not know an older name', 'if (mayForget)', 'if (false)'],
    ['what the log had has arrived', 'this.#courier.acceptLogged(this.#logged);', ''],
  ]),
  ...of('member/naming', [
    [
      'what is typed bears a name that was taken',
      'this.#wanted = normalizeName(name);',
      'this.#name = this.#wanted = normalizeName(name);',
    ],
  ]),
  ...of('member/courier', [
    [
      'a message stays until it is seen',
      'return this.#isFirst(message, nowMs) ? { ...signed, first: true } : signed;',
      'this.#copy.drop([message]); return this.#isFirst(message, nowMs) ? { ...signed, first: true } : signed;',
    ],
    ['every welcome sends all again', 'this.#outbox.restart();', ''],
    ['n is never used twice', 'this.#lastN = Math.max(', 'this.#lastN = 0 * Math.max('],
    ['a fork gives back what is lost', 'this.#copy.keep(lost);', 'this.#outbox.remove((m) => lost.includes(m));'],
  ]),
  ...of('log/outbox', [
    ['on disk before it is sent', 'next?.durable', 'next'],
    ['sent in order', 'this.#waiting.sort(', '(() => 0)('],
  ]),
  ...of('log/copy', [['a message is shown once', 'id.n <= this.seen(id.dev)', 'false']]),
  ...of('log/ledger', [
    ['what is not on disk yet counts too', 'this.#marks.get(dev) ?? this.#store.mark(dev)', 'this.#store.mark(dev)'],
    ['places follow each other', 'this.#unsettled.at(-1)?.seq ?? this.#store.head', 'this.#store.head'],
  ]),
  ...of('room/readers', [
    ['a slow reader has a window', 'Math.min(batchEntries, windowEntries - (sent.seq - acked))', 'batchEntries'],
    [
      'the original gets name and text',
      "encode({ kind: 'message', name: said.name, text })",
      'entry ? entry.wire : encode({ kind: "message", name: said.name, text })',
    ],
  ]),
];
