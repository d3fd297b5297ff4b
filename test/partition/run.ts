import { setTimeout as pause } from 'node:timers/promises';
import { agreedAtMs, type Fault, judge, judgeHeads, percentile, reachedAtMs } from './judge.ts';
import { everybody, Room } from './room.ts';
import type { Scenario } from './scenarios.ts';

/** Times are in ms. */
export type Result = {
  lines: number;
  /** From the cut until all who are near have a line that was said then. */
  first: number;
  /** The same from the new addresses on. */
  found: number | undefined;
  /** What it took each line that was said later. */
  next: number[];
  /** From the heal on. */
  agreed: number;
  faults: Fault[];
  /** Where all is that they said, if something is wrong. */
  folder: string | undefined;
};

const beforeMs = 1_500;

/** Talk, a cut, talk in spite of it, and the judgement when it is healed. */
export async function play(scenario: Scenario, cutMs: number): Promise<Result> {
  const room = await Room.open();
  let isRight = false;
  try {
    const marks = await talkThrough(room, scenario, cutMs);
    const faults = [...judgeHeads(await room.end(), everybody.length + 1), ...judge(room)];
    const result = { lines: room.said.length, ...measure(room, scenario, marks), faults };
    isRight = faults.length + late(result).length === 0;
    return { ...result, folder: isRight ? undefined : room.folder };
  } finally {
    await room.close(!isRight);
  }
}

/** Returns when they were cut, came to new addresses if they do, and were healed. */
async function talkThrough(room: Room, scenario: Scenario, cutMs: number): Promise<number[]> {
  const hush = room.talk();
  try {
    await pause(beforeMs);
    const marks = [await sayAfter(room, scenario, () => scenario.cut(room))];
    await pause(cutMs);
    if (scenario.moves) {
      marks.push(await sayAfter(room, scenario, () => readdress(room)));
      await pause(cutMs);
    }
    hush();
    marks.push(performance.now());
    await scenario.heal(room);
    for (const name of everybody) room.say(name);
    await room.agree();
    return marks;
  } finally {
    hush();
  }
}

/** One on each side says something at the moment when this is done, which is returned. */
async function sayAfter(room: Room, { near }: Scenario, what: () => Promise<void> | void): Promise<number> {
  await what();
  const atMs = performance.now();
  for (const [name = ''] of near) room.say(name);
  return atMs;
}

async function readdress({ ground }: Room): Promise<void> {
  for (const name of everybody) await ground.readdress(name);
}

function measure(room: Room, { near }: Scenario, marks: readonly number[]) {
  const [healed = 0, ...cuts] = marks.toReversed();
  const ends = [...cuts.toReversed(), healed];
  const talks = cuts.toReversed().map((from, i) => {
    const sides = near.map((names) => talkOf(room, names, from, ends[i + 1] as number));
    return { first: Math.max(...sides.map(({ first }) => first)), next: sides.flatMap(({ next }) => next) };
  });
  const [cut, moved] = talks;
  const next = talks.flatMap((talk) => talk.next);
  return { first: cut?.first ?? Number.NaN, found: moved?.first, next, agreed: agreedAtMs(room) - healed };
}

/** Of one side: the first line, and those said after that had reached all. What an end finds under way is not counted. */
function talkOf(room: Room, names: readonly string[], fromMs: number, toMs: number) {
  const said = room.said.filter(({ by, atMs }) => names.includes(by) && atMs >= fromMs && atMs < toMs - 100);
  const talk = said.map((line) => ({ saidMs: line.atMs, reachedMs: reachedAtMs(room, line, names) }));
  const first = talk[0]?.reachedMs ?? Number.NaN;
  const next = talk.filter(({ saidMs }) => saidMs >= first).map(({ saidMs, reachedMs }) => reachedMs - saidMs);
  return { first: first - fromMs, next };
}

/** What took longer than it may, in words. */
export function late({ first, found = 0, next, agreed }: Omit<Result, 'folder'>): string[] {
  return [
    ...(first <= 2_000 ? [] : ['the first line took more than 2 s']),
    ...(found <= 3_000 ? [] : ['they took more than 3 s to find each other at new addresses']),
    ...(percentile(next, 0.99) <= 50 ? [] : ['one line in a hundred took more than 50 ms']),
    ...(agreed <= 5_000 ? [] : ['they took more than 5 s to agree']),
  ];
}
