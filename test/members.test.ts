import { expect, it } from 'vitest';
import { whyNameRefused } from '../src/core/names.ts';
import { Members } from '../src/core/room/members.ts';
import { encode } from '../src/protocol/codec.ts';
import { maxFrameBytes, type Welcome } from '../src/protocol/frames.ts';

it('a welcome fits into a frame, however many members there are and however long their names', () => {
  const members = new Members();
  const longest = (i: number) => `${String(i).padStart(8, '"')}${'𝄞'.repeat(24)}`;
  expect(whyNameRefused(longest(1))).toBeUndefined();
  for (let i = 0; i < 2_000; i++) members.enter(`key ${i}`, longest(i), `session ${i}`);
  const welcome = { kind: 'welcome', name: 'server', text: '', log: 'log', since: 0, head: 0 } as const;
  const frame: Welcome = { ...welcome, online: members.online, members: members.names };
  expect(frame.online).toBe(2_000);
  expect(Buffer.byteLength(encode(frame))).toBeLessThan(maxFrameBytes / 2);
});
