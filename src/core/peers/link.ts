import type { Hello, Relayed, Said } from '../../protocol/frames.ts';
import type { LinkEnd } from '../../protocol/signed.ts';
import { StagedRoster } from '../member/staged-roster.ts';
import type { Stream } from './stream.ts';

/** A connection between two members. Who is at the other end counts only when it is proven. [P51] */
export class Link {
  readonly id: string;
  /** Who was dialed from here; undefined: it came in. */
  readonly dialed: { key: string; dev: string } | undefined;
  readonly nonce: string;
  theirs: LinkEnd | undefined;
  readonly begunAtMs: number;
  isUp = false;
  isProven = false;
  hasProven = false;
  heardAtMs: number;
  saidAtMs = Number.NEGATIVE_INFINITY;
  helloAtMs = Number.NEGATIVE_INFINITY;
  /** Its queue is full: nothing more is given to it until then. */
  fullUntilMs = Number.NEGATIVE_INFINITY;

  /** How often hello was said here, and how much of what answers the newest one has come, was taken, and was said to be kept. */
  r = 0;
  k = 0;
  taken = 0;
  got = 0;
  /** Come, and not taken yet. */
  unread: (Said | Relayed)[] = [];
  /** Taken, and not kept since the newest `got`. */
  refused: number[] = [];

  /** What the other end has said of itself last, to be answered, and what answers it. */
  hello: Hello | undefined;
  isLive = false;
  /** The other end is in the room, and does not miss it. */
  isServed = false;
  /** What is new was not offered, for the room gives it to both ends. */
  isBehind = false;
  stream: Stream | undefined;
  /** The version of the roster that was sent to it. */
  version = 0;
  /** What has come over it of a roster, and of the log: parts that follow each other, until their signature comes. */
  readonly roster = new StagedRoster();
  relayed: Relayed[] = [];

  constructor(id: string, nonce: string, ms: number, dialed?: { key: string; dev: string }) {
    this.id = id;
    this.nonce = nonce;
    this.begunAtMs = ms;
    this.heardAtMs = ms;
    this.dialed = dialed;
  }

  /** What comes from now on answers the next hello. */
  begin(ms: number): void {
    this.r++;
    [this.k, this.taken, this.got] = [0, 0, 0];
    this.unread = [];
    this.refused = [];
    this.helloAtMs = ms;
  }
}
