import type { Store } from '../log/store.ts';
import type { Conversation, Effect, Input, Now, Waiting } from '../turn.ts';
import { Person, type PersonOptions, type Talk } from './person.ts';
import { Session } from './session.ts';

/**
 * A client's side of a room. What is typed, kept and shown is the person's business; what comes over the connection is
 * that of the session, or of an original's room: each input goes to the one that has the conversation now.
 */
export class Member implements Conversation {
  readonly #person: Person;
  #talk: Talk;

  constructor(options: PersonOptions, store: Store) {
    this.#person = new Person(options, store);
    this.#talk = new Session(this.#person);
  }

  get name(): string {
    return this.#person.naming.name;
  }

  get online(): boolean {
    return this.#talk.online;
  }

  get hasLeft(): boolean {
    return this.#talk.hasLeft;
  }

  get isFull(): boolean {
    return this.#talk.isFull;
  }

  get waiting(): Waiting[] {
    return this.#person.courier.waiting;
  }

  get others(): string[] {
    return this.#person.roster.others;
  }

  get present(): number {
    return this.#person.roster.present;
  }

  turn(inputs: Iterable<Input>, now: Now): Effect[] {
    for (const input of inputs) this.#take(input, now);
    this.#talk.upload(now);
    return this.#person.takeEffects();
  }

  #take(input: Input, now: Now): void {
    switch (input.type) {
      case 'typed':
        return this.#person.type(input, now);
      case 'shown':
        return this.#person.shown(input.place);
      case 'committed':
        this.#person.copy.settle(input.change);
        return this.#person.courier.settle(input.change.pending ?? []);
      default:
        this.#talk = this.#talk.take(input, now);
    }
  }
}
