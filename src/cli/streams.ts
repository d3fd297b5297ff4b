import { WriteStream } from 'node:tty';
import { type Ability, abilityOf, withoutColorWishes } from '../terminal/ability.ts';
import { asciiOnly, visible } from '../text/visible.ts';

export function abilityOfStream({ isTTY }: { isTTY?: boolean }, color: boolean | undefined): Ability {
  const { env } = process;
  const depth = WriteStream.prototype.getColorDepth(withoutColorWishes(env));
  return abilityOf({ wanted: color, env, isTerminal: isTTY === true, depth });
}

/** A text for stderr, whoever wrote it. */
export const forStderr = (text: string): string =>
  abilityOfStream(process.stderr, undefined).ascii ? asciiOnly(visible(text)) : visible(text);
