import { dayMs, defaultPace, maxOwnNames, type Pace } from '../../src/core/limits.ts';
import type { Scene } from './scenes.ts';
import type { Client } from './sides.ts';
import { peopleOf, type Stage } from './stage.ts';
import { Violation } from './violation.ts';

/** One message at once, then one in ten seconds. */
const slow: Partial<Pace> = { messages: { atOnce: 1, perSecond: 0.1 } };
const paced = (more: Partial<Pace>, entries = 1e9) => ({
  pace: { ...defaultPace, ...more },
  retention: { entries, ageMs: 1e15 },
});

function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Violation('P47', what);
}

const slowed: Scene = {
  traits: paced(slow),
  play: (stage, ann, bo) => {
    stage.begin(ann, bo);
    const { nonces } = stage;
    stage.input(ann, { type: 'typed', text: 'one' });
    stage.flush(ann, bo);
    for (const text of ['two', 'three', 'four']) stage.input(ann, { type: 'typed', text });
    stage.flush(ann, bo);
    must(stage.serverStore.head === 1, 'somebody writes faster than the room takes');
    must(ann.session?.held?.count === 3, 'whoever is slowed is not told');
    stage.passes(60);
    must(stage.nonces === nonces, 'somebody joins again because of pacing');
  },
};

const garbage: Scene = {
  traits: paced({ connection: { atOnce: 200, perSecond: 20 } }),
  play: (stage, ann) => {
    stage.begin(ann);
    const { id = '', toClient = [] } = ann.connection ?? {};
    for (let frames = 0; frames < 10; frames++) stage.toServer(id, '{');
    const { key, dev } = ann;
    stage.toServer(id, JSON.stringify({ auth: 1, name: 'n0', v: 1, key, dev, cn: 'more' }));
    must(!toClient.some((data) => data.includes('"nonce"')), 'a connection is heard beyond its budget');
    must(toClient.includes(`{"rejoin":${defaultPace.deafMs}}`), 'who is not heard is not told');
  },
};

const limit = 6;
const shares = paced({ share: { part: 1 / 3, least: 2 } }, limit);
/** How much of the log, as long as it may be, is theirs. */
function shareOf(stage: Stage, ...clients: Client[]): number {
  const { head } = stage.serverStore;
  const newest = stage.serverStore.read(head - limit + 1, limit);
  return newest.filter(({ message }) => clients.some(({ key }) => key === message?.key)).length;
}
function fill(stage: Stage, client: Client, ...texts: string[]): void {
  stage.begin(client);
  stage.say(client, ...(texts.length > 0 ? texts : ['1', '2', '3', '4', '5', '6']));
}
const flood = (stage: Stage, ...clients: Client[]): void => {
  for (const client of clients) stage.say(client, ...['a', 'b', 'c', 'd'].map((text) => `${text} of ${client.id}`));
  stage.passes(8);
};
/** What waits for its share would wait for days. */
function lift(stage: Stage): void {
  stage.crashServer();
  stage.traits.pace = undefined;
}
function restart(stage: Stage): void {
  stage.crashServer();
  stage.startServer();
  stage.passes(8);
}

/** She has been a member for a day when she says so much that all others would be forgotten. */
const flooded = (again: (stage: Stage) => void): Scene => ({
  traits: { ...shares, people: peopleOf(2) },
  play: (stage, ann, bo) => {
    stage.begin(ann);
    fill(stage, bo);
    stage.advance(dayMs);
    stage.passes(8);
    flood(stage, ann);
    again(stage);
    must(shareOf(stage, ann) <= 1, 'one member pushes out too much');
    lift(stage);
  },
});

const strangers: Scene = {
  traits: { ...shares, people: peopleOf(3) },
  play: (stage, ann, bo, cy) => {
    fill(stage, bo);
    stage.advance(dayMs);
    stage.begin(ann, cy);
    flood(stage, ann, cy);
    must(shareOf(stage, ann, cy) <= 1, 'newcomers push out too much');
    lift(stage);
  },
};

/** Everything is there at once: nobody else has said anything, or there is room. */
const free = (isAlone: boolean, ...before: string[]): Scene => ({
  traits: { ...shares, people: peopleOf(isAlone ? 1 : 2) },
  play: (stage, ann, bo) => {
    fill(stage, isAlone ? ann : bo, ...before);
    if (!isAlone) stage.advance(dayMs);
    stage.passes(8);
    stage.begin(ann);
    for (const text of ['a', 'b', 'c', 'd']) stage.say(ann, text);
    stage.passes(8);
    must(stage.serverStore.head === before.length + 4, 'somebody waits who pushes out nobody else');
  },
});

const renames = (names: Pace['names'], most: number): Scene => ({
  traits: paced({ names }),
  play: (stage, ann) => {
    stage.begin(ann);
    for (let name = 1; name <= 12; name++) {
      stage.input(ann, { type: 'named', name: `name ${name}` });
      stage.passes(2);
    }
    must(stage.serverStore.ownedBy(ann.key).length <= most, 'one member has too many names');
  },
});

/** For each rule of how much one may do a scene that ends badly without it. */
export const pacedScenes: Record<string, Scene> = {
  'nobody writes faster than the room takes': slowed,
  'whoever is slowed is told at once': slowed,
  'whoever is slowed waits for that': slowed,
  'a connection has a budget': garbage,
  'what is wrong costs more': garbage,
  'whoever is not heard is told': garbage,
  'one author pushes out a share': flooded(() => {}),
  'shares are counted from the log': flooded((stage) => {
    for (let restarts = 0; restarts < 3; restarts++) restart(stage);
  }),
  'what was written counts': flooded((stage) => stage.passes(20)),
  'newcomers share a share': strangers,
  'a log with room is free': free(false, '1', '2'),
  'own words may be pushed out': free(true, '1', '2', '3', '4', '5', '6'),
  'nobody owns all names': renames({ atOnce: 100, perSecond: 1 }, maxOwnNames),
  'names change seldom': renames({ atOnce: 3, perSecond: 0.01 }, 4),
};
