import type { ChatEvent } from '../core/events.ts';
import { ChatError } from '../errors.ts';
import { AllowFile } from '../keys/allow-file.ts';
import { keyInHex } from '../keys/allow-list.ts';
import type { OwnIdentity } from '../keys/ed25519.ts';
import { Doors } from '../transport/doors.ts';
import { bindEndpoints, reserve, showEndpoint } from '../transport/endpoint.ts';
import { Neighbours } from '../transport/neighbours.ts';
import { Zap } from '../transport/zap.ts';
import { server } from './args/programs.ts';
import { doorWords, invitationText, invite } from './invitation.ts';
import type { Opened } from './run.ts';

export type EntranceOptions = {
  ip: string | undefined;
  port: number;
  secure: boolean;
  allow: string | undefined;
  'open-port': number | undefined;
  'max-clients': number;
  rate: number;
};
export type Entrance = Awaited<ReturnType<typeof openEntrance>>;

/**
 * How people get into a room: its doors, and whoever says who may come in by the encrypted one, which is open from `begin` on,
 * because it needs the key of the room. `tell` hears later what is wrong with the list. Throws a ChatError.
 */
export async function openEntrance(options: EntranceOptions, tell: (problem: string) => void, opened: Opened) {
  const { ip = 'all', secure, allow, 'open-port': openPort } = options;
  if (!secure && allow !== undefined) throw needsSecure('--allow', 'an open room keeps nobody out.');
  if (!secure && openPort !== undefined) throw needsSecure('--open-port', 'the only door is open already.');
  const guests = allow === undefined ? undefined : new AllowFile(allow, tell);
  const ports: number[] = [];
  const neighbours = options.rate === 0 ? undefined : new Neighbours(options['max-clients'], () => ports);
  // Before any door is open: while nobody says who may come in, nobody may.
  const zap = await Zap.open(({ address, publicKey }) => {
    if (guests && publicKey) return guests.admits(publicKey) ? 'admitted' : 'refused';
    return neighbours?.admits(address) === false ? 'full' : 'admitted';
  });
  opened.push(zap);
  const doors = new Doors(neighbours === undefined);
  opened.push(doors);
  const port = secure ? await reserve(...(await bindEndpoints(ip, options.port))) : await doors.open(ip, options.port);
  // Whoever says nothing of an address means the programs of this machine.
  const openIp = options.ip ?? 'localhost';
  const otherPort = openPort === undefined ? undefined : await doors.open(openIp, openPort);
  const openEndpoint = otherPort === undefined ? undefined : showEndpoint(openIp, otherPort);
  ports.push(port, ...(otherPort === undefined ? [] : [otherPort]));

  /** Returns what is to be told of it: as an event, and in words. */
  async function begin({ key, curve }: OwnIdentity) {
    if (secure) await doors.open(ip, port, { own: curve, door: true });
    const secret = secure ? ` --secure --server-key ${keyInHex(key)}` : '';
    const invitation = invite('chat-client', { ip, port, usual: Number(server.options.port.default), secret });
    const where = { endpoint: showEndpoint(ip, port), port, room: key, secure, ...(openEndpoint && { openEndpoint }) };
    const event: ChatEvent = { type: 'listening', ...where, ...invitation };
    const words = [invitationText(invitation), ...doorWords({ secure, listed: guests?.keys.size, openEndpoint })];
    return { event, invitation, words, endpoint: where.endpoint };
  }

  return { doors, port, guests, guard: () => zap.answer(), begin };
}

function needsSecure(option: string, why: string): ChatError {
  return new ChatError('USAGE', `${option} needs --secure: ${why}`, 'Add --secure, or leave it out.');
}
