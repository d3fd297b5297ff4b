import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Client, withFleet } from './chaos/fleet.ts';
import { freePort, LinkProxy } from './chaos/proxy.ts';
import { chaos } from './chaos/run.ts';

/** How soon a client says that it is offline. */
const noticeMs = 10_000;

/** Every test ends with everybody having everything, once, in one order (see chaos/checker.ts). */
describe.concurrent('the real programs', { timeout: 60_000 }, () => {
  it('lose, double and reorder nothing when the server is killed again and again under load', () =>
    withFleet(3, async (fleet) => {
      const unload = fleet.load(200);
      const [ann] = fleet.clients;
      for (let kills = 0; kills < 5; kills++) {
        await ann?.reaches(ann.head + 50);
        await fleet.server.kill();
        await fleet.startServer();
      }
      unload();
    }));

  it.for([
    ['never reached the server', 'blackHole', true],
    ['reaches the server after its author has come back', 'blackHole', false],
    ['is in the log already', 'mute', false],
  ] as const)('send a line that %s once, if its author is killed before the echo', ([, fault, isLost]) =>
    withFleet(2, async ({ clients, server }) => {
      const [ann, bo] = clients as [Client, Client];
      ann.link[fault]();
      const text = 'typed, and then killed';
      const sent = ann.link.heard(text);
      const placed = fault === 'mute' ? server.shows(text) : sent;
      ann.type(text);
      await Promise.all([sent, placed]);
      await ann.kill();
      if (isLost) ann.link.drop();
      const back = ann.becomes('connecting');
      ann.start();
      await back;
      ann.link.heal();
      await Promise.all([ann.shows(text), bo.shows(text)]);
    }),
  );

  it('notice within 10 s that the server is stopped, and go on when it does', () =>
    withFleet(2, async (fleet) => {
      const stopped = fleet.clients.map((client) => client.becomes('offline', noticeMs));
      fleet.server.signal('SIGSTOP');
      for (const client of fleet.clients) fleet.type(client);
      await Promise.all(stopped);
      const texts = fleet.clients.map((client) => fleet.type(client));
      const back = fleet.clients.map((client) => client.becomes('online'));
      fleet.server.signal('SIGCONT');
      await Promise.all(back);
      await Promise.all(fleet.clients.flatMap((client) => texts.map((text) => client.shows(text))));
    }));

  it('notice a black hole of 12 s within 10 s, and send what was typed meanwhile once', () =>
    withFleet(2, async (fleet) => {
      const [ann, bo] = fleet.clients as [Client, Client];
      const over = pause(12_000);
      const offline = ann.becomes('offline', noticeMs);
      ann.link.blackHole();
      const early = fleet.type(ann);
      const others = fleet.type(bo);
      await bo.shows(others);
      await offline;
      const late = fleet.type(ann);
      await over;
      ann.link.heal();
      await Promise.all([ann.shows(others), bo.shows(early), bo.shows(late)]);
    }));

  it('get everything through links that go down and up every 300 ms', () =>
    withFleet(3, async (fleet) => {
      const flaps = fleet.clients.map(
        ({ link }, i) =>
          new Promise<void>((resolve) => {
            link.flap(300 + i, (times) => {
              for (const client of fleet.clients) fleet.type(client);
              if (times === 12) resolve();
            });
          }),
      );
      await Promise.all(flaps);
    }));

  it('read on where they were after a stop', () =>
    withFleet(2, async (fleet) => {
      const [ann, bo] = fleet.clients as [Client, Client];
      ann.signal('SIGSTOP');
      fleet.type(ann);
      let last = '';
      for (let i = 0; i < 1_000; i++) last = fleet.type(bo);
      await bo.shows(last);
      ann.signal('SIGCONT');
      await ann.shows(last);
    }));

  it('keep every guarantee in a random mix of faults', async () => {
    const seed = 20_261_123;
    const { fleet, violations, messages } = await chaos({ seed, clients: 4, ms: 6_000 });
    await fleet.close(violations.length > 0);
    expect(violations, `seed ${seed}, transcripts: ${fleet.folder}`).toEqual([]);
    expect(messages).toBeGreaterThan(100);
  });
});

describe('the link of the tests', () => {
  it('holds little in a black hole, and gives it back in order', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    const link = await LinkProxy.open(port);
    const client = connect(link.port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [Socket];
    try {
      link.blackHole();
      const sent = Buffer.from(Array.from({ length: 4_000_000 }, (_, i) => i % 251));
      const heard = link.heard(sent.subarray(0, 64).toString('latin1'));
      client.write(sent);
      await heard;
      link.heal();
      link.blackHole();
      expect(link.heldBytes).toBeLessThan(400_000);
      const received: Buffer[] = [];
      const all = new Promise<void>((resolve) => {
        let bytes = 0;
        accepted.on('data', (chunk) => {
          received.push(chunk);
          bytes += chunk.length;
          if (bytes === sent.length) resolve();
        });
      });
      link.heal();
      await all;
      expect(Buffer.concat(received).equals(sent)).toBe(true);
    } finally {
      link.close();
      client.destroy();
      accepted.destroy();
      server.close();
    }
  });
});
