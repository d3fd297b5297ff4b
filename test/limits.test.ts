import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as limits from '../src/core/limits.ts';
import { maxNameBytes } from '../src/core/names.ts';
import { maxFrameBytes, maxTextBytes, maxTextJsonBytes } from '../src/protocol/frames.ts';
import { maxBatchEntries } from '../src/protocol/rows.ts';

const used = new Set<string>();
/** The limits, which notice who is asked for. */
const is = new Proxy(
  { ...limits },
  {
    get: (all, name: keyof typeof limits) => {
      used.add(name);
      return all[name];
    },
  },
);
const n = (count: number) => count.toLocaleString('en');
const seconds = (ms: number) => `${ms / 1_000} s`;
const percent = (part: number) => `${Math.round(100 * part)} %`;

const { defaultPace: pace } = is;
const { windowEntries, batchEntries, batchBytes, signatures } = is.defaultFlow;
/** The rows of the table, as the code has them. */
const figures: [what: string, figure: string][] = [
  ['frame', `${n(maxFrameBytes)} bytes; as the server makes them ${n(batchBytes)}`],
  ['frames in a batch, rows of entries, messages of an upload, ids of `had`', n(batchEntries)],
  ['text of a message; as JSON', `${n(maxTextBytes)} bytes; ${n(maxTextJsonBytes)}`],
  ['topic', `${n(is.maxTopicBytes)} bytes`],
  ['why somebody is away', `${is.maxAwayBytes} bytes`],
  ['name', `32 characters, ${maxNameBytes} bytes, 4 marks in a row`],
  [
    'heartbeat; silence of the other side; silence of a version-1 session',
    `${seconds(is.heartbeatIntervalMs)}; ${seconds(is.silentMs)}; ${seconds(is.sessionTimeoutMs)}`,
  ],
  ['ack', `each ${seconds(is.ackIntervalMs)}, and each ${n(windowEntries / 4)} entries`],
  ['entries sent and not acknowledged', n(windowEntries)],
  ['full queue, tried again', `after ${is.retryFullMs.first} ms, doubled up to ${is.retryFullMs.longest} ms`],
  ['notices kept for who is behind', n(is.maxNotices)],
  ['member whose connection broke, still counted; so many of them', `${seconds(is.graceMs)}; ${n(is.maxInGrace)}`],
  ['`hb` without an echo before joining again', `${is.maxUnanswered}`],
  ['entries that did not follow are read again', `after ${seconds(is.rereadMs)}`],
  ['signed head with entries', `each ${seconds(is.signedHeadMs)} at most`],
  [
    'signatures: block; age of the oldest; asked again; checked in one turn',
    `${signatures}; ${seconds(is.unsignedMs)}; ${seconds(is.retryUnsignedMs)}; ${is.checkedAtOnce}`,
  ],
  ['own joins that a client remembers', `${is.maxJoins}`],
  ['open challenges; connections told to join', `${n(is.maxChallenges)}; ${n(is.maxStrangers)}`],
  ['lost places asked for; names in a welcome', `${is.maxLost}; ${is.maxNamed}`],
  ['asked for lost places, names refreshed, log trimmed', `each ${seconds(is.tidyIntervalMs)}`],
  ['log longer than allowed before it is trimmed', percent(is.trimSlack)],
  ['the end of the log in memory', `${n(is.maxTail.entries)} entries, ${n(is.maxTail.characters)} characters`],
  ['frames of entries in memory', `${is.maxPages}`],
  [
    "`lc` above the log's; never refused up to",
    `2^${Math.log2(is.maxLcStep)}; 2^${Math.log2(is.harmlessLc)} + 2^${Math.log2(is.maxLcStep)}`,
  ],
  ['step back of the clock that is levelled; `ago` from', `${seconds(is.levelledMs)}; more than ${seconds(is.lateMs)}`],
  ["own messages waiting; others' kept for a log that lacks them", `${n(is.maxWaiting)}; ${n(is.maxAdopted)}`],
  ['messages under way, and waiting at the room', n(is.uploadWindow)],
  [
    'pause before giving back; retry after a hole; patience; of the author',
    `${is.givingPauseMs.shortest / 1_000}–${seconds(is.givingPauseMs.longest)}; ${seconds(is.holeRetryMs)}; ${seconds(is.holePatienceMs)}; ${seconds(is.mendPatienceMs)}`,
  ],
  [
    'legacy lines whose author is remembered; frames to a legacy session in one turn',
    `${n(is.maxRelayed)}; ${is.guestFrames}`,
  ],
  [
    'roster: new version; members; departed ones that are still told; devices of a member',
    `each ${seconds(is.rosterIntervalMs)} at most; ${n(is.maxMembers)}; ${n(is.maxDeparted)}; ${is.maxDevices}`,
  ],
  ['roster: one part; all parts in 0.5 s', `${n(is.rosterBytes.frame)} bytes; ${n(is.rosterBytes.tick)} bytes`],
  ['names of others that a client remembers', n(is.maxNames)],
  ['a program that stood still first hears', seconds(is.hearingMs)],
  [
    'p2p: second hello; original; taken',
    `${seconds(is.secondHelloMs)}; ${seconds(is.legacyMs)}; ${is.unheardLimit} connections`,
  ],
  ['messages of a member, of a legacy session', perSecond(pace.messages)],
  ['a text counts as one message for each', `${pace.messageBytes} bytes`],
  [
    'messages of all newcomers; given back by them',
    `${perSecond(pace.newcomers.messages)}; ${perSecond(pace.newcomers.given)}`,
  ],
  ['messages of all legacy sessions', perSecond(pace.originals)],
  ['messages given back for others', perSecond(pace.given)],
  [
    'what waits goes in steps of; of one member in one turn; of all',
    `${pace.releaseMs} ms; ${pace.perTurn}; ${pace.perTurnOfAll}`,
  ],
  ['a message of a legacy session counts among these as', `${pace.relayed}`],
  ['text that waits, of one member; of all', `${n(is.maxHeldText.ofMember)}; ${n(is.maxHeldText.ofAll)} characters`],
  ['waiting of a legacy session', `${n(is.maxHeldOfOriginal)} messages, ${n(is.maxHeldTextOfOriginal)} characters`],
  ['points of a connection', perSecond(pace.connection)],
  ['a frame costs', '1 point, and 1 for each KiB'],
  [
    'and besides: malformed, or wrong; a join with a proof, or who is away; without; a question for signatures; any other',
    `${is.points.wrong}; ${is.points.proof}; ${is.points.join}; ${is.points.signatures}; ${is.points.question} points`,
  ],
  ['deaf after that; nothing is read for each point not heard', `${seconds(pace.deafMs)}; ${is.unheardMs} ms`],
  [
    'part of a full log that one author pushes out in a day',
    `${percent(pace.share.part)}, at least ${n(pace.share.least)}`,
  ],
  ['a newcomer', `first seen less than ${is.dayMs / 3_600_000} h ago`],
  ['clients; of them newcomers and legacy ones', `${is.defaultMaxClients}; ${percent(is.forNewcomers)}`],
  ['connections from one network', `${100 * is.ofOneNetwork.part} % of the places; at least ${is.ofOneNetwork.least}`],
  ['sessions of a key', `${is.maxSessions}`],
  [
    'names of a key; changes of name',
    `${is.maxOwnNames}; ${pace.names.atOnce} at once, then ${Math.round(60 * pace.names.perSecond)} a minute`,
  ],
  ['members: linked with; let in', `${is.nearMembers}; ${is.maxIncoming}`],
  ['the server is missed after', seconds(is.missedMs)],
  ['another is dialed, too, after; at most at a time', `${is.unansweredMs / 1_000} s; ${is.maxDialed}`],
  [
    'of two links of a pair the one that the lower device has dialed stays, if they began within',
    seconds(is.crossedMs),
  ],
  ['given again to a link that was full', `after ${is.retryLinkMs} ms`],
  ['hello again; of one member answered', `each ${seconds(is.helloMs)}; ${perSecond(is.answeredHellos)}`],
  ['frames of a stream that are not got', `${is.streamWindow}`],
  [
    "waiting of one key at another member; `lc` there above the log's, or above what was heard",
    `${n(is.maxNearOfOne)}; 2^${Math.log2(is.nearLcStep)}, or 2^${Math.log2(is.nextLcStep)}`,
  ],
  ['of all that waits there, divided among all members', n(is.dividedNear)],
  ['what waits there and cannot follow is given up after', `${is.heldDays} days`],
  [
    'dialed links end after the server is back; dialed again',
    `${seconds(is.partingMs)}; after ${seconds(is.redialMs.first)}, doubled up to ${seconds(is.redialMs.longest)}`,
  ],
  ['where members were heard without the server', `${is.maxHeard} places, ${seconds(is.heardMs)}`],
  ['notices of who comes and goes', perSecond(is.noticeRate)],
  [
    `notices without an entry, where more than ${is.noticePause.crowd} read`,
    `each ${is.noticePause.leastMs} ms, or ${is.noticePause.ofReaderMs} ms for each reader`,
  ],
];

function perSecond({ atOnce, perSecond }: { atOnce: number; perSecond: number }): string {
  return `${n(atOnce)} at once, then ${n(perSecond)} a second`;
}

const document = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8');
const [, section = ''] = document.split(/^## 14 .*$/m);
const rows = /(?:^\|.*\n)+/m.exec(section)?.[0].trimEnd().split('\n').slice(2) ?? [];
const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));

test('every figure of the table is that of the code', () => {
  const known = new Set(figures.map(([what]) => what));
  expect(cells.filter(([, what = '']) => known.has(what)).map(([, what, figure]) => [what, figure])).toEqual(figures);
});

test('every limit of the core stands in the table', () => {
  // What is made of them.
  const made = ['blockEnd', 'paceOf', 'defaultFlow', 'defaultPace'];
  expect(Object.keys(limits).filter((name) => !used.has(name) && !made.includes(name))).toEqual([]);
  expect(batchEntries).toBe(maxBatchEntries);
});

test('each row names a rule that there is', () => {
  for (const [, what, , rule = ''] of cells)
    for (const name of rule.match(/[PTF]\d+/g) ?? ['none'])
      expect(document, what).toMatch(new RegExp(`\\*\\*${name}\\*\\*`));
});
