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

export type Invitation = { addresses: string[]; join: string };

/** Where what listens here is reached, and the line with which others come in. */
export function invite(command: string, { ip, port, usual }: { ip: string; port: number; usual: number }): Invitation {
  const addresses = reachableAt(ip);
  const at = addresses[0] ?? (isFoundByItself.test(ip) ? undefined : ip);
  const [host, door] = [at === undefined ? '' : ` --ip ${at}`, port === usual ? '' : ` --port ${port}`];
  return { addresses, join: `${written(command)}${host}${door}` };
}

/** For a person. */
export function invitationText({ addresses: [first, ...others], join }: Invitation): string {
  if (first === undefined) return `only this machine reaches it. Come in with: ${join}`;
  const more = others.length > 0 ? ` (it is also at ${others.join(', ')})` : '';
  return `others come in with: ${join}${more}`;
}
