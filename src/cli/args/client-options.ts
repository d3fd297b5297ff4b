import { timestampChoices } from '../../terminal/render.ts';
import { bellChoices, joinsChoices } from '../../terminal/settings.ts';
import { countOption, dataDirOption, ipOption, listOption, loginName, nameOption, portOption } from './options.ts';

/** What `chat-client` can be told. */
export const clientOptions = {
  name: nameOption(loginName()),
  port: portOption(9999),
  ip: ipOption('localhost', 'host of the server'),
  message: listOption('m', 'send this and exit (repeatable; - is all of stdin)'),
  listen: { type: 'boolean', default: false, describe: 'stay when the input ends' },
  history: countOption('first time: show the last N', '20 on a terminal'),
  replay: { type: 'boolean', default: false, describe: 'in a pipe, too: what was missed' },
  json: { type: 'boolean', default: false, describe: 'events as JSON lines on stdout' },
  timestamps: { choices: timestampChoices, value: 'WHEN', default: 'auto', describe: 'time before each line' },
  joins: {
    choices: joinsChoices,
    value: 'WHICH',
    default: 'auto',
    describe: 'joins and leaves: all, grouped (auto), none',
  },
  bell: { choices: bellChoices, value: 'WHEN', default: 'mention', describe: 'ring for mentions, all, or not (off)' },
  timeout: countOption('how long to try getting online', '10 in a pipe', 'SECONDS'),
  check: { type: 'boolean', default: false, describe: 'exit 0 if the server answers' },
  'data-dir': dataDirOption,
} as const;
