import type { Welcome } from '../../protocol/frames.ts';
import type { ChatEvent } from '../events.ts';
import { maxNames } from '../limits.ts';
import { mentions, nameKey } from '../names.ts';
import { awayText, awayWords } from '../narrate.ts';

/** I: my name, whether nobody sits here, and where I am told something. */
type Me = { readonly name: string; readonly options: { isPipe?: boolean }; show(event: ChatEvent): void };
/** `told`: with which text I was told of it. */
type Absence = { name: string; text: string; told?: string | undefined };

/** Who is away, by what the room says: others, of whom I am told when I name them, and I. [P46] */
export class Absences {
  readonly #me: Me;
  /** Why I am away; undefined while I am here. */
  #mine: string | undefined;
  /** The room has not been told what I said last. */
  #isUnsaid = false;
  /** By what makes names the same, at most `maxNames`. */
  #others = new Map<string, Absence>();

  constructor(me: Me) {
    this.#me = me;
  }

  why(name: string): string | undefined {
    return this.#isMine(name) ? this.#mine : this.#others.get(nameKey(name))?.text;
  }

  /** The others, as far as I know. */
  get list(): { name: string; text: string }[] {
    return [...this.#others.values()].map(({ name, text }) => ({ name, text }));
  }

  go(text: string): void {
    this.#mine = text;
    this.#isUnsaid = true;
    this.#tell(`you are ${awayWords(text)} (until you say something)`);
  }

  /** I say something. What a script says in my name does not bring me back. */
  comeBack(): void {
    if (this.#mine === undefined || this.#me.options.isPipe) return;
    this.#mine = undefined;
    this.#isUnsaid = true;
    this.#tell('you are not away any more');
  }

  /** What the room is to be told now: why I am away, or false. */
  takeUnsaid(): string | false | undefined {
    const said = this.#isUnsaid ? (this.#mine ?? false) : undefined;
    this.#isUnsaid = false;
    return said;
  }

  /** What the room knows. It may have forgotten what I said, or know it from another run of mine, or another device. */
  begin({ members, away = [] }: Pick<Welcome, 'members' | 'away'>): void {
    const before = this.#others;
    const isReadable = members.length === away.length;
    let known: string | undefined;
    this.#others = new Map();
    for (const [i, name] of isReadable ? members.entries() : []) {
      const text = readable(away[i] ?? false);
      if (text === undefined) continue;
      if (this.#isMine(name)) known = text;
      else this.#put({ name, text, told: before.get(nameKey(name))?.told });
    }
    if (this.#mine !== undefined) this.#isUnsaid ||= known !== this.#mine;
    else if (known !== undefined && !this.#isUnsaid) this.#find(known);
  }

  #find(text: string): void {
    this.#mine = text;
    if (!this.#me.options.isPipe) this.#tell(`you are ${awayWords(text)} (until you say something)`);
  }

  hear(event: ChatEvent): void {
    if (event.type === 'away') this.#hearOf(event.name, event.text);
    else if (event.type === 'back') this.#hearOf(event.name, undefined);
    else if (event.type === 'leave') this.#others.delete(nameKey(event.name));
    else if (event.type === 'rename') this.#rename(event.from, event.name);
    else if (event.type === 'message' && event.own && !event.replay) this.#tellOf(event.text);
  }

  /** Of me it may be what I have said at another device. */
  #hearOf(name: string, text: string | undefined): void {
    const key = nameKey(name);
    if (this.#isMine(name)) this.#mine = this.#isUnsaid ? this.#mine : text;
    else if (text === undefined) this.#others.delete(key);
    else this.#put({ name, text, told: this.#others.get(key)?.told });
  }

  #rename(from: string, name: string): void {
    const absence = this.#others.get(nameKey(from));
    this.#others.delete(nameKey(from));
    if (absence) this.#put({ ...absence, name });
  }

  #put(absence: Absence): void {
    const key = nameKey(absence.name);
    if (this.#others.has(key) || this.#others.size < maxNames) this.#others.set(key, absence);
  }

  /** Of each absence once. */
  #tellOf(said: string): void {
    for (const absence of this.#others.values()) {
      const { name, text, told } = absence;
      if (told === text || !mentions(said, name)) continue;
      absence.told = text;
      this.#tell(`${name} is ${awayWords(text)}`);
    }
  }

  #tell(message: string): void {
    this.#me.show({ type: 'status', code: 'AWAY', message });
  }

  #isMine(name: string): boolean {
    return nameKey(name) === nameKey(this.#me.name);
  }
}

const readable = (text: string | false): string | undefined => (text === false ? undefined : (awayText(text) ?? ''));
