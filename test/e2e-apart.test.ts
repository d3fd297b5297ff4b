import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { rosterIntervalMs } from '../src/core/limits.ts';
import { type Fault, judge, type Line, type Printed } from './partition/judge.ts';
import { type Command, type Event, type Stage, test } from './support/command.ts';
import { logFolders, reachable, unshown } from './support/reachable.ts';
import { until } from './support/until.ts';

const names = ['ana', 'bo', 'cy', 'di'];
const patienceMs = 60_000;
/** Those who may have linked by then. */
const linkedMs = 3_000;

type Run = { name: string; client: Command };
/** The line that a killed program was writing may be cut. */
const eventsOf = ({ stdout }: Command): Event[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
/** As a fault would name them. */
const ownProvisional = (name: string, client: Command): string[] =>
  eventsOf(client).flatMap(({ own, provisional, id, text }) =>
    own && provisional ? [`${name}: ${id}`, `${name}: "${text}"`] : [],
  );

/** A server and its clients on this machine, and all that they say and print, over all their runs. */
class Scene {
  readonly stage: Stage;
  readonly said: Line[] = [];
  server!: Command;
  #port = 0;
  readonly #runs: Run[] = [];
  readonly #killed: Run[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async open(...args: string[]): Promise<void> {
    const folder = join(this.stage.home, 'room');
    const { server, port } = await this.stage.server('--port', `${this.#port}`, '--data-dir', folder, ...args);
    [this.server, this.#port] = [server, port];
  }

  /** All are online. */
  async enter(): Promise<void> {
    for (const name of names) this.start(name);
    await this.online();
  }

  async online(): Promise<void> {
    for (const name of names) await this.client(name).json({ type: 'state', state: 'online' }, patienceMs);
  }

  /** All of these know where the others of them are. */
  async meet(among = names): Promise<void> {
    const { home } = this.stage;
    await until(() => among.every((name) => reachable(home, name) === among.length), 'all are in the roster');
  }

  start(name: string, ...args: string[]): void {
    const always = ['--json', '--listen', '--replay', '--timeout', '600'];
    this.#runs.push({ name, client: this.stage.client(this.#port, name, ...always, ...args) });
  }

  /** The newest run. */
  client(name: string): Command {
    return this.#runs.findLast((run) => run.name === name)?.client as Command;
  }

  say(by: string, text: string): void {
    this.said.push({ by, text, atMs: 0 });
    this.client(by).write(`${text}\n`);
  }

  /** This is said, and all of these show it in this run. */
  async talk(by: string, text: string, among = names): Promise<Event[]> {
    this.say(by, text);
    return await Promise.all(among.map((name) => this.client(name).json({ type: 'message', text }, patienceMs)));
  }

  /** Of a client, when its disk knows what it has shown: what it has shown in the last moment it would show again. */
  async kill(command: Command): Promise<void> {
    const { name } = this.#runs.find(({ client }) => client === command) ?? {};
    if (name) await until(() => unshown(this.stage.home, name) === 0, `${name} to keep what it has shown`);
    this.#killed.push(...this.#runs.filter(({ client }) => client === command));
    command.kill('SIGKILL');
    await command.exit;
  }

  /** What is left provisional has its place. */
  async agree(): Promise<void> {
    await until(() => this.faults.every(({ kind }) => kind !== 'unplaced' && kind !== 'lost'), 'all agree').catch(
      () => {},
    );
    expect(this.faults).toEqual([]);
  }

  /** Own lines of a run that was killed wait again, and are shown by the next one. */
  get faults(): Fault[] {
    const again = new Set(this.#killed.flatMap(({ name, client }) => ownProvisional(name, client)));
    return judge(this).filter(({ kind, what }) => kind !== 'twice' || !again.has(what));
  }

  /** All that the runs of each have printed. */
  get printed(): Map<string, Printed[]> {
    const printedBy = (name: string) =>
      this.#runs.filter((run) => run.name === name).flatMap(({ client }) => eventsOf(client));
    return new Map(names.map((name) => [name, printedBy(name).map((event) => ({ ...event, atMs: 0 }))]));
  }
}

describe.concurrent('a server that is killed', { timeout: 180_000 }, () => {
  test('its clients go on, also those that are killed and started again; when it returns all agree', async ({
    stage,
  }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.enter();
    await scene.meet();
    await scene.talk('ana', 'before');
    await scene.kill(scene.server);
    for (const name of names) {
      const shown = await scene.talk(name, `${name}, without the server`);
      for (const event of shown) expect(event).toMatchObject({ provisional: true });
    }
    for (const name of ['ana', 'bo']) await scene.kill(scene.client(name));
    await scene.talk('cy', 'while two are away', ['cy', 'di']);
    for (const name of ['ana', 'bo']) scene.start(name);
    for (const name of ['ana', 'bo'])
      await scene.client(name).json({ type: 'message', text: 'while two are away' }, patienceMs);
    await scene.talk('ana', 'back again');
    await scene.talk('di', 'welcome');
    await scene.open();
    await scene.talk('bo', 'with the server');
    await scene.agree();
    // Nothing comes twice behind that.
    await scene.talk('cy', 'at last');
    await scene.agree();
  });

  test('what a pipe has given to others alone is in doubt when it is ended', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    await scene.enter();
    await scene.meet();
    await scene.kill(scene.server);
    await scene.talk('ana', 'given to others');
    const ana = scene.client('ana');
    ana.kill('SIGTERM');
    const outcome = await ana.json({ type: 'outcome' });
    expect(outcome).toMatchObject({ arrived: [], inDoubt: [{ from: 1, to: 1 }] });
    await ana.ends(143);
  });
});

describe.concurrent('--no-peers', { timeout: 120_000 }, () => {
  const listens = ({ stage: { home } }: Scene, name: string) =>
    logFolders(home).some((folder) => folder.includes(`${name}-`) && existsSync(join(folder, 'peers.port')));
  const links = ({ printed }: Scene, name: string) =>
    printed.get(name)?.some(({ type, provisional }) => type === 'near' || provisional);

  test('of a client: it listens nowhere and links with nobody, and the others do', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open();
    const [ana = '', ...others] = names;
    scene.start(ana, '--no-peers');
    for (const name of others) scene.start(name);
    await scene.online();
    await scene.meet(others);
    await scene.kill(scene.server);
    scene.say(ana, 'waits');
    await scene.talk('bo', 'to two', others);
    await pause(linkedMs);
    expect([listens(scene, ana), links(scene, ana)]).toEqual([false, false]);
    for (const name of others) {
      expect([listens(scene, name), links(scene, name)]).toEqual([true, true]);
      expect(scene.client(name).stdout).not.toMatch(/"near","names":[^\]]*"ana"/);
    }
    await scene.open();
    await scene.agree();
  });

  test('of a server: nobody listens, nobody links', async ({ stage }) => {
    const scene = new Scene(stage);
    await scene.open('--no-peers');
    await scene.enter();
    await scene.talk('ana', 'before');
    await pause(rosterIntervalMs);
    expect(names.filter((name) => reachable(stage.home, name) > 0)).toEqual([]);
    await scene.kill(scene.server);
    for (const name of names) scene.say(name, `${name} waits`);
    await pause(linkedMs);
    expect(names.filter((name) => listens(scene, name) || links(scene, name))).toEqual([]);
    await scene.open('--no-peers');
    await scene.agree();
  });
});
