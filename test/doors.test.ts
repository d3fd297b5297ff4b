import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Dealer, Router } from 'zeromq';
import type { Input } from '../src/core/turn.ts';
import { isSecure, theLink } from '../src/core/turn.ts';
import { identityOf } from '../src/keys/ed25519.ts';
import { decode } from '../src/protocol/codec.ts';
import { Doors } from '../src/transport/doors.ts';
import { Link, type LinkEvent } from '../src/transport/link.ts';
import { type Encryption, openBindingPair, openConnectingPair, openDealer, z85 } from '../src/transport/sockets.ts';
import type { Zap } from '../src/transport/zap.ts';
import { openZap } from './support/zap.ts';

type Own = ReturnType<typeof identityOf>['curve'];
const [room, ann, bo, eve] = [1, 2, 3, 4].map((byte) => identityOf(Buffer.alloc(32, byte)).curve) as [
  Own,
  Own,
  Own,
  Own,
];
const door: Encryption = { own: room, door: true };
const keyOf = (own: Own, server = room): Encryption => ({ own, other: server.publicKey });
const ip = '127.0.0.1';
const ack = (seq: number) => JSON.stringify({ ack: seq });

let admitted: Own[] | undefined;
let full: string[];
let answering: Promise<void>;
let zap: Zap;
let doors: Doors;
let closing: (() => unknown)[];
beforeAll(async () => {
  zap = await openZap(({ address, publicKey }) => {
    if (!admitted) throw new Error('nobody knows');
    if (!publicKey) return full.includes(address) ? 'full' : 'admitted';
    return admitted.some((own) => own.publicKey.equals(publicKey)) ? 'admitted' : 'refused';
  });
  answering = zap.answer();
});
beforeEach(() => {
  [admitted, full] = [[ann, bo], []];
  doors = new Doors();
  closing = [() => doors.close()];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

/** Somebody who dials, and the next thing of one of these types that happens to it. */
function dial(
  port: number,
  encryption?: Encryption,
  open: (encryption?: Encryption) => ReturnType<typeof openDealer> | ReturnType<typeof openConnectingPair> = openDealer,
) {
  const link = new Link(() => open(encryption), `tcp://${ip}:${port}`);
  closing.push(() => link.close());
  const events = link.events[Symbol.asyncIterator]();
  const next = async (...types: LinkEvent['type'][]): Promise<LinkEvent> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error(`closed before ${types}`);
      if (types.includes(value.type)) return value;
    }
  };
  return { link, next };
}
const ends = ['connected', 'otherMechanism', 'notAdmitted', 'crowded', 'otherKey', 'busy', 'mute', 'mismatch'] as const;
const meets = async (port: number, encryption?: Encryption) => (await dial(port, encryption).next(...ends)).type;
/** What the doors hear, one input after the other. */
function ear(from = doors.inputs) {
  const heard: Input[] = [];
  const wakes: (() => void)[] = [];
  for (const inputs of from)
    void (async () => {
      for await (const some of inputs) {
        heard.push(...some);
        for (const wake of wakes.splice(0)) wake();
      }
    })().catch(() => {});
  return async () => {
    while (heard.length === 0) await new Promise<void>((wake) => wakes.push(wake));
    const input = heard.shift() as Input & { type: 'bytes' | 'frame' };
    return { from: input.from, frame: input.type === 'bytes' ? decode(input.data) : input.frame };
  };
}

test('Z85, as its specification has it', () =>
  expect(z85(Buffer.from('8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7', 'hex'))).toBe(
    'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6',
  ));

test('a key that is none opens nothing', () => {
  const none = { own: { ...ann, publicKey: Buffer.alloc(0) }, other: room.publicKey };
  expect(() => openDealer(none)).toThrow('not a key');
  expect(() => openDealer({ own: ann, other: Buffer.alloc(31) })).toThrow('not a key');
});

describe('an encrypted door', () => {
  test('lets in who is on the list and knows the key of the room, and says that it is encrypted', async () => {
    const port = await doors.open(ip, 0, door);
    expect(await dial(port, keyOf(ann)).next(...ends)).toEqual({ type: 'connected', from: theLink, isSecure: true });
  });

  test('tells each of the others why not, and hears nothing of what they say', async () => {
    const port = await doors.open(ip, 0, door);
    const heard = ear();
    const strangers: [Encryption | undefined, string][] = [
      [undefined, 'otherMechanism'],
      [keyOf(eve), 'notAdmitted'],
      [keyOf(ann, eve), 'otherKey'],
    ];
    for (const [encryption, why] of strangers) {
      const { link, next } = dial(port, encryption);
      link.send([theLink], ack(9));
      expect((await next(...ends)).type).toBe(why);
    }
    const { link } = dial(port, keyOf(bo));
    link.send([theLink], ack(1));
    expect(await heard()).toMatchObject({ frame: { kind: 'ack', seq: 1 } });
  });

  test('an open one beside it: each connection tells by its name which door it came in by', async () => {
    const [closed, open] = [await doors.open(ip, 0, door), await doors.open(ip, 0)];
    const heard = ear();
    const guest = dial(open);
    guest.link.send([theLink], ack(1));
    const { from: guestId } = await heard();
    expect(isSecure(guestId)).toBe(false);
    const member = dial(closed, keyOf(ann));
    member.link.send([theLink], ack(2));
    const { from: memberId } = await heard();
    expect(isSecure(memberId)).toBe(true);
    expect(await doors.send([guestId, memberId], ack(3))).toEqual([]);
    for (const { next } of [guest, member]) expect(await next('frame')).toMatchObject({ frame: { seq: 3 } });
  });

  test('too many from one network: who comes from there is told so, and who is in stays', async () => {
    const open = await doors.open(ip, 0);
    const heard = ear();
    const first = dial(open);
    await first.next('connected');
    full = [ip, `::ffff:${ip}`];
    expect(await meets(open)).toBe('crowded');
    first.link.send([theLink], ack(1));
    expect(await heard()).toMatchObject({ frame: { seq: 1 } });
  });

  test('where nobody counts who comes in by an open one, nobody is asked; at the encrypted one beside it the list is', async () => {
    full = [ip, `::ffff:${ip}`];
    const all = new Doors(true);
    closing.push(() => all.close());
    expect(await meets(await doors.open(ip, 0))).toBe('crowded');
    expect(await meets(await all.open(ip, 0))).toBe('connected');
    expect(await meets(await all.open(ip, 0, door), keyOf(eve))).toBe('notAdmitted');
  });

  test('who calls itself a member of the encrypted door over the open one is none', async () => {
    const open = await doors.open(ip, 0);
    const heard = ear();
    const liar = new Dealer({ linger: 0, routingId: '!me' });
    closing.push(() => liar.close());
    liar.connect(`tcp://${ip}:${open}`);
    await liar.send(ack(1));
    expect(isSecure((await heard()).from)).toBe(false);
  });
});

describe('all must come anew', () => {
  test('who may is back by itself; who may not is refused; each end is told', async () => {
    const port = await doors.open(ip, 0, door);
    const heard = ear();
    const [a, b] = [dial(port, keyOf(ann)), dial(port, keyOf(bo))];
    a.link.send([theLink], ack(1));
    const { from: first } = await heard();
    b.link.send([theLink], ack(2));
    const { from: second } = await heard();
    admitted = [ann];
    await doors.send([first, second], ack(3));
    doors.redial();
    expect(await Promise.all([a.next('frame'), b.next('frame')])).toMatchObject([
      { frame: { seq: 3 } },
      { frame: { seq: 3 } },
    ]);
    const gone = [await heard(), await heard()];
    expect(gone.map(({ from, frame }) => [from, frame])).toEqual(
      [first, second].map((from) => [from, { kind: 'gone' }]),
    );
    expect(await b.next('notAdmitted')).toEqual({ type: 'notAdmitted' });
    expect(await a.next('disconnected')).toBeDefined();
    expect(await a.next('connected')).toBeDefined();
    a.link.send([theLink], ack(4));
    const { from: again, frame } = await heard();
    expect([frame, again === first]).toEqual([{ kind: 'ack', seq: 4 }, false]);
  });

  test('the open door stays as it is', async () => {
    const open = await doors.open(ip, 0);
    await doors.open(ip, 0, door);
    const heard = ear();
    const { link, next } = dial(open);
    await next('connected');
    doors.redial();
    link.send([theLink], ack(1));
    const { from } = await heard();
    await doors.send([from], ack(2));
    expect(await next('frame', 'disconnected')).toMatchObject({ type: 'frame' });
  });

  test('a port that is taken meanwhile is an error for whoever reads', async () => {
    const port = await doors.open(ip, 0, door);
    const [inputs] = doors.inputs;
    const reading = inputs?.next();
    const taken = vi.spyOn(Router.prototype, 'bind').mockRejectedValue(new Error('Address already in use'));
    doors.redial();
    await expect(reading).rejects.toThrow(`cannot listen again on port ${port}.`);
    taken.mockRestore();
  });
});

describe('two people', () => {
  test('a stranger is not let in, and takes nobody’s place', async () => {
    admitted = [bo];
    const link = new Link(() => openBindingPair(door));
    closing.push(() => link.close());
    const port = Number((await link.bind(`tcp://${ip}:*`)).split(':').at(-1));
    expect((await dial(port, keyOf(eve), openConnectingPair).next(...ends)).type).toBe('notAdmitted');
    expect((await dial(port, keyOf(bo), openConnectingPair).next(...ends)).type).toBe('connected');
  });
});

describe('nobody says who may come in', () => {
  test('any more: that is an error, and nobody gets in', async () => {
    const port = await doors.open(ip, 0, door);
    admitted = undefined;
    const { next } = dial(port, keyOf(ann));
    await expect(answering).rejects.toThrow('nobody knows');
    expect(await next(...ends)).toMatchObject({ type: 'busy' });
  });

  test('at all: nobody gets in', async () => {
    zap.close();
    const port = await doors.open(ip, 0, door);
    // Which of the two depends on whether libzmq has forgotten the handler by then.
    expect(['otherKey', 'busy']).toContain(await meets(port, keyOf(ann)));
  });
});
