import type { ChatEvent } from '../core/events.ts';
import type { Membership } from '../core/log/store.ts';
import type { Readable } from '../core/log/unwritten.ts';
import { nameKey, safeName } from '../core/names.ts';
import { shownName } from '../core/narrate.ts';
import type { View } from '../terminal/view.ts';
import { type Command, complain, say } from './prompt.ts';

/** So far back it is looked for who spoke under a name. */
const newest = 2_000;

export type Ignoring = {
  /** By key, with the name of then. It lasts. */
  kept: { readonly all: ReadonlyMap<string, string>; set(key: string, name?: string): void };
  /** Whose this name is, by key: `room` stands for whoever runs the original program; undefined if nobody knows. */
  whose(name: string): string | 'room' | undefined;
  /** Why this name is not to be ignored, if it is not. */
  whyNot(name: string): string | undefined;
  room(): string | undefined;
  view: Pick<View, 'show'>;
};

/** Hides what somebody says, and nothing else: it is kept, counted and given back as ever. */
export class Ignored {
  readonly commands: Command[];
  readonly #options: Ignoring;
  /** Names of clients of the original, which have no key. */
  readonly #names = new Map<string, string>();

  constructor(options: Ignoring) {
    this.#options = options;
    this.commands = [
      { name: 'ignore', argument: 'NAME', does: 'read nothing of somebody', run: (name) => this.#ignore(name) },
      { name: 'unignore', argument: 'NAME', does: 'read somebody again', run: (name) => this.#unignore(name) },
    ];
  }

  hides(event: ChatEvent): boolean {
    if (event.type !== 'message' || event.own) return false;
    const { id, name } = event.from;
    const isOriginal = id === undefined || id === this.#options.room();
    return isOriginal ? this.#names.has(nameKey(name)) : this.#options.kept.all.has(id);
  }

  #ignore(name: string): undefined {
    const { view, whose, whyNot } = this.#options;
    if (name === '') return this.#list();
    const shown = safeName(name);
    const why = whyNot(name);
    if (why) return complain(view, why);
    const key = whose(name);
    if (key === undefined) return complain(view, `Nobody here is known as ${shown}. See /who.`);
    if (key === 'room') this.#names.set(nameKey(name), shown);
    else if (!this.#keep(key, shown)) return undefined;
    const span = key === 'room' ? 'That is the original program: it counts for this name, and until you leave.' : '';
    return say(view, `you read nothing of ${shown} any more; /unignore ${shown} ends that. ${span}`.trim());
  }

  /** By the name of then, or the one of now. */
  #unignore(name: string): undefined {
    const { kept, view, whose } = this.#options;
    if (name === '') return complain(view, 'Whom? For example: /unignore Bo');
    const known = [...kept.all].find(([, then]) => nameKey(then) === nameKey(name))?.[0];
    const key = known ?? whose(name);
    const isDone = this.#names.delete(nameKey(name));
    const isKept = key !== undefined && kept.all.has(key);
    if (isKept && !this.#keep(key)) return undefined;
    const shown = safeName(name);
    return isDone || isKept ? say(view, `you read ${shown} again`) : complain(view, `You do not ignore ${shown}.`);
  }

  /** A disk that takes nothing is no reason to leave. */
  #keep(key: string, name?: string): boolean {
    const { kept, view } = this.#options;
    try {
      kept.set(key, name);
      return true;
    } catch (error) {
      complain(view, `This cannot be kept: ${(error as Error).message}`);
      return false;
    }
  }

  #list(): undefined {
    const names = [...this.#options.kept.all.values(), ...this.#names.values()];
    return say(this.#options.view, names.length === 0 ? 'you ignore nobody' : `you ignore ${names.join(', ')}`);
  }
}

type Known = { log: Readable; members: readonly Membership[]; others: readonly string[]; room: string | undefined };
/** Whose name this is: who spoke under it last, else the member who goes by it. */
export function whose(name: string, { log, members, others, room }: Known) {
  const is = (other: string) => nameKey(other) === nameKey(name);
  const said = log.read(log.head - newest + 1, newest).findLast(({ message }) => message && is(shownName(message)));
  const key = said?.message?.key ?? members.find((member) => member.name !== undefined && is(member.name))?.key;
  if (key !== undefined) return key === room ? 'room' : key;
  return room === undefined && others.some(is) ? 'room' : undefined;
}

/** @param me who would ignore somebody */
export function whyNotIgnored(name: string, me: { name: string; server: string }): string | undefined {
  if (nameKey(name) === nameKey(me.name)) return 'That is you.';
  return nameKey(name) === nameKey(me.server) ? 'That is the room itself: what it says is for all.' : undefined;
}
