import { lookAlikes } from './look-alikes.ts';
import { remembering } from './remembering.ts';

/** A dot that an i has anyway, and marks that strike a letter out or enclose it: they hide nothing of it. */
const unseen = /(?<=\p{Soft_Dotted})\u0307|[\u0334-\u0338\p{Me}]/gu;

/** What a reader takes it for: look-alikes are one, as UTS 39 has it. */
function skeleton(text: string): string {
  let looks = '';
  for (const character of text.normalize('NFD').replaceAll('ς', 'σ')) looks += lookAlikes.get(character) ?? character;
  return looks.normalize('NFD').replace(unseen, '').toLowerCase();
}

/** Written out: arrays that are made in several ways are of several kinds to the engine, which slows down all who read them. */
const distinct = (one: string, other: string): readonly string[] => (one === other ? [one] : [one, other]);

/** As it is written, and in small letters: `PauIa` looks like Paula only before it is made small, `KIM` like Kirn only after. */
const skeletons = remembering((text) => {
  const plain = text.normalize('NFKC');
  const small = plain.toLowerCase();
  const look = skeleton(plain);
  return distinct(look, small === plain ? look : skeleton(small));
});

/** Two names look alike if one of these is the same. Spaces do not count. */
export const looksOf = remembering((name) => {
  const [one = '', other = one] = skeletons(name);
  return distinct(one.replaceAll(' ', ''), other.replaceAll(' ', ''));
});

export function lookAlike(name: string, other: string): boolean {
  const looks = looksOf(name);
  return looksOf(other).some((look) => looks.includes(look));
}

/** What the room says of people: who has it in a name could say it, too. */
const sayings = [
  ' joined the room',
  ' left the room',
  ' lost the connection',
  ' is now called',
  ' is here',
  ' is away',
  ' is back',
  ' online',
  'server is off',
].map((words) => ({ words, look: skeleton(words) }));

/** The words of the room that this looks like in some part of it. */
export function sayingIn(name: string): string | undefined {
  const looks = skeletons(name);
  return sayings.find(({ look }) => looks.some((each) => each.includes(look)))?.words.trim();
}
