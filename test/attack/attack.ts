import type { Stage } from '../support/command.ts';
import { quantile } from '../support/small-member.ts';

/** What was tried and came of it; `broken` names what did not hold. */
export type Outcome = { tried: string; measured: string; broken: string[] };
/**
 * Something that somebody hostile may do, on this machine alone and for a bounded time. `times` is what many is: 1 in a full
 * run, less in a short one. How long things take MUST be judged in a full run only.
 */
export type Attack = { name: string; target: string; run(stage: Stage, times: number): Promise<Outcome> };

/** So many of `all`, as `times` says; at least some. */
export const share = (all: number, times: number): number => Math.max(Math.ceil(all * times), Math.min(all, 20));

/** Percentile of times in ms, with one decimal. */
export function percentile(times: readonly number[], part: number): number {
  return Math.round(quantile(times, part) * 10) / 10;
}

/** The names of all that is not true. */
export const brokenOf = (facts: Record<string, boolean>): string[] =>
  Object.entries(facts).flatMap(([name, holds]) => (holds ? [] : [name]));
