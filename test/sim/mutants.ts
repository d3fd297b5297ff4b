import { memberMutants } from './mutants-member.ts';
import { roomMutants } from './mutants-room.ts';
import type { Mutant } from './mutate.ts';

export const mutants: Mutant[] = [...memberMutants, ...roomMutants];
