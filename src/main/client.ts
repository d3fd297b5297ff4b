import type { client } from '../cli/args/programs.ts';
import { openConsole } from '../cli/console.ts';
import { loaded } from '../cli/loading.ts';
import type { Main } from '../cli/run.ts';
import { personFolder } from '../history/paths.ts';
import { keyInHex } from '../keys/allow-list.ts';
import { loadIdentity } from '../keys/identity-file.ts';
import { showEndpoint } from '../transport/endpoint.ts';

/** Enters a room. The first words come before all is loaded that a conversation needs. */
export const enterRoom: Main<typeof client.options> = async (options, stop, opened) => {
  const { name, port, ip, message, check, 'data-dir': dataDir, joins, bell, ...style } = options;
  if (options.key) return printKey(name, dataDir);
  const settings = { joins, bell };
  const messages = check ? ['check'] : message;
  const console = await openConsole({ ...style, settings, messages });
  opened.push(console.view);
  console.view.show({ type: 'state', state: 'connecting', endpoint: showEndpoint(ip, port) });
  const { converse } = await loaded(import('./conversation.ts'));
  return converse({ options, settings, console, stop, opened });
};

/** The line with which the keeper of a list lets this person in. */
function printKey(name: string, dataDir: string | undefined): number {
  process.stdout.write(`${keyInHex(loadIdentity(personFolder(dataDir, name)).key)} ${name}\n`);
  return 0;
}
