import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../src/protocol/codec.ts';
import {
  type Batch,
  type Frame,
  type Message,
  maxFrameBytes,
  type Received,
  type Welcome,
} from '../src/protocol/frames.ts';
import { maxBatchEntries } from '../src/protocol/rows.ts';
import {
  type Crypto,
  chainHash,
  digestOf,
  formatId,
  headProof,
  joinProof,
  signedText,
  welcomeProof,
  withoutText,
} from '../src/protocol/signed.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const decodeText = (text: string) => decode(bytes(text));

/** Every kind, in every form it may take. Used in both directions: encode gives the text, decode gives the frame. */
const frames: [name: string, frame: Frame, wire: string][] = [
  // The original's four frames.
  ['a legacy join', { kind: 'join', name: 'John Doe' }, '{"auth":1,"name":"John Doe"}'],
  ['a legacy leave', { kind: 'leave', name: 'John Doe' }, '{"auth":0,"name":"John Doe"}'],
  ['a legacy message', { kind: 'message', name: 'x', text: 'hi' }, '{"name":"x","text":"hi\\n"}'],
  [
    'a legacy notice',
    { kind: 'message', name: 'server', text: 'You are now online. 1 online.' },
    '{"name":"server","text":"You are now online. 1 online.\\n"}',
  ],
  ['an empty text', { kind: 'message', name: 'x', text: '' }, '{"name":"x","text":"\\n"}'],
  ['a text that ends in a newline', { kind: 'message', name: 'x', text: 'a\n' }, '{"name":"x","text":"a\\n\\n"}'],
  ['a text of several lines', { kind: 'message', name: 'x', text: 'a\nb' }, '{"name":"x","text":"a\\nb\\n"}'],
  ['letters of any script', { kind: 'message', name: 'Ню', text: '你👍' }, '{"name":"Ню","text":"你👍\\n"}'],
  // Version 1.
  [
    'a first join',
    { kind: 'join', name: 'bo', version: 1, key: 'k-B_1', dev: 'dev-A_1', history: 20 },
    '{"auth":1,"name":"bo","v":1,"key":"k-B_1","dev":"dev-A_1","history":20}',
  ],
  [
    'a join at a cursor',
    { kind: 'join', name: 'bo', version: 1, key: 'k', dev: 'd', since: 0, log: 'l' },
    '{"auth":1,"name":"bo","v":1,"key":"k","dev":"d","since":0,"log":"l"}',
  ],
  [
    'a join with a proof',
    { kind: 'join', name: 'bo', version: 1, key: 'k', dev: 'd', since: 7, log: 'l', hash: 'h7', proof: 'p-_' },
    '{"auth":1,"name":"bo","v":1,"key":"k","dev":"d","since":7,"log":"l","h":"h7","proof":"p-_"}',
  ],
  [
    'a challenge',
    { kind: 'challenge', nonce: 'n-1', room: 'kS', log: 'l', cn: 'c' },
    '{"v":1,"nonce":"n-1","room":"kS","log":"l","cn":"c"}',
  ],
  [
    'a hello to a peer',
    { kind: 'join', name: 'bo', version: 1, dev: 'd', text: 'bo is here.', reply: true },
    '{"auth":1,"name":"bo","v":1,"dev":"d","text":"bo is here.\\n","re":1}',
  ],
  [
    'a goodbye to a peer',
    { kind: 'leave', name: 'bo', text: 'bo left the chat.' },
    '{"auth":0,"name":"bo","text":"bo left the chat.\\n"}',
  ],
  [
    'a message with an id',
    { kind: 'message', name: 'bo', text: 'hi', id: { dev: 'd', n: 7 }, ts: 1_700_000_000_000 },
    '{"name":"bo","text":"hi\\n","id":"d.7","ts":1700000000000}',
  ],
  [
    'a signed message, the first on its connection',
    {
      kind: 'message',
      name: 'bo',
      text: 'hi',
      id: { dev: 'd', n: 7 },
      lc: 9,
      ts: 5,
      key: 'k',
      sig: 's-_',
      first: true,
    },
    '{"name":"bo","text":"hi\\n","id":"d.7","lc":9,"ts":5,"key":"k","sig":"s-_","first":1}',
  ],
  [
    'an action',
    { kind: 'message', name: 'bo', text: 'waves', type: 'action', id: { dev: 'd', n: 7 }, lc: 9, key: 'k', sig: 's' },
    '{"name":"bo","text":"waves\\n","type":"action","id":"d.7","lc":9,"key":"k","sig":"s"}',
  ],
  [
    'an entry of the log',
    {
      kind: 'message',
      name: 'bo',
      text: 'hi',
      id: { dev: 'd', n: Number.MAX_SAFE_INTEGER },
      ts: 0,
      seq: 3,
      hash: 'h3',
    },
    '{"name":"bo","text":"hi\\n","id":"d.9007199254740991","ts":0,"seq":3,"h":"h3"}',
  ],
  [
    'a void entry, which has a digest for a text',
    { kind: 'message', name: 'bo', text: '', id: { dev: 'd', n: 8 }, words: 'w'.repeat(43), seq: 4, void: true },
    `{"name":"bo","id":"d.8","words":"${'w'.repeat(43)}","seq":4,"void":1}`,
  ],
  [
    'everything that a message may say, and that a log may say of it',
    {
      kind: 'message',
      name: 'bo',
      text: 'hi',
      type: 'later',
      id: { dev: 'd', n: 9 },
      lc: 1,
      ts: 2,
      in: 8,
      re: { dev: 'e', n: 3 },
      ext: '{"x":1}',
      salt: 's'.repeat(22),
      key: 'k',
      sig: 's',
      seq: 5,
      hash: 'h5',
      at: 4,
      ago: 70_000,
      guest: true,
    },
    `{"name":"bo","text":"hi\\n","type":"later","id":"d.9","lc":1,"ts":2,"in":8,"re":"e.3","ext":"{\\"x\\":1}","salt":"${'s'.repeat(22)}","key":"k","sig":"s","seq":5,"h":"h5","at":4,"ago":70000,"guest":1}`,
  ],
  [
    'a join notice',
    { kind: 'notice', name: 'server', text: 'Bo joined the room. 2 online.', notice: 'join', who: 'Bo', online: 2 },
    '{"name":"server","text":"Bo joined the room. 2 online.\\n","notice":"join","who":"Bo","online":2}',
  ],
  [
    'a leave notice',
    { kind: 'notice', name: 's', text: 'gone', notice: 'leave', who: 'Bo', online: 1, reason: 'lost' },
    '{"name":"s","text":"gone\\n","notice":"leave","who":"Bo","online":1,"reason":"lost"}',
  ],
  [
    'a rename notice',
    {
      kind: 'notice',
      name: 's',
      text: 'Bo is now called Bob. 2 online.',
      notice: 'rename',
      who: 'Bob',
      was: 'Bo',
      online: 2,
    },
    '{"name":"s","text":"Bo is now called Bob. 2 online.\\n","notice":"rename","who":"Bob","was":"Bo","online":2}',
  ],
  [
    'a shutdown',
    { kind: 'shutdown', name: 'server', text: 'Server is off.' },
    '{"name":"server","text":"Server is off.\\n","notice":"shutdown"}',
  ],
  [
    'a welcome',
    {
      kind: 'welcome',
      name: 's',
      text: 'hi',
      log: 'l',
      since: 2,
      head: 9,
      run: 'r',
      sig: 's',
      online: 2,
      members: ['Ann', 'Bo'],
    },
    '{"welcome":1,"v":1,"name":"s","text":"hi\\n","log":"l","since":2,"head":9,"run":"r","sig":"s","online":2,"members":["Ann","Bo"]}',
  ],
  [
    'a welcome into a log that was kept',
    {
      kind: 'welcome',
      name: 's',
      text: 'hi',
      log: 'l',
      since: 0,
      head: 9,
      headHash: 'h9',
      run: 'r',
      sig: 's',
      online: 1,
      members: [],
      who: 'Ann',
      hash: 'h0',
      n: 4,
      fork: true,
      firstMs: 5,
    },
    '{"welcome":1,"v":1,"name":"s","text":"hi\\n","who":"Ann","log":"l","since":0,"h":"h0","head":9,"hh":"h9","run":"r","sig":"s","n":4,"fork":1,"firstMs":5,"online":1,"members":[]}',
  ],
  [
    'a welcome to a room where somebody is away, and to what it is about',
    {
      kind: 'welcome',
      name: 's',
      text: 'hi',
      log: 'l',
      since: 0,
      head: 0,
      run: 'r',
      sig: 's',
      online: 3,
      members: ['Ann', 'Bo', 'Cy'],
      away: [false, 'lunch', ''],
      topic: 'all',
    },
    '{"welcome":1,"v":1,"name":"s","text":"hi\\n","log":"l","since":0,"head":0,"run":"r","sig":"s","online":3,"members":["Ann","Bo","Cy"],"away":[0,"lunch\\n","\\n"],"topic":"all\\n"}',
  ],
  [
    'a refused name',
    { kind: 'refused', name: 's', text: 'no', code: 'NAME_REFUSED' },
    '{"refused":"NAME_REFUSED","name":"s","text":"no\\n"}',
  ],
  [
    'a full room',
    { kind: 'refused', name: 's', text: 'full', code: 'ROOM_FULL' },
    '{"refused":"ROOM_FULL","name":"s","text":"full\\n"}',
  ],
  ['an ack', { kind: 'ack', seq: 12 }, '{"ack":12}'],
  ['a heartbeat', { kind: 'heartbeat', seq: 0 }, '{"hb":0}'],
  [
    'a heartbeat with a signed head',
    { kind: 'heartbeat', seq: 7, head: 9, headHash: 'h9', sig: 's' },
    '{"hb":7,"head":9,"hh":"h9","sig":"s"}',
  ],
  ['a rejoin', { kind: 'rejoin', delayMs: 250 }, '{"rejoin":250}'],
  ['a lost place of the log', { kind: 'lost', seq: 7, hash: 'h7' }, '{"lost":7,"h":"h7"}'],
  [
    'entries of the log',
    {
      kind: 'entries',
      from: 4,
      rows: [
        {
          kind: 'message',
          name: 'bo',
          key: 'k',
          text: 'hi',
          salt: 's'.repeat(22),
          id: { dev: 'd', n: 7 },
          lc: 30,
          at: 1_000,
          ts: 990,
          in: 5,
          seq: 4,
        },
        { kind: 'lost', seq: 5, hash: 'h5', sig: 's-_' },
      ],
      hash: 'h5',
    },
    `{"from":4,"e":[[["bo","d","k"]],[0,7,30,1000,10,2,"hi","${'s'.repeat(22)}"],["h5","s-_"]],"h":"h5"}`,
  ],
  ['a question for signatures', { kind: 'signatures', seq: 4 }, '{"sigs":4}'],
  ['signatures', { kind: 'signatures', seq: 4, sigs: ['s-_', ''] }, '{"sigs":4,"s":["s-_",""]}'],
  ['what a member has of the roster', { kind: 'roster', version: 0 }, '{"roster":0}'],
  [
    'a part of the roster',
    {
      kind: 'roster',
      version: 9,
      from: 7,
      members: [{ key: 'k', name: 'bo' }, { key: 'l' }],
      addresses: [{ key: 'k', dev: 'd', ts: 5, hosts: ['10.0.0.1:7000', '[fd00::1]:7000'], sig: 's-_' }],
      at: 1_000,
      digest: 'g',
      sig: 's',
    },
    '{"roster":9,"from":7,"m":[["k","bo"],["l"]],"a":[["k","d",5,["10.0.0.1:7000","[fd00::1]:7000"],"s-_"]],"at":1000,"digest":"g","sig":"s"}',
  ],
  ['a question for what was lost', { kind: 'lost', seq: 7 }, '{"lost":7}'],
  ['a heartbeat with a receipt', { kind: 'heartbeat', seq: 9, kept: 7, held: 2 }, '{"hb":9,"kept":7,"held":2}'],
  ['a receipt', { kind: 'receipt', kept: 7, held: 0 }, '{"kept":7,"held":0}'],
  [
    'messages the log has',
    {
      kind: 'had',
      ids: [
        { dev: 'd-_', n: 7 },
        { dev: 'e', n: 1 },
      ],
      head: 9,
    },
    '{"had":["d-_.7","e.1"],"head":9}',
  ],
  ['a message that does not follow', { kind: 'hole', id: { dev: 'd', n: 7 } }, '{"hole":"d.7"}'],
  [
    'a refused version',
    { kind: 'refused', name: 's', text: 'no', code: 'VERSION_REFUSED', cn: 'c', version: 1 },
    '{"refused":"VERSION_REFUSED","name":"s","text":"no\\n","cn":"c","v":1}',
  ],
  [
    'an upload',
    { kind: 'upload', k: 2, messages: [{ kind: 'message', name: 'bo', text: 'hi', id: { dev: 'd', n: 7 } }] },
    '{"up":2,"m":[{"name":"bo","text":"hi\\n","id":"d.7"}]}',
  ],
  [
    'the word that somebody is away',
    { kind: 'upload', k: 3, messages: [], away: 'lunch' },
    '{"up":3,"away":"lunch\\n"}',
  ],
  [
    'the word that somebody is away, and not why',
    { kind: 'upload', k: 3, messages: [], away: '' },
    '{"up":3,"away":"\\n"}',
  ],
  ['the word that somebody is away no more', { kind: 'upload', k: 4, messages: [], away: false }, '{"up":4,"away":0}'],
  [
    'an away notice',
    { kind: 'notice', name: 's', text: 'Bo is away: lunch.', notice: 'away', who: 'Bo', online: 2, away: 'lunch' },
    '{"name":"s","text":"Bo is away: lunch.\\n","notice":"away","who":"Bo","online":2,"away":"lunch\\n"}',
  ],
  [
    'a back notice',
    { kind: 'notice', name: 's', text: 'Bo is back.', notice: 'back', who: 'Bo', online: 2 },
    '{"name":"s","text":"Bo is back.\\n","notice":"back","who":"Bo","online":2}',
  ],
  ['the word of libzmq that a connection ended', { kind: 'gone' }, '{"gone":1}'],
  ['an empty batch', { kind: 'batch', frames: [] }, '[]'],
  [
    'a batch',
    {
      kind: 'batch',
      frames: [
        { kind: 'message', name: 'bo', text: 'hi', seq: 1 },
        { kind: 'lost', seq: 2, hash: 'h2' },
        { kind: 'heartbeat', seq: 2 },
      ],
    },
    '[{"name":"bo","text":"hi\\n","seq":1},{"lost":2,"h":"h2"},{"hb":2}]',
  ],
  // Between members.
  [
    'who is at one end of a link',
    { kind: 'greet', nonce: 'n', key: 'k', dev: 'd' },
    '{"link":"n","key":"k","dev":"d"}',
  ],
  [
    'the proof of that',
    { kind: 'greet', nonce: 'n', key: 'k', dev: 'd', proof: 's' },
    '{"link":"n","key":"k","dev":"d","proof":"s"}',
  ],
  [
    'what is here',
    {
      kind: 'hello',
      r: 3,
      log: 'l',
      cursor: 7,
      hash: 'h7',
      live: true,
      version: 4,
      addresses: [{ key: 'k', dev: 'd', ts: 5, hosts: ['10.0.0.1:7'], sig: 's' }],
      waits: [{ dev: 'd', from: 2, to: 9 }],
    },
    '{"peer":3,"log":"l","since":7,"h":"h7","on":1,"roster":4,"a":[["k","d",5,["10.0.0.1:7"],"s"]],"w":[["d",2,9]]}',
  ],
  ['that nothing is here', { kind: 'hello', r: 1, waits: [] }, '{"peer":1,"w":[]}'],
  [
    'a message for somebody near',
    { kind: 'said', k: 2, of: 3, name: 'bo', text: 'hi', id: { dev: 'd', n: 7 }, lc: 9, key: 'k', sig: 's' },
    '{"said":2,"of":3,"name":"bo","text":"hi\\n","id":"d.7","lc":9,"key":"k","sig":"s"}',
  ],
  [
    'places of the log for somebody near',
    {
      kind: 'relayed',
      k: 2,
      of: 3,
      from: 5,
      rows: [{ kind: 'lost', seq: 5, hash: 'h5', sig: 's5' }],
      hash: 'h5',
      run: 'r',
      cn: 'c',
      sig: 's',
    },
    '{"read":2,"of":3,"from":5,"e":[[],["h5","s5"]],"h":"h5","run":"r","cn":"c","sig":"s"}',
  ],
  ['what was kept of a stream', { kind: 'got', k: 9, of: 3, not: [4, 8] }, '{"got":9,"of":3,"not":[4,8]}'],
];

describe.each(frames)('%s', (_name, frame, wire) => {
  test('is encoded', () => expect(encode(frame)).toBe(wire));
  test('is decoded', () => expect(decodeText(wire)).toStrictEqual(frame));
});

test('every kind of frame stands in the table', () => {
  const kinds: Record<Frame['kind'], true> = {
    join: true,
    leave: true,
    message: true,
    entries: true,
    signatures: true,
    roster: true,
    shutdown: true,
    notice: true,
    challenge: true,
    welcome: true,
    refused: true,
    ack: true,
    heartbeat: true,
    rejoin: true,
    lost: true,
    had: true,
    hole: true,
    receipt: true,
    upload: true,
    greet: true,
    hello: true,
    said: true,
    relayed: true,
    got: true,
    gone: true,
    batch: true,
  };
  expect(new Set(frames.map(([, frame]) => frame.kind))).toEqual(new Set(Object.keys(kinds)));
});

test('an id is written dev.n', () => expect(formatId({ dev: 'a-b_c', n: 12 })).toBe('a-b_c.12'));

describe('a later version', () => {
  test.each(frames)('%s may carry keys this version does not know', (_name, frame, wire) => {
    if (frame.kind === 'batch') return expect(decodeText(wire)).toStrictEqual(frame);
    const more = wire.replace(/^\{/, '{"zzz":{"deep":[1,{"x":null}]},').replace(/\}$/, ',"later":"abc"}');
    expect(more).not.toBe(wire);
    expect(decodeText(more)).toStrictEqual(frame);
  });

  test.each([
    '{}',
    '{"zzz":1}',
    '{"v":2,"server":"abc"}',
    '{"hello":1,"vec":{"d":3}}',
    '{"name":"only a name"}',
    '{"seq":4}',
  ])('the object %s is unknown, not malformed', (wire) => expect(decodeText(wire)).toStrictEqual({ kind: 'unknown' }));

  test('a batch leaves out what is unknown and keeps the rest', () =>
    expect(decodeText('[{"ack":1},{"zzz":1},{"hb":2}]')).toStrictEqual({
      kind: 'batch',
      frames: [
        { kind: 'ack', seq: 1 },
        { kind: 'heartbeat', seq: 2 },
      ],
    }));

  test('an unknown notice is information, and an unknown reason is left out', () =>
    expect(
      decodeText('{"name":"s","text":"t\\n","notice":"party","reason":"bored","online":-1,"who":7,"was":[]}'),
    ).toStrictEqual({ kind: 'notice', name: 's', text: 't', notice: 'info' }));

  test('there is no version 0: who says so is a legacy client', () =>
    expect(decodeText('{"auth":1,"name":"x","v":0}')).toStrictEqual({ kind: 'join', name: 'x' }));

  test('a join with a version this program does not speak still says which', () =>
    expect(decodeText('{"auth":1,"name":"x","v":2}')).toStrictEqual({ kind: 'join', name: 'x', version: 2 }));
});

describe('what an optional field may not be is left out', () => {
  const message = { kind: 'message', name: 'x', text: 'y' };
  test.each([
    ['seq 2^53', '"seq":9007199254740992', message],
    ['a negative seq', '"seq":-1', message],
    ['a fraction', '"seq":1.5', message],
    ['a number that overflows', '"seq":1e999', message],
    ['a seq in a string', '"seq":"1"', message],
    ['a time before 1970', '"ts":-5', message],
    ['void that is not 1', '"void":true', message],
    ['first that is not 1', '"first":true', message],
    ['act that is not 1', '"act":true', message],
    ['a negative lc', '"lc":-1', message],
    ['a key that is no token', '"key":"a b"', message],
    ['a key that is too long', `"key":"${'k'.repeat(65)}"`, message],
    ['a signature that is too long', `"sig":"${'s'.repeat(129)}"`, message],
    ['a signature that is no base64url', '"sig":"a/b+c="', message],
    ['a hash that is a number', '"h":7', message],
  ])('%s', (_name, field, frame) => expect(decodeText(`{"name":"x","text":"y\\n",${field}}`)).toStrictEqual(frame));

  test.each([
    '"dev":"not a token"',
    '"dev":""',
    `"dev":"${'d'.repeat(65)}"`,
    '"log":5',
    '"since":-1',
    '"key":{}',
    '"h":""',
    '"history":"20"',
    `"proof":"${'p'.repeat(129)}"`,
    '"v":"1"',
    '"re":2',
  ])('a join with %s', (field) =>
    expect(decodeText(`{"auth":1,"name":"x",${field}}`)).toStrictEqual({ kind: 'join', name: 'x' }),
  );

  test('the hash of a lost place', () =>
    expect(decodeText('{"lost":7,"h":"/"}')).toStrictEqual({ kind: 'lost', seq: 7 }));

  test('what a welcome says of a log that was kept', () =>
    expect(
      decodeText(
        '{"welcome":1,"name":"s","text":"\\n","log":"l","since":0,"head":0,"run":"r","sig":"s","online":1,"h":"/","hh":"/","n":-1,"fork":true,"firstMs":1.5,"who":7}',
      ),
    ).toStrictEqual({
      kind: 'welcome',
      name: 's',
      text: '',
      log: 'l',
      since: 0,
      head: 0,
      run: 'r',
      sig: 's',
      online: 1,
      members: [],
    }));

  test.each(['7', '{}', '["x",1]', '[null]'])('who is away, as %s', (away) =>
    expect(
      decodeText(
        `{"welcome":1,"name":"s","text":"\\n","log":"l","since":0,"head":0,"run":"r","sig":"s","online":1,"members":["a"],"away":${away}}`,
      ),
    ).not.toHaveProperty('away'),
  );

  test('members that are no names', () =>
    expect(
      decodeText(
        `{"welcome":1,"name":"s","text":"\\n","log":"l","since":0,"head":0,"run":"r","sig":"s","online":1,"members":["a",7,null,"${'n'.repeat(257)}"]}`,
      ),
    ).toMatchObject({ kind: 'welcome', members: ['a'] }));
});

describe('an object that mixes kinds is of the one whose key comes first', () => {
  const words = '"name":"x","text":"y\\n"';
  test.each([
    ['join', '"auth":1,"nonce":"n","room":"s","log":"l","cn":"c"'],
    ['leave', '"notice":"shutdown","auth":0'],
    ['challenge', '"welcome":1,"nonce":"n","room":"s","log":"l","cn":"c"'],
    ['welcome', '"refused":"ROOM_FULL","welcome":7,"log":"l","since":0,"head":0,"run":"r","sig":"s","online":1'],
    ['refused', '"notice":"info","refused":"ROOM_FULL"'],
    ['notice', '"ack":1,"notice":"join"'],
    ['shutdown', '"ack":1,"notice":"shutdown"'],
    ['ack', '"hb":2,"ack":1'],
    ['heartbeat', '"rejoin":2,"hb":1'],
    ['rejoin', '"gone":1,"rejoin":1'],
    ['gone', '"lost":1,"gone":0'],
    ['lost', '"had":["d.1"],"lost":1'],
    ['had', '"had":["d.1"],"head":1,"seq":1'],
    ['message', '"seq":1,"v":1'],
    ['said', '"e":[],"said":1,"of":1'],
    ['relayed', '"e":[[]],"read":1,"of":1,"from":1'],
    ['hello', '"roster":1,"peer":1,"w":[]'],
  ])('%s: %s', (kind, fields) => expect(decodeText(`{${words},${fields}}`).kind).toBe(kind));
});

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** What strangers, scanners and broken programs send. */
const garbage: [name: string, input: string | number[]][] = [
  ['nothing', ''],
  ['random bytes', [0x9f, 0x00, 0xff, 0x13, 0x37, 0xc0, 0x80]],
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a ZMTP greeting', [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]],
  ['half an object', '{"name":"x","text":"hi'],
  ['two objects', '{"ack":1}{"ack":2}'],
  ['a single quote', "{'ack':1}"],
  ['NaN', '{"ack":NaN}'],
  ['Infinity', '{"ack":Infinity}'],
  ['null', 'null'],
  ['a number', '42'],
  ['a string', '"auth"'],
  ['true', 'true'],
  ['an array of numbers', '[1,2,3]'],
  ['an array of nulls', '[null]'],
  ['an array of strings', '["auth","name"]'],
  ['a batch with one bad frame', '[{"ack":1},{"ack":"two"}]'],
  ['a batch in a batch', '[[{"ack":1}]]'],
  ['a batch that is too long', JSON.stringify(Array(maxBatchEntries + 1).fill({ ack: 1 }))],
  ['200,000 levels deep', nested(200_000)],
  ['30,000 levels deep, within the limit', nested(30_000)],
  ['a name 30,000 levels deep', `{"auth":1,"name":${nested(30_000)}}`],
  ['invalid UTF-8', [...bytes('{"name":"x","text":"'), 0xc3, 0x28, ...bytes('"}')]],
  ['a surrogate in UTF-8', [...bytes('{"name":"x","text":"'), 0xed, 0xa0, 0x80, ...bytes('"}')]],
  ['more bytes than a frame may have', `{"name":"x","text":"${'y'.repeat(maxFrameBytes)}"}`],
  ['auth 2', '{"auth":2,"name":"x"}'],
  ['auth true', '{"auth":true,"name":"x"}'],
  ['auth "1"', '{"auth":"1","name":"x"}'],
  ['a join without a name', '{"auth":1}'],
  ['a join with a number as name', '{"auth":1,"name":7}'],
  ['a leave without a name', '{"auth":0}'],
  ['a name that is too long', `{"auth":1,"name":"${'n'.repeat(257)}","v":1}`],
  ['no name with an id', '{"name":null,"text":"hi","id":"d.1"}'],
  ['a text without a name', '{"text":"hi\\n"}'],
  ['a text that is no string', '{"name":"x","text":["hi"]}'],
  ['a null text', '{"name":"x","text":null}'],
  ['an id without n', '{"name":"x","text":"y","id":"dev"}'],
  ['an id with n 0', '{"name":"x","text":"y","id":"dev.0"}'],
  ['an id with n 2^53', '{"name":"x","text":"y","id":"dev.9007199254740992"}'],
  ['an id with a negative n', '{"name":"x","text":"y","id":"dev.-1"}'],
  ['an id with a fraction', '{"name":"x","text":"y","id":"dev.1.5"}'],
  ['an id with a leading zero', '{"name":"x","text":"y","id":"dev.01"}'],
  ['an id that is a number', '{"name":"x","text":"y","id":5}'],
  ['an id that is null', '{"name":"x","text":"y","id":null}'],
  ['an ack that is a string', '{"ack":"1"}'],
  ['an ack of 2^53', '{"ack":9007199254740992}'],
  ['a negative ack', '{"ack":-1}'],
  ['a heartbeat of null', '{"hb":null}'],
  ['a heartbeat of 1.5', '{"hb":1.5}'],
  ['a rejoin without a delay', '{"rejoin":{}}'],
  ['a lost place that is a string', '{"lost":"7"}'],
  ['a lost place of 2^53', '{"lost":9007199254740992,"h":"h"}'],
  ['a message that was had without an id', '{"had":null}'],
  ['a message that was had with n 0', '{"had":["d.0"],"head":1}'],
  ['messages that were had, and up to where is not said', '{"had":["d.1"]}'],
  ['too many that were had', JSON.stringify({ had: Array(257).fill('d.1'), head: 1 })],
  ['an upload 0', '{"up":0,"m":[{"name":"x","text":"y","id":"d.1"}]}'],
  ['an upload of nothing', '{"up":1,"m":[]}'],
  ['an upload of something else', '{"up":1,"m":[{"ack":1}]}'],
  ['an upload of a message without an id', '{"up":1,"m":[{"name":"x","text":"y"}]}'],
  ['an upload that is none', '{"up":1,"m":{}}'],
  ['an absence in the place 0', '{"up":0,"away":"lunch"}'],
  ['an absence that is a number', '{"up":1,"away":1}'],
  ['an absence of null', '{"up":1,"away":null}'],
  ['an absence that is a list', '{"up":1,"away":["lunch"]}'],
  ['an upload of too many', JSON.stringify({ up: 1, m: Array(257).fill({ name: 'x', text: 'y', id: 'd.1' }) })],
  ['a byte order mark', '\ufeff{"ack":1}'],
  ['a shutdown without a name', '{"text":"t","notice":"shutdown"}'],
  ['a shutdown without a text', '{"name":"s","notice":"shutdown"}'],
  ['a welcome without a log', '{"welcome":1,"name":"s","text":"t","since":0,"head":0,"run":"r","sig":"s","online":1}'],
  [
    'a welcome with since 2^53',
    '{"welcome":1,"name":"s","text":"t","log":"l","since":9007199254740992,"head":0,"run":"r","sig":"s","online":1}',
  ],
  ['a challenge with a nonce that is no token', '{"v":1,"nonce":"a b","room":"s","log":"l"}'],
  ['a challenge of nobody', '{"v":1,"nonce":"n","log":"l","cn":"c"}'],
  ['a challenge to no join', '{"v":1,"nonce":"n","room":"s","log":"l"}'],
  ['a challenge without a log', '{"v":1,"nonce":"n","room":"s","log":""}'],
  ['a refusal without a known code', '{"refused":"BECAUSE","name":"s","text":"t"}'],
  ['a notice without a text', '{"name":"s","notice":"join"}'],
];

test.each([
  ['null', 'null', ''],
  ['one that is too long', `"${'n'.repeat(999)}"`, 'n'.repeat(256)],
])('of the original, %s is a name', (_what, json, name) => {
  expect(decodeText(`{"auth":1,"name":${json}}`)).toStrictEqual({ kind: 'join', name });
  expect(decodeText(`{"auth":0,"name":${json}}`)).toStrictEqual({ kind: 'leave', name });
  expect(decodeText(`{"name":${json},"text":"hi\\n"}`)).toStrictEqual({ kind: 'message', name, text: 'hi' });
});

describe('is malformed, with a reason:', () => {
  test.each(garbage)('%s', (_name, input) => {
    const received = typeof input === 'string' ? decodeText(input) : decode(Uint8Array.from(input));
    expect(received).toStrictEqual({ kind: 'malformed', reason: expect.stringMatching(/^[\w .-]{5,}$/) });
  });
});

describe('hostile objects', () => {
  test('a __proto__ key is a key like any other', () => {
    expect(decodeText('{"__proto__":{"auth":1,"name":"x"}}')).toStrictEqual({ kind: 'unknown' });
    expect(decodeText('{"__proto__":{"id":"d.1"},"name":"x","text":"y"}')).toStrictEqual({
      kind: 'message',
      name: 'x',
      text: 'y',
    });
    expect(({} as Record<string, unknown>).auth).toBeUndefined();
  });

  test('lone surrogates are repaired', () =>
    expect(decodeText('{"name":"\\ud800x","text":"a\\udc00\\n"}')).toStrictEqual({
      kind: 'message',
      name: '\ufffdx',
      text: 'a\ufffd',
    }));

  test('a frame that cannot be read does not spoil the next', () => {
    expect(decode(Uint8Array.of(0xe2, 0x82)).kind).toBe('malformed');
    expect(decodeText('{"ack":1}')).toStrictEqual({ kind: 'ack', seq: 1 });
  });

  test('the largest frame and the longest batch are taken', () => {
    const frame = '{"name":"x","text":""}';
    const text = 'y'.repeat(maxFrameBytes - frame.length);
    expect(decodeText(`{"name":"x","text":"${text}"}`)).toStrictEqual({ kind: 'message', name: 'x', text });
    expect(decodeText(JSON.stringify(Array(maxBatchEntries).fill({ ack: 1 })))).toMatchObject({ kind: 'batch' });
  });
});

/** What is hashed stays readable. */
const plain: Crypto = {
  hash: (text) => text,
  digest: (text) => `digest of ${text}`,
  mac: (_, text) => text,
  verify: () => false,
  isDeviceOf: () => false,
};

describe('what is signed and hashed', () => {
  const salt = 's'.repeat(22);
  const said: Message = { kind: 'message', name: 'ann', text: 'hi', id: { dev: 'd', n: 1 }, lc: 2, ts: 3, in: 4, salt };
  const message: Message = { ...said, type: 'later', re: { dev: 'e', n: 5 }, ext: 'x' };
  const entry: Message = { ...message, key: 'k', sig: 's', at: 6, ago: 7 };
  const signed = (more: Partial<Message> = {}, room = 'kR') => signedText(plain, room, { ...message, ...more });
  const chained = (more: Partial<Message> = {}, before = 'h') => chainHash(plain, before, { ...entry, ...more });

  test('is written down exactly so, for ever: other programs must make the same bytes', () => {
    const digest = `"digest of [\\"0mq-chat words\\",\\"${salt}\\",\\"hi\\"]"`;
    const all = `"d.1",2,3,4,"later","ann",${digest},"e.5","x"`;
    expect(signed()).toBe(`["0mq-chat message","kR",${all}]`);
    expect(signedText(plain, 'kR', { kind: 'message', name: 'a', text: 'b', words: 'w' })).toBe(
      '["0mq-chat message","kR",0,0,0,0,0,"a","w",0,0]',
    );
    expect(joinProof('n', 'kR', { kind: 'join', name: 'ann', key: 'k', dev: 'd' })).toBe(
      '["0mq-chat join","kR","n","ann","k","d"]',
    );
    const head = { log: 'l', run: 'r', head: 9, headHash: 'h9' } as Welcome;
    expect(welcomeProof('cn', 'kR', head)).toBe('["0mq-chat welcome","kR","cn","l","r",9,"h9"]');
    const place = { log: 'l', run: 'r', seq: 9, hash: 'h9' };
    expect(headProof('kR', place)).toBe('["0mq-chat head","kR","l","r",9,"h9"]');
    expect(headProof('kR', { ...place, seq: 0, hash: '' })).toBe('["0mq-chat head","kR","l","r",0,""]');
    expect(headProof('kR', { ...place, cn: 'cn' })).toBe(welcomeProof('cn', 'kR', head));
    expect(chained()).toBe(`["0mq-chat entry","h",[${all}],"k",0,0,6,7]`);
    expect(chainHash(plain, '', { kind: 'message', name: 'a', text: '', words: 'w', void: true, guest: true })).toBe(
      '["0mq-chat entry","",[0,0,0,0,0,"a","w",0,0],0,1,1,0,0]',
    );
  });

  test('has whatever was said as JSON has it', () => {
    const strange = fc.constantFrom('a', '"', '\\', '/', '\n', '\x00', '\x7f', 'é', '\u2028', '\ud83d', '😀');
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: strange, maxLength: 3 }));
    const texts = fc.record({ name: anything, text: anything, ext: fc.option(anything, { nil: undefined }) });
    fc.assert(
      fc.property(texts, ({ name, text, ext }) => {
        const words = plain.digest(JSON.stringify(['0mq-chat words', salt, text]));
        const all = ['d.1', 2, 3, 4, 'later', name, words, 'e.5', ext ?? 0];
        const said = { name, text, ...(ext !== undefined && { ext }) };
        const { ext: _, ...bare } = entry;
        expect(signedText(plain, 'kR', { ...bare, ...said })).toBe(JSON.stringify(['0mq-chat message', 'kR', ...all]));
        expect(chainHash(plain, 'h', { ...bare, ...said })).toBe(
          JSON.stringify(['0mq-chat entry', 'h', all, 'k', 0, 0, 6, 7]),
        );
      }),
    );
  });

  test.each<[string, Partial<Message>]>([
    ['its name', { name: 'bo' }],
    ['its text', { text: 'ho' }],
    ['its salt', { salt: 't'.repeat(22) }],
    ['its number', { id: { dev: 'd', n: 2 } }],
    ['its device', { id: { dev: 'e', n: 1 } }],
    ['its lc', { lc: 3 }],
    ['its time', { ts: 4 }],
    ['what its author had seen of its own', { in: 5 }],
    ['that it is an action', { type: 'action' }],
    ['what it answers', { re: { dev: 'e', n: 6 } }],
    ['what later versions add', { ext: 'y' }],
  ])('covers of a message %s', (_name, change) => {
    expect(signed(change)).not.toBe(signed());
    expect(chained(change)).not.toBe(chained());
  });

  test.each<[string, Partial<Message>]>([
    ['its author', { key: 'l' }],
    ['that it is void', { void: true }],
    ['that it is a guest’s', { guest: true }],
    ['when it was taken', { at: 7 }],
    ['how long ago it was said', { ago: 8 }],
  ])('the chain covers %s, which no author has signed', (_name, change) => {
    expect(chained(change)).not.toBe(chained());
    expect(signed(change)).toBe(signed());
  });

  test('a signature holds for one room, and the chain for one past', () => {
    expect(signed({}, 'another')).not.toBe(signed());
    expect(chained({}, 'i')).not.toBe(chained());
  });

  test('a place and a signature are no part of either', () => {
    const more: Partial<Message> = { seq: 7, hash: 'h', first: true, sig: 't' };
    expect([signed(more), chained(more)]).toEqual([signed(), chained()]);
  });

  test('both stay the same when the text goes', () => {
    const rest = withoutText(plain, entry);
    expect(rest).toMatchObject({ text: '', words: digestOf(plain, entry) });
    expect(rest).not.toHaveProperty('salt');
    expect([signedText(plain, 'kR', rest), chainHash(plain, 'h', rest)]).toEqual([signed(), chained()]);
  });

  test('no two messages look the same, whatever they hold', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, room) => {
        const of = (name: string, words: string, more: Partial<Message> = {}) =>
          signedText(plain, room, { kind: 'message', name, text: words, ...more });
        expect(of(a, b) === of(a + b, '')).toBe(b === '');
        expect(of(a, b, { type: 'action' })).not.toBe(of(a, b));
      }),
    );
  });
});

describe('a message', () => {
  const digest = 'w'.repeat(43);
  test.each([
    ['both a text and a digest of one', `{"name":"x","text":"y","words":"${digest}"}`],
    ['a digest that is none', '{"name":"x","words":"w"}'],
    ['a type that is none', '{"name":"x","text":"y","type":"No Type"}'],
    ['a long type', `{"name":"x","text":"y","type":"${'t'.repeat(33)}"}`],
    ['a wrong salt', '{"name":"x","text":"y","salt":"s"}'],
    ['a long ext', `{"name":"x","text":"y","ext":"${'e'.repeat(1_025)}"}`],
    ['half a character in its ext', '{"name":"x","text":"y","ext":"\\ud800"}'],
    ['an answer to nothing', '{"name":"x","text":"y","re":"nobody"}'],
  ])('with %s is none', (_name, json) => expect(decodeText(json).kind).toBe('malformed'));
});

// Properties.

const name = fc.string({ unit: 'binary', maxLength: 100 });
const serverName = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 });
const text = fc.string({ unit: 'binary', maxLength: 500 });
const count = fc.maxSafeNat();
const token = fc.stringMatching(/^[\w-]{1,64}$/);
const id = fc.record({ dev: token, n: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) });
const signature = fc.stringMatching(/^[\w-]{1,128}$/);
const yes = fc.constant(true);
const kind = <K extends string>(word: K) => fc.constant(word);
const optional = { requiredKeys: ['kind', 'name'] as ['kind', 'name'] };

const single = fc.oneof(
  fc.record(
    {
      kind: kind('join'),
      name,
      version: fc.integer({ min: 1, max: 9 }),
      key: token,
      dev: token,
      since: count,
      log: token,
      hash: token,
      history: count,
      proof: signature,
      text,
      reply: yes,
    },
    optional,
  ),
  fc.record({ kind: kind('leave'), name, text }, optional),
  fc.record(
    {
      kind: kind('message'),
      name,
      text,
      id,
      lc: count,
      ts: count,
      key: token,
      sig: signature,
      first: yes,
      type: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
      in: count,
      re: id,
      ext: fc.string({ maxLength: 200 }),
      salt: fc.stringMatching(/^[\w-]{22}$/),
      at: count,
      ago: count,
      guest: yes,
      seq: count,
      hash: token,
      void: yes,
    },
    { requiredKeys: ['kind', 'name', 'text'] },
  ),
  fc.record(
    {
      kind: kind('notice'),
      name,
      text,
      notice: fc.constantFrom('join', 'leave', 'rename', 'away', 'back', 'info'),
      away: text,
      who: name,
      was: name,
      online: count,
      reason: fc.constantFrom('left', 'lost'),
    },
    { requiredKeys: ['kind', 'name', 'text', 'notice'] },
  ),
  fc.record({ kind: kind('challenge'), nonce: token, room: token, log: token, cn: token }),
  fc.record(
    {
      kind: kind('welcome'),
      name: serverName,
      text,
      who: name,
      log: token,
      since: count,
      head: count,
      headHash: token,
      run: token,
      sig: token,
      online: count,
      members: fc.array(name, { maxLength: 5 }),
      away: fc.array(fc.oneof(text, fc.constant(false)), { maxLength: 5 }),
      hash: token,
      n: count,
      fork: yes,
      firstMs: count,
    },
    { requiredKeys: ['kind', 'name', 'text', 'log', 'since', 'head', 'run', 'sig', 'online', 'members'] },
  ),
  fc.record({ kind: kind('refused'), name, text, code: fc.constantFrom('NAME_REFUSED', 'ROOM_FULL') }),
  fc.record({ kind: kind('ack'), seq: count }),
  fc.record(
    { kind: kind('heartbeat'), seq: count, head: count, headHash: token, sig: token },
    { requiredKeys: ['kind', 'seq'] },
  ),
  fc.record({ kind: kind('rejoin'), delayMs: count }),
  fc.record({ kind: kind('shutdown'), name, text }),
  fc.record({ kind: kind('lost'), seq: count, hash: token }, { requiredKeys: ['kind', 'seq'] }),
  fc.record({ kind: kind('had'), ids: fc.array(id, { maxLength: 5 }), head: count }),
  fc.record({ kind: kind('hole'), id }),
  fc.record({ kind: kind('receipt'), kept: count, held: count }),
  fc.record({ kind: kind('gone') }),
) as fc.Arbitrary<Batch['frames'][number]>;
const absence = fc.record({
  kind: kind('upload'),
  k: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  messages: fc.constant([] as Message[]),
  away: fc.oneof(text, fc.constant(false as const)),
});
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 4, arbitrary: single },
  { weight: 1, arbitrary: absence },
  { weight: 1, arbitrary: fc.record({ kind: kind('batch'), frames: fc.array(single, { maxLength: 8 }) }) },
);

const knownKinds: Received['kind'][] = [...new Set(frames.map(([, { kind }]) => kind)), 'unknown', 'malformed'];

test('any frame comes back as it was sent', () => {
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const wire = encode(frame);
      expect(decodeText(wire)).toStrictEqual(JSON.parse(JSON.stringify(frame)));
      expect(wire).not.toContain('\n');
    }),
    { numRuns: 2_000 },
  );
});

test('any bytes give a frame or a reason, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (input) => {
      expect(knownKinds).toContain(decode(input).kind);
    }),
    { numRuns: 2_000 },
  );
});

test('any JSON under any key gives a frame or a reason, never an exception', () => {
  const keys = [
    'auth',
    'name',
    'text',
    'id',
    'seq',
    'welcome',
    'refused',
    'notice',
    'ack',
    'hb',
    'rejoin',
    'lost',
    'had',
    'hole',
    'kept',
    'up',
    'm',
    'away',
    'gone',
    'nonce',
    'v',
  ];
  const near = fc.dictionary(
    fc.constantFrom(...keys, 'act', 'key', 'dev', 'since', 'log', 'h', 'sig', 'server', 'members', 'was', '__proto__'),
    fc.oneof(fc.jsonValue(), fc.constantFrom(0, 1, -1, 2 ** 53, 'd.1', 'join', 'shutdown', 'ROOM_FULL', '\ud800')),
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), near, fc.array(near, { maxLength: 4 })), (value) => {
      const received = decodeText(JSON.stringify(value));
      expect(knownKinds).toContain(received.kind);
      // What was understood can be sent on, and means the same.
      if (received.kind !== 'unknown' && received.kind !== 'malformed')
        expect(decodeText(encode(received))).toStrictEqual(received);
    }),
    { numRuns: 3_000 },
  );
});
