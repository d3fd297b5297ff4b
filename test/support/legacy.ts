/**
 * The original Python program's wire, written anew from its description and sharing nothing with src: whatever
 * these understand and survive, the original does. Their receivers are as strict as the original's: a frame
 * without a name and a text ends them (`killed` holds it).
 */
import { Dealer, Pair, Router } from 'zeromq';
import { Reader } from './reader.ts';

/** A frame as it arrived: its exact keys, sorted, and its value. */
export type Heard = { raw: string; keys: string; name: string; text: string };

const fast = { reconnectInterval: 50, linger: 500 };

abstract class Listener {
  readonly frames: Reader<Heard>;
  /** The frame that would have ended the original. */
  killed: string | undefined;
  readonly #socket: Dealer | Pair;

  constructor(who: string, socket: Dealer | Pair) {
    this.#socket = socket;
    this.frames = new Reader(() => `${who} heard:\n${this.frames.all.map(({ raw }) => raw).join('\n')}`);
    void this.#receive();
  }

  /** Resolves with the next frame with this text (without its final newline). */
  async hears(text: string): Promise<Heard> {
    return (await this.hearsUntil(text)).at(-1) as Heard;
  }

  /** All frames up to and including the next one with this text. */
  hearsUntil(text: string): Promise<Heard[]> {
    return this.frames.until((frame) => frame.text === `${text}\n`, JSON.stringify(text));
  }

  /** The key sets of all frames so far, each once. */
  get keySets(): string[] {
    return [...new Set(this.frames.all.map(({ keys }) => keys))];
  }

  /** Ends without a word, like a crash. */
  close(): void {
    this.#socket.close();
  }

  protected send(frame: object): Promise<void> {
    return this.#socket.send(JSON.stringify(frame));
  }

  async #receive(): Promise<void> {
    const { frames } = this;
    const ended = (why: string) => frames.end(why);
    try {
      for await (const parts of this.#socket) {
        const heard = parts.length === 1 ? read(String(parts[0])) : undefined;
        if (!heard) return ended(`killed by ${(this.killed = parts.map(String).join(' | '))}`);
        frames.push(heard);
      }
    } catch {
      // A closed socket ends its iteration with an error.
    }
    ended('the socket is closed');
  }
}

/** The original's client. */
export class LegacyClient extends Listener {
  readonly name: string;

  private constructor(name: string, socket: Dealer) {
    super(name, socket);
    this.name = name;
  }

  static connect(port: number, name: string): LegacyClient {
    const socket = new Dealer(fast);
    socket.connect(`tcp://127.0.0.1:${port}`);
    return new LegacyClient(name, socket);
  }

  join = () => this.send({ auth: 1, name: this.name });
  leave = () => this.send({ auth: 0, name: this.name });
  say = (text: string) => this.send({ name: this.name, text: `${text}\n` });
}

/** The original's p2p program. */
export class LegacyPeer extends Listener {
  /** Without `--name` it says `null`. */
  readonly name: string | null;
  readonly port: number;

  private constructor(name: string | null, socket: Pair, port: number) {
    super(name ?? 'a peer without a name', socket);
    this.name = name;
    this.port = port;
  }

  static async listen(name: string): Promise<LegacyPeer> {
    const socket = new Pair(fast);
    await socket.bind('tcp://127.0.0.1:*');
    return new LegacyPeer(name, socket, portOf(socket));
  }

  static connect(port: number, name: string | null): LegacyPeer {
    const socket = new Pair(fast);
    socket.connect(`tcp://127.0.0.1:${port}`);
    return new LegacyPeer(name, socket, port);
  }

  say = (text: string) => this.send({ name: this.name, text: `${text}\n` });
}

/** The original's server: it relays any object that is neither join nor leave to all but its sender, unchanged. */
export class LegacyServer {
  readonly frames: Reader<Record<string, unknown>>;
  /** The frame that would have ended the original. */
  killed: string | undefined;
  readonly port: number;
  readonly #name: string;
  readonly #socket: Router;
  readonly #members = new Map<string, Buffer>();

  private constructor(name: string, socket: Router) {
    this.#name = name;
    this.#socket = socket;
    this.port = portOf(socket);
    this.frames = new Reader(() => `${name} received:\n${this.frames.all.map((f) => JSON.stringify(f)).join('\n')}`);
    void this.#serve();
  }

  static async bind(name: string, port?: number): Promise<LegacyServer> {
    const socket = new Router({ linger: 1_000 });
    await socket.bind(`tcp://127.0.0.1:${port ?? '*'}`);
    return new LegacyServer(name, socket);
  }

  /** Ctrl-C. */
  async stop(): Promise<void> {
    await this.#tellAll('Server is off.\n');
    this.close();
  }

  /** Ends without a word, like a crash. */
  close(): void {
    this.#socket.close();
  }

  async #serve(): Promise<void> {
    try {
      for await (const [id, bytes] of this.#socket) if (id && bytes) await this.#take(id, bytes);
    } catch {
      // A closed socket ends its iteration with an error.
    }
    this.frames.end(this.killed ? `killed by ${this.killed}` : 'the socket is closed');
  }

  async #take(id: Buffer, bytes: Buffer): Promise<void> {
    const frame = parse(String(bytes));
    if (!frame) {
      this.killed = String(bytes);
      return this.close();
    }
    const { name, auth } = frame;
    if (auth === 1 || (auth !== 0 && !this.#members.has(key(id)))) {
      this.#members.set(key(id), id);
      await this.#tell(id, `You are now online. ${this.#members.size} online.\n`);
      await this.#tellAll(`${name} joined the room. ${this.#members.size} online.\n`, id);
    }
    if (auth === 0) {
      this.#members.delete(key(id));
      await this.#tellAll(`${name} left the room. ${this.#members.size} online.\n`);
    }
    if (auth === undefined) await this.#toAll(String(bytes), id);
    this.frames.push(frame);
  }

  #tell = (id: Buffer, text: string) => this.#socket.send([id, JSON.stringify({ name: this.#name, text })]);
  #tellAll = (text: string, except?: Buffer) => this.#toAll(JSON.stringify({ name: this.#name, text }), except);

  async #toAll(data: string, except?: Buffer): Promise<void> {
    for (const id of this.#members.values())
      if (!except || key(id) !== key(except)) await this.#socket.send([id, data]);
  }
}

const key = (id: Buffer) => id.toString('hex');
const portOf = ({ lastEndpoint }: { lastEndpoint: string | null }) => Number(lastEndpoint?.split(':').at(-1));

function parse(raw: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'object' && value && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function read(raw: string): Heard | undefined {
  const frame = parse(raw);
  if (typeof frame?.name !== 'string' || typeof frame.text !== 'string') return undefined;
  return { raw, keys: Object.keys(frame).sort().join(), name: frame.name, text: frame.text };
}
