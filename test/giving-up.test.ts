import { beforeEach, describe, expect, test } from 'vitest';
import { dayMs, givingPauseMs, heldDays, holePatienceMs } from '../src/core/limits.ts';
import type { MemberOptions } from '../src/core/member/member.ts';
import type { Message } from '../src/protocol/frames.ts';
import { signedText } from '../src/protocol/signed.ts';
import { fakeCrypto, fakeSalt, signature } from './support/fake-crypto.ts';
import { disconnected, MemberWorld } from './support/member-world.ts';
import { NearWorld } from './support/near-world.ts';

let ann: MemberWorld;
beforeEach(() => {
  ann = new MemberWorld();
  ann.goOnline();
});
/** What somebody has said near here, signed. */
const near = (n: number, dev = 'C', more: Partial<Message> = {}): Message => {
  const id = { dev, n };
  const words: Message = {
    kind: 'message',
    name: dev.toLowerCase(),
    text: `${dev}${n}`,
    id,
    lc: n,
    in: 0,
    ts: 5,
    ...more,
  };
  const message = { ...words, salt: fakeSalt, key: `k${dev}` };
  return { ...message, sig: signature(`k${dev}`, signedText(fakeCrypto, 'server', message)) };
};
const kept = () =>
  ann.store
    .pending()
    .map(({ text }) => text)
    .sort();
const withdrawn = () => ann.shown.filter(({ type }) => type === 'withdrawn');

/** She has heard this, and her program begins. */
function hears(messages: Message[], more: Partial<MemberOptions> = {}): void {
  ann.store.apply({ pending: messages });
  ann.start({ room: 'server', ...more });
}
/** She comes, gives what waits, and the room lacks what lies before this. */
function meets(n: number, dev = 'C'): void {
  ann.goOnline();
  ann.tick(givingPauseMs.longest);
  ann.receive({ kind: 'hole', id: { dev, n } });
}
/** It is the same hour so many days later, and the room says something. */
function later(days = 1): void {
  ann.nowMs += days * dayMs;
  ann.receive(ann.beat(ann.log.base, { seq: ann.member.copy.cursor }));
}

describe('what cannot follow in the log', () => {
  test('waits on 30 days, and is withdrawn with all that is behind it, in words', () => {
    hears([near(2), near(3), near(1, 'D')]);
    meets(2);
    for (let day = 1; day < heldDays; day++) later();
    expect([kept(), withdrawn()]).toEqual([['C2', 'C3', 'D1'], []]);
    later();
    const words = (n: number) => ({
      type: 'withdrawn',
      id: `C.${n}`,
      reason: 'waited',
      from: { name: 'c', id: 'kC' },
      text: `C${n}`,
    });
    expect(withdrawn()).toEqual([words(2), words(3)]);
    expect(kept()).toEqual(['D1']);
    later();
    expect(withdrawn()).toEqual([]);
  });

  test('is withdrawn without a word where it was not shown', () => {
    hears([near(2)], { finalOnly: true });
    meets(2);
    for (let day = 0; day < heldDays; day++) later();
    expect([kept(), withdrawn()]).toEqual([[], []]);
  });

  test('waits as long over many runs, each of which counts a day once', () => {
    hears([near(2)]);
    for (let day = 0; day < heldDays; day++) {
      for (let run = 0; run < 3; run++) {
        ann.start({ room: 'server' });
        meets(2);
      }
      expect(kept()).toEqual(['C2']);
      ann.nowMs += dayMs;
    }
    ann.start({ room: 'server' });
    meets(2);
    expect([kept(), withdrawn()]).toEqual([[], [expect.objectContaining({ id: 'C.2', text: 'C2' })]]);
  });

  test('waits longer by the days on which she is not in the room', () => {
    hears([near(2)]);
    meets(2);
    ann.step(disconnected);
    for (let day = 0; day < 2 * heldDays; day++) ann.tick(dayMs);
    meets(2);
    expect(kept()).toEqual(['C2']);
  });

  test.each([0, 9e15])('waits as long by any clock of its author: %d', (ts) => {
    hears([near(2, 'C', { ts })]);
    meets(2);
    for (let day = 1; day < heldDays; day++) later();
    expect(kept()).toEqual(['C2']);
    later();
    expect(kept()).toEqual([]);
  });

  test('is what she says herself never', () => {
    ann.type('mine');
    hears([near(2)]);
    meets(2);
    ann.receive({ kind: 'receipt', kept: 1, held: 0 });
    for (let day = 0; day < 2 * heldDays; day++) later();
    expect(kept()).toEqual(['mine']);
  });

  test('is nothing that may have come while she was away', () => {
    hears([near(2)]);
    meets(2);
    for (let day = 1; day < heldDays; day++) later();
    ann.step(disconnected);
    ann.nowMs += dayMs;
    ann.log.entry(1, { id: { dev: 'C', n: 1 } });
    ann.goOnline({ head: 1 });
    ann.tick();
    expect(kept()).toEqual(['C2']);
    ann.receive(ann.log.entry(1));
    ann.tick(givingPauseMs.longest);
    expect(ann.sentIds).toEqual(['C2']);
    for (let day = 0; day < heldDays; day++) later();
    expect(kept()).toEqual(['C2']);
  });

  test('is counted for the lowest of its author’s', () => {
    hears([near(2, 'C', { lc: 9 }), near(4, 'C', { lc: 1 })]);
    meets(2);
    for (let day = 0; day < heldDays - 1; day++) later();
    ann.start({ room: 'server' });
    meets(4);
    expect(kept()).toEqual(['C2', 'C4']);
    later();
    expect(kept()).toEqual([]);
  });

  test('goes on in a room that has lost what it had', () => {
    ann.store.apply({ marks: [{ dev: 'C', n: 5 }] });
    hears([near(6)]);
    meets(6);
    for (let day = 1; day < heldDays; day++) later();
    expect(kept()).toEqual(['C6']);
    later();
    expect(kept()).toEqual([]);
  });
});

describe('a clock', () => {
  const steps = (...days: number[]) => {
    for (const day of days) {
      ann.wrongMs = day * dayMs;
      ann.tick();
      ann.receive(ann.beat(0));
    }
  };

  test('that is set a day ahead and back gives up nothing, however often', () => {
    hears([near(2)]);
    meets(2);
    for (let times = 0; times < 2 * heldDays; times++) steps(1, 0, -1, 0);
    expect(kept()).toEqual(['C2']);
  });

  test('that was years ahead once does not make it wait for years', () => {
    ann.wrongMs = 9_999 * dayMs;
    hears([near(2)]);
    meets(2);
    steps(0);
    for (let day = 1; day < heldDays; day++) later();
    expect(kept()).toEqual(['C2']);
    later();
    expect(kept()).toEqual([]);
  });
});

describe('what lies before a hole', () => {
  test('is given at once, though what is behind it has waited for long enough', () => {
    hears([near(3)]);
    meets(3);
    ann.tick(holePatienceMs);
    ann.step(disconnected);
    ann.member.courier.adoptNear(near(2));
    ann.goOnline();
    ann.tick(givingPauseMs.longest);
    expect(ann.sentIds).toEqual(['C2']);
  });

  test('and waits here itself makes no hole of what is behind it', () => {
    hears([near(1, 'C', { lc: 9 }), near(2, 'C', { lc: 1 })]);
    meets(2);
    for (let day = 0; day < 2 * heldDays; day++) later();
    expect(kept()).toEqual(['C1', 'C2']);
  });
});

describe('what is behind what the room may refuse', () => {
  const sends = () => {
    ann.tick(givingPauseMs.longest);
    return ann.sentIds;
  };

  test('goes when that was answered, own words and those of others', () => {
    hears([near(2), near(3, 'D', { in: 2 })]);
    ann.type('mine');
    ann.goOnline();
    expect(sends()).toEqual(['C2']);
    ann.receive(ann.log.entry(1, { id: { dev: 'C', n: 1 } }), ann.log.entry(2, { id: { dev: 'C', n: 2 } }));
    expect(ann.sentIds).toEqual(['D3']);
    ann.receive(ann.log.entry(3, { id: { dev: 'D', n: 3 } }));
    expect(ann.sentIds).toEqual(['A1']);
  });

  test('goes at once if it follows what the log has, or what is on its way there', () => {
    ann.store.apply({ marks: [{ dev: 'C', n: 1 }] });
    hears([near(2), near(3)]);
    ann.type('mine');
    ann.goOnline();
    expect(sends()).toEqual(['C2', 'C3', 'A1']);
  });

  test('waits for many no longer than for one', () => {
    const sure = [near(1, 'F', { lc: 5 }), near(4, 'G', { lc: 6, in: 3 })];
    hears([near(2), near(2, 'D', { lc: 3 }), near(2, 'E', { lc: 4 }), ...sure]);
    ann.type('mine');
    meets(2);
    const tries = (hole: string): string[] => {
      ann.nowMs += holePatienceMs / 4;
      ann.comeBack();
      const sent = sends();
      ann.receive({ kind: 'hole', id: { dev: hole, n: 2 } });
      return [...sent, ...ann.sentIds];
    };
    for (let times = 0; times < 3; times++) expect(tries('C')).toEqual(['C2']);
    // What is sure to follow goes before the next hole is met.
    expect(tries('D')).toEqual(['F1', 'G4', 'D2', 'A1']);
  });

  test.each([1, 10])('is there in 45 s, whoever has made %i holes', (count) => {
    const holes = [...'CDEFGHIJKL'].slice(0, count).map((dev) => near(2, dev));
    hears([...holes, near(1, 'M', { lc: 9 })]);
    ann.goOnline();
    const answered: string[] = [];
    for (let ms = 0; ms < 45_000 && !answered.includes('M1'); ms += 500) {
      ann.receive({ kind: 'heartbeat', seq: 0 });
      ann.tick(500);
      if (ann.sentIds.includes('join')) ann.open();
      answered.push(...ann.sentIds);
      const hole = ann.sent.find((frame) => frame.kind === 'message' && frame.id?.n === 2);
      if (hole?.kind === 'message' && hole.id) ann.receive({ kind: 'hole', id: hole.id });
    }
    expect(answered).toContain('M1');
  });
});

describe('what was given up', () => {
  let world: NearWorld;
  beforeEach(() => {
    world = new NearWorld('ABC');
    world.who('B').store.apply({ marks: [{ dev: 'C', n: 0, hole: { n: 2, day: 1, days: heldDays + 1 } }] });
    world.startAll();
  });
  test('is not taken from anybody near, who is told so, and nobody else', () => {
    world.inject('C', 'B', { ...near(2), kind: 'said', k: 1, of: 1 });
    world.settle();
    expect([world.who('B').texts, world.who('B').waits]).toEqual([[], []]);
    const got = world
      .who('B')
      .effects.flatMap((one) => (one.type === 'send' && one.data.includes('"not"') ? one.data : []));
    expect(got).toEqual(['{"got":1,"of":1,"not":[1]}']);
    expect(world.who('B').shown.filter(({ type }) => type === 'status')).toEqual([]);
  });

  test('is taken when what lies before it has come', () => {
    world.say('C', 'one', 'two');
    expect(world.who('B').texts).toEqual(['~one', '~two']);
  });
});
