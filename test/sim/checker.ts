import type { Crypto } from '../../src/protocol/signed.ts';
import { CheckedDisks } from './checked-disks.ts';
import { CheckedEnd } from './checked-end.ts';
import { Facts } from './checked-facts.ts';
import { CheckedLog } from './checked-log.ts';
import { CheckedNear } from './checked-near.ts';
import { CheckedReaders } from './checked-readers.ts';

/**
 * States the guarantees and watches over them, one method for each place where they could be seen broken.
 * With a server whose disk goes back in time (`rollback`), places may be given anew; then what holds is that
 * nothing anybody kept is lost, nothing is shown twice, and all agree in the end.
 */
export class Checker {
  readonly facts: Facts;
  readonly log: CheckedLog;
  readonly disks: CheckedDisks;
  readonly readers: CheckedReaders;
  readonly end: CheckedEnd;
  readonly near: CheckedNear;

  constructor(hasRollback: boolean, namesLapse: boolean, crypto: Crypto) {
    this.facts = new Facts(hasRollback, namesLapse, crypto);
    this.log = new CheckedLog(this.facts);
    this.disks = new CheckedDisks(this.facts);
    this.readers = new CheckedReaders(this.facts, this.log);
    this.end = new CheckedEnd(this.facts);
    this.near = new CheckedNear(this.facts);
  }
}
