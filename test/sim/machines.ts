import type { ChatEvent } from '../../src/core/events.ts';
import { mendPatienceMs } from '../../src/core/limits.ts';
import { inDoubt } from '../../src/core/log/doubt.ts';
import type { Change } from '../../src/core/log/store.ts';
import { type Input, isPeer, type Send, theLink } from '../../src/core/turn.ts';
import type { MemoryStore } from '../../src/history/memory.ts';
import { decode } from '../../src/protocol/codec.ts';
import type { Frame, Message, MessageId } from '../../src/protocol/frames.ts';
import { formatId } from '../../src/protocol/signed.ts';
import { entriesIn } from './checked-readers.ts';
import { tamperWithSignatures } from './faults.ts';
import { Ground } from './ground.ts';
import { hostOf, LinkNetwork } from './links.ts';
import { Mallory } from './mallory.ts';
import { failed } from './person.ts';
import { hostsOf, tamperWithRoster } from './roster.ts';
import { rottenIn } from './rot.ts';
import { Client, Connection, crypto, flow, identityOf, type Legacy, salt } from './sides.ts';
import { Violation } from './violation.ts';
import { watchSent, watchShown } from './watch.ts';

/** The programs of a world with their disks, outputs and connections: what each does when it is told to, and no more. */
export class Machines extends Ground {
  /** A member who means no good, if there is one. */
  readonly mallory = new Mallory(this);
  readonly links = new LinkNetwork(this);
  #startedAtMs = 0;

  // Programs

  start(client: Client, history = 0): void {
    if (client.session) return;
    this.note(`start ${client.id}`);
    const { name, key, store } = client;
    const { dev, former, given, piped } = store;
    const identity = identityOf(key);
    const nonce = () => `cn${++this.nonces}`;
    const chance = () => this.random.next();
    const newDev = () => this.newDevice(key);
    // The room is known as soon as anything of it is kept.
    const wishes = {
      nonce,
      chance,
      salt: () => salt,
      ...(store.log && { room: 'room' }),
      history,
      replay: true,
      maxReplay: 1e9,
      maxKept: 1e9,
    };
    client.run++;
    const isLinked = this.traits.withPeers && client.no >= 0;
    const hosts = isLinked ? [hostOf(client)] : hostsOf(this.traits, this.clients.indexOf(client));
    client.session = new this.cores.Member(
      {
        name,
        dev,
        former,
        given,
        piped,
        isPipe: client.isPipe,
        doubts: this.#idle(client).flatMap((other) => inDoubt(other.store, structuredClone(other.store.pending()))),
        isCopied: dev === client.copyOf,
        newDev,
        identity,
        crypto,
        flow,
        ...(hosts && { hosts }),
        ...wishes,
      },
      store,
    );
    this.checker.readers.started(client.id);
    this.checker.near.started(client);
  }

  /** Killed: what was not on disk is gone. */
  stop(client: Client): void {
    if (!client.session) return;
    this.note(`kill ${client.id}`);
    client.session = undefined;
    if (client.isPipe) this.checker.disks.abandoned(client);
    // What the output has not taken goes with the program.
    client.output = [];
    client.later = [];
    client.stale = [];
    this.links.drop(client);
    this.disconnect(client, 0);
  }

  /** A pipe comes to its end, in the room or not: what it has given to nobody is dropped. */
  end(client: Client): void {
    this.input(client, { type: 'drop' });
    this.stop(client);
  }

  /** Places of the same person that nobody uses now. */
  #idle(client: Client): Client[] {
    // What is in a copy may have other words elsewhere.
    if (this.traits.withCopies) return [];
    // What another place brings has its causes there.
    if (this.traits.withPeers) return [];
    return this.clients.filter((other) => other !== client && other.key === client.key && !other.session);
  }

  startServer(): void {
    if (this.server) return;
    this.note('start server');
    this.#startedAtMs = this.nowMs;
    this.oldBeats.push(...this.beats.splice(0));
    const options = {
      name: 'server',
      retention: this.traits.retention,
      ...('pace' in this.traits && { pace: this.traits.pace }),
      dev: `run${++this.serverRuns}`,
      nonce: () => `nonce${++this.nonces}`,
      salt: () => salt,
      crypto,
      identity: identityOf('room'),
      flow,
    };
    this.server = { room: new this.cores.Room(options, this.serverStore), commits: [] };
  }

  crashServer(): void {
    if (!this.server) return;
    this.note('kill server');
    this.server = undefined;
    for (const side of [...this.clients, ...this.legacies]) this.cutSide(side);
  }

  // Network

  connect(client: Client): void {
    if (!client.session || client.connection || !this.server) return;
    const connection = new Connection();
    this.clientAt.set(connection.id, client);
    this.note(`connect ${client.dev} as ${connection.id}`);
    connection.toServer.push(...client.stale.splice(0));
    client.connection = connection;
    client.uploaded.clear();
    this.input(client, { type: 'connected', from: theLink });
  }

  cut(client: Client): void {
    if (client.connection) this.cutSide(client);
  }

  cutSide(side: Client | Legacy): void {
    if (side instanceof Client) this.disconnect(side, this.random.below(4));
    else side.connection = undefined;
  }

  /** The connection ends; the last `kept` frames were still in the client's socket and go out on the next one. */
  disconnect(client: Client, kept: number): void {
    const { connection } = client;
    if (!connection) return;
    this.note(`cut ${client.dev}`);
    client.connection = undefined;
    const delivered = this.random.below(connection.toServer.length + 1);
    for (const data of connection.toServer.slice(0, delivered)) this.toServer(connection.id, data);
    if (client.session && kept > 0) client.stale = connection.toServer.slice(delivered).slice(-kept);
    this.toServer(connection.id, '{"gone":1}');
    if (!client.session) return;
    const arrived = this.random.below(connection.toClient.length + 1);
    for (const data of connection.toClient.slice(0, arrived)) this.toClient(client, data);
    this.input(client, { type: 'disconnected', from: theLink });
  }

  flushSide(side: Client | Legacy): void {
    const { connection } = side;
    if (!connection) return;
    for (const data of connection.toServer.splice(0)) this.toServer(connection.id, data);
    for (const data of connection.toClient.splice(0)) this.toSide(side, data);
  }

  toServer(from: string, data: string): void {
    this.note(`${from} -> ${data}`);
    const frame = decode(Buffer.from(data));
    const client = this.clientAt.get(from);
    if (client && frame.kind === 'upload')
      for (const message of frame.messages) if (this.#maySkip(client, message)) this.checker.facts.skipped(message);
    this.uploads.arrived(from, frame);
    this.turn([{ type: 'bytes', from, data: Buffer.from(data) }]);
  }

  /** What lies before it was lost, and it comes all the same: of its author, or of another one who has waited long enough. */
  #maySkip(client: Client, { id, first, in: seen = 0 }: Message): boolean {
    if (!id) return false;
    const last = Math.max(this.serverStore.mark(id.dev)?.n ?? 0, client.uploaded.get(id.dev) ?? 0);
    client.uploaded.set(id.dev, Math.max(last, id.n));
    if (id.n <= last + 1) return false;
    // Who came after it was lost does not know that, and goes by the room, which waits itself.
    const sinceMs = client.forkedAtMs ?? this.#startedAtMs;
    if (id.dev !== client.dev) return id.n <= seen + 1 && this.nowMs - sinceMs >= mendPatienceMs;
    return first === true && this.traits.withRollback && !this.isUntrimmed;
  }

  toSide(side: Client | Legacy, data: string): void {
    if (side instanceof Client) this.toClient(side, data);
    else this.checker.readers.legacyReceived(side, data, this.serverStore.head);
  }

  toClient(client: Client, sent: string): void {
    const isTampered = this.traits.withTampering && !this.isHealing;
    const data = isTampered ? tamperWithSignatures(this, tamperWithRoster(this, sent)) : sent;
    if (data === undefined) return;
    this.note(`${client.dev} <- ${data}`);
    if (client.output.length > 0 && this.random.chance(0.2)) this.printSome(client);
    const frame = decode(Buffer.from(data));
    if (frame.kind === 'welcome' && frame.fork) client.forkedAtMs = this.nowMs;
    for (const part of entriesIn(frame))
      if (part.kind === 'message' && part.id) this.checker.disks.passed(client.id, part.id);
    this.input(client, { type: 'frame', from: theLink, frame });
  }

  // Disks

  commitServer(server: { commits: Change[] }): void {
    const change = server.commits.shift();
    if (!change) return;
    this.checker.log.trimmed(this.serverStore, change, this.traits.retention, this.nowMs);
    this.checker.log.judged(change, this.serverStore);
    this.serverStore.apply(change);
    this.checker.log.wordsAt('the server', change, this.serverStore);
    this.checker.log.stored(change);
    this.rosters.published(change, this.serverStore, this.traits.withRollback);
    for (const { message } of change.entries ?? [])
      if (message && message.words === undefined) this.remembered.push(structuredClone(message));
    this.turn([{ type: 'committed', change }]);
  }

  /** What another place of this person had left in doubt is let go of there. */
  #settle(client: Client, store: MemoryStore, dropped: readonly MessageId[]): void {
    const ids = new Set(dropped.map(formatId));
    for (const { id } of store.pending())
      if (id && ids.has(formatId(id))) this.checker.facts.settledBy.set(formatId(id), client.dev);
    store.apply({ dropped: [...dropped] });
  }

  /** Written at once, or never: now and then the program is killed while it writes. */
  commitClient(client: Client, change: Change): void {
    this.note(`${client.dev} keeps ${Object.keys(change)} ${JSON.stringify(change.pending?.map((m) => m.id) ?? '')}`);
    const isKilled = !this.isHealing && this.random.chance(0.02);
    if (isKilled && this.random.chance(0.5)) return this.stop(client);
    const { log, head } = client.store;
    const { version = 0 } = client.store.roster.signed ?? {};
    this.checker.disks.dropped(client, change);
    client.store.apply(change);
    for (const { store } of this.#idle(client)) this.#settle(client, store, change.dropped ?? []);
    this.rosters.kept(client, change, version);
    this.checker.log.wordsAt(client.id, change, client.store);
    this.checker.near.kept(client, change, this.nowMs);
    this.checker.disks.kept(client, change, { log, head, nowMs: this.nowMs });
    for (const { seq } of change.signatures ?? [])
      if (!rottenIn(client.store).has(seq)) this.checker.disks.signed(client.id, client.store.read(seq, 1)[0]?.message);
    if (isKilled) return this.stop(client);
    this.input(client, { type: 'committed', change });
  }

  /** Everything under way to the server's disk is on it. */
  syncServer(): void {
    while (this.server && this.server.commits.length > 0) this.commitServer(this.server);
  }

  // Outputs

  /** The output takes a part of what was given to it: what it took was shown. */
  printSome(client: Client): void {
    this.print(client, 1 + this.random.below(4));
  }

  #printed(client: Client, event: ChatEvent & { type: 'message' }): void {
    this.checker.readers.shown(client.id, event, this.serverStore);
    if (this.traits.withPeers) this.checker.near.placed(client, event);
  }

  print(client: Client, count: number, isLater?: boolean): void {
    const taken = client.output.splice(0, count);
    for (const { event } of taken) {
      if (event.type === 'message' && event.provisional) this.checker.near.printed(client.id, event);
      else if (event.type === 'message') this.#printed(client, event);
    }
    const last = taken.at(-1);
    if (!last) return;
    const shown: Input = { type: 'shown', place: last.place };
    const { isSlow } = this.traits;
    if (isLater ?? (this.random.chance(0.3) || (isSlow && this.more.chance(0.5)))) client.later.push(shown);
    else this.input(client, shown);
  }

  // Turning

  turn(inputs: Input[]): void {
    const server = this.server;
    if (!server) return;
    for (const effect of server.room.turn(inputs, this.now)) {
      if (effect.type === 'commit') this.decided(server.commits, effect.change);
      if (effect.type !== 'send') continue;
      watchSent(this, effect);
      for (const to of effect.to) if (!this.isLost(effect, to)) this.pipeTo(to)?.push(effect.data);
    }
    if (server.commits.length > 1) throw new Violation('L1', 'two changes are under way');
    this.checker.readers.bounded(
      this.clients.map(({ connection }) => connection?.toClient ?? []),
      flow,
    );
  }

  /** P32: a full queue has lost it; but for entries and notices it is not said to whom. */
  isLost({ before }: Send, to: string): boolean {
    const isFrail = this.traits.withLoss && !this.isHealing && before === undefined && this.clientAt.has(to);
    return isFrail && this.more.chance(0.2);
  }

  decided(commits: Change[], change: Change): void {
    commits.push(change);
    this.uploads.decided(change, this.serverStore);
    this.checker.log.decided(change, this.now, this.serverStore, this.traits.retention);
  }

  pipeTo(id: string): string[] | undefined {
    const sides = [...this.clients, ...this.legacies, this.mallory];
    return sides.find(({ connection }) => connection?.id === id)?.connection?.toClient;
  }

  input(client: Client, ...inputs: Input[]): void {
    if (!client.session) return;
    const changes: Change[] = [];
    const after: (() => void)[] = [];
    const sends: [string, string][] = [];
    for (const effect of client.session.turn([...client.later.splice(0), ...inputs], this.now)) {
      if (effect.type === 'commit') {
        changes.push(effect.change);
        for (const message of effect.change.pending ?? []) {
          this.checker.readers.typed(client, message);
          if (message.id?.dev !== client.dev) continue;
          this.checker.near.typed(client, formatId(message.id));
          if (inputs[0]?.type === 'typed' && client.session.availability.everLive)
            this.checker.log.bears(client.key, message, this.serverStore);
        }
      } else if (effect.type === 'send' && isPeer(effect.to[0] ?? '')) sends.push([effect.to[0] ?? '', effect.data]);
      else if (effect.type === 'send') this.send(client, effect.data);
      else if (effect.type === 'dial') after.push(() => this.links.dial(client, effect.to, effect.hosts));
      else if (effect.type === 'hangUp' && isPeer(effect.to)) after.push(() => this.links.hangUp(client, effect.to));
      else if (effect.type === 'show') watchShown(this, client, effect.event, effect.place);
      else if (effect.type === 'hangUp') after.push(() => this.cut(client));
      else if (effect.type === 'fail') after.push(() => failed(this, client, effect.error));
    }
    if (changes.length > 1) throw new Violation('K4', `${client.dev} has two changes under way`);
    // What goes out in the turn of a change was on disk before it.
    for (const [to, data] of sends) this.links.send(client, to, data);
    for (const change of changes) this.commitClient(client, change);
    // What comes of a turn comes after its change: nothing happens before that is on disk.
    for (const happen of after) happen();
    if (!client.session) return;
    if (!client.isHeld && client.output.length > 0 && !(this.traits.isSlow && this.more.chance(0.3)))
      this.print(client, client.output.length);
    if (client.session?.nextTurnMs(this.now) === 0) this.input(client);
  }

  send(client: Client, data: string): void {
    const frame = decode(Buffer.from(data)) as Frame;
    if (client.connection) client.overheard.push({ on: client.connection, data });
    if (client.overheard.length > 20) client.overheard.shift();
    for (const message of frame.kind === 'upload' ? frame.messages : []) {
      this.checker.disks.sent(client, message);
      const isOlder = client.session?.courier.outbox.isOlder(message);
      const isNear = this.traits.withPeers && message.at === undefined;
      if (!isOlder && !isNear) this.checker.disks.gaveBack(client, message, this.nowMs);
    }
    if (frame.kind === 'message' && frame.seq !== undefined) this.checker.disks.answered(client, frame);
    if (frame.kind === 'ack' && this.isKeptWhole)
      this.checker.readers.acknowledged(client.id, frame.seq, client.output);
    const isLost = this.traits.withLoss && !this.isHealing && frame.kind === 'upload' && this.more.chance(0.2);
    if (!isLost) client.connection?.toServer.push(data);
  }
}
