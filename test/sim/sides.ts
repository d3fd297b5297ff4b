import type { ChatEvent } from '../../src/core/events.ts';
import type * as members from '../../src/core/member/member.ts';
import type * as rooms from '../../src/core/room/room.ts';
import type { Input } from '../../src/core/turn.ts';
import type * as memory from '../../src/history/memory.ts';
import type { Crypto, Identity } from '../../src/protocol/signed.ts';

/** The program under test: the real cores, or mutants of them. */
export type Cores = {
  Room: typeof rooms.Room;
  Member: typeof members.Member;
  MemoryStore: typeof memory.MemoryStore;
};

/** Nothing here is secret, but a signature is still only right for its key and text. */
const hash = (text: string): string => {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
};
export const signature = (key: string, text: string) => hash(`${key} ${text}`);
/** Of the form of a real one. */
const digest = (text: string) => hash(text).padEnd(43, '-');
const mac = (key: string, text: string) => hash(`${key} ${text}`).padEnd(22, '-');
export const salt = 'salt'.padEnd(22, '-');
/** The devices of `k1` are `k1d0`, `k1d1` …, and those of the room `run1`, `run2` … */
export const crypto: Crypto = {
  hash,
  digest,
  mac,
  verify: (key, text, sig) => sig === signature(key, text),
  isDeviceOf: (key, dev) => dev.startsWith(key === 'room' ? 'run' : `${key}d`),
};
export const identityOf = (key: string): Identity => ({
  key,
  sign: (text) => signature(key, text),
  sessionKey: (other, salt, info) => hash([...[key, other].sort(), salt, info].join(' ')),
});
export const flow = { windowEntries: 6, batchEntries: 3, batchBytes: 4_000, signatures: 4 };

/** One TCP connection with what is in its pipes, in order. */
export class Connection {
  static #next = 0;
  readonly id: string;
  readonly toServer: string[] = [];
  readonly toClient: string[] = [];

  /** @param door how the names of those begin that came in by it */
  constructor(door = '') {
    this.id = `${door}r${++Connection.#next}`;
  }
}

export class Client {
  readonly name: string;
  readonly key: string;
  /** Which of them it is, and whom it reaches: those of its group. */
  no = -1;
  group = 0;
  /** Names it for the checker; its device may change. */
  readonly id: string;
  store: memory.MemoryStore;
  /** Its folder is a copy of the one of this device, and that can be told before anything is sent. */
  copyOf: string | undefined;
  session: members.Member | undefined;
  connection: Connection | undefined;
  /** Frames the socket kept from before a reconnect: they arrive first. */
  stale: string[] = [];
  /** What was given to the output, and what it has not taken yet. */
  output: { place: number; event: ChatEvent }[] = [];
  /** Its output takes nothing by itself. */
  isHeld: boolean;
  /** Nobody sits there: what it has given to nobody is dropped when it ends. */
  isPipe = false;
  /** What shares a turn with whatever happens next. */
  later: Input[] = [];
  run = 0;
  /** How far the log went when it was welcomed last. */
  toldHead = 0;
  /** Highest n of each device that it has uploaded over this connection. */
  readonly uploaded = new Map<string, number>();
  /** When it met a log that is not the one it had read. */
  forkedAtMs: number | undefined;
  /** What it sent last, as somebody on the way has heard it. */
  readonly overheard: { on: Connection; data: string }[] = [];

  constructor(name: string, id: string, key: string, store: memory.MemoryStore, isHeld = false) {
    this.name = name;
    this.id = id;
    this.key = key;
    this.store = store;
    this.isHeld = isHeld;
  }

  get dev(): string {
    return this.session?.courier.dev ?? this.store.dev;
  }
}

/** A client of the original: it knows nothing and forgives nothing. */
export class Legacy {
  readonly name: string;
  connection: Connection | undefined;
  /** What it said, and was sent, over this connection. */
  readonly said = new Set<string>();
  readonly heard: string[] = [];
  /** The head of the log when it was greeted there. */
  since: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  connect(): Connection {
    this.said.clear();
    this.heard.length = 0;
    this.since = undefined;
    this.connection = new Connection();
    return this.connection;
  }
}
