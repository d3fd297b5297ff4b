/** A part of the program is not there, or not whole. That is no bug: who has started the program says so. */
export class NotLoaded extends Error {}

/** A part that is loaded only where it is needed; only at the start: later it may be one of another version. */
export const loaded = <Part>(part: Promise<Part>): Promise<Part> =>
  part.catch((cause: unknown) => {
    throw new NotLoaded('', { cause });
  });
