import { expect, test } from 'vitest';
import { Member } from '../../src/core/member/member.ts';
import { Room } from '../../src/core/room/room.ts';
import { MemoryStore } from '../../src/history/memory.ts';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { findSeed } from './run.ts';
import { playScene, scenes } from './scenes.ts';
import { seeds } from './seeds.ts';

const rules = mutants.map(({ rule }) => rule);

/** Each rule in its scene, or in the world that is known to miss it: `npm run sim:mutants` looks for such worlds. */
test.each(mutants)('the simulation misses the rule: $rule', { timeout: 120_000 }, async (mutant) => {
  const cores = await mutate(mutant);
  const [scene, seed] = [scenes[mutant.rule], seeds[mutant.rule]];
  expect(scene ? playScene(cores, scene) : seed && findSeed(cores, seed, 1)).toBeDefined();
});

test.each(Object.entries(scenes))('with all rules this scene ends well: %s', (_, scene) => {
  expect(playScene({ Room, Member, MemoryStore }, scene)).toBeUndefined();
});

test('a world or a scene is known for no rule that is not there, and for none both', () => {
  expect(Object.keys({ ...seeds, ...scenes }).filter((rule) => !rules.includes(rule))).toEqual([]);
  expect(Object.keys(scenes).filter((rule) => seeds[rule] !== undefined)).toEqual([]);
  expect(rules.filter((rule, i) => rules.indexOf(rule) !== i)).toEqual([]);
});
