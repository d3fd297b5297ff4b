import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { test as base, type Command, type Event, type Stage } from '../support/command.ts';
import { Ground, whyNone } from './ground.ts';

const near = fileURLToPath(new URL('near.ts', import.meta.url));
const port = 9999;
const lans = [['server'], ['ana', 'bo'], ['cy', 'di', 'eve']];
const everybody = ['ana', 'bo', 'cy', 'di', 'eve'] as const;
const [here, there] = [
  ['server', 'ana', 'bo'],
  ['cy', 'di', 'eve'],
];
/** A connection that the network has cut in silence is given up after 8 s. */
const noticedMs = 25_000;
const patienceMs = 120_000;

const test = base.extend<{ ground: Ground }>({
  ground: async ({ stage: _ }, use) => {
    const ground = await Ground.open(lans);
    try {
      await use(ground);
    } finally {
      ground.close();
    }
  },
});

/** Says whether this address can be connected to: `connected`, `refused`, or `silent` for a second. */
const knock = `const [host, port] = process.argv.slice(1); const socket = require('net').connect(port, host);
  const say = (what) => { console.log(what); process.exit(); };
  socket.setTimeout(1000, () => say('silent')).on('connect', () => say('connected')).on('error', () => say('refused'));`;
const listen = `require('net').createServer((socket) => socket.destroy()).listen(process.argv[1], () => console.log('listening'));`;
/** Prints what comes by UDP; the other says it, to an address or to a whole network. */
const hear = `const socket = require('dgram').createSocket('udp4').bind(7000, () => console.log('listening'));
  socket.on('message', (text, { address }) => console.log(address, String(text)));`;
const say = `const [host, text] = process.argv.slice(1); const socket = require('dgram').createSocket('udp4').bind(0, () => {
  socket.setBroadcast(true); socket.send(text, 7000, host, () => socket.close()); });`;

class Scene {
  readonly stage: Stage;
  readonly ground: Ground;

  constructor(stage: Stage, ground: Ground) {
    [this.stage, this.ground] = [stage, ground];
  }

  node(name: string, script: string, ...args: (string | number)[]): Command {
    return this.stage.node(['-e', script, ...args.map(String)], { through: this.ground.on(name) });
  }

  async knock(name: string, other: string, at = port): Promise<string> {
    return await this.node(name, knock, this.ground.address(other), at).stdoutLine(/./);
  }

  async say(name: string, host: string, text: string): Promise<void> {
    await this.node(name, say, host, text).ends(0);
  }

  /** A server and five clients in pipes, all online. */
  async room() {
    const { stage, ground } = this;
    const args = ['--ip', 'all', '--port', String(port), '--json'];
    const server = stage.spawn('server', args, { through: ground.on('server') });
    await server.json({ type: 'listening' }, noticedMs);
    const clients = Object.fromEntries(everybody.map((name) => [name, this.#client(name)])) as Record<string, Command>;
    for (const name of everybody) await clients[name]?.json({ type: 'state', state: 'online' }, noticedMs);
    const client = (name: string) => clients[name] as Command;
    return { server, client };
  }

  #client(name: string): Command {
    const args = ['--ip', this.ground.address('server'), '--port', String(port), '--name', name, '--json', '--listen'];
    return this.stage.spawn('client', args, { through: this.ground.on(name) });
  }
}

const isOffline = ({ type, state }: Event) => type === 'state' && state === 'offline';
const texts = (events: Event[]) => events.filter(({ type }) => type === 'message').map(({ text }) => text);
const hears = (client: Command, text: string) => client.jsonUntil({ type: 'message', text }, noticedMs);

describe.skipIf(whyNone !== undefined).concurrent(`real networks${whyNone ? ` (${whyNone})` : ''}`, () => {
  for (const how of ['silently', 'refused'] as const)
    test(
      `cut ${how}: talk goes on on the side of the server alone, and on both when it is healed`,
      async ({ stage, ground }) => {
        const { client } = await new Scene(stage, ground).room();
        client('ana').write('before\n');
        for (const name of everybody) await hears(client(name), 'before');
        await ground.cut([here, there], how);
        client('ana').write('at the cut\n');
        await hears(client('bo'), 'at the cut');
        for (const name of there) expect(texts(await client(name).jsonUntil(isOffline, noticedMs))).toEqual([]);
        client('cy').write('from the other side\n');
        client('bo').write('still here\n');
        expect(texts(await hears(client('ana'), 'still here'))).toEqual(['at the cut', 'still here']);
        await ground.heal();
        for (const name of there) await hears(client(name), 'still here');
        await hears(client('ana'), 'from the other side');
      },
      patienceMs,
    );

  test(
    'cuts are whole, of one port, or one way; and heal',
    async ({ stage, ground }) => {
      const scene = new Scene(stage, ground);
      for (const at of [port, port + 1]) await scene.node('server', listen, at).stdoutLine('listening');
      await scene.node('cy', listen, port).stdoutLine('listening');
      const ways = async (at?: number) => [await scene.knock('cy', 'server', at), await scene.knock('server', 'cy')];
      expect(await ways()).toEqual(['connected', 'connected']);
      await ground.cut([here, there], 'silently');
      expect(await ways()).toEqual(['silent', 'silent']);
      await ground.heal();
      await ground.cut([here, there], 'refused');
      expect(await ways()).toEqual(['refused', 'refused']);
      await ground.heal();
      expect(await ways()).toEqual(['connected', 'connected']);
      await ground.cut([['server'], there], 'silently', { port });
      expect(await ways()).toEqual(['silent', 'silent']);
      expect(await ways(port + 1)).toEqual(['connected', 'silent']);
      await ground.heal();
      const [s, c] = [scene.node('server', hear), scene.node('cy', hear)];
      for (const ear of [s, c]) await ear.stdoutLine('listening');
      await ground.cut([['server'], there], 'silently', { oneWay: true });
      await scene.say('server', ground.address('cy'), 'lost');
      await scene.say('cy', ground.address('server'), 'comes');
      expect(await s.stdoutLine(/./)).toBe(`${ground.address('cy')} comes`);
      await ground.heal();
      await scene.say('server', ground.address('cy'), 'after it');
      expect(await c.stdoutLine(/./)).toBe(`${ground.address('server')} after it`);
      await expect(ground.cut([['cy'], ['di']], 'silently')).rejects.toThrow('a LAN cannot be cut in itself');
    },
    patienceMs,
  );

  test(
    'new addresses: what is said to a whole LAN arrives there, at them, and nowhere else',
    async ({ stage, ground }) => {
      const scene = new Scene(stage, ground);
      const [before, after] = [ground.address('cy'), await ground.readdress('cy')];
      expect(after).not.toBe(before);
      const [di, ana] = [scene.node('di', hear), scene.node('ana', hear)];
      for (const ear of [di, ana]) await ear.stdoutLine('listening');
      await scene.say('cy', '10.77.2.255', 'who is here?');
      expect(await di.stdoutLine(/./)).toBe(`${after} who is here?`);
      await ground.readdress('cy', 1);
      await scene.say('cy', '10.77.1.255', 'and here?');
      expect(await ana.stdoutLine(/./)).toBe(`${ground.address('cy')} and here?`);
    },
    patienceMs,
  );

  test(
    'a client comes back from a new address; a server that stands still is missed, and comes back',
    async ({ stage, ground }) => {
      const { server, client } = await new Scene(stage, ground).room();
      await ground.readdress('eve');
      client('ana').write('after the move\n');
      await hears(client('eve'), 'after the move');
      server.kill('SIGSTOP');
      for (const name of everybody) await client(name).json(isOffline, noticedMs);
      server.kill('SIGCONT');
      client('bo').write('it goes on\n');
      for (const name of everybody) await hears(client(name), 'it goes on');
    },
    patienceMs,
  );

  test(
    'members find each other at new addresses by their beacons, and link; a foreign one does not',
    async ({ stage, ground }) => {
      const server = `tcp://${ground.address('server')}:${port}`;
      const members = ['cy', 'di', 'eve', 'ana'].map((name, i) => {
        const args = ['--import', 'tsx', near, `${i + 1}`, name === 'eve' ? 'other' : 'room', server];
        return { name, command: stage.node(args, { through: ground.on(name) }) };
      });
      const [cy, di, eve, ana] = members.map(({ command }) => command) as [Command, Command, Command, Command];
      for (const { name, command } of members) {
        const { hosts } = await command.json({ type: 'reachable' }, noticedMs);
        expect((hosts as string[])[0]).toMatch(new RegExp(`^${ground.address(name)}:\\d+$`));
      }
      await ground.cut([['server', 'ana'], there], 'silently');
      for (const command of [cy, di, eve, ana]) command.write('seek\n');
      expect(await cy.json({ type: 'linked' })).toMatchObject({ with: 'di' });
      expect(await di.json({ type: 'linked' })).toMatchObject({ with: 'cy' });
      // All that was known of each other is wrong from now on; both have the link of before, which will end.
      for (const name of ['di', 'cy']) await ground.readdress(name);
      for (const command of [cy, di]) command.write('forget\n');
      const found = [await cy.json({ type: 'linked' }), await di.json({ type: 'linked' })];
      expect(found).toMatchObject([{ with: 'di' }, { with: 'cy' }]);
      for (const { afterMs } of found) expect(afterMs).toBeLessThan(3_000);
      for (const command of [eve, ana]) expect(command.stdout).not.toMatch(/"(linked|heard)"/);
    },
    patienceMs,
  );
});
