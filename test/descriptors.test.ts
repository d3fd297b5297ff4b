import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const probe = `
  import { openSync } from 'node:fs';
  import { isOutOfDescriptors, maxConnections } from ${JSON.stringify(new URL('../dist/transport/descriptors.js', import.meta.url).href)};
  const before = [maxConnections(), isOutOfDescriptors()];
  try {
    for (;;) openSync(process.execPath, 'r');
  } catch {}
  process.stdout.write(JSON.stringify([...before, isOutOfDescriptors()]));
`;

test('a process knows how many connections it can have, and when it has no descriptor left', () => {
  const command = 'ulimit -n 200; exec "$0" --input-type=module -e "$1"';
  const said = execFileSync('sh', ['-c', command, process.execPath, probe], { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual([200 - 64, false, true]);
});
