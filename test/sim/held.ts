import { dayMs, heldDays } from '../../src/core/limits.ts';
import type { Message } from '../../src/protocol/frames.ts';
import { signedText } from '../../src/protocol/signed.ts';
import type { Scene } from './scenes.ts';
import { type Client, crypto, salt, signature } from './sides.ts';
import { peopleOf, type Stage } from './stage.ts';
import { Violation } from './violation.ts';

/** The server is away, and those who are there talk. */
function apart(stage: Stage): void {
  stage.crashServer();
  for (let round = 0; round < 6; round++) {
    stage.advance(600);
    stage.links.flush();
  }
}

/** The author's n-th words, signed. */
function words(stage: Stage, { dev, key, name }: Client, n: number, lc = n): Message {
  const said: Message = { kind: 'message', name, text: `word ${n}`, id: { dev, n }, lc, in: 0, salt, ts: 1, key };
  stage.checker.facts.written.set(`${dev}.${n}`, [said]);
  return { ...said, sig: signature(key, signedText(crypto, 'room', said)) };
}

/** Who says them to this client is near. */
function hears(stage: Stage, client: Client, ...messages: Message[]): void {
  const end = stage.links.ends.find((one) => one.client === client && one.next);
  if (!end?.next) throw new Error(`nobody is near ${client.id}`);
  const { of, k } = end.next;
  stage.links.say(end, ...messages.map((one, i) => ({ ...one, kind: 'said' as const, of, k: k + i })));
}

/** Each of them is there, and on some the program begins anew. */
function days(stage: Stage, count: number, client: Client): void {
  for (let day = 0; day < count; day++) {
    stage.advance(dayMs);
    stage.passes(8);
    if (day % 5 === 4) stage.stop(client);
    stage.start(client);
  }
  stage.passes(8);
}

/** Bo has heard Cy's second words, and nobody the first; Cy never comes back. */
function missesFirst(stage: Stage, ...[ann, bo, cy]: [Client, Client, Client]): void {
  stage.begin(ann, bo, cy);
  stage.passes(24);
  apart(stage);
  hears(stage, bo, words(stage, cy, 2));
  stage.loseForGood(cy);
}

const traits = { withPeers: true, people: peopleOf(3) };

const neverFollows: Scene = {
  traits,
  play: (stage, ann, bo, cy) => {
    missesFirst(stage, ann, bo, cy);
    apart(stage);
    stage.startServer();
    days(stage, heldDays + 1, bo);
    stage.checker.near.healed(stage.serverStore, [ann, bo]);
  },
};

/** What members near have said, and what cannot follow in the log. */
export const heldScenes: Record<string, Scene> = {
  'what can never follow is given up': neverFollows,
  'what may follow waits as long as a room keeps its log': neverFollows,
  // It is set a day ahead and back all the time.
  'a clock that is a day off gives up nothing': {
    traits,
    play: (stage, ann, bo, cy) => {
      missesFirst(stage, ann, bo, cy);
      stage.startServer();
      for (let times = 0; times < 2 * heldDays; times++) {
        stage.wrongMs = times % 2 === 0 ? dayMs : 0;
        stage.passes(6);
      }
      days(stage, heldDays + 1, bo);
    },
  },
  // She was away all the time, and has it still.
  'what was given up does not come again': {
    traits,
    play: (stage, ann, bo, cy) => {
      missesFirst(stage, ann, bo, cy);
      apart(stage);
      stage.stop(ann);
      stage.away.add(ann);
      stage.startServer();
      days(stage, heldDays + 1, bo);
      stage.crashServer();
      stage.start(ann);
      apart(stage);
      stage.loseForGood(ann);
    },
  },
  // Bo has seen it, and what Ann said behind it, when he says something himself.
  'what may be refused goes alone': {
    traits,
    play: (stage, ann, bo, cy) => {
      missesFirst(stage, ann, bo, cy);
      apart(stage);
      for (const client of [ann, bo]) {
        stage.input(client, { type: 'typed', text: `after ${client.id}` });
        stage.links.flush();
      }
      stage.loseForGood(ann);
      stage.startServer();
      days(stage, heldDays + 1, bo);
      stage.checker.near.healed(stage.serverStore, [bo]);
    },
  },
  // What was said behind it all is in the log long before the last of them is met.
  'behind many holes nothing waits longer than behind one': {
    traits: { withPeers: true, people: peopleOf(9) },
    play: (stage, ann, bo, ...gone) => {
      stage.begin(ann, bo, ...gone);
      stage.passes(24);
      for (const one of gone) stage.loseForGood(one);
      for (let times = 0; times < 4; times++) apart(stage);
      hears(stage, bo, ...gone.map((one, i) => words(stage, one, one === gone.at(-1) ? 1 : 2, 10 + i)));
      apart(stage);
      stage.loseForGood(ann);
      stage.startServer();
      stage.passes(100);
      const last = gone.at(-1)?.dev ?? '';
      if (!stage.serverStore.mark(last)) throw new Violation('P58', `${last}.1 waits behind many holes`);
      stage.loseForGood(bo);
    },
  },
  // The one who brings it dies before the server is back.
  'what fills a hole goes at once': {
    traits: { withPeers: true, people: peopleOf(4) },
    play: (stage, ann, bo, cy) => {
      const late = stage.clients[3] as Client;
      stage.begin(late);
      missesFirst(stage, ann, bo, cy);
      stage.startServer();
      stage.passes(80);
      apart(stage);
      hears(stage, bo, words(stage, cy, 1));
      for (const client of [ann, late]) stage.loseForGood(client);
      stage.startServer();
      stage.passes(20);
      stage.checker.near.healed(stage.serverStore, [bo]);
    },
  },
};
