import { networkInterfaces } from 'node:os';

export type Cards = typeof networkInterfaces;

/** The network cards of this machine; none where the system does not tell: Android never does, nor does one without descriptors. */
export const cards: Cards = () => {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
};
