import { secureMark } from '../../src/core/turn.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { type changes, mallorys, rollBack, takeSnapshot, tamper } from './faults.ts';
import { heldScenes } from './held.ts';
import { pacedScenes } from './paced.ts';
import { forgedRoster } from './roster.ts';
import type { Client, Cores } from './sides.ts';
import { peopleOf, Stage } from './stage.ts';
import type { Traits } from './traits.ts';
import { Violation } from './violation.ts';

export type Scene = { traits?: Partial<Traits>; play: (stage: Stage, ann: Client, bo: Client, cy: Client) => void };

const withRollback = { withRollback: true };

/** Somebody on the way changes what stands in an entry. */
const fields = 'id lc ts in type name words re ext key void guest at ago'.split(' ') as (keyof typeof changes)[];
const altered = (field: keyof typeof changes): Scene => ({
  play: (stage, ann, bo) => {
    stage.begin(ann, bo);
    stage.input(bo, { type: 'typed', text: 'one' });
    stage.arrive(bo);
    tamper(stage, ann, field);
  },
});

/**
 * Of two who are gone with the disk somebody is left who came late, and has not read how they began. What one of them said
 * next cannot follow, for he had not seen his first words in the log; what the other one said can, and comes behind it.
 */
const hole: Scene = {
  traits: { ...withRollback, people: peopleOf(3) },
  play: (stage, ann, bo, late) => {
    stage.begin(ann, bo);
    stage.say(bo, 'bo 1');
    stage.input(ann, { type: 'typed', text: 'ann 1' });
    stage.arrive(ann);
    stage.input(ann, { type: 'typed', text: 'ann 2' });
    stage.start(late);
    stage.meet(late);
    stage.flush(late);
    stage.passes(2);
    for (const text of ['bo 2', 'bo 3', 'bo 4']) stage.say(bo, text);
    stage.passes(20);
    rollBack(stage, true);
    for (const client of [ann, bo]) stage.loseForGood(client);
    stage.startServer();
    stage.passes(240);
    stage.checker.end.healed(stage.serverStore, [late]);
  },
};
const aroundHoles = [
  'what is behind a hole goes ahead in the end',
  'what did not follow is tried again',
  'what does not follow is answered',
  'behind a hole nothing is taken',
  'behind a hole nothing is taken later',
];

/** Somebody wants a name that is Ann's, or looks like hers, n0. */
const wanted = (name: string): Scene => ({
  play: (stage, ann, bo) => {
    stage.begin(ann, bo);
    stage.input(bo, { type: 'named', name });
    stage.passes(4);
    stage.say(ann, 'one');
  },
});

/** Somebody brings the newest of what a log has lost before its author can bring what lies between, all of it seen there. */
const hasty: Scene = {
  traits: withRollback,
  play: (stage, ann, bo) => {
    stage.begin(ann, bo);
    stage.say(ann, 'one');
    takeSnapshot(stage, stage.serverStore);
    for (const text of ['two', 'three']) stage.say(ann, text);
    stage.passes(20);
    const [place] = stage.serverStore.read(3, 1);
    stage.disconnect(ann, 0);
    rollBack(stage, false);
    stage.startServer();
    if (place?.message) stage.mallory.giveBack(withoutPlace(place.message));
  },
};
const withoutPlace = ({ seq: _, hash: __, at: ___, ...message }: Message): Message => message;

/** Her pipe is killed when its words have left it, and nobody has got them; her next one runs in another place. */
const settled: Scene = {
  traits: { people: [0, 0, 1].map((person) => ({ person, isHeld: false, isPipe: true })) },
  play: (stage, first, second) => {
    stage.begin(first);
    stage.input(first, { type: 'typed', text: 'one' });
    first.connection?.toServer.splice(0);
    stage.stop(first);
    stage.away.add(first);
    stage.begin(second);
    stage.say(second, 'two');
    stage.checker.end.healed(stage.serverStore, [second]);
    stage.away.clear();
    stage.begin(first);
    stage.say(first, 'three');
  },
};

/** What a world seldom comes to: for each rule a scene that ends badly without it, and in which nothing else goes wrong. */
export const scenes: Record<string, Scene> = {
  ...pacedScenes,
  ...heldScenes,
  ...Object.fromEntries(fields.map((field) => [`the chain covers ${field}`, altered(field)])),
  ...Object.fromEntries(aroundHoles.map((rule) => [rule, hole])),
  'what a log lacks comes in its order at first': hasty,
  'what was not answered is asked for again': {
    play: (stage, ann, bo) => {
      stage.begin(ann, bo);
      stage.lost = '{"sigs"';
      stage.say(bo, 'one');
      stage.passes(10);
      stage.lost = undefined;
      stage.passes(24);
      stage.checker.end.allSigned(stage.serverStore, [ann]);
    },
  },
  // Her output stands still while she reads her own words, and that they are erased; then the room loses both.
  'what is given back has no erased words': {
    traits: withRollback,
    play: (stage, ann, bo) => {
      stage.begin(ann);
      ann.isHeld = true;
      stage.say(ann, 'secret');
      stage.erase(1);
      rollBack(stage, true);
      stage.startServer();
      stage.away.add(ann);
      stage.begin(bo);
      stage.say(bo, 'hello');
      stage.away.clear();
      stage.meet(ann);
      ann.isHeld = false;
    },
  },
  // He came when it was said and knows only that it was erased, which he gives back before she comes with the words of another.
  'what waits has no erased words': {
    traits: { ...withRollback, people: peopleOf(3) },
    play: (stage, ann, bo, cy) => {
      stage.begin(ann, cy);
      stage.say(cy, 'secret');
      stage.passes(20);
      stage.stop(ann);
      stage.stop(cy);
      stage.begin(bo);
      stage.erase(1);
      stage.passes(20);
      rollBack(stage, true);
      stage.startServer();
      stage.passes(6);
      stage.begin(ann);
      stage.passes(8);
    },
  },
  // The second log knows what she has read of him and has no signatures for yet, the third one does not.
  'a fork knows nothing of the log': {
    traits: withRollback,
    play: (stage, ann, bo) => {
      stage.begin(bo);
      stage.say(bo, 'one', 'two');
      takeSnapshot(stage, stage.serverStore);
      stage.begin(ann);
      stage.say(bo, 'three');
      stage.passes(20);
      stage.stop(bo);
      rollBack(stage, false);
      stage.startServer();
      stage.meet(ann);
      stage.flush(ann);
      rollBack(stage, true);
      stage.startServer();
      stage.passes(8);
    },
  },
  // What she has read of the old log leaves her program just when she is told that there is another one.
  'another log has no places of the old one': {
    traits: withRollback,
    play: (stage, ann, bo) => {
      stage.begin(ann, bo);
      ann.isHeld = true;
      stage.say(bo, 'one');
      rollBack(stage, true);
      stage.startServer();
      stage.meet(ann);
      stage.print(ann, 9, true);
      stage.flush(ann);
      ann.isHeld = false;
    },
  },
  'a name is one key’s': wanted('n0'),
  'what looks like a name is its owner’s': wanted('nO'),
  // Her words are twice in one upload.
  'a decision knows what it has decided': {
    play: (stage) => {
      const twice = mallorys({ text: 'one', id: { dev: 'kmald', n: 1 }, lc: 1 });
      stage.mallory.giveBack(twice, twice);
    },
  },
  // Two give back the same while the disk is busy, so both come into one decision.
  'a decision knows what it has decided of others': {
    traits: { ...withRollback, people: peopleOf(3) },
    play: (stage, ann, bo, cy) => {
      stage.begin(ann, bo, cy);
      stage.say(cy, 'one');
      stage.passes(20);
      stage.stop(cy);
      rollBack(stage, true);
      stage.startServer();
      for (const client of [ann, bo]) stage.meet(client);
      stage.flush(ann, bo);
      stage.input(ann, { type: 'typed', text: 'two' });
      stage.flushSide(ann);
      stage.advance(2_500);
      for (const client of [ann, bo]) stage.flushSide(client);
    },
  },
  // Somebody on the way makes a list of its own, with the digest of that.
  'the room signs who its members are': {
    traits: { withRoster: true },
    play: (stage, ann, bo) => {
      stage.begin(ann, bo);
      for (let round = 0; round < 20; round++) {
        stage.advance(500);
        stage.syncServer();
        const { toClient = [] } = ann.connection ?? {};
        const at = toClient.findIndex((data) => data.startsWith('{"roster"'));
        if (at >= 0) toClient[at] = forgedRoster(toClient[at] ?? '');
        stage.pass();
      }
    },
  },
  // What one of her programs has left in doubt goes out with another one, and its number is used up.
  'what another place has left in doubt is settled': settled,
  'no number that was given is used twice': settled,
  // Her words were taken, and forgotten again before she could read them: what she says next follows them all the same.
  'what the log had counts as used': {
    traits: { retention: { entries: 3, ageMs: 1e15 } },
    play: (stage, ann, bo) => {
      stage.begin(ann, bo);
      stage.input(ann, { type: 'typed', text: 'one' });
      stage.arrive(ann);
      ann.connection?.toClient.splice(0);
      stage.away.add(ann);
      stage.disconnect(ann, 0);
      stage.say(bo, 'two', 'three', 'four', 'five', 'six');
      stage.advance(61_000);
      stage.passes(2);
      stage.away.clear();
      stage.passes(4);
      stage.stop(ann);
      stage.begin(ann);
      stage.input(ann, { type: 'typed', text: 'seven' });
      const [{ in: seen = 0 } = {}] = ann.store.pending();
      if (seen < 1) throw new Violation('P16', 'what the log had does not count as seen');
    },
  },
  'what was proven in the open is of no use in secret': {
    play: (stage, ann) => {
      stage.begin(ann);
      stage.mallory.relay(ann);
    },
  },
  'only who is on the list comes in': {
    play: (stage, ann) => {
      stage.begin(ann);
      stage.turn([{ type: 'admitted', keys: new Set([ann.key]) }]);
      const mallory = { name: 'mallory', key: 'kmal', dev: 'kmald' };
      if (stage.mallory.relay(mallory, true)) throw new Violation('P45', 'who is not on the list is in');
    },
  },
  'in secret nobody is in without a key': {
    play: (stage) => {
      stage.toServer(`${secureMark}lea`, '{"auth":1,"name":"lea"}');
      stage.syncServer();
      if (stage.server?.room.presence.online !== 0) throw new Violation('P45', 'somebody is in without a key');
    },
  },
};

/** Returns what goes wrong. */
export function playScene(cores: Cores, { traits, play }: Scene): Error | undefined {
  const stage = new Stage(cores, traits);
  try {
    play(stage, ...(stage.clients as [Client, Client, Client]));
    stage.heal();
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
