/**
 * The guarantees as anybody can see them from outside: in what was typed into the programs and in what they printed.
 *
 *   Lost        a typed or shown message is not in the log, or a client never showed it
 *   Duplicate   one run shows an id twice, or a client what it has shown without a place, or the log holds one message twice
 *   Provisional a client has shown something without a place, and has never said which place it has
 *   Reordered   within one run, seq does not rise
 *   Different   two programs show different messages at one seq
 *   Causality   a message stands before something its author had seen when typing it
 *   Fifo        the messages of a device, or the lines typed into one run, stand in another order
 *   Forked      a client says that places are missing, that the log is another one, or that the room contradicts itself
 *   Crashed     a program ended that nobody had asked to
 */
export type Guarantee =
  | 'Lost'
  | 'Duplicate'
  | 'Provisional'
  | 'Reordered'
  | 'Different'
  | 'Causality'
  | 'Fifo'
  | 'Forked'
  | 'Crashed';

/** A guarantee that was broken; `name` says which. */
export class Violation extends Error {
  override readonly name: Guarantee;

  constructor(guarantee: Guarantee, what: string) {
    super(what);
    this.name = guarantee;
  }
}

/** What `--json` prints, as far as it matters here. */
export type Printed = {
  type: string;
  seq?: number;
  id?: string;
  text?: string;
  code?: string;
  provisional?: boolean;
  own?: boolean;
};
type Place = { seq: number; id: string; text: string };
type Typed = { text: string /** The newest place its author's program had shown by then. */; after: number };

/** One process from start to end. */
export class Run {
  readonly owner: string;
  readonly name: string;
  readonly typed: Typed[] = [];
  readonly shown: Place[] = [];
  readonly remarks: Violation[] = [];
  /** Killed: what was typed last may never have been read. */
  killed = false;
  #highest: number;
  /** Of all runs of its owner: what was shown without a place, and has none yet, by id. */
  readonly #open: Map<string, string>;
  readonly #early: Early['early'];
  readonly #placed: Early['placed'];
  /** How many lines without a place this run has shown. */
  early = 0;

  constructor(owner: string, name: string, highest: number, { open, early, placed }: Early = noneEarly()) {
    this.owner = owner;
    this.name = name;
    this.#highest = highest;
    [this.#open, this.#early, this.#placed] = [open, early, placed];
  }

  get highest(): number {
    return this.#highest;
  }

  /** MUST be called when the line is written, before anything printed later is given to `printed`. */
  type(text: string): void {
    this.typed.push({ text, after: this.#highest });
  }

  print({ type, seq, id = '', text = '', code, provisional, own = false }: Printed): void {
    if (type === 'gap') this.remark('Forked', 'said that places are missing');
    if (type === 'status' && code === 'RESTORED') this.remark('Forked', 'said that the log is another one');
    if (type === 'contradiction') this.remark('Forked', 'said that the room contradicts itself');
    if (type === 'withdrawn') this.remark('Lost', `has withdrawn ${id} "${this.#open.get(id)}"`);
    if (type === 'message' && provisional) this.#printEarly(id, text, own);
    if (type === 'placed') this.#place(id, seq);
    if (type !== 'message' || seq === undefined) return;
    if (this.#isAgain(id, own)) this.remark('Duplicate', `showed ${id} again, which it had shown without a place`);
    this.#open.delete(id);
    this.#show({ seq, id, text });
  }

  /** Own words wait again in a later run; of others', those may come again that were shown just before a kill. */
  #isAgain(id: string, own: boolean): boolean {
    const { run, at } = this.#early.get(id) ?? {};
    const wasLate = run?.killed && run.early - (at ?? 0) <= lateLines;
    return run === this || (run !== undefined && !own && !wasLate);
  }

  #printEarly(id: string, text: string, own: boolean): void {
    if (this.#isAgain(id, own)) this.remark('Duplicate', `showed ${id} twice without a place`);
    this.#early.set(id, { run: this, at: ++this.early });
    this.#open.set(id, text);
  }

  #place(id: string, seq: number | undefined): void {
    const text = this.#open.get(id);
    this.#open.delete(id);
    const before = this.#placed.get(id);
    this.#placed.set(id, { run: this, seq });
    // A run that was killed before its disk knew of it.
    if (before?.run.killed && before.run !== this && before.seq === seq) return;
    if (text === undefined) this.remark('Provisional', `has a place for ${id}, which it has not shown`);
    else if (seq !== undefined) this.#show({ seq, id, text });
  }

  #show({ seq, id, text }: Place): void {
    this.shown.push({ seq, id, text });
    this.#highest = Math.max(this.#highest, seq);
  }

  crash(how: string): void {
    this.remark('Crashed', how);
  }

  remark(guarantee: Guarantee, what: string): void {
    this.remarks.push(new Violation(guarantee, `${this.name} ${what}`));
  }
}

/** What was shown without a place: what has none yet, all of it, and which place each has, as the newest run has said. */
type Early = {
  open: Map<string, string>;
  early: Map<string, { run: Run; at: number }>;
  placed: Map<string, { run: Run; seq: number | undefined }>;
};
const noneEarly = (): Early => ({ open: new Map(), early: new Map(), placed: new Map() });
/** More than leaves a program in one turn. */
const lateLines = 100;

/** Everything that happened, to be checked when the faults are over and everybody has caught up. */
export class History {
  readonly #runs: Run[] = [];
  /** Who must have shown the log, and from where on: a client from the first message it ever showed. */
  readonly #readers = new Map<string, number | undefined>();
  readonly #early = new Map<string, Early>();

  /** A server: what it prints is so, but a kill may keep it from printing everything. */
  server(): Run {
    return this.#begin('server');
  }

  /** A new run of a client; it reads on where the one before it was. */
  client(owner: string): Run {
    this.#readers.set(owner, undefined);
    return this.#begin(owner);
  }

  /** Somebody who came last and must show the whole log, from its first place on. */
  auditor(): Run {
    this.#readers.set('auditor', 1);
    return this.#begin('auditor');
  }

  get places(): number {
    return new Set(this.#runs.flatMap(({ shown }) => shown.map(({ seq }) => seq))).size;
  }

  check(): Violation[] {
    const violations = this.#runs.flatMap((run) => [...run.remarks, ...checkRun(run)]);
    const log = new Map<number, Place>();
    for (const run of this.#runs) violations.push(...merge(log, run));
    const places = [...log.values()].sort((a, b) => a.seq - b.seq);
    violations.push(...checkLog(places));
    const seqOf = new Map(places.map(({ text, seq }) => [text, seq]));
    for (const run of this.#runs) violations.push(...checkTyped(run, seqOf));
    for (const [owner, { open }] of this.#early)
      for (const [id, text] of open)
        violations.push(new Violation('Provisional', `${owner} never said which place ${id} "${text}" has`));
    for (const [owner, from] of this.#readers) violations.push(...this.#checkReader(owner, from, places));
    return violations;
  }

  #begin(owner: string): Run {
    const before = this.#runs.filter((run) => run.owner === owner);
    const highest = Math.max(0, ...before.map((run) => run.highest));
    const early = this.#early.get(owner) ?? noneEarly();
    this.#early.set(owner, early);
    const run = new Run(owner, `${owner} run ${before.length + 1}`, highest, early);
    this.#runs.push(run);
    return run;
  }

  /** Lost: a client shows everything from where it began, over all its runs. */
  #checkReader(owner: string, from: number | undefined, places: Place[]): Violation[] {
    const shown = new Set<number>();
    for (const run of this.#runs) if (run.owner === owner) for (const { seq } of run.shown) shown.add(seq);
    let first = from ?? Number.POSITIVE_INFINITY;
    if (from === undefined) for (const seq of shown) first = Math.min(first, seq);
    const missing = places.filter(({ seq }) => seq >= first && !shown.has(seq));
    return missing.map(({ seq, text }) => new Violation('Lost', `${owner} never showed ${seq} "${text}"`));
  }
}

/** Duplicate, Reordered: what one process shows. */
function checkRun({ name, shown }: Run): Violation[] {
  const violations: Violation[] = [];
  const ids = new Set<string>();
  let last = 0;
  for (const { seq, id } of shown) {
    if (ids.has(id)) violations.push(new Violation('Duplicate', `${name} showed ${id} again, at ${seq}`));
    else if (seq <= last) violations.push(new Violation('Reordered', `${name} showed ${seq} after ${last}`));
    ids.add(id);
    last = seq;
  }
  return violations;
}

/** Different: one place, one message. */
function merge(log: Map<number, Place>, { name, shown }: Run): Violation[] {
  const violations: Violation[] = [];
  for (const place of shown) {
    const known = log.get(place.seq) ?? place;
    log.set(place.seq, known);
    if (known.id === place.id && known.text === place.text) continue;
    const what = `${place.seq} is ${known.id} "${known.text}", but ${name} showed ${place.id} "${place.text}"`;
    violations.push(new Violation('Different', what));
  }
  return violations;
}

/** Lost, Duplicate, Fifo: the log in itself. */
function checkLog(places: Place[]): Violation[] {
  const violations: Violation[] = [];
  const ids = new Map<string, number>();
  const texts = new Map<string, number>();
  const counted = new Map<string, number>();
  let next = places[0]?.seq ?? 1;
  for (const { seq, id, text } of places) {
    if (seq !== next) violations.push(new Violation('Lost', `nobody showed ${next} to ${seq - 1}`));
    next = seq + 1;
    const before = ids.get(id) ?? texts.get(text);
    if (before !== undefined) violations.push(new Violation('Duplicate', `${id} "${text}" is at ${before} and ${seq}`));
    ids.set(id, seq);
    texts.set(text, seq);
    const [dev = '', digits] = id.split('.');
    const n = Number(digits);
    const expected = (counted.get(dev) ?? (places[0]?.seq === 1 ? 0 : n - 1)) + 1;
    if (n !== expected && before === undefined)
      violations.push(new Violation('Fifo', `${id} at ${seq} where ${dev}.${expected} is due`));
    counted.set(dev, Math.max(n, counted.get(dev) ?? 0));
  }
  return violations;
}

/** Lost, Fifo, Causality: what became of the lines typed into one process. */
function checkTyped({ name, typed, killed }: Run, seqOf: Map<string, number>): Violation[] {
  const violations: Violation[] = [];
  const lastKept = typed.findLastIndex(({ text }) => seqOf.has(text));
  let last = 0;
  typed.forEach(({ text, after }, i) => {
    const seq = seqOf.get(text);
    if (seq === undefined) {
      const mayBeUnread = killed && i > lastKept;
      if (!mayBeUnread) violations.push(new Violation('Lost', `"${text}", typed into ${name}, is not in the log`));
      return;
    }
    if (seq <= last) violations.push(new Violation('Fifo', `"${text}" of ${name} at ${seq} was typed after ${last}`));
    if (seq <= after) violations.push(new Violation('Causality', `"${text}" at ${seq}: ${name} had seen ${after}`));
    last = Math.max(last, seq);
  });
  return violations;
}
