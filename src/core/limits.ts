import { maxBatchEntries } from '../protocol/rows.ts';
import type { Rate } from './bucket.ts';

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
/**
 * In a room of more readers than `crowd`, notices alone go out at most this often, together: 100 ms after each other, and so
 * much for each reader if that is more. [P33]
 */
export const noticePause = { crowd: 100, leastMs: 100, ofReaderMs: 0.1 };
/** Notices kept for readers that are behind; older ones are skipped, they are not part of the order. */
export const maxNotices = 1_000;
/** The end of the log is held in memory, so that live readers do not read the disk. */
export const maxTail = { entries: 1_024, characters: 262_144 };
/** Frames of entries that are held in memory, so that many who come back at once do not read the disk one by one. */
export const maxPages = 16;

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

/** Most clients at a time, unless whoever keeps the room says otherwise; every fifth place is for members of more than a day. */
export const defaultMaxClients = 500;
export const forNewcomers = 4 / 5;
/** Connections from one network (one IPv4 address, one IPv6 site): this part of the places, and so many in any case. [P50] */
export const ofOneNetwork = { part: 3 / 8, least: 8 };
/** Most sessions of one key: the places for programs of one person on one machine. */
export const maxSessions = 64;
/** Most members that are gone and still counted, for they may come back; of more the oldest leave at once. */
export const maxInGrace = 1_000;
/** Names that belong to one key. */
export const maxOwnNames = 8;
/** Who comes and goes beyond this is told as a number. [P33] */
export const noticeRate: Rate = { atOnce: 500, perSecond: 20 };

// How fast one may write [P47, P48, P49]
/**
 * - `messages`: own ones of one member, over all its sessions, or of one client of the original.
 * - `messageBytes`: a text counts as one message for each so many bytes.
 * - `given`: messages that one member gives back for others.
 * - `newcomers`, `originals`: what all of them may say together, besides what each may.
 * - `names`: changes of name.
 * - `connection`: points. A frame costs 1, and 1 for each KiB, and more as `points` says; who has none left is not heard for
 *   `deafMs`.
 * - `releaseMs`: what waits goes in steps of so long.
 * - `perTurn`, `perTurnOfAll`: so many messages of one member, and of all, are decided about in one turn, for others wait for the
 *   end of that. `relayed`: what a client of the original says counts as so many there, for the room signs it.
 * - `share`: of a log at its limit one author pushes out at most this part in a day, or so many messages if that is more: one half
 *   at once, the other over the day. All newcomers count as one author, and so do all originals.
 */
export const defaultPace = {
  messages: { atOnce: 500, perSecond: 100 },
  messageBytes: 640,
  given: { atOnce: 2_000, perSecond: 1_000 },
  /** All of them together: who makes a key, or a connection, for each few messages is no faster for that. */
  newcomers: { messages: { atOnce: 2_000, perSecond: 400 }, given: { atOnce: 2_000, perSecond: 1_000 } },
  originals: { atOnce: 1_000, perSecond: 200 },
  names: { atOnce: 3, perSecond: 1 / 60 },
  connection: { atOnce: 12_000, perSecond: 1_200 },
  deafMs: 2_000,
  releaseMs: 50,
  perTurn: 64,
  perTurnOfAll: 256,
  relayed: 32,
  share: { part: 1 / 5, least: 5_000 },
};
export type Pace = typeof defaultPace;
/** So many messages a second from each member, and the rest as it goes with that; 0 is no limit. */
export function paceOf(perSecond: number): Pace | undefined {
  const { messages, given, connection, newcomers, originals } = defaultPace;
  const times = perSecond / messages.perSecond;
  const scaled = (rate: Rate, by: number) => ({ atOnce: rate.atOnce * by, perSecond: rate.perSecond * by });
  const more = Math.max(times, 1);
  if (times === 0) return undefined;
  return {
    ...defaultPace,
    messages: { atOnce: Math.max(messages.atOnce * times, 1), perSecond },
    given: scaled(given, more),
    newcomers: { messages: scaled(newcomers.messages, Math.max(times, 1 / 400)), given: scaled(newcomers.given, more) },
    originals: scaled(originals, times),
    connection: scaled(connection, more),
  };
}
/** For each point that was not heard nothing is read for so long: then the socket of whoever sends so much is full. */
export const unheardMs = 0.05;
/** What a frame costs besides: one that is wrong, a join and its proof, a question for signatures or for anything else. */
export const points = { wrong: 50, proof: 50, join: 10, signatures: 5, question: 5 };
/** What waits of one client of the original, which cannot send it again: messages, and characters of text. */
export const maxHeldOfOriginal = 10_000;
export const maxHeldTextOfOriginal = 1_048_576;
/** Characters of text that wait, of one member, and in all; what has waited of somebody who is gone makes room. */
export const maxHeldText = { ofMember: 2_097_152, ofAll: 16_777_216 };
/** Who came less than this ago is a newcomer; shares are counted over so long. [P49] */
export const dayMs = 86_400_000;

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

// Between members, while the server is missed [P51–P58]
/** With so many others a member links, and so many of others it lets in. */
export const nearMembers = 3;
export const maxIncoming = 16;
/** Who does not answer a dial for so long is waited for, but somebody else is dialed, too; so many at a time at most. */
export const unansweredMs = 500;
export const maxDialed = 9;
/** What a full link did not take is given to it again after this long. */
export const retryLinkMs = 5;
/** So long after a sign of life is due, or after own words went out without an echo, the server is missed. */
export const missedMs = 1_000;
/** Two links of a pair that began within so long may have been dialed by both at once: who is dialed has answered by then. */
export const crossedMs = 5_000;
/** What is here is said again at least this often. */
export const helloMs = 10_000;
/** Hellos of one member, over whatever links, that are answered: for each the log is read anew. All its devices may say one. */
export const answeredHellos: Rate = { atOnce: maxDevices, perSecond: 1 };
/** Frames of a stream that are sent and not known to be kept. */
export const streamWindow = 256;
/**
 * What waits here of others: of one key, and in all that is never more than `maxAdopted`. The last places of these are divided
 * among all members, so that nobody can take those of another one.
 */
export const maxNearOfOne = 1_000;
export const dividedNear = 5_000;
/** What waits of others, and cannot follow, is given up when that was so on more days: a room keeps its log so long by default. */
export const heldDays = 30;
/** A member near may be so far above the log's counter: the room takes what is said next, too. [P18, P57] */
export const nearLcStep = 2 ** 19;
/** And so far above what was heard here, for who has heard a line at that limit goes on above it. [P57] */
export const nextLcStep = 2 ** 8;
/** Links that were dialed end so long after the server is back. */
export const partingMs = 30_000;
/** Who could not be reached is dialed again after this long, then after twice as long. */
export const redialMs = { first: 5_000, longest: 60_000 };
/** Where somebody was heard without the server: so many places, for so long. */
export const maxHeard = 16;
export const heardMs = 60_000;
