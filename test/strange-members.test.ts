import { beforeEach, describe, expect, test, vi } from 'vitest';
import { checkedAtOnce, dayMs, helloMs, maxMembers } from '../src/core/limits.ts';
import type { Member } from '../src/core/member/member.ts';
import { addressText, membersDigest, rosterText } from '../src/protocol/roster.ts';
import { fakeCrypto, signature } from './support/fake-crypto.ts';
import { HealingWorld } from './support/healing-world.ts';
import { asSaid, words } from './support/near-words.ts';

/** Members near who mean no harm, and are not as most are: a crowd, with wrong clocks, with words for nobody. */
let world: HealingWorld;
beforeEach(() => {
  world = new HealingWorld('ABC');
});

describe(`a room of ${maxMembers} members`, () => {
  const letters = (no: number) => `n${[...`${no}`].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;
  /** Cy alone has the room's newest list, with so many addresses of each. */
  const crowd = (count = 1) => {
    const devices = [...'ABC', ...Array.from({ length: maxMembers - 3 }, (_, no) => letters(no))];
    const named = devices.map((dev) => [`k${dev}`, dev.toLowerCase()] as [string, string]);
    const version = maxMembers;
    const head = { version, at: 2, digest: membersDigest(fakeCrypto, named) };
    const members = named.map(([key, name]) => ({ key, name, version, firstMs: 0, seenMs: 0 }));
    const addresses = devices.slice(3).flatMap((dev) =>
      Array.from({ length: count }, (_, no) => {
        const said = { key: `k${dev}`, dev: `${dev}${no}`, ts: 1, hosts: ['10.9.9.9:1'] };
        return { ...said, sig: signature(said.key, addressText('server', said)), version };
      }),
    );
    const signed = { ...head, sig: signature('server', rosterText('server', head)) };
    world.who('C').store.apply({ members, addresses, roster: { signed, last: version, base: 0 } });
  };

  test('is taken from somebody near, and who says hello then is answered as ever', () => {
    crowd();
    for (const dev of 'BC') world.start(dev);
    world.pass(1_500);
    world.pass(500);
    const { member, store } = world.who('B');
    expect([member?.roster.signed?.version, member?.roster.count]).toEqual([maxMembers, maxMembers]);
    expect([store.members().length, store.addresses().length]).toEqual([maxMembers, maxMembers]);
    world.say('B', 'one');
    world.start('A');
    for (let ms = 0; ms < helloMs; ms += 500) world.pass(500);
    expect(world.who('A').member?.roster.count).toBe(maxMembers);
    for (const dev of 'ABC') expect(world.who(dev).texts).toEqual(['~one']);
  });

  test('is checked a little in each turn, so that nobody has to wait for it', () => {
    crowd();
    for (const dev of 'BC') world.start(dev);
    const verify = vi.spyOn(fakeCrypto, 'verify');
    const counts: number[] = [];
    const { member } = world.who('B');
    const turn = member?.turn.bind(member);
    vi.spyOn(member as Member, 'turn').mockImplementation((...args) => {
      const before = verify.mock.calls.length;
      const effects = turn?.(...args) ?? [];
      counts.push(verify.mock.calls.length - before);
      return effects;
    });
    world.pass(1_500);
    world.pass(500);
    verify.mockRestore();
    expect(world.who('B').store.addresses()).toHaveLength(maxMembers);
    // A proof, the room's word for the list, or an address to be dialed may come beside what is checked of it.
    expect(Math.max(...counts)).toBeLessThanOrEqual(checkedAtOnce + 4);
  });

  test('is taken from somebody near without some addresses, if they have more than a link may bring', () => {
    crowd(3);
    for (const dev of 'BC') world.start(dev);
    world.pass(1_500);
    world.pass(500);
    expect(world.who('B').member?.roster.count).toBe(maxMembers);
    expect(world.who('B').store.addresses()).toHaveLength(2 * maxMembers);
  });
});

describe('members whose clocks are apart', () => {
  test.each([
    ['a day', dayMs, 0],
    ['a day, and the server’s by another one,', dayMs, -2 * dayMs],
    ['a year', 365 * dayMs, 0],
  ])('by %s hear all in one order, and nothing is refused', (_, ms, serverMs) => {
    world.nowMs += 400 * dayMs;
    world.who('A').wrongMs = ms;
    world.who('C').wrongMs = -ms;
    world.wrongMs = serverMs;
    world.startAll();
    for (const [i, dev] of [...'CABCAB'].entries()) world.say(dev, `${i}`);
    const texts = ['0', '1', '2', '3', '4', '5'];
    for (const { texts: seen } of world.people) expect(seen).toEqual(texts.map((text) => `~${text}`));
    for (let i = 0; i < 30; i++) world.pass(1_000);
    for (const { member } of world.people) expect(member?.near).toHaveLength(2);
    world.heal('C');
    world.heal('A', 'B');
    expect(world.log.read(1, 99).map(({ message }) => message?.text)).toEqual(texts);
    for (const { store, waits, shown } of world.people) {
      expect([store.headHash, waits]).toEqual([world.log.headHash, []]);
      expect(shown.filter(({ type }) => ['withdrawn', 'error', 'status', 'lost'].includes(type))).toEqual([]);
    }
  });
});

test('where a member is now counts, by a clock that is a day ahead', () => {
  world.who('A').wrongMs = dayMs;
  world.startAll();
  world.input(world.who('A'), { type: 'reachable', hosts: ['10.1.0.1:7000'] });
  world.settle();
  for (const dev of 'BC') expect(world.who(dev).store.address('A')?.hosts).toEqual(['10.1.0.1:7000']);
});

describe('words of a type that no reader is shown', () => {
  const hidden = words('A', 1, { type: 'nothing', text: 'hidden' });
  const start = () => {
    world.startAll();
    world.who('A').member = undefined;
  };
  const says = (...messages: (typeof hidden)[]) => {
    for (const [i, message] of messages.entries()) world.inject('A', 'B', asSaid(message, i + 1));
    world.settle();
  };

  test('are kept and passed on, and never shown, with their place as without it', () => {
    start();
    says(hidden, words('A', 2));
    for (const dev of 'BC') {
      expect(world.who(dev).waits.sort()).toEqual(['A2', 'hidden']);
      expect(world.who(dev).texts).toEqual(['~A2']);
      expect(world.who(dev).member?.near).toContain(dev === 'B' ? 'c' : 'b');
    }
    world.heal('B', 'C');
    const log = world.log.read(1, 99).map(({ message }) => [message?.id?.n, message?.type, message?.text]);
    expect(log).toEqual([
      [1, 'nothing', 'hidden'],
      [2, undefined, 'A2'],
    ]);
    for (const dev of 'BC') {
      expect([world.who(dev).store.headHash, world.who(dev).waits]).toEqual([world.log.headHash, []]);
      expect(world.who(dev).texts).toEqual(['~A2']);
      expect(world.who(dev).shown.filter((event) => 'id' in event && event.id === 'A.1')).toEqual([]);
    }
  });

  test('are not shown by a later run either', () => {
    start();
    says(hidden);
    world.stop('B');
    world.start('B');
    for (let i = 0; i < 4; i++) world.pass(500);
    expect([world.who('B').texts, world.who('B').waits]).toEqual([[], ['hidden']]);
  });

  test('keep their number: no other words take it', () => {
    start();
    says(hidden, words('A', 1, { text: 'other' }));
    expect([world.who('B').texts, world.who('B').waits]).toEqual([[], ['hidden']]);
    world.heal('B');
    world.heal('C');
    expect(world.log.read(1, 99).map(({ message }) => message?.text)).toEqual(['hidden']);
    expect(world.log.mark('A')?.n).toBe(1);
  });
});
