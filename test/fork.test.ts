import { beforeEach, describe, expect, test } from 'vitest';
import { givingPauseMs, heartbeatIntervalMs, maxAdopted, mendPatienceMs, uploadWindow } from '../src/core/limits.ts';
import { MemoryStore } from '../src/history/memory.ts';
import type { Message } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import {
  Chain,
  challenge,
  connected,
  disconnected,
  join,
  MemberWorld,
  nothing,
  unsigned,
} from './support/member-world.ts';

let ann: MemberWorld;
/** What she has read: words of Bo's, Cy's and her own. */
let log: Chain;
const restored = (message: string) => ({
  type: 'status',
  code: 'RESTORED',
  message: `the server's log is not the one known here; ${message}`,
});
const of = (dev: string, n: number, more: Partial<Message> = {}): Partial<Message> => ({ id: { dev, n }, ...more });
/** The devices whose messages wait. */
const kept = () =>
  ann.store
    .pending()
    .flatMap(({ id }) => id?.dev ?? [])
    .sort();
const firsts = () =>
  ann.sent.flatMap((sent) => (sent.kind === 'message' && sent.first ? `${sent.id?.dev}${sent.id?.n}` : []));
beforeEach(() => {
  ann = new MemberWorld();
  log = ann.log;
  ann.goOnline();
  ann.type('own 1');
  ann.receive(log.entry(1), log.entry(2, of('C', 1)), log.own(3, 1));
});

describe('a log that is not the one known here', () => {
  test('and is empty gets back everything', () => {
    ann.meet(new Chain('new'));
    expect(ann.sentIds).toEqual(['A1', 'B1', 'C1']);
    expect(ann.shown).toContainEqual(restored('3 lost messages were given back.'));
    expect(ann.shown.map(({ type }) => type)).not.toContain('gap');
    expect([ann.store.log, ann.store.head, ann.store.pending().length]).toEqual(['new', 0, 3]);
    expect(ann.waiting).toEqual(['own 1']);
  });

  test('gets back an action as one', () => {
    const waves = log.entry(4, of('D', 1, { type: 'action' }));
    ann.receive(waves);
    ann.meet(new Chain('new'));
    expect(ann.sent).toContainEqual(
      expect.objectContaining({ id: { dev: 'D', n: 1 }, type: 'action', sig: waves.sig }),
    );
  });

  test('gets back own words at once, also if they were not shown yet: their signature is here', () => {
    ann.isHeld = true;
    ann.type('own 2');
    const [own] = ann.sent as Message[];
    ann.receive(log.entry(4, own));
    expect(ann.waiting).toEqual([]);
    ann.step(disconnected);
    ann.log = new Chain('new');
    ann.goOnline({ fork: true });
    expect(ann.sent).toContainEqual(expect.objectContaining({ id: { dev: 'A', n: 2 }, sig: own?.sig }));
  });

  test('gets back nothing of which the signature has not come, or is wrong', () => {
    ann.fetchSignatures({ 2: 'wrong' });
    ann.receive(log.entry(4, of('D', 1)));
    ann.step(disconnected);
    ann.log = new Chain('new');
    ann.goOnline({ fork: true });
    ann.pause();
    expect(ann.sentIds).toEqual(['A1', 'B1']);
  });

  test('and is lost again before its signatures are fetched gets back what was known with them', () => {
    ann.fetchSignatures();
    const again = new Chain('new');
    const [bo, cy] = [log.entry(1), log.entry(2)].map(({ seq: _, hash: __, at: ___, sig: ____, ...said }) => said);
    again.entry(1, bo);
    again.entry(2, { ...cy, text: 'other words' });
    ann.step(disconnected);
    ann.log = again;
    ann.goOnline({ fork: true, head: 2 });
    ann.receive(unsigned(again.entry(1)), unsigned(again.entry(2)));
    ann.step(disconnected);
    ann.log = new Chain('newer');
    ann.goOnline({ fork: true });
    ann.pause();
    expect(ann.sentIds).toEqual(['A1', 'B1']);
  });

  test('and is lost again before anything of it was read gives others their time anew', () => {
    ann.receive(log.entry(4, of('D', 2)));
    ann.meet(new Chain('new'));
    expect(ann.sentIds).not.toContain('D2');
    ann.step(disconnected);
    ann.nowMs += mendPatienceMs;
    ann.log = new Chain('newer');
    ann.goOnline();
    ann.pause();
    expect([ann.sentIds.includes('C1'), ann.sentIds.includes('D2')]).toEqual([true, false]);
    for (let ms = 0; ms < mendPatienceMs; ms += 5_000) {
      ann.receive({ kind: 'heartbeat', seq: 0 });
      ann.tick(5_000);
    }
    expect(ann.store.pending().map(({ id }) => id?.dev)).toContain('D');
  });

  test('gets back what the original’s clients said, with when that was, as the room wrote it down', () => {
    const line = log.entry(4, { id: { dev: 'run', n: 1 }, name: 'lea', key: 'server', at: 70_000, ago: 61_000 });
    ann.receive(line);
    ann.meet(new Chain('new'));
    const { seq: _, hash: __, ...said } = line;
    expect(ann.sent).toContainEqual(said);
    expect(ann.store.pending()).toContainEqual(said);
  });

  test('gets back what only a later version understands', () => {
    const hidden = log.entry(4, of('D', 1, { type: 'later', ext: 'more' }));
    ann.receive(hidden);
    ann.meet(new Chain('new'));
    expect(ann.sent).toContainEqual(expect.objectContaining({ type: 'later', ext: 'more', sig: hidden.sig }));
  });

  test('is read up to its head before anything is given back, and gets only what it lacks', () => {
    const old = new Chain();
    old.entry(2, of('D', 1));
    ann.meet(old, { head: 2 });
    ann.type('own 2');
    expect(ann.did).toEqual(nothing);
    ann.receive(old.entry(1));
    expect(ann.did).toEqual(nothing);
    ann.receive(old.entry(2));
    expect(ann.sentIds).toEqual(['A1', 'A2']);
    ann.pause();
    expect(ann.sentIds).toEqual(['A1', 'A2', 'C1']);
    expect(ann.shown).toContainEqual(restored('2 lost messages were given back.'));
  });

  test('that has it all is only read again', () => {
    const same = new Chain('new');
    ann.meet(same, { head: 3 });
    ann.receive(same.entry(1), same.entry(2, of('C', 1)), same.own(3, 1));
    expect(ann.did).toEqual({ ...nothing, shown: [restored('it was read again.')] });
    expect(ann.store.pending()).toEqual([]);
  });

  test('shows nothing twice, and what is new once', () => {
    const other = new Chain('new');
    ann.meet(other, { head: 2 });
    ann.receive(other.entry(1, of('D', 1)), other.entry(2, of('B', 1)));
    expect(ann.texts.filter((text) => text.startsWith('text'))).toEqual(['text 1']);
    ann.receive(other.entry(3, of('C', 1)), other.own(4, 1));
    expect(ann.did).toEqual(nothing);
    expect([ann.waiting, ann.store.pending()]).toEqual([[], []]);
  });

  test('gets nothing back from a program that is started next, before that has read it', () => {
    const other = new Chain('new');
    ann.meet(other, { head: 1 });
    ann.start();
    ann.step(connected);
    expect(ann.sent).toEqual([join({ log: 'new', since: 0 })]);
    ann.open({ head: 1 });
    expect(ann.sent).toEqual([]);
    ann.receive(other.entry(1, of('C', 1)));
    ann.pause();
    expect(ann.sentIds).toEqual(['A1', 'B1']);
    ann.receive(other.entry(2, of('B', 1)));
    ann.comeBack();
    ann.pause();
    expect(ann.sentIds).toEqual(['A1']);
  });

  test('gets back nothing that was void or too long', () => {
    ann.receive(log.entry(4, of('F', 1, { void: true })), log.entry(5, of('G', 1, { text: 'é'.repeat(2_049) })));
    expect(ann.store.head).toBe(5);
    ann.meet(new Chain('new'));
    expect(ann.sentIds).toEqual(['A1', 'B1', 'C1']);
    expect(ann.store.pending()).toHaveLength(3);
  });

  test('gets back again what one after it has lost as well', () => {
    ann.meet(new Chain('new'));
    const newer = new Chain('newer');
    ann.meet(newer, { head: 1 });
    ann.receive(newer.entry(1, of('B', 1)));
    ann.pause();
    expect(ann.sentIds).toEqual(['A1', 'C1']);
  });
});

describe('what others wrote', () => {
  const empty = new Chain('new');
  /** Places 4 and on: the second message of Bo's and all that follow. */
  const readMore = (count: number, dev = 'B') =>
    ann.receive(...Array.from({ length: count }, (_, i) => log.entry(4 + i, of(dev, 2 + i))));

  test('goes out behind my own words, however much it is', () => {
    readMore(600);
    ann.meet(empty);
    expect(ann.sentIds[0]).toBe('A1');
    ann.type('own 2');
    expect(ann.sentIds).toEqual([]);
    const echo = new Chain('new');
    ann.receive(echo.own(1, 1));
    expect(ann.sentIds).toEqual(['A2']);
  });

  test('waits for what lies before it, and takes no room from my own words meanwhile', () => {
    readMore(uploadWindow + 50, 'D');
    ann.meet(empty);
    expect(ann.sentIds).toEqual(['A1', 'B1', 'C1']);
    ann.type('own 2');
    expect(ann.sentIds).toEqual(['A2']);
  });

  test('follows at once when somebody else gave back what lies before it', () => {
    readMore(2, 'D');
    const other = new Chain('new');
    ann.meet(other);
    ann.receive(other.entry(1, of('D', 1)));
    expect(ann.sentIds).toEqual(['D2', 'D3']);
    expect(firsts()).toEqual([]);
  });

  test('goes out after 30 s without what lies before it: nobody else had that, and the room may take it', () => {
    readMore(2, 'D');
    ann.meet(empty);
    const wait = (ms: number) => {
      ann.nowMs += ms;
      ann.receive({ kind: 'unknown' });
    };
    wait(mendPatienceMs - givingPauseMs.shortest - 1);
    expect(ann.sentIds).toEqual([]);
    wait(1);
    expect(ann.sentIds).toEqual(['D2', 'D3']);
    expect(firsts()).toEqual([]);
  });

  test('is never marked first: only what is mine is', () => {
    ann.meet(empty);
    expect(firsts()).toEqual(['A1']);
  });

  test('waits no longer when the log is told to have had it, though it is no longer kept', () => {
    ann.meet(empty);
    ann.receive({ kind: 'had', ids: [{ dev: 'B', n: 1 }], head: 0 });
    expect(kept()).toEqual(['A', 'C']);
    ann.receive({ kind: 'had', ids: [{ dev: 'C', n: 1 }], head: 0 });
    ann.comeBack();
    expect([kept(), ann.sentIds]).toEqual([['A'], ['A1']]);
  });

  test('and what is mine may have been had, which counts when all up to there was read', () => {
    const other = new Chain('new');
    ann.meet(other);
    ann.receive({
      kind: 'had',
      ids: [
        { dev: 'A', n: 1 },
        { dev: 'B', n: 1 },
      ],
      head: 2,
    });
    ann.receive(other.entry(1, of('C', 1)));
    expect([ann.waiting, kept()]).toEqual([['own 1'], ['A', 'B']]);
    ann.receive(other.entry(2, of('D', 1)));
    expect([ann.waiting, kept()]).toEqual([[], []]);
    expect([ann.store.mark('A'), ann.store.mark('B')]).toMatchObject([{ n: 1 }, { n: 1 }]);
  });

  test('is kept up to a limit, and does not keep me from writing', () => {
    ann.start({ maxKept: 2 * maxAdopted });
    ann.goOnline();
    for (let from = 0; from <= maxAdopted; from += 1_000) {
      const frames = Array.from({ length: 1_000 }, (_, i) => log.entry(4 + from + i, of('B', 2 + from + i)));
      ann.receive(...frames);
    }
    ann.meet(empty);
    expect(ann.store.pending()).toHaveLength(maxAdopted + 1);
    ann.type('own 2');
    expect(ann.waiting).toEqual(['own 1', 'own 2']);
    expect(ann.texts).toEqual([]);
  });
});

test('what its server is called makes no room another one', () => {
  ann.meet(new Chain('new'), { name: 'other' });
  expect(ann.sentIds).toEqual(['A1', 'B1', 'C1']);
});

describe('another room', () => {
  const meet = () => {
    ann.step(disconnected);
    ann.room = 'kX';
    ann.step(connected);
    ann.receive({ ...challenge, room: 'kX' });
  };

  test('is told nothing: neither who this is, nor what waits, nor what was said', () => {
    ann.type('own 2');
    meet();
    expect([ann.sent, ann.failed]).toEqual([[], ['OTHER_ROOM']]);
    expect(ann.failure).toContain('this is another room');
  });

  test('that shows the key of this one cannot open a session', () => {
    ann.step(disconnected);
    ann.step(connected);
    ann.receive(challenge);
    const forged = ann.welcome();
    ann.room = 'kX';
    ann.receive(ann.welcome(), { ...forged, head: 9 }, { ...forged, log: 'log2' }, { ...forged, run: 'run2' });
    expect([ann.sent, ann.shown, ann.member.online]).toEqual([[], [], false]);
  });

  test('may be gone to: with what is kept of it, and nothing of this one', () => {
    ann.step(disconnected);
    ann.type('own 2');
    const store = new MemoryStore();
    ann.move({ room: 'kX', dev: 'A2' }, store);
    expect(ann.waiting).toEqual([]);
    ann.log = new Chain('new', 0, 'kX');
    ann.goOnline();
    ann.type('own 1');
    expect(ann.sent).toMatchObject([{ id: { dev: 'A2', n: 1 }, text: 'own 1' }]);
    const [sent] = ann.sent as Message[];
    expect(sent?.sig).toBe(signature('kA', signedText(fakeCrypto, 'kX', sent as Message)));
    expect(store.pending()).toHaveLength(1);
  });
});

test('a message that a log has taken back and trimmed is no reason to join for ever', () => {
  const other = new Chain('new');
  ann.meet(other);
  ann.receive(other.own(1, 1));
  let joins = 0;
  for (let i = 0; i < 60; i++) {
    ann.tick(heartbeatIntervalMs);
    ann.receive({ kind: 'heartbeat', seq: 1 });
    if (!ann.sentIds.includes('join')) continue;
    joins++;
    ann.open();
    ann.pause();
    for (const sent of ann.sent)
      if (sent.kind === 'message' && sent.id) ann.receive({ kind: 'had', ids: [sent.id], head: 0 });
  }
  expect(joins).toBe(1);
  expect(ann.store.pending()).toEqual([]);
});
