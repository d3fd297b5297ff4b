import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reachableAt } from '../transport/addresses.ts';

type Started = { script: string; env: NodeJS.ProcessEnv; cwd: string; isInstalled: boolean };

/** How this program was started: it may be in a clone, or installed as a package. */
const started = (): Started => ({
  script: process.argv[1] ?? '',
  env: process.env,
  cwd: process.cwd(),
  isInstalled: /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url)),
});

/** A program of ours as somebody writes it who starts programs like this one: `npx p2p`, `node dist/p2p.js`, `p2p`. */
export function written(command: string, { script, env, cwd, isInstalled }: Started = started()): string {
  const [folder, file] = [dirname(script), `${command.replace('chat-', '')}.js`];
  if (env.npm_lifecycle_event === 'npx') return `npx ${isInstalled ? '--package=0mq-chat ' : ''}${command}`;
  if (basename(folder) !== 'dist') return command;
  const path = cwd === dirname(folder) ? relative(cwd, join(folder, file)) : join(folder, file);
  return `node ${/\s/.test(path) ? `"${path}"` : path}`;
}

/** Without `--ip`, by somebody on this machine. */
const isFoundByItself = /^(all|\*|0\.0\.0\.0|::|localhost|127\.0\.0\.1)$/;

/** `secret`: the options that an encrypted one needs besides. */
type Door = { ip: string; port: number; usual: number; secret?: string };
export type Invitation = { addresses: string[]; join: string };

/** Where what listens here is reached, and the line with which others come in. */
export function invite(command: string, { ip, port, usual, secret = '' }: Door): Invitation {
  const addresses = reachableAt(ip);
  const at = addresses[0] ?? (isFoundByItself.test(ip) ? undefined : ip);
  const [host, door] = [at === undefined ? '' : ` --ip ${at}`, port === usual ? '' : ` --port ${port}`];
  return { addresses, join: `${written(command)}${host}${door}${secret}` };
}

/** For a person. */
export function invitationText({ addresses: [first, ...others], join }: Invitation): string {
  if (first === undefined) return `only this machine reaches it. Come in with: ${join}`;
  const more = others.length > 0 ? ` (it is also at ${others.join(', ')})` : '';
  return `others come in with: ${join}${more}`;
}

/** Who gets into a room, for a person: `listed` is how many keys its list has, `openEndpoint` where it is open besides. */
export function doorWords({
  secure,
  listed,
  openEndpoint,
}: {
  secure: boolean;
  listed?: number | undefined;
  openEndpoint?: string | undefined;
}): string[] {
  const keys = `${listed} ${listed === 1 ? 'key' : 'keys'}`;
  const whoElse =
    listed === undefined
      ? 'Whoever has this line gets in; to choose who: --allow FILE'
      : `The list has ${keys}, nobody else gets in; a line for it: chat-client --key`;
  if (!secure) return ['the room is open: whoever reaches it can read and write. Nothing is encrypted.'];
  const open = `${openEndpoint} is open: whoever reaches it can read and write. Nothing is encrypted there.`;
  return [`the room is encrypted. ${whoElse}`, ...(openEndpoint ? [open] : [])];
}
