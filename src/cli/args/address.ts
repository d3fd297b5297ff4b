import { isIPv6 } from 'node:net';
import { ChatError } from '../../errors.ts';
import type { OptionTable } from './flags.ts';

const longestHost = 253;

/** A host as people write it, alone or with a port: `host:9999`, `[::1]:9999`, `tcp://…`. Undefined for what is none. */
export function readAddress(raw: string): { host: string; port?: string } | undefined {
  const text = raw.replace(/^tcp:\/\/(.*?)\/?$/i, '$1');
  if (isAddress6(text)) return { host: text };
  const [, bracketed, plain = '', port] = /^(?:\[(.+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isHost = bracketed === undefined ? isName(plain) : isAddress6(bracketed);
  return isHost ? { host: bracketed ?? plain, ...(port !== undefined && { port }) } : undefined;
}

const isName = (text: string): boolean => text.length <= longestHost && /^(\*|[\p{L}\p{N}._-]+)$/u.test(text);

/** Behind `%` is its scope: the name or the number of a network. */
function isAddress6(text: string): boolean {
  const [, address = '', scope] = /^([^%]*)(?:%([^%\s[\]/]{1,32}))?$/.exec(text) ?? [];
  return address.includes(':') && isIPv6(address) && (scope !== undefined || !text.includes('%'));
}

type Given = { text: string; from: string; rank: number } | undefined;

/** The port behind the host is the port, unless another one stands above it. Two that differ are a mistake. */
export function withPortOf(argv: Record<string, unknown>, table: OptionTable): OptionTable {
  const [ip, port] = [given('ip', argv, table), given('port', argv, table)];
  const behind = ip && readAddress(ip.text)?.port;
  if (!table.port || !ip || behind === undefined || (port && port.rank > ip.rank)) return table;
  if (port && port.rank === ip.rank && Number(port.text) !== Number(behind))
    throw new ChatError('USAGE', `${ip.from} "${ip.text}" and ${port.from} "${port.text}" name two ports.`, leaveOut);
  return { ...table, port: { ...table.port, default: behind, source: ip.from } };
}

const leaveOut = 'Leave one of them out.';

/** What stands on the command line or in the environment, the last one. */
function given(name: string, argv: Record<string, unknown>, table: OptionTable): Given {
  const { source, default: standard } = table[name] ?? {};
  const text = [argv[name] ?? []].flat().at(-1);
  if (typeof text === 'string') return { text, from: `--${name}`, rank: 2 };
  return source !== undefined ? { text: String(standard), from: source, rank: 1 } : undefined;
}
