import { startVitest } from 'vitest/node';

/** npm run attack [-- WORDS]: all attacks, or those with these words in their name. Exits 1 if something did not hold. */
process.env.ATTACK = 'full';
const testNamePattern = process.argv.slice(2).join(' ');
const quiet = { watch: false, reporters: ['dot'], disableConsoleIntercept: true };
const vitest = await startVitest('test', ['test/attack.test.ts'], {
  ...quiet,
  ...(testNamePattern && { testNamePattern }),
});
await vitest.close();
