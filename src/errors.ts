import { constants } from 'node:os';

/** Every way a command can end other than well, and its exit code. Documented in docs/manual.md. */
export const exitCodes = {
  INTERNAL: 1,
  USAGE: 2,
  ADDRESS_IN_USE: 3,
  ADDRESS_NOT_AVAILABLE: 3,
  NOT_PERMITTED: 3,
  TIMEOUT: 4,
  UNKNOWN_HOST: 4,
  ROOM_FULL: 5,
  PEER_TAKEN: 5,
  OTHER_ROOM: 5,
  PROOF_REFUSED: 5,
  VERSION_REFUSED: 5,
  ENCRYPTED: 5,
  NOT_ENCRYPTED: 5,
  KEY_REFUSED: 5,
  OTHER_KEY: 5,
  NOT_A_CHAT: 5,
  BUSY: 5,
  NAME_REFUSED: 6,
  DATA_IN_USE: 7,
  DATA_NOT_WRITABLE: 7,
  DATA_DAMAGED: 7,
  DATA_VERSION: 7,
  DATA_COPIED: 7,
  OUTPUT_FAILED: 7,
  NOT_ACCEPTED: 8,
  NOT_ERASED: 8,
  NOT_VERIFIED: 8,
  IN_DOUBT: 9,
} as const;

/** The signals that ask a command to end: all that would end it in the middle of something, and can be caught. */
export const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGALRM', 'SIGUSR2', 'SIGXCPU'] as const;
/** The exit code of who was ended by one of them. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

export type ErrorCode = keyof typeof exitCodes;

/** The one error class: `message` says what happened, `hint` what to do. Match on `code`, never on text. */
export class ChatError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}

/** There is another room than the one that was meant: `room` is its key, undefined for one of the original's. */
export class OtherRoom extends ChatError {
  /** The room that was meant; undefined if none was: then it is one that was met elsewhere. */
  readonly known: string | undefined;
  readonly room: string | undefined;

  constructor(known: string | undefined, room: string | undefined) {
    const found = room === undefined ? 'runs the original program' : `has the key ${fingerprint(room)}`;
    const meant = known === undefined ? 'none' : fingerprint(known);
    const message = `this is another room: its server ${found}, the room known here has the key ${meant}.`;
    super('OTHER_ROOM', message, wayBack);
    this.known = known;
    this.room = room;
  }
}

const wayBack =
  'If its server has lost its identity, the room that is known here is back as soon as that file is back in its place.\n' +
  'If its server was set up anew, enter it with --forget-room. What waits for the old room stays.';

/** Words wait in a folder that was copied, and were signed for the device that it belonged to before. */
export class FormerWords extends ChatError {
  constructor(texts: readonly string[]) {
    const said = texts.map((text) => `"${text}"`).join(', ');
    const message = `this data folder was copied, and what waits in it may have been said from elsewhere: ${said}.`;
    super('DATA_COPIED', message, 'To say it from here, add --resend.');
  }
}

/** The first 80 bits of a key, for a person to compare. */
export const fingerprint = (key: string): string =>
  Buffer.from(key, 'base64url')
    .toString('hex')
    .slice(0, 20)
    .replace(/.{4}(?=.)/g, '$& ');
