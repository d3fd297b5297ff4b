/** One thing that happened on one of the sources; `done` when that source has ended. */
export type Raced<Sources> = {
  [Name in keyof Sources]: Sources[Name] extends AsyncIterable<infer Value>
    ? { source: Name; done: false; value: Value } | { source: Name; done: true; value?: undefined }
    : never;
}[keyof Sources];

/**
 * Awaits several sources at once and yields whatever comes first, as often as something comes.
 *
 * At most one value of each source is asked for at a time, so nothing is read ahead and nothing that
 * lost the race is lost: it is yielded next. A source is asked only while `wants` says so (flow control).
 * Ends when every source has ended or the signal aborts; rethrows what a source throws.
 */
export async function* race<Sources extends Record<string, AsyncIterable<unknown>>>(
  sources: Sources,
  signal: AbortSignal,
  wants: (source: keyof Sources) => boolean = () => true,
): AsyncGenerator<Raced<Sources>> {
  const runners = Object.entries(sources).map(([source, values]) => ({
    source,
    iterator: values[Symbol.asyncIterator](),
    state: 'idle' as 'idle' | 'asked' | 'ended',
  }));
  const ready: (() => Raced<Sources>)[] = [];
  let wake = () => {};
  const stop = () => wake();
  signal.addEventListener('abort', stop, { once: true });

  const ask = (runner: (typeof runners)[number]) => {
    runner.state = 'asked';
    const answer = (give: () => Raced<Sources>, state: 'idle' | 'ended') => {
      runner.state = state;
      ready.push(give);
      wake();
    };
    const { source } = runner;
    runner.iterator.next().then(
      ({ done, value }) =>
        answer(() => ({ source, done: done === true, value }) as Raced<Sources>, done ? 'ended' : 'idle'),
      (error) =>
        answer(() => {
          throw error;
        }, 'ended'),
    );
  };

  try {
    while (!signal.aborted) {
      const give = ready.shift();
      if (give) {
        yield give();
        continue;
      }
      for (const runner of runners) if (runner.state === 'idle' && wants(runner.source)) ask(runner);
      if (runners.every(({ state }) => state === 'ended')) return;
      // Nothing is asked and nothing can come: the reader changed its mind about `wants` without any event.
      if (ready.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', stop);
    for (const { iterator, state } of runners) if (state !== 'ended') void iterator.return?.();
  }
}

/** A timer that is aborted ends, it does not fail. */
export async function* quiet(ticks: AsyncIterable<void>): AsyncGenerator<void> {
  try {
    yield* ticks;
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error;
  }
}
