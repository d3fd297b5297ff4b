import { Person, RawDealer } from '../support/raw.ts';
import { type Attack, brokenOf } from './attack.ts';

/** Names that a reader takes for Ana Paula's, the server's, or words of the room. */
const wanted = [
  ...['\u0410na Paula', 'Ana PauIa', 'AnaPaula', 'ANA PAULA', '\u{1d400}na Paula', '\uff21na Paula', 'Ana P\u0251ula'],
  ...['A\u0336n\u0336a\u0336 Paula', 'Ana Paula (guest)', 'Ana Paula (gu\u0435st)', 'Ana\u3164Paula', 'Ana\u200bPaula'],
  ...['s\u0435rver', 'SERVER', 'r0om', 'server (guest)', 'Ana left the room. 1 online. B', '2 0nline', 'Server is off'],
  ...[`a${'\u0301\u0300'.repeat(31)}`, '[Ana', '\u202eana', '/quit', ''],
];

export const names: Attack[] = [
  {
    name: 'names: to be taken for another',
    target: 'each is refused in words, and nobody is told of it',
    async run(stage) {
      const { port } = await stage.server('--name', 'room');
      const owner = stage.keep(new RawDealer(port));
      const welcome = await new Person().join(owner, 'Ana Paula');
      const answers = [];
      for (const name of wanted) answers.push(await new Person().join(stage.keep(new RawDealer(port)), name));
      const refused = answers.filter((answer) => answer.refused === 'NAME_REFUSED');
      const newcomer = await new Person().join(stage.keep(new RawDealer(port)), 'bo');
      return {
        tried: `${wanted.length} names beside Ana Paula's, in a room called room`,
        measured: `${refused.length} refused; ${newcomer.online} online with one more`,
        broken: brokenOf({
          'the owner is welcome': welcome.welcome === 1,
          'all are refused': refused.length === wanted.length,
          'nobody came of it': newcomer.online === 2,
        }),
      };
    },
  },
];
