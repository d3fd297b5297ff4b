/** Which joins and leaves are shown: every one at once, several at once in one line, or none. */
export const joinsChoices = ['auto', 'all', 'none'] as const;
/** What rings the terminal's bell. */
export const bellChoices = ['mention', 'all', 'off'] as const;

/** What a person can change while the program runs. */
export type Settings = { joins: (typeof joinsChoices)[number]; bell: (typeof bellChoices)[number] };
