import { beforeEach, describe, expect, test } from 'vitest';
import { harmlessLc, lateMs, levelledMs, maxLcStep } from '../src/core/limits.ts';
import { Ledger, type Outcome, type Proposal, type Uploader } from '../src/core/log/ledger.ts';
import { type Message, maxTextBytes } from '../src/protocol/frames.ts';
import { chainHash, digestOf, signedHash, signedText } from '../src/protocol/signed.ts';
import { rot } from './sim/rot.ts';
import { fakeCrypto, fakeIdentity, fakeSalt, signature } from './support/fake-crypto.ts';
import { range } from './support/people.ts';
import { hashAt, Written } from './support/places.ts';

let ageMs = 1_000;
let written: Written;
let ledger: Ledger;
let nowMs: number;
let wallMs: number;
beforeEach(() => {
  ageMs = 1_000;
  written = new Written();
  start();
});
const start = (entries = 1_000) => {
  nowMs = 5_000;
  wallMs = 7_000_000;
  const retention = { entries, ageMs };
  const identity = fakeIdentity('server');
  ledger = new Ledger({ name: 'server', identity, dev: 'run', crypto: fakeCrypto, retention }, written.log);
};
const decide = (...proposals: Proposal[]) => ledger.decide<never>(proposals, { ms: nowMs, wallMs });
/** Decides, and what was decided is on disk. */
const keep = (...proposals: Proposal[]): Outcome[] => {
  const { change, outcomes } = decide(...proposals);
  if (change) written.commit(change);
  return outcomes;
};
/** Whoever uploads, for the first time since a proof. */
const by = (from: string): Uploader => ({ from, isStopped: false, isHeld: false });
/** Signed by its author. */
const message = (dev: string, n: number, more: Partial<Message> = {}): Message => {
  const key = `k${dev}`;
  const said: Message = { kind: 'message', name: dev, text: `${dev} ${n}`, id: { dev, n }, lc: n, ts: n, key, ...more };
  return { ...said, sig: signature(said.key ?? '', signedText(fakeCrypto, 'server', said)) };
};
const say = (dev: string, n: number, more: Partial<Message> = {}): Proposal => {
  return { type: 'say', by: by(dev), message: message(dev, n, more), name: dev };
};
const giveBack = (dev: string, n: number, more: Partial<Message> = {}): Proposal => {
  return { type: 'giveBack', by: by('b'), message: message(dev, n, more) };
};
const enter = (name: string, key = `k${name}`, dev = name): Proposal => {
  return { type: 'enter', from: name, name, key, dev, join: { kind: 'join', name } };
};
const tidy = (...present: { name: string; key: string }[]): Proposal => ({ type: 'tidy', present });
const said = () => written.store.read(1, 1_000).map(({ message }) => `${message?.id?.dev}.${message?.id?.n}`);
const refusal = (code: string) => expect.objectContaining({ type: 'refused', code });

describe('a decision', () => {
  test('changes nothing: until it is on disk, the same is decided again', () => {
    keep(enter('ann'), say('ann', 1));
    const proposals = [enter('bo'), say('ann', 2), giveBack('cy', 1), giveBack('cy', 2), tidy()];
    const first = decide(...proposals);
    expect(first.change?.entries).toHaveLength(3);
    expect(decide(...proposals)).toEqual(first);
    decide(say('ann', 2, { text: 'never written' }), enter('eve', 'kE', 'cy'));
    expect(decide(...proposals)).toEqual(first);
    expect([ledger.owners('bo', { ms: nowMs, wallMs: 0 }), written.store.head]).toEqual([[], 1]);
  });

  test('knows what it has decided before in itself', () => {
    const outcomes = keep(enter('ann'), enter('ann', 'kE', 'E'), say('ann', 1), say('ann', 1), say('ann', 2));
    expect(outcomes).toMatchObject([{ type: 'entered' }, refusal('NAME_REFUSED'), { type: 'had' }]);
    expect(said()).toEqual(['ann.1', 'ann.2']);
  });

  test('is no change if there is nothing to write, and passes on what is no proposal, in its place', () => {
    expect(decide()).toEqual({ change: undefined, outcomes: [] });
    const other = { type: 'lose' } as const;
    const { outcomes } = ledger.decide([other, say('a', 3), other], { ms: nowMs, wallMs: 0 });
    expect(outcomes).toMatchObject([other, { type: 'rejoin', by: { from: 'a' } }, other]);
  });

  test('is one change: entries, marks, owners and members', () => {
    expect(decide(enter('ann'), say('ann', 1), say('ann', 2)).change).toEqual({
      entries: [expect.objectContaining({ seq: 1 }), expect.objectContaining({ seq: 2 })],
      marks: [{ dev: 'ann', n: 2, hash: signedHash(fakeCrypto, 'server', message('ann', 2)) }],
      owners: [{ look: 'ann', name: 'ann', key: 'kann', seenMs: 0 }],
      members: [{ name: 'ann', key: 'kann', version: 1, firstMs: 0, seenMs: 0 }],
      roster: { last: 1, base: 0 },
    });
  });
});

describe('what is said', () => {
  test('gets the next place, the next link of the chain and the times, also after a restart', () => {
    keep(say('A', 1), say('A', 2, { first: true }));
    written = new Written(written.store);
    start();
    keep(say('B', 1));
    const [one, two, three] = written.store.read(1, 3);
    const link = (before: string, said: Message) => chainHash(fakeCrypto, before, { ...said, at: 7_000_000 });
    expect(one).toMatchObject({ seq: 1, prev: '', hash: link('', message('A', 1)), atMs: 7_000_000, ranMs: 0 });
    expect(two).toMatchObject({ seq: 2, prev: one?.hash, hash: link(one?.hash ?? '', message('A', 2)) });
    expect(two?.message).toEqual({ ...message('A', 2), seq: 2, hash: two?.hash, at: 7_000_000 });
    expect(three).toMatchObject({ seq: 3, prev: two?.hash });
  });

  test('counts once and in order; a skipped number is asked for, unless it is the first', () => {
    expect(keep(say('A', 2))).toMatchObject([{ type: 'rejoin', by: { from: 'A' } }]);
    expect(keep(say('A', 1), say('A', 1), say('A', 3))).toMatchObject([{ type: 'had' }, { type: 'rejoin' }]);
    expect(keep(say('A', 7, { first: true }), say('A', 2, { first: true }), say('A', 8))).toMatchObject([
      { type: 'had', ids: [{ dev: 'A', n: 2 }] },
    ]);
    expect(said()).toEqual(['A.1', 'A.7', 'A.8']);
  });

  test('by clients of the original gets the room’s numbers and counter, and everybody’s name but somebody’s', () => {
    keep(enter('ann'), say('ann', 1, { lc: 9 }));
    const relay = (name: string): Proposal => ({
      type: 'relay',
      from: name,
      words: { name, text: 'hi', salt: fakeSalt },
    });
    expect(keep(relay('lea'), relay('ann'))).toEqual([
      { type: 'relayed', from: 'lea', seq: 2 },
      { type: 'relayed', from: 'ann', seq: 3 },
    ]);
    expect(written.store.read(2, 2).map(({ message }) => message)).toMatchObject([
      { id: { dev: 'run', n: 1 }, lc: 10, ts: 7_000_000, key: 'server' },
      { id: { dev: 'run', n: 2 }, lc: 11, name: 'ann', guest: true },
    ]);
    expect(written.store.mark('run')).toMatchObject({ dev: 'run', n: 2 });
  });

  test('in too many bytes is void, holds its place, still proves its author, and what follows follows', () => {
    const long = message('A', 1, { text: 'é'.repeat(2_049), salt: fakeSalt });
    keep({ type: 'say', by: by('A'), message: long, name: 'A' }, say('A', 2, { text: 'x'.repeat(maxTextBytes) }));
    const [one, two] = written.store.read(1, 2);
    expect(one?.message).toMatchObject({
      text: '',
      void: true,
      id: { dev: 'A', n: 1 },
      words: digestOf(fakeCrypto, long),
    });
    expect(one?.message?.salt).toBeUndefined();
    expect(signedText(fakeCrypto, 'server', one?.message as Message)).toBe(signedText(fakeCrypto, 'server', long));
    expect(two?.message?.void).toBeUndefined();
  });

  test.each(['bo', 'server', 'SERVER', '[ann]', 'ann ', ''])(
    'under a name that is not its author’s is a guest’s: %j',
    (name) => {
      keep(enter('ann'), enter('bo'));
      keep(say('ann', 1, { name }), say('ann', 2));
      expect(written.store.read(1, 2)).toMatchObject([
        { message: { name, guest: true } },
        { message: { name: 'ann' } },
      ]);
      expect(written.store.read(1, 2).map(({ message }) => message?.void)).toEqual([undefined, undefined]);
      expect(written.store.read(2, 1)[0]?.message?.guest).toBeUndefined();
    },
  );

  test('under a name that is nobody’s is as it was typed: a log that went back in time does not know whose it was', () => {
    keep(enter('ann'));
    keep(say('ann', 1, { name: 'anna' }));
    expect(written.store.read(1, 1)[0]?.message).toMatchObject({ name: 'anna' });
    expect(written.store.read(1, 1)[0]?.message?.void).toBeUndefined();
    expect(written.store.owner('anna')).toBeUndefined();
  });

  test('under an older name of its author’s is as it was typed', () => {
    keep(enter('ann'), enter('anna', 'kann', 'ann'));
    keep({ ...say('ann', 1), name: 'anna' } as Proposal);
    expect(written.store.read(1, 1)[0]?.message?.guest).toBeUndefined();
  });
});

describe('what is given back', () => {
  test('looks as if it had never been lost, and its author goes on behind it', () => {
    expect(keep(giveBack('cy', 1), giveBack('cy', 2))).toEqual([]);
    expect(written.store.read(2, 1)[0]?.message).toEqual({
      ...message('cy', 2),
      seq: 2,
      hash: hashAt(written.store, 2),
      at: 7_000_000,
    });
    keep(say('cy', 3));
    expect(said()).toEqual(['cy.1', 'cy.2', 'cy.3']);
  });

  test('at or below the mark is had, also if it was trimmed, and whoever asks is told', () => {
    keep(giveBack('cy', 1), giveBack('cy', 2));
    const had = (n: number) => ({ type: 'had', ids: [{ dev: 'cy', n }] });
    expect(keep(giveBack('cy', 1, { sig: 'any' }), giveBack('cy', 2), giveBack('cy', 3))).toMatchObject([
      had(1),
      had(2),
    ]);
    written.commit({ keep: { from: 4, hash: written.store.headHash } });
    expect(keep(giveBack('cy', 3))).toMatchObject([had(3)]);
  });

  test('waits for what lies before it, and so does all that comes behind it; nobody but its author can call it the first', () => {
    const brings = (from: Uploader, n: number, dev = 'cy'): Proposal => ({
      type: 'giveBack',
      by: from,
      message: { ...message(dev, n), first: true },
    });
    const bo = by('b');
    const hole = { type: 'hole', by: bo, id: { dev: 'cy', n: 2 } };
    expect(keep(brings(bo, 2), brings(bo, 3), brings(bo, 1, 'dan'), brings(by('e'), 1, 'eli'))).toEqual([hole]);
    expect(said()).toEqual(['eli.1']);
    bo.isHeld = true;
    expect(keep(brings(bo, 1), { type: 'say', by: bo, message: message('b', 1), name: 'b' })).toEqual([]);
    expect(said()).toEqual(['eli.1', 'b.1']);
    expect(keep(brings(by('b'), 1), brings(by('b'), 2))).toEqual([]);
    expect(said()).toEqual(['eli.1', 'b.1', 'cy.1', 'cy.2']);
  });

  test('behind a message of its bearer that does not follow is not taken, nor anything else', () => {
    const bo = by('b');
    const own = (n: number): Proposal => ({ type: 'say', by: bo, message: message('b', n), name: 'b' });
    expect(keep(own(2), own(1), { type: 'giveBack', by: bo, message: message('cy', 1) })).toEqual([
      { type: 'rejoin', by: bo },
    ]);
    bo.isStopped = true;
    expect(keep(own(1), { type: 'giveBack', by: bo, message: message('cy', 1) })).toEqual([]);
    expect(said()).toEqual([]);
  });

  test('is answered had in one word for many', () => {
    const bo = by('b');
    const brings = (n: number): Proposal => ({ type: 'giveBack', by: bo, message: message('cy', n) });
    keep(...range(1, 300).map(brings));
    const answers = keep(...range(1, 300).map(brings));
    expect(answers.map((answer) => answer.type === 'had' && answer.ids.length)).toEqual([256, 44]);
  });

  const cy = message('cy', 1);
  test.each<[string, Partial<Message>]>([
    ['a wrong signature', { ...cy, sig: 'forged' }],
    ['another text', { ...cy, text: 'I owe you' }],
    ['another name', { ...cy, name: 'cyd' }],
    ['another number', { ...message('cy', 2), id: { dev: 'cy', n: 1 } }],
    ['another lc', { ...cy, lc: 9 }],
    ['another time', { ...cy, ts: 9 }],
    ['what it did for what it said', { ...cy, type: 'action' }],
    ['the signature of whoever brings it', { ...cy, sig: message('cy', 1, { key: 'kB' }).sig as string }],
  ])('is ignored with %s', (_name, forged) => {
    const ignored = { type: 'ignored', reason: 'a kept message without a valid signature', by: by('b') };
    expect(keep({ type: 'giveBack', by: by('b'), message: forged as Message })).toEqual([ignored]);
    expect(said()).toEqual([]);
  });

  test.each(['sig', 'key'])('is ignored without its %s', (field) => {
    const { [field as 'sig']: _, ...rest } = cy;
    expect(keep({ type: 'giveBack', by: by('b'), message: rest })).toMatchObject([{ type: 'ignored' }]);
  });

  test('is ignored if its device is another key’s, or the server’s own, though well signed', () => {
    keep(say('A', 1));
    expect(keep(giveBack('A', 2, { key: 'kE' }), giveBack('run', 1))).toMatchObject([
      { type: 'ignored' },
      { type: 'ignored' },
    ]);
    expect(said()).toEqual(['A.1']);
  });

  test('is ignored under another one’s device in a log that does not know that yet', () => {
    expect(keep(giveBack('A', 1, { key: 'kE' }))).toMatchObject([{ type: 'ignored' }]);
    expect(said()).toEqual([]);
  });

  test('claims no name, and is a guest’s under one that belongs to another by now', () => {
    keep(giveBack('cy', 1));
    expect(written.store.owner('cy')).toBeUndefined();
    keep(enter('cy', 'kX', 'X'));
    keep(giveBack('cy', 2), giveBack('cy', 3, { name: 'dot' }), giveBack('cy', 4, { name: 'server' }));
    expect(written.store.read(1, 4).map(({ message }) => message?.guest)).toEqual([undefined, true, undefined, true]);
  });
});

describe('the time of acceptance', () => {
  const times = () => written.store.read(1, 9).map(({ atMs, message }) => (message?.at === atMs ? atMs : 'two times'));

  test('is the machine’s, but a small step back of that is levelled, also after a restart', () => {
    keep(say('A', 1));
    wallMs -= levelledMs;
    keep(say('A', 2));
    written = new Written(written.store);
    start();
    wallMs -= 1;
    keep(say('A', 3));
    wallMs += 5;
    keep(say('A', 4));
    expect(times()).toEqual([7_000_000, 7_000_000, 7_000_000, 7_000_004]);
  });

  test('is the machine’s also after a large step back, and never before 1970', () => {
    keep(say('A', 1));
    wallMs -= levelledMs + 1;
    keep(say('A', 2));
    wallMs = -1e12;
    keep(say('A', 3));
    expect(times()).toEqual([7_000_000, 7_000_000 - levelledMs - 1, 0]);
  });

  const agoOf = (proposal: Proposal) => {
    start();
    keep(proposal);
    return written.store.read(written.store.head, 1)[0]?.message?.ago;
  };

  test('is told with how long ago it was said, if that is longer than a moment and no longer than is kept', () => {
    ageMs = 1_000_000;
    expect(agoOf(say('A', 1, { ago: lateMs }))).toBeUndefined();
    expect(agoOf(say('A', 2, { ago: lateMs + 1 }))).toBe(lateMs + 1);
    expect(agoOf(say('A', 3, { ago: 2_000_000 }))).toBe(1_000_000);
  });

  test('of what was in a log before says how long ago that was, by the same clock', () => {
    ageMs = 1_000_000;
    expect(agoOf(giveBack('cy', 1, { at: 7_000_000 - lateMs - 1 }))).toBe(lateMs + 1);
    expect(agoOf(giveBack('cy', 2, { at: 7_000_000 - 50_000, ago: 20_000 }))).toBe(70_000);
    expect(agoOf(giveBack('cy', 3, { at: 9_000_000 }))).toBeUndefined();
  });
});

describe('a counter far ahead of the log', () => {
  const ahead = { type: 'ignored', reason: 'a message whose counter is far ahead of the log' };

  test('is not taken, whoever brings it', () => {
    const lc = harmlessLc + maxLcStep;
    expect(keep(say('A', 1, { lc: lc + 1 }), giveBack('cy', 1, { lc: lc + 1 }))).toEqual([ahead, ahead]);
    expect(keep(say('A', 1, { lc }), say('A', 2, { lc: lc + maxLcStep }))).toEqual([]);
    expect(keep(say('A', 3, { lc: lc + 2 * maxLcStep + 1 }))).toEqual([ahead]);
    written = new Written(written.store);
    start();
    expect(keep(say('A', 3, { lc: lc + 2 * maxLcStep }))).toEqual([]);
  });
});

describe('whoever enters', () => {
  test('owns the name, in any form of it, until it was away for too long', () => {
    keep(enter('Ann', 'kA', 'A'));
    const owner = (name: string) => ledger.owners(name, { ms: nowMs, wallMs: 0 })[0]?.key;
    nowMs += ageMs;
    expect([owner('ann'), owner('ＡＮＮ'), owner('bo')]).toEqual(['kA', 'kA', undefined]);
    expect(decide(enter('ANN', 'kE', 'E')).outcomes).toEqual([
      {
        type: 'refused',
        from: 'ANN',
        code: 'NAME_REFUSED',
        text: '"ANN" belongs to somebody else.',
        join: { kind: 'join', name: 'ANN' },
      },
    ]);
    expect(decide(enter('ANN', 'kE', 'E')).change).toBeUndefined();
    keep(enter('ann', 'kA', 'A'));
    nowMs += ageMs + 1;
    expect([owner('ann'), keep(enter('ann', 'kE', 'E'))]).toMatchObject([undefined, [{ type: 'entered', key: 'kE' }]]);
  });
});

describe('tidying', () => {
  /** The place it would keep from, if any. */
  const trimmed = () => decide(tidy()).change?.keep?.from;
  const fill = (count: number, ranMs: number) => written.append(count, {}, { ranMs });

  test('says how the log’s clock stands, and nothing when that is known', () => {
    expect(decide(tidy()).change).toBeUndefined();
    nowMs += 10;
    expect(decide(tidy()).change).toEqual({ ranMs: 10 });
  });

  test('counts on from where the log’s clock stood, whatever this program’s clock says', () => {
    written.commit({ ranMs: 700 });
    start();
    keep(say('A', 1));
    nowMs += 50;
    keep(say('A', 2), tidy());
    expect(written.store.read(1, 2).map(({ ranMs }) => ranMs)).toEqual([700, 750]);
    expect(written.store.ranMs).toBe(750);
  });

  test('forgets what is above the limit and a share, down to the limit, with the chain up to there', () => {
    fill(1_050, 0);
    expect(trimmed()).toBeUndefined();
    fill(1, 0);
    expect(decide(tidy()).change?.keep).toEqual({ from: 52, hash: hashAt(written.store, 51) });
  });

  test.each([1, 99, 100, 101, 250])('forgets %i old entries and no younger one', (count) => {
    fill(count, 0);
    fill(5, 500);
    decide();
    nowMs += ageMs;
    expect(trimmed()).toBeUndefined();
    nowMs += 1;
    expect(trimmed()).toBe(count + 1);
    nowMs += 500;
    expect(trimmed()).toBe(count + 6);
  });

  test('keeps the names of those present, and of nobody else', () => {
    keep(enter('Ann', 'kA', 'A'), enter('bo', 'kB', 'B'), enter('cy', 'kC', 'C'));
    nowMs += ageMs / 4;
    const present = [
      { name: 'Ann', key: 'kA' },
      { name: 'bo', key: 'kE' },
      { name: 'nobody’s', key: 'kE' },
    ];
    expect(decide(tidy(...present)).change?.owners).toBeUndefined();
    nowMs += 1;
    const { change } = decide(tidy(...present));
    expect(change?.owners).toEqual([{ look: 'ann', name: 'Ann', key: 'kA', seenMs: ageMs / 4 + 1 }]);
  });
});

test('a lost entry is mended by the message its hash comes to, with no word about any other', () => {
  keep(say('A', 1), say('A', 2), say('A', 3));
  const right = written.store.read(2, 1)[0]?.message as Message;
  rot(written.store, 2, 'no row');
  written = new Written(written.store);
  start();
  written.log.read(1, 3);
  const mend = (message: Message): Proposal => ({ type: 'mend', message });
  expect(decide(mend({ ...right, text: 'x' }), mend({ ...right, seq: 1 }))).toEqual({
    change: undefined,
    outcomes: [],
  });
  expect(keep(mend(right))).toEqual([{ type: 'mended', entry: expect.objectContaining({ seq: 2, message: right }) }]);
  expect(said()).toEqual(['A.1', 'A.2', 'A.3']);
  expect(decide(mend(right)).change).toBeUndefined();
});
