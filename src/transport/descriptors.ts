import { closeSync, openSync } from 'node:fs';

/** Descriptors for this program itself, and for those who are told that there is no room for them. */
const reserved = 64;
type Limits = { userLimits?: { open_files?: { soft: number | 'unlimited' } } };

/** How many members this process can have at a time: the system gives it no more descriptors. */
export function maxConnections(): number {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  // Otherwise it looks up the names of whoever is connected.
  report.excludeNetwork = true;
  const soft = Number((report.getReport() as Limits).userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : Math.max(1, soft - reserved);
}

/**
 * Whether no descriptor is left. Then libzmq tries to accept whoever knocks, in vain, with all the power of one core, and
 * says nothing: to be asked once in a while, and told. Its monitor would say it 200,000 times a second, and unbinding
 * would end all connections there are.
 */
export function isOutOfDescriptors(): boolean {
  try {
    closeSync(openSync(process.execPath, 'r'));
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EMFILE' || code === 'ENFILE';
  }
}
