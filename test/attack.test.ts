import { describe, expect } from 'vitest';
import { attacks } from './attack/attacks.ts';
import { test } from './support/command.ts';

/** All of it with `npm run attack`; else a little of each, and nothing is judged by how long it takes. */
const isFull = process.env.ATTACK === 'full';

describe('an attack', () => {
  for (const { name, target, run } of attacks)
    test(name, { timeout: isFull ? 600_000 : 120_000 }, async ({ stage }) => {
      const { tried, measured, broken } = await run(stage, isFull ? 1 : 0.01);
      if (isFull) console.log(`\n${name}\n  tried     ${tried}\n  target    ${target}\n  measured  ${measured}`);
      expect(broken, measured).toEqual([]);
    });
});
