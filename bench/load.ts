import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { encode } from '../src/protocol/codec.ts';
import { people, prove, wordsFile } from './people.ts';
import { compiled, folder, type Kind, type Running } from './servers.ts';

/**
 * What members are to do: say so many `messages` after `warmUp` others, at most `underWay` of them at a time (`saturate`) or
 * each at its time (`rate`, a second); only be there for so many `seconds` (`idle`); read the last `history` messages (`replay`); or
 * come back to a server that was started anew, and read what was said meanwhile (`restart`).
 */
export type Load = {
  kind: Kind;
  task?: 'saturate' | 'rate' | 'idle' | 'replay' | 'restart';
  members: number;
  /** 10 of them, if not said otherwise. */
  senders?: number;
  messages?: number;
  warmUp?: number;
  underWay?: number;
  rate?: number;
  seconds?: number;
  history?: number;
  textBytes?: number;
  isAscii?: boolean;
  /** They fetch the signatures of what they read, as members with a disk do. */
  signatures?: boolean;
  /** So long nothing may have come before it begins, in ms. */
  settleMs?: number;
  /** For what is restarted meanwhile. */
  restart?: () => Promise<Running>;
};

/** Times in ms. */
export type Quantiles = { count: number; p50: number; p90: number; p99: number; p999: number; max: number };
/** Of the part that counts: seconds, and seconds of a processor that the server, the members and all other programs took. */
export type Measured = {
  members: number;
  messages: number;
  /** Messages that somebody got. */
  deliveries: number;
  seconds: number;
  cpu: number;
  loadCpu: number;
  otherCpu: number;
  bytes: number;
  /** Of ZeroMQ, to all members. */
  frames: number;
  emptyKib: number;
  kib: number;
  joinsSeconds: number;
  joinsCpu: number;
  /** From when it was to be said until it was there: at its author, and at the others. */
  own?: Quantiles;
  others?: Quantiles;
};

const program = () => compiled('load/load.c', '-lm');
export const canCompile = (): boolean => program() !== undefined;

/** Rejects if a message was lost, doubled, or came in two orders, or if the chain of the log is wrong. */
export async function load(server: Running, wishes: Load): Promise<Measured> {
  const { kind, task = 'saturate', members, messages = 0, warmUp = 0, restart, isAscii = true } = wishes;
  const { textBytes = 80, senders = 10, signatures = false } = wishes;
  const load = program();
  if (!load) throw new Error('this needs a compiler for C: install gcc or clang');
  // Of those who wrote what is read some may not be here.
  const speakers = task === 'replay' ? senders : Math.min(senders, members);
  const each = Math.ceil((messages + warmUp) / speakers);
  const files =
    kind === 'room'
      ? {
          joins: joinsFile(Math.max(members, speakers)),
          ...(messages > 0 && { words: wordsFile(folder, speakers, each, { bytes: textBytes, isAscii }) }),
        }
      : {};
  const { underWay = 200, rate = 50, seconds = 10, history = 0, settleMs = 800 } = wishes;
  const said = { members, senders: speakers, messages, warmUp, underWay, textBytes };
  const options = { task, ...said, rate, seconds, history, settleMs };
  const more = { nonAscii: isAscii ? 0 : 1, signatures: signatures ? 1 : 0, server: server.pid, ...files };
  const args = Object.entries({ ...options, ...more }).map(([key, value]) => `${key}=${value}`);
  const child = spawn(load, [kind, `${server.port}`, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  const exit = once(child, 'exit');
  let measured: Measured | undefined;
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('{')) measured = JSON.parse(line);
    else if (line === 'restart' && restart) child.stdin.write(`restarted ${(await restart()).pid}\n`);
    else child.stdin.write(answer(line));
  }
  const [code] = await exit;
  if (code !== 0 || !measured) throw new Error(`${args.join(' ')}: ended with ${code} ${JSON.stringify(measured)}`);
  return measured;
}

function joinsFile(members: number): string {
  const path = join(folder, `joins-${members}`);
  if (!existsSync(path))
    writeFileSync(
      path,
      people(members)
        .map(({ join }) => `${encode(join)}\n`)
        .join(''),
    );
  return path;
}

/** A member was asked who it is: `prove I CHALLENGE`. */
function answer(line: string): string {
  const [, no, challenge = ''] = /^prove (\d+) (.*)$/.exec(line) ?? [];
  const person = people(Number(no) + 1)[Number(no)];
  if (!person) throw new Error(`what does that mean? ${line}`);
  const { frame, sessionKey } = prove(person, JSON.parse(challenge));
  return `${no} ${sessionKey.toString('hex')} ${frame}\n`;
}
