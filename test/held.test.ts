import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, type TestContext, test } from 'vitest';
import { Queue } from '../src/queue.ts';

const program = new URL('support/held.ts', import.meta.url).pathname;
const unread = 3_000;

/**
 * A terminal that is held (Ctrl-S) stops all of Node, and so the reading of frames. libzmq 4.3.5 aborts a process that
 * sends ZeroMQ's own heartbeats when a connection ends with its input held back: see transport/sockets.ts.
 */
describe.concurrent('3,000 frames wait at a held terminal, and the other side is killed', () => {
  test.for([
    // Longer than two heartbeats as they once were: the first finds the end, the second aborted.
    ['room', 5_000],
    ['pair', 2_500],
  ] as const)('%s: the program lives, reads on, and comes back', async ([kind, heldMs], { onTestFinished }) => {
    const start = starter(onTestFinished);
    const server = start('server', kind, 'tcp://127.0.0.1:*', unread);
    const endpoint = await server.says();
    const client = start('client', kind, endpoint, 0, heldMs);
    await client.says('held');
    await server.says('sent');
    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    await start('server', kind, endpoint, 0).says();
    const [, frames] = (await client.says('read')).split(' ');
    // What was not in its queue yet went with the server.
    expect(Number(frames)).toBeGreaterThan(500);
  });
});

/** Starts programs that end with the test. That one has ended is a word too, which a test does not expect. */
const starter =
  (onTestFinished: TestContext['onTestFinished']) =>
  (...args: (string | number)[]) => {
    const child: ChildProcess = fork(program, args.map(String), { execArgv: ['--import', 'tsx'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const words = new Queue<string>();
    child.on('message', (word) => words.push(String(word)));
    child.on('exit', (code, signal) => words.push(`ended: ${signal ?? code}`));
    const said = words[Symbol.asyncIterator]();
    return {
      child,
      /** The next word that begins so. */
      async says(beginning = ''): Promise<string> {
        for (;;) {
          const { value: word = '' } = await said.next();
          if (word.startsWith('ended')) throw new Error(word);
          if (word.startsWith(beginning)) return word;
        }
      },
    };
  };
