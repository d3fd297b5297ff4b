import { defaultPace, type Pace } from '../../src/core/limits.ts';
import type { Random } from './random.ts';

/** What kind of world it is. */
export type Traits = {
  /**
   * A client each: whose it is (one key, maybe several devices), whether its output takes nothing by itself, and whether
   * it is a pipe, which drops what it has given to nobody.
   */
  people: { person: number; isHeld: boolean; isPipe: boolean }[];
  withOriginal: boolean;
  /** The server's disk goes back in time. */
  withRollback: boolean;
  /** Folders of clients are copied, and restored from an older state. */
  withCopies: boolean;
  withErasures: boolean;
  /** Somebody on the way changes what is sent. */
  withTampering: boolean;
  /** The log begins with what a server has taken that does not check devices. */
  isClaimed: boolean;
  /** Disks damage much, and somebody has other words for what is lost. */
  withRot: boolean;
  /** Queues are full, or lose what is sent: all frames that can be asked for again. */
  withLoss: boolean;
  /** The server's disk takes its time, and so do the outputs of its clients. */
  isSlow: boolean;
  /** Members keep the roster, and some can be reached. */
  withRoster: boolean;
  /** Some are pipes: they are killed, or come to their end. */
  withPipes: boolean;
  /** Some take back what they have typed, if nobody was given it. */
  withRegrets: boolean;
  /** All members can be reached, and link with each other when the server is missed. */
  withPeers: boolean;
  retention: { entries: number; ageMs: number };
  /** How fast one may write; absent: as ever. */
  pace?: Pace | undefined;
};

/** Everything that may be missing from a world. */
export const plain: Traits = {
  people: [],
  withOriginal: false,
  withRollback: false,
  withCopies: false,
  withErasures: false,
  withTampering: false,
  isClaimed: false,
  withRot: false,
  withLoss: false,
  isSlow: false,
  withRoster: false,
  withPipes: false,
  withRegrets: false,
  withPeers: false,
  retention: { entries: 1e9, ageMs: 1e15 },
};

/** @param more what is drawn for traits of its own, so that a new one leaves the other worlds as they are */
export function drawTraits(seed: number, random: Random, more: Random): Traits {
  const withPipes = seed % 6 === 4;
  const people = Array.from({ length: 2 + random.below(4) }, (_, i) => ({
    // Now and then two clients are one person: one key, two devices.
    person: i > 0 && random.chance(0.15) ? i - 1 : i,
    isHeld: random.chance(0.15),
    isPipe: withPipes && i % 3 < 2,
  }));
  const withOriginal = random.chance(0.3);
  const withRollback = random.chance(0.25);
  const withTampering = random.chance(0.1);
  const retention = { entries: random.chance(0.3) ? 12 : 1e9, ageMs: random.chance(0.1) ? 200_000 : 1e15 };
  // Where a server has not looked whose a device is, two messages may have one id.
  const isClaimed = !withRollback && seed % 8 === 2;
  const withErasures = random.chance(0.5) && !isClaimed;
  const withCopies = !withRollback && seed % 4 === 1;
  const drawn = {
    withRot: !withCopies && !isClaimed && more.chance(0.1),
    withLoss: more.chance(0.1),
    isSlow: more.chance(0.1),
  };
  const withRoster = seed % 5 === 3;
  // What one copy of a folder takes back may wait in another one.
  const withRegrets = !withCopies && seed % 7 === 0;
  const faults = {
    withRoster,
    withPipes,
    withRegrets,
    withPeers: false,
    withOriginal,
    withRollback,
    withCopies,
    withErasures,
    withTampering,
    isClaimed,
  };
  return { people, ...faults, ...drawn, retention, ...(seed % 13 === 6 && { pace: slowPace }) };
}

/** Everybody waits now and then: one message at once, and one more in each second. */
const slowPace: Pace = {
  ...defaultPace,
  messages: { atOnce: 2, perSecond: 1 },
  given: { atOnce: 3, perSecond: 3 },
  perTurn: 2,
};
