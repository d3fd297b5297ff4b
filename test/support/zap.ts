import { setTimeout as delay } from 'node:timers/promises';
import { type Judge, Zap } from '../../src/transport/zap.ts';

/** A process has one, and libzmq takes a moment until it can have another: the test file before may have had one. */
export async function openZap(judge: Judge): Promise<Zap> {
  for (let tries = 1; ; tries++) {
    try {
      return await Zap.open(judge);
    } catch (error) {
      if (tries === 200) throw error;
      await delay(10);
    }
  }
}
