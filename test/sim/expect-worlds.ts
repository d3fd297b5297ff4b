import { expect } from 'vitest';
import { Member } from '../../src/core/member/member.ts';
import { Room } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { findFailure } from './run.ts';

/** All worlds from `firstSeed` on keep every guarantee; a failing one is told as a story that can be run again. */
export function expectWorlds(firstSeed: number, worlds: number): void {
  const failure = findFailure({ Room, Member, MemoryStore }, firstSeed, worlds);
  const again = failure && `npm run sim -- --seed ${failure.seed} --worlds 1`;
  expect(failure && [...failure.trace.slice(-40), failure.error.message, again].join('\n')).toBeUndefined();
}
