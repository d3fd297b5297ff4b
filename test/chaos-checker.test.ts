import { describe, expect, it } from 'vitest';
import { type Guarantee, History, type Run } from './chaos/checker.ts';

const says = (run: Run, seq: number, id: string, text = `text of ${id}`) =>
  run.print({ type: 'message', seq, id, text });
const early = (run: Run, id: string, own = false) =>
  run.print({ type: 'message', id, own, provisional: true, text: `text of ${id}` });
const broken = (history: History): Guarantee[] => history.check().map(({ name }) => name);

/** Two clients, a server and an auditor who saw four messages; Ann typed two of them, Bo two. */
function good() {
  const history = new History();
  const [server, ann, bo] = [history.server(), history.client('ann'), history.client('bo')];
  ann.type('text of a.1');
  ann.type('text of a.2');
  bo.type('text of b.1');
  for (const run of [server, ann, bo]) for (const [i, id] of ['a.1', 'b.1', 'a.2'].entries()) says(run, i + 1, id);
  bo.type('text of b.2');
  for (const run of [server, ann, bo]) says(run, 4, 'b.2');
  const audit = (ids: string[]) => {
    const auditor = history.auditor();
    for (const [i, id] of ids.entries()) says(auditor, i + 1, id);
  };
  return { history, server, ann, bo, audit, ids: ['a.1', 'b.1', 'a.2', 'b.2'] };
}

describe('a history without a fault', () => {
  it('breaks nothing', () => {
    const { history, audit, ids } = good();
    audit(ids);
    expect(broken(history)).toEqual([]);
    expect(history.places).toBe(4);
  });

  it('may show again, in a later run, what an earlier one showed', () => {
    const { history, ann, audit, ids } = good();
    ann.killed = true;
    const again = history.client('ann');
    says(again, 3, 'a.2');
    says(again, 4, 'b.2');
    audit(ids);
    expect(broken(history)).toEqual([]);
  });

  it('may show own words without a place again in a later run, and those of others that came just before a kill', () => {
    const { history, ann, audit, ids } = good();
    early(ann, 'a.3', true);
    early(ann, 'b.3');
    ann.killed = true;
    const again = history.client('ann');
    for (const [id, own] of [
      ['a.3', true],
      ['b.3', false],
    ] as const)
      early(again, id, own);
    again.print({ type: 'placed', seq: 5, id: 'a.3' });
    again.print({ type: 'placed', seq: 6, id: 'b.3' });
    audit([...ids, 'a.3', 'b.3']);
    expect(broken(history).filter((name) => name !== 'Lost')).toEqual([]);
  });

  it('may say again, after a kill, which place something has, but no other one, and not in one run', () => {
    const { history, ann } = good();
    early(ann, 'b.3');
    for (const seq of [5, 5]) ann.print({ type: 'placed', seq, id: 'b.3' });
    expect(broken(history).filter((name) => name === 'Provisional')).toHaveLength(1);
    ann.killed = true;
    const again = history.client('ann');
    again.print({ type: 'placed', seq: 5, id: 'b.3' });
    expect(broken(history).filter((name) => name === 'Provisional')).toHaveLength(1);
    again.killed = true;
    history.client('ann').print({ type: 'placed', seq: 6, id: 'b.3' });
    expect(broken(history).filter((name) => name === 'Provisional')).toHaveLength(2);
  });

  it('may lack the last lines typed into a client before it was killed', () => {
    const { history, ann, audit, ids } = good();
    ann.type('never read');
    ann.type('nor this');
    ann.killed = true;
    audit(ids);
    expect(broken(history)).toEqual([]);
  });

  it('may begin late for a client that joined late', () => {
    const { history, audit, ids } = good();
    says(history.client('late'), 4, 'b.2');
    audit(ids);
    expect(broken(history)).toEqual([]);
  });
});

describe('Lost', () => {
  it('a line typed into a client that lived on is not in the log', () => {
    const { history, ann, audit, ids } = good();
    ann.type('gone');
    audit(ids);
    expect(broken(history)).toEqual(['Lost']);
  });

  it('a line is missing before one that was read, although the client was killed', () => {
    const { history, ann, audit, ids } = good();
    ann.type('gone');
    ann.type('text of a.3');
    ann.killed = true;
    for (const reader of [ann, history.client('bo')]) says(reader, 5, 'a.3');
    audit([...ids, 'a.3']);
    expect(broken(history)).toEqual(['Lost']);
  });

  it('somebody showed what the log does not hold in the end', () => {
    const { history, audit, ids } = good();
    audit(ids.slice(0, 3));
    expect(broken(history)).toEqual(['Lost']);
  });

  it('a client skipped a place', () => {
    const { history, audit, ids } = good();
    const late = history.client('late');
    says(late, 1, 'a.1');
    says(late, 2, 'b.1');
    says(late, 4, 'b.2');
    audit(ids);
    expect(broken(history)).toEqual(['Lost']);
  });

  it('nobody showed a place', () => {
    const { history, server } = good();
    says(server, 6, 'b.3');
    expect(broken(history)).toEqual(['Lost', 'Lost', 'Lost']);
  });
});

describe('Duplicate', () => {
  it('one run shows an id twice', () => {
    const { history, bo, audit, ids } = good();
    says(bo, 4, 'b.2');
    audit(ids);
    expect(broken(history)).toEqual(['Duplicate']);
  });

  it('the log holds an id twice', () => {
    const { history, server, audit, ids } = good();
    says(server, 5, 'b.2');
    audit([...ids, 'b.2']);
    expect(broken(history)).toContain('Duplicate');
  });

  it('the log holds one typed line under two ids', () => {
    const { history, ann, bo, audit, ids } = good();
    for (const run of [ann, bo]) says(run, 5, 'b.3', 'text of b.2');
    audit(ids);
    expect(broken(history)).toContain('Duplicate');
  });
});

it('Reordered: seq falls within one run', () => {
  const { history, audit, ids } = good();
  const late = history.client('late');
  for (const [seq, id] of [
    [1, 'a.1'],
    [3, 'a.2'],
    [2, 'b.1'],
    [4, 'b.2'],
  ] as const)
    says(late, seq, id);
  audit(ids);
  expect(broken(history)).toEqual(['Reordered']);
});

it('Different: two programs show different messages at one place', () => {
  const { history, audit, ids } = good();
  says(history.client('late'), 4, 'b.2', 'another text');
  audit(ids);
  expect(broken(history)).toEqual(['Different']);
});

it('Causality: a message stands before what its author had seen when typing it', () => {
  const history = new History();
  const ann = history.client('ann');
  says(ann, 2, 'b.1');
  ann.type('text of a.1');
  const auditor = history.auditor();
  says(auditor, 1, 'a.1');
  says(auditor, 2, 'b.1');
  expect(broken(history)).toEqual(['Causality']);
});

it('Causality: what an earlier run of the author showed was seen, too', () => {
  const history = new History();
  const ann = history.client('ann');
  says(ann, 2, 'b.1');
  ann.killed = true;
  history.client('ann').type('text of a.1');
  const auditor = history.auditor();
  says(auditor, 1, 'a.1');
  says(auditor, 2, 'b.1');
  expect(broken(history)).toEqual(['Causality']);
});

describe('Fifo', () => {
  it('the numbers of a device do not rise', () => {
    const history = new History();
    const auditor = history.auditor();
    says(auditor, 1, 'a.2');
    says(auditor, 2, 'a.1');
    expect(broken(history)).toEqual(['Fifo', 'Fifo']);
  });

  it('a number of a device is left out', () => {
    const history = new History();
    const auditor = history.auditor();
    says(auditor, 1, 'a.1');
    says(auditor, 2, 'a.3');
    expect(broken(history)).toEqual(['Fifo']);
  });

  it('lines stand in another order than they were typed', () => {
    const history = new History();
    const ann = history.client('ann');
    ann.type('text of a.1');
    ann.type('text of x.1');
    for (const run of [ann, history.auditor()]) {
      says(run, 1, 'x.1');
      says(run, 2, 'a.1');
    }
    expect(broken(history)).toEqual(['Fifo']);
  });
});

it('Forked: a client says that places are missing, that the log is another one, or that the room contradicts itself', () => {
  const { history, ann, audit, ids } = good();
  ann.print({ type: 'gap' });
  ann.print({ type: 'status', code: 'RESTORED' });
  ann.print({ type: 'contradiction' });
  audit(ids);
  expect(broken(history)).toEqual(['Forked', 'Forked', 'Forked']);
});

it('Crashed: a program ended by itself', () => {
  const { history, ann, audit, ids } = good();
  ann.crash('ended with 1');
  audit(ids);
  expect(broken(history)).toEqual(['Crashed']);
});

describe('what is shown without a place', () => {
  it('twice in one run, or once more with its place, is a duplicate', () => {
    const { history, ann } = good();
    for (let times = 0; times < 2; times++) early(ann, 'b.3');
    says(ann, 5, 'b.3');
    expect(broken(history).filter((name) => name === 'Duplicate')).toHaveLength(2);
  });

  it('again in a later run, although it was shown long before the kill, is a duplicate', () => {
    const { history, ann } = good();
    for (let n = 3; n < 200; n++) early(ann, `b.${n}`);
    ann.killed = true;
    early(history.client('ann'), 'b.3');
    expect(broken(history)).toContain('Duplicate');
  });

  it('and gets no place, or is taken back, or has a place and was not shown, is found', () => {
    const { history, ann } = good();
    early(ann, 'b.3');
    ann.print({ type: 'placed', seq: 5, id: 'b.9' });
    expect(broken(history).filter((name) => name === 'Provisional')).toHaveLength(2);
    ann.print({ type: 'withdrawn', id: 'b.3' });
    expect(broken(history)).toContain('Lost');
  });
});
