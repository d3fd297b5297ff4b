import { lookAlike } from '../../src/core/looks.ts';
import {
  bareName,
  guestName,
  isName,
  maxNameBytes,
  mentions,
  nameKey,
  normalizeName,
  safeName,
  whyNameRefused,
} from '../../src/core/names.ts';
import { theLink } from '../../src/core/turn.ts';
import { decode } from '../../src/protocol/codec.ts';
import type { Random } from '../sim/random.ts';
import { connected, disconnected, MemberWorld } from '../support/member-world.ts';
import { entry, hello } from '../support/people.ts';
import { RoomWorld } from '../support/room-world.ts';
import { frames, fromClients, fromServer } from './corpus.ts';
import { damaged, mutated } from './mutate.ts';

/** What is fed with hostile input, one after the other; `end` is asked when a round is over. Both throw if it fails. */
export type Target = { feed(): void; end(): void };
const nothing = () => {};

/** Any bytes are a frame, or none; and reading them again gives the same. */
function decoding(random: Random): Target {
  const feed = () => {
    const bytes = damaged(random.pick(frames), random);
    if (decode(bytes).kind !== decode(Buffer.from(bytes)).kind) throw new Error('two readings');
  };
  return { feed, end: nothing };
}

/** A room in which everybody says what they should not: whoever comes then is welcome, and is heard. */
function room(random: Random): Target {
  const world = new RoomWorld();
  world.joins('ann', 'bo', 'lea');
  world.talk(3);

  function feed(): void {
    const frame = mutated(random.pick(fromClients), fromClients, random);
    const from = random.pick(['a', 'b', 'l', 'x', 'y']);
    const kind = random.below(20);
    if (kind === 0) world.tick(random.pick([0, 500, 20_000]));
    else if (kind < 15) world.say(from, frame);
    else world.turn(RoomWorld.frame(from, JSON.stringify(frame)));
  }

  function end(): void {
    world.forget();
    world.say('z', hello('zed'));
    world.say('z', entry('zed', 1, 'still here', { in: 0 }));
    const heard = world.take('z');
    if (!heard.some(({ welcome }) => welcome) || !heard.some(({ text }) => text === 'still here\n'))
      throw new Error(`nobody else is heard: ${JSON.stringify(heard)}`);
  }

  return { feed, end };
}

/** A client whose room says what it should not. */
function member(random: Random): Target {
  let world = online();

  function feed(): void {
    const frame = mutated(random.pick(fromServer), fromServer, random);
    const kind = random.below(20);
    if (kind === 0) world.tick(random.pick([0, 1_000, 9_000]));
    else if (kind === 1) world.type('hi');
    else if (kind === 2) world.step(disconnected, connected);
    else world.step({ type: 'frame', from: theLink, frame: decode(Buffer.from(JSON.stringify(frame))) });
    if (world.failed.length > 0) world = online();
  }

  return { feed, end: nothing };
}

function online(): MemberWorld {
  const world = new MemberWorld();
  world.goOnline();
  world.type('one');
  world.receive(world.log.batch(1, 3));
  return world;
}

/** Pieces of names that are one thing before they are made a name, and another one after. */
const pieces = [
  ...[
    'Ana',
    'Paula',
    'server',
    ' (guest)',
    'left the room',
    'is now called',
    ' online',
    'Server is off',
    '/',
    ' ',
    '  ',
  ],
  ...[
    '\u0430',
    '\u0131',
    '\u0307',
    '\u0301',
    '\u0345',
    '\u20dd',
    '\u0336',
    '\u200d',
    '\u202e',
    '\u3164',
    '\ufb01',
    '\ufdfa',
  ],
  ...[
    '[',
    ']',
    '<',
    '\uff1c',
    '(',
    '\u207d',
    '\u2474',
    '\ud800',
    '\u{1f600}',
    '\u{1f3fd}',
    '\u1100\u1161',
    '\u0e33',
    '\u00a8',
  ],
  ...['\u0390', '\u1e9e', '\u0130', '\u03c2', '\u01c5', '\uac00', '\u0f77', '\u2126', '\u{1d400}', '\u{e0001}'],
];

/** Whatever somebody is called, there is a name for it that may be shown. */
function names(random: Random): Target {
  const piece = () => (random.chance(0.7) ? random.pick(pieces) : String.fromCodePoint(random.below(0x110000)));
  const name = () => Array.from({ length: random.below(24) }, piece).join('');

  function feed(): void {
    const [raw, other] = [name(), name()];
    const safe = safeName(raw);
    const isFine =
      whyNameRefused(safe) === undefined && isName(safe) && safeName(safe) === safe && bareName(safe) === safe;
    const isShort = Buffer.byteLength(safe) <= maxNameBytes && Buffer.byteLength(guestName(safe)) <= maxNameBytes;
    const isSteady = normalizeName(normalizeName(raw)) === normalizeName(raw);
    if (!isFine || !isShort || !isSteady || !isName(guestName(safe)) || !lookAlike(raw, raw))
      throw new Error(`${JSON.stringify(raw)} becomes ${JSON.stringify(safe)}: ${whyNameRefused(safe)}`);
    if (nameKey(raw) === nameKey(other) && !lookAlike(raw, other)) throw new Error('the same, and not alike');
    mentions(raw, other);
  }

  return { feed, end: nothing };
}

export const targets = { decode: decoding, room, member, names };
export type TargetName = keyof typeof targets;
