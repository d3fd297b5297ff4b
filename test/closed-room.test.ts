import { expect, test } from 'vitest';
import { besiege, kindsOfStrangers } from './doors/closed-room.ts';

test.skipIf(process.platform !== 'linux')(
  'strangers of eight kinds at a closed door: nobody in it notices',
  async () => {
    const [siege] = await besiege([kindsOfStrangers], 2, 4);
    expect(siege?.tried).toBeGreaterThan(500);
    expect(siege).toMatchObject({ frames: 0, disconnects: 0, back: siege?.said });
    expect(siege?.descriptors[1]).toBe(siege?.descriptors[0]);
  },
);
