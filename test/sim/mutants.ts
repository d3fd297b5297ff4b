import { entryMutants } from './mutants-entry.ts';
import { erasureMutants } from './mutants-erasure.ts';
import { memberMutants } from './mutants-member.ts';
import { paceMutants } from './mutants-pace.ts';
import { peersMutants } from './mutants-peers.ts';
import { roomMutants } from './mutants-room.ts';
import { rosterMutants } from './mutants-roster.ts';
import type { Mutant } from './mutate.ts';

export const mutants: Mutant[] = [
  ...entryMutants,
  ...erasureMutants,
  ...memberMutants,
  ...paceMutants,
  ...peersMutants,
  ...roomMutants,
  ...rosterMutants,
];
