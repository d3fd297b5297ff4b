import { maxBatchEntries } from '../protocol/rows.ts';

/** Every interval, window and limit of the program, once. Times are in ms. */

/** A live server, or peer, says something at least this often. [P29] */
export const heartbeatIntervalMs = 2_500;
/** After this long without a frame the other side is taken for dead or hung. [P29] */
export const silentMs = 8_000;
/** So many of its newest joins a client remembers: what the server does with them may be told late. [P23] */
export const maxJoins = 16;
/** A client says at least this often how far it has shown the log. [P30] */
export const ackIntervalMs = 5_000;
/** A session of a version-1 client from which nothing came for this long has expired. [P29] */
export const sessionTimeoutMs = 20_000;
/** How long a member whose connection broke is still counted, so that a short flap shows nothing. [P34] */
export const graceMs = 15_000;
/** Heartbeats without an echo while something is under way, before it is sent again. [P12] */
export const maxUnanswered = 3;

/** What does not follow from what was read before is read again after this long. [P25] */
export const rereadMs = 1_000;

// To one reader
/**
 * `batchEntries`, `batchBytes`: most that shares a frame, here and in an upload. `windowEntries`: most entries sent and
 * not acknowledged; the rest waits in the log, not in memory of its own. [P31] `signatures`: they are fetched in blocks of
 * so many places. [P27]
 */
export const defaultFlow = {
  windowEntries: 2_048,
  batchEntries: maxBatchEntries,
  batchBytes: 49_152,
  signatures: 256,
};
export type Flow = typeof defaultFlow;
/** So long after a signed head the next one may go out with entries. [P26] */
export const signedHeadMs = 250;
/** Frames to a client of the original in one turn: about what its connection's queue takes (transport/sockets.ts). */
export const guestFrames = 24;
/** What a full connection did not take is tried again after this long; if it takes nothing, after twice as long. [P32] */
export const retryFullMs = { first: 2, longest: 128 };
/** Notices kept for readers that are behind; older ones are skipped, they are not part of the order. */
export const maxNotices = 1_000;
/** The end of the log is held in memory, so that live readers do not read the disk. */
export const maxTail = { entries: 1_024, characters: 262_144 };

/** A program that stood still (Ctrl-Z) first hears for so long what has come meanwhile. */
export const hearingMs = 3_000;

// In one room
/** Unknown connections remembered as told to join; beyond, they may be told again. */
export const maxStrangers = 10_000;
/** Connections that were asked for a proof and have not answered; beyond, the oldest must be asked again. */
export const maxChallenges = 10_000;
/** A welcome must fit into a frame, whatever the names of those who are there. */
export const maxNamed = 100;
/** What a room is about, in UTF-8: a welcome must fit into a frame. */
export const maxTopicBytes = 1_024;
/** Why somebody is away, in UTF-8: a welcome has it of all whom it names. */
export const maxAwayBytes = 128;
/** How often old messages are forgotten, names in use refreshed, and the log's clock kept. */
export const tidyIntervalMs = 60_000;
/** A log is trimmed when it is longer than allowed by this share, so that trimming is rare. */
export const trimSlack = 0.05;
/** A step back of the machine's clock that is no more than this is levelled: readers never see it. */
export const levelledMs = 60_000;
/** What was said longer ago than this is marked with the time that it was said. */
export const lateMs = 60_000;
/**
 * So far above the highest Lamport counter of the log one message may be. Up to the second number it may always be: what is
 * given back to a log that was emptied has counted all that was ever said. [P18]
 */
export const maxLcStep = 2 ** 20;
export const harmlessLc = 2 ** 40;
/** Lines of the original's clients whose author is remembered, so as not to send them back: the newest. [P38] */
export const maxRelayed = 10_000;
// The roster
/** A new version of it is signed at most this often. [P43] */
export const rosterIntervalMs = 5_000;
/** Members, and devices of one member that can be reached; of more those that were there last. Who left is told so long. */
export const maxMembers = 10_000;
export const maxDevices = 8;
export const maxDeparted = 1_000;
/** Of the roster, at most so much goes out in one frame, and to all readers together in one tick. */
export const rosterBytes = { frame: 32_768, tick: 262_144 };
/** Damaged places that are remembered, and asked for. */
export const maxLost = 100;

// At one client
/** Messages of one person that wait to be accepted, and of others that are kept for a log that has lost them. */
export const maxWaiting = 10_000;
export const maxAdopted = 10_000;
/** Most messages under way at once: a long outbox must not flood the socket's queue. [P16] */
export const uploadWindow = 256;
/** Somebody else's message that did not follow is given back again after this long; what is behind it waits so long. [P35] */
export const holeRetryMs = 5_000;
export const holePatienceMs = 30_000;
/** Before it gives back what others wrote, a client waits between these: their authors may do it themselves. [P35] */
export const givingPauseMs = { shortest: 200, longest: 2_000 };
/** The last place of the block of signatures that `seq` lies in. */
export const blockEnd = (seq: number, { signatures }: Flow): number => Math.ceil(seq / signatures) * signatures;
/** Of a block that is not full they are fetched when the oldest is this old, and again after this long, if no answer came. */
export const unsignedMs = 4_000;
export const retryUnsignedMs = 10_000;
/** So many are checked in one turn: a tenth of a millisecond each. */
export const checkedAtOnce = 16;
/** How long others have to give back what lies before a lost message known here. [P35] */
export const mendPatienceMs = 30_000;
/** Names of others that are remembered. */
export const maxNames = 1_000;

// Between two people, until a hello is heard [P42]
/** A connection that lives this long leads to the original program. */
export const legacyMs = 4_000;
/** When the hello is said again. */
export const secondHelloMs = 500;
/** So many connections in a row that ended lead to somebody who is taken. */
export const unheardLimit = 2;
