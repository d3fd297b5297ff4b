import { closeSync, openSync } from 'node:fs';

/** For this program itself, and for those who are told that there is no room for them. */
const reserved = 64;
type Limits = { userLimits?: { open_files?: { soft: number | 'unlimited' } } };

/** How many members this process can have at a time: the system gives it no more descriptors. */
export function maxConnections(): number {
  // Otherwise it looks up the names of whoever is connected.
  const report = Object.assign(process.report, { excludeNetwork: true }).getReport() as Limits;
  return Math.max(1, Number(report.userLimits?.open_files?.soft) - reserved) || Number.POSITIVE_INFINITY;
}

/**
 * Whether no descriptor is left: then libzmq tries in vain to accept whoever knocks, with all the power of one core. Its
 * monitor would say so 200,000 times a second, and unbinding would end all connections there are.
 */
export function isOutOfDescriptors(): boolean {
  try {
    closeSync(openSync(process.execPath, 'r'));
    return false;
  } catch (error) {
    return ['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
