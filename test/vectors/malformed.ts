import { maxBatchEntries } from '../../src/protocol/rows.ts';
import { dev, neo, token } from '../support/room-log.ts';

const author = `["Neo","${dev}","${neo.key}"]`;
const salt = token(6, 16);
const entriesOf = (...rows: string[]) => `{"from":1,"e":[[${author}]${rows.map((row) => `,${row}`).join('')}],"h":"h"}`;
const row = (more: string) => `[0,1,1,1767225600025,25,1,"hi","${salt}"${more}]`;
const said = (more: string) => `{"name":"Neo","text":"hi\\n",${more}}`;
const upload = (...messages: string[]) => `{"up":1,"m":[${messages.join()}]}`;
const digest = token(6, 32);

/** Frames that are ignored as a whole. `hex` has bytes that are no text. [P1] */
export const malformed: { frame?: string; hex?: string; why: string }[] = [
  { frame: '', why: 'no JSON' },
  { frame: '{"hb":1', why: 'no JSON' },
  { hex: 'efbbbf7b226862223a317d', why: 'a byte order mark' },
  { hex: '7b226862223a312c2278223a22ff227d', why: 'no UTF-8' },
  { frame: '7', why: 'neither an object nor a batch' },
  { frame: 'null', why: 'neither an object nor a batch' },
  { frame: '[7]', why: 'a batch of what is no object' },
  { frame: '[[{"hb":1}]]', why: 'a batch in a batch' },
  { frame: '[{"hb":1},{"hb":-1}]', why: 'a batch with one malformed object' },
  {
    frame: `[${Array.from({ length: maxBatchEntries + 1 }, () => '{}').join()}]`,
    why: 'a batch of more than 256 objects',
  },
  { frame: '{"hb":-1}', why: 'a count below 0' },
  { frame: '{"hb":1.5}', why: 'a count that is no integer' },
  { frame: '{"hb":9007199254740992}', why: 'a count above 2^53 - 1' },
  { frame: '{"hb":"1"}', why: 'a count that is no number' },
  { frame: '{"hb":null}', why: 'the kind is told by hb, with any value' },
  { frame: '{"auth":2,"name":"Neo"}', why: 'auth is neither 1 nor 0' },
  { frame: '{"auth":1}', why: 'name must be there' },
  { frame: `{"auth":1,"name":"${'x'.repeat(257)}","v":1}`, why: 'a name of more than 256 units' },
  { frame: '{"nonce":"n","room":"r","log":"l"}', why: 'cn must be there' },
  { frame: '{"nonce":"n","room":"r","log":"l","cn":"a b"}', why: 'no token' },
  { frame: '{"refused":"OTHER","name":"server","text":"no\\n"}', why: 'an unknown reason' },
  { frame: '{"name":"Neo","text":7}', why: 'a text that is no string' },
  { frame: '{"text":"hi\\n"}', why: 'name must be there' },
  { frame: said(`"id":"${dev}.0"`), why: 'id is vital: n is 1 at least' },
  { frame: said(`"id":"${dev}.01"`), why: 'id is vital: a leading zero' },
  { frame: said(`"id":"${dev}.9007199254740992"`), why: 'id is vital: n above 2^53 - 1' },
  { frame: said('"re":"x"'), why: 're is vital' },
  { frame: said('"type":"Action"'), why: 'type is vital: no word' },
  { frame: said(`"salt":"${salt}A"`), why: 'salt is vital: 22 characters' },
  { frame: said(`"ext":"${'x'.repeat(1_025)}"`), why: 'ext is vital: more than 1,024 bytes' },
  { frame: said('"ext":"\\ud800"'), why: 'ext is vital: half a surrogate pair' },
  { frame: said(`"words":"${digest}"`), why: 'words beside a text' },
  { frame: `{"name":"Neo","words":"${digest.slice(1)}"}`, why: 'words is vital: 43 characters' },
  { frame: upload(), why: 'an upload without messages' },
  { frame: upload(said('"lc":1')), why: 'a message in an upload without an id' },
  { frame: upload(said(`"id":"${dev}.1"`), '{"hb":1}'), why: 'an upload with something else in it' },
  { frame: `{"up":0,"m":[${said(`"id":"${dev}.1"`)}]}`, why: 'up is 1 at least' },
  { frame: '{"up":1}', why: 'an upload of nothing' },
  { frame: '{"up":1,"away":1}', why: 'away is a text or 0' },
  { frame: '{"e":[[]]}', why: 'from must be there' },
  { frame: '{"from":1,"e":[]}', why: 'no list of authors' },
  { frame: entriesOf('[0,1,1,1,0,0,"hi"]', '7'), why: 'a row that is no list' },
  { frame: entriesOf(row('').replace('[0', '[1')), why: 'an author that is not in the list' },
  { frame: entriesOf(row('').replace('[0,1', '[0,0')), why: 'n is 0' },
  { frame: entriesOf(row('').replace('[0,1,1', '[0,1,-1')), why: 'lc is below 0' },
  { frame: entriesOf(row('').replace('25,1,', '25,2,')), why: 'in is below 0' },
  { frame: entriesOf(row('').replace('"hi"', '7')), why: 'a text that is neither a string nor 0' },
  { frame: entriesOf(row('').replace('"hi"', '"\\udc00"')), why: 'half a surrogate pair in a row' },
  { frame: entriesOf(`[0,1,1,1,0,1,0,"${salt}"]`), why: 'a digest has 43 characters' },
  { frame: entriesOf(row(',{"ago":-1}')), why: 'a wrong value in more' },
  { frame: entriesOf(row(',7')), why: 'more is an object' },
  { frame: entriesOf('["no token","s"]'), why: 'a lost place has a token or nothing' },
  { frame: `{"had":["${dev}.1","x"],"head":1}`, why: 'no list of ids' },
  { frame: '{"sigs":-1}', why: 'a count below 0' },
  { frame: '{"roster":1,"m":[["k"],["k","bo","x"]]}', why: 'a member with more than a key and a name' },
  { frame: '{"roster":1,"m":[["k",""]]}', why: 'a member with an empty name' },
  { frame: '{"roster":1,"m":[["k 1","bo"]]}', why: 'a member whose key is no token' },
  { frame: '{"roster":1,"m":{}}', why: 'members that are no list' },
  { frame: `{"roster":1,"a":[["k","d",1,["10.0.0.1:0"],"s"]]}`, why: 'an address at port 0' },
  { frame: `{"roster":1,"a":[["k","d",1,["10.0.0.1:65536"],"s"]]}`, why: 'an address at a port that is none' },
  { frame: `{"roster":1,"a":[["k","d",1,["example.org:7000"],"s"]]}`, why: 'an address with a name to look up' },
  { frame: `{"roster":1,"a":[["k","d",1,["[fe80::1%eth0]:7000"],"s"]]}`, why: 'an address with a zone' },
  {
    frame: `{"roster":1,"a":[["k","d",1,[${Array.from({ length: 9 }, () => '"10.0.0.1:7000"').join()}],"s"]]}`,
    why: 'a device with more than 8 addresses',
  },
  { frame: `{"roster":1,"a":[["k","d",1,[]]]}`, why: 'an address without a signature' },
];
