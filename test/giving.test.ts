import { beforeEach, describe, expect, test } from 'vitest';
import { holeRetryMs, mendPatienceMs } from '../src/core/limits.ts';
import { erasing, erasureText } from '../src/protocol/erasure.ts';
import type { Message } from '../src/protocol/frames.ts';
import { digestOf, signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './support/fake-crypto.ts';
import { connected, disconnected, greeting, MemberWorld } from './support/member-world.ts';

let ann: MemberWorld;
beforeEach(() => {
  ann = new MemberWorld({ isPipe: true });
});
const kept = () => ann.store.pending().map(({ text }) => text);
/** Her pipe is over, killed or not, and another program of hers begins in the same folder. */
const startAgain = (isPipe = true) => ann.start({ isPipe, ...(ann.store.log && { room: 'server' }) });
/** What another device of hers has given to the room. */
const doubt = (n: number, dev = 'C'): Message => {
  const when = { lc: n, ts: 5, in: 0, salt: fakeSalt };
  const words: Message = { kind: 'message', name: 'ann', text: `${dev} ${n}`, id: { dev, n }, ...when, key: 'kA' };
  return { ...words, sig: signature('kA', signedText(fakeCrypto, 'server', words)) };
};

describe('that a line is given', () => {
  test('is on disk before its frame leaves, with the line if it goes out at once', () => {
    ann.goOnline();
    ann.slowDisk = true;
    ann.type('one');
    expect([ann.sentIds, ann.commits.map(({ device }) => device?.given)]).toEqual([[], [1]]);
    ann.keepOne();
    expect([ann.sentIds, ann.store.given]).toEqual([['A1'], 1]);
  });

  test('counts for none that nobody can be given', () => {
    ann.type('one', 'two');
    expect([ann.store.given, ann.member.unsettled]).toEqual([0, { inDoubt: 0, ungiven: 2 }]);
    ann.goOnline();
    expect([ann.store.given, ann.member.unsettled]).toEqual([2, { inDoubt: 2, ungiven: 0 }]);
    ann.receive({ kind: 'receipt', kept: 1, held: 0 });
    expect(ann.member.unsettled).toEqual({ inDoubt: 1, ungiven: 0 });
  });

  test('counts in a room of the original, too', () => {
    ann.slowDisk = true;
    ann.step(connected);
    ann.keepOne();
    ann.receive(greeting);
    ann.type('one');
    expect([ann.sentIds, ann.commits.at(-1)?.device?.given]).toEqual([[], 1]);
    ann.keepOne();
    expect(ann.sent).toMatchObject([{ kind: 'message', text: 'one' }]);
  });
});

describe('what a pipe has given to nobody', () => {
  test('goes with it, and the rest stays in doubt', () => {
    ann.goOnline();
    ann.type('one');
    ann.step(disconnected);
    ann.type('two');
    ann.step({ type: 'drop' });
    expect([kept(), ann.member.unsettled]).toEqual([['one'], { inDoubt: 1, ungiven: 1 }]);
    startAgain();
    ann.type('three');
    expect([ann.store.pending().map(({ id }) => id?.n), ann.member.unsettled.ungiven]).toEqual([[1, 2], 1]);
  });

  test('is dropped by the next program if it was killed, which is said once', () => {
    ann.goOnline();
    ann.type('one');
    ann.step(disconnected);
    ann.type('two');
    startAgain(false);
    ann.step();
    expect(ann.shown).toMatchObject([{ type: 'error', code: 'DROPPED', message: expect.stringMatching(/: "two"$/) }]);
    expect(kept()).toEqual(['one']);
    startAgain();
    ann.step();
    expect([ann.shown, kept()]).toEqual([[], ['one']]);
  });

  test('is nothing that was typed at a terminal, before or after it', () => {
    startAgain(false);
    ann.type('terminal 1');
    startAgain(true);
    ann.type('pipe');
    startAgain(false);
    ann.type('terminal 2');
    startAgain(true);
    ann.step({ type: 'drop' });
    expect(kept()).toEqual(['terminal 1', 'terminal 2']);
    ann.goOnline();
    expect(ann.sent.map((sent) => 'text' in sent && sent.text).filter(Boolean)).toContain('terminal 2');
  });

  test('uses up no number; what was given does, although its words are gone', () => {
    ann.goOnline();
    ann.type('one');
    ann.store.apply({ dropped: [{ dev: 'A', n: 1 }] });
    startAgain();
    ann.type('two');
    expect(ann.store.pending()).toMatchObject([{ id: { n: 2 }, text: 'two' }]);
  });
});

describe('what another place of the same person has left in doubt', () => {
  const begin = (...doubts: Message[]) => {
    ann.start({ isPipe: true, room: 'server', doubts });
    ann.type('own');
    ann.goOnline();
  };

  test('goes out before what is typed now, at once, and is none of this run', () => {
    begin(doubt(4), doubt(5));
    expect(ann.sentIds.filter((id) => /\d/.test(id))).toEqual(['C4', 'C5', 'A1']);
    expect(ann.member.unsettled).toEqual({ inDoubt: 1, ungiven: 0 });
    const change = ann.member.turn([{ type: 'drop' }], { ms: 0, wallMs: 0 });
    expect(change).toEqual([]);
  });

  test('is written down in its own place alone, also when the room erases it', () => {
    begin(doubt(4));
    const gone = { id: { dev: 'C', n: 4 }, words: digestOf(fakeCrypto, doubt(4)) };
    const proof = signature('server', erasureText('server', gone));
    ann.receive(ann.log.entry(1, { ...erasing({ ...gone, proof }), key: 'server', id: { dev: 'run', n: 1 } }));
    expect([kept(), ann.member.waiting.map(({ text }) => text)]).toEqual([['own'], ['', 'own']]);
  });

  test('is let go when the log has it', () => {
    begin(doubt(4), doubt(5));
    ann.slowDisk = true;
    ann.receive(ann.log.entry(1, doubt(4)), { kind: 'had', ids: [{ dev: 'C', n: 5 }], head: 1 });
    while (ann.commits.length > 0) ann.keepOne();
    expect(ann.waiting).toEqual(['own']);
  });

  test('and was settled there may be brought from there, if the room has lost it since: own words wait for that', () => {
    const comeBack = (n: number) => {
      ann.goOnline();
      ann.type('one');
      ann.store.apply({ dropped: [{ dev: 'A', n: 1 }] });
      startAgain();
      ann.type('two');
      ann.goOnline({ n });
      return ann.sentIds.filter((id) => id === 'A2');
    };
    expect(comeBack(1)).toEqual(['A2']);
    ann = new MemberWorld();
    expect(comeBack(0)).toEqual([]);
    ann.receive(ann.log.own(1, 1));
    expect(ann.sentIds).toContain('A2');
    ann = new MemberWorld();
    comeBack(0);
    for (let ms = 0; ms < mendPatienceMs - 5_000; ms += 5_000) {
      ann.tick(5_000);
      ann.receive({ kind: 'heartbeat', seq: 0 });
      expect(ann.sentIds).not.toContain('A2');
    }
    ann.tick(5_000);
    expect(ann.sent).toContainEqual(expect.objectContaining({ id: { dev: 'A', n: 2 }, first: true }));
  });

  test('stays there if it cannot follow; that of another one is given again', () => {
    begin(doubt(4), doubt(7, 'D'));
    ann.receive({ kind: 'hole', id: { dev: 'C', n: 4 } });
    expect(ann.waiting).toEqual(['D 7', 'own']);
    ann.tick(holeRetryMs);
    ann.open();
    expect(ann.sentIds).toContain('D7');
    expect(ann.sentIds).not.toContain('C4');
  });
});
