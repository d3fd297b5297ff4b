import { createInterface } from 'node:readline';
import { curveKeyOf, signingKeysOf } from '../../src/keys/curve.ts';
import { identityOf } from '../../src/keys/ed25519.ts';
import { Peers } from '../../src/transport/peers.ts';

/*
 * The links of one member without the rest of a client: dials whom it hears, and says what happens, a JSON object a line.
 * Of two members the lower one dials. `seek` seeks; `forget` ends all links, and counts the time anew.
 */
const [seed = '0', room = '', server = ''] = process.argv.slice(2);
const names = ['', 'cy', 'di', 'eve', 'ana'];
const known = names.map((_, i) => identityOf(Buffer.alloc(32, i)));
const own = known[Number(seed)] as (typeof known)[number];
const nameOf = (key?: string) => names[known.findIndex((identity) => identity.key === key)];
const say = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`);

const roomKey = identityOf(Buffer.alloc(32, room)).key;
const peers = new Peers({
  ...{ key: own.key, own: own.curve, curveKeyOf, signingKeysOf, server: () => server, room: () => roomKey },
  tell: ({ code, message }) => say({ type: 'trouble', code, message }),
});
/** By link. */
const others = new Map<string, string | undefined>();
let [startMs, dialed] = [0, 0];

peers.take({ type: 'admitPeers', keys: new Set(known.map(({ key }) => key)) });
await peers.listen(0);
createInterface({ input: process.stdin }).on('line', (line) => {
  startMs = performance.now();
  if (line === 'seek') peers.take({ type: 'seek', isOn: true });
  for (const to of line === 'forget' ? others.keys() : []) peers.take({ type: 'hangUp', to });
});
const linked = (from: string, other: string | undefined) => {
  others.set(from, other);
  say({ type: 'linked', with: other, afterMs: Math.round(performance.now() - startMs) });
};
for await (const input of peers.inputs) {
  if (input.type === 'reachable') say(input);
  else if (input.type === 'heard') {
    say({ ...input, name: nameOf(input.key) });
    const isNear = [...others.values()].includes(nameOf(input.key));
    if (input.key === undefined || isNear || input.key < own.key) continue;
    peers.take({ type: 'dial', to: `~d${++dialed}`, key: input.key, hosts: [input.host] });
    others.set(`~d${dialed}`, nameOf(input.key));
  } else if (input.type === 'connected') {
    linked(input.from, others.get(input.from));
    await peers.send([input.from], names[Number(seed)] ?? '');
  } else if (input.type === 'bytes') linked(input.from, Buffer.from(input.data).toString());
  else if (input.type === 'disconnected') others.delete(input.from);
}
