import type { Attack } from './attack.ts';
import { client } from './client.ts';
import { doors } from './doors.ts';
import { floods } from './floods.ts';
import { names } from './names.ts';
import { strangers } from './strangers.ts';
import { wire } from './wire.ts';

/** All that is tried. An attack needs a line here, and no more. */
export const attacks: Attack[] = [...strangers, ...doors, ...floods, ...wire, ...client, ...names];
