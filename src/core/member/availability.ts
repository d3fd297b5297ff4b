import { hearingMs } from '../limits.ts';
import { topicWords } from '../narrate.ts';
import type { Now } from '../turn.ts';
import type { Member } from './member.ts';

type Found = { server: string; online: number; legacy: boolean; members?: string[]; room?: string };

/**
 * Whether the room is there, since when it is not, what its server is called and what it is about. The person is told each of
 * it once: on entering, and when it has changed.
 */
export class Availability {
  server = '';
  /** What the room is about; '' if that is not said. */
  topic = '';
  /** It was in the room once, and when it lost it. */
  everLive = false;
  lostAtMs: number | undefined;
  readonly #member: Member;
  /** When this program last stood still, until it has heard what came of that. */
  #still = { sinceMs: 0, untilMs: Number.NEGATIVE_INFINITY };

  constructor(member: Member) {
    this.#member = member;
  }

  /** Another room. */
  restart(): void {
    this.server = '';
    this.topic = '';
    this.everLive = false;
    this.lostAtMs = undefined;
  }

  /** It has not been offline: what comes between two joins was not missed. */
  get isResuming(): boolean {
    return this.everLive && this.lostAtMs === undefined;
  }

  stoodStill(forMs: number, { ms }: Now): void {
    this.#still = { sinceMs: ms - forMs, untilMs: ms + hearingMs };
  }

  /** It is online in a room; said unless it never was away. */
  goOnline(found: Found, { ms }: Now): void {
    const { isResuming, lostAtMs } = this;
    this.server = found.server;
    this.everLive = true;
    this.lostAtMs = undefined;
    if (isResuming) return;
    const after = lostAtMs === undefined ? {} : { afterMs: ms - lostAtMs };
    const { courier, absences } = this.#member;
    const waiting = courier.outbox.own.length;
    const away = absences.list;
    const said = { ...found, ...after, waiting, ...(away.length > 0 && { away }) };
    this.#member.show({ type: 'state', state: 'online', ...said });
  }

  goOffline(reason: 'lost' | 'silent', { ms }: Now): void {
    if (!this.isResuming) return;
    this.lostAtMs = ms <= this.#still.untilMs ? this.#still.sinceMs : ms;
    const forMs = ms - this.lostAtMs;
    const isSeeking = this.#member.peers.canLink && { seeking: true as const };
    this.#member.show({ type: 'state', state: 'offline', reason, ...(forMs > 0 && { forMs }), ...isSeeking });
  }

  /** What the server is called is a label: the room is the same. */
  tellLabel(server: string): void {
    const isOther = this.server !== '' && this.server !== server;
    if (isOther) this.#member.show({ type: 'status', code: 'NAME', message: `the server is called ${server} now` });
  }

  tellTopic(topic = ''): void {
    const isNew = topic !== this.topic;
    this.topic = topic;
    if (isNew && topic !== '') this.#member.show({ type: 'notice', server: this.server, text: topicWords(topic) });
  }
}
