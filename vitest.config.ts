import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that start programs wait a lot: they begin first, and what only computes fills the gaps that are left. */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = waiting.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? waiting.length : at;
    };
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

/** Those that need most seconds first, and beside each that needs the processor one that does not. */
const waiting = [
  'partition/ground',
  'partition/partition',
  'e2e-apart',
  'e2e-output',
  'screen-typing',
  'link',
  'e2e-errors',
  'e2e-room',
  'e2e-quit',
  'attack',
  'e2e-garbage',
  'chaos',
  'e2e-verify',
  'held',
  'e2e-data',
  'e2e-history',
  'screen-scenes',
  'e2e-p2p',
  'screen-crowd',
  'sim/worlds',
  'e2e-legacy',
  'screen-minute',
  'screen-hour',
  'e2e-damage',
  'screen-nick',
  'sim/mutants',
  'store-faults',
  'cells',
  'render',
];

const mocked = 'test/store-faults.test.ts';

export default defineConfig({
  test: {
    // Who starts programs waits for them most of the time.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: WaitingFirst },
    projects: [
      {
        extends: true,
        // Files share a process, and what they import is loaded once in it.
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: [mocked], isolate: false },
      },
      // It mocks modules that others need as they are.
      { extends: true, test: { name: 'mocked', include: [mocked] } },
    ],
    pool: 'forks',
    testTimeout: 30_000,
    retry: 0,
  },
});
