import type { Extent } from '../core/log/audit.ts';
import type { Place } from '../core/log/store.ts';
import { ChatError } from '../errors.ts';
import { isPublicKey } from '../keys/curve.ts';
import { decode, encode } from '../protocol/codec.ts';
import { maxFrameBytes } from '../protocol/frames.ts';
import type { Row } from '../protocol/rows.ts';
import { count, signature, token } from '../protocol/values.ts';
import { escapeHidden } from '../text/visible.ts';
import { readLines } from './lines.ts';

/*
 * A log as lines of JSON, for whoever checks it elsewhere (docs/protocol.md, F9): what it says of itself, and then a line
 * for each place, as a frame of its own has it.
 */

export function extentLine({ room, log, since, hash, head, headHash, signed }: Extent): string {
  const chain = { since, ...(hash && { h: hash }), head, ...(headHash && { hh: headHash }) };
  return JSON.stringify({ export: 1, room, log, ...chain, ...signed });
}

export const placeLine = ({ seq, hash, message }: Place): string =>
  escapeHidden(encode(message ?? { kind: 'lost', seq, ...(hash && { hash }) }));

/** What such lines say: the extent, and the places, or in words what is none. Throws a ChatError for what is no export. */
export async function readExport(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ extent: Extent; rows: AsyncIterable<Row | string> }> {
  const lines = readLines(stream, maxFrameBytes);
  const { value = '' } = await lines.next();
  return { extent: readExtent(parse(value) ?? {}), rows: readRows(lines) };
}

async function* readRows(lines: AsyncIterable<string>): AsyncGenerator<Row | string> {
  let number = 1;
  for await (const line of lines) {
    number++;
    const frame = decode(Buffer.from(line));
    if (frame.kind === 'lost' || (frame.kind === 'message' && frame.seq !== undefined)) yield frame;
    else if (parse(line)?.export === undefined) yield `line ${number} is no place of a log: it was changed or cut off`;
    else
      throw new ChatError('NOT_VERIFIED', `line ${number} begins another export.`, 'Check each in a file of its own.');
  }
}

function readExtent({ export: format, room, log, since, h, head, hh, run, sig }: Json): Extent {
  if (format === undefined) throw new ChatError('DATA_DAMAGED', 'this is no export of a log.', howToExport);
  if (format !== 1)
    throw new ChatError('DATA_VERSION', 'this export has another format.', 'Check it with the version that wrote it.');
  if (typeof room !== 'string' || !isPublicKey(room))
    throw new ChatError('DATA_DAMAGED', "the export is of a room whose key is nobody's.", howToExport);
  const chain = { since: count.read(since, {}), hash: hashOf(h), head: count.read(head, {}), headHash: hashOf(hh) };
  const said = { room, log: token.read(log, {}), ...chain };
  const signed = { run: token.read(run, {}), sig: signature.read(sig, {}) };
  const isWhole = Object.values(said).every((value) => value !== undefined) && Number(head) >= Number(since);
  const isSigned = run !== undefined || sig !== undefined;
  if (!isWhole || (isSigned && !(signed.run && signed.sig)))
    throw new ChatError('DATA_DAMAGED', 'the first line of the export is damaged.', howToExport);
  return { ...said, ...(isSigned && { signed }) } as Extent;
}

const hashOf = (json: unknown) => (json === undefined ? '' : token.read(json, {}));
const howToExport = 'chat-server export --json makes one.';

type Json = Record<string, unknown>;
/** An object, or undefined. */
function parse(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
