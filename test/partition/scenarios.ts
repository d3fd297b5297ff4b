import { everybody, here, type Room, there } from './room.ts';

export type Scenario = {
  name: string;
  /** Who still reaches whom, with the server or without it. */
  near: readonly (readonly string[])[];
  cut(room: Room): Promise<void> | void;
  /** After they have found each other: all get new addresses. */
  moves?: true;
  heal(room: Room): Promise<void> | void;
};

const served = ['server', ...here];
const near = [here, there];
const apart = [['server'], ...near];
const heal = ({ ground }: Room) => ground.heal();

export const scenarios: readonly Scenario[] = [
  { name: '3 \\| 2 and the server, refused', near, cut: ({ ground }) => ground.cut([served, there], 'refused'), heal },
  { name: '3 \\| 2 and the server, silent', near, cut: ({ ground }) => ground.cut([served, there], 'silently'), heal },
  { name: '3 \\| 2 \\| the server, refused', near, cut: ({ ground }) => ground.cut(apart, 'refused'), heal },
  { name: '3 \\| 2 \\| the server, silent', near, cut: ({ ground }) => ground.cut(apart, 'silently'), heal },
  {
    name: '3 \\| 2, the server killed',
    near,
    async cut({ ground, server }) {
      await ground.cut(near, 'silently');
      await server.end('SIGKILL');
    },
    async heal(room) {
      await room.ground.heal();
      room.restartServer();
    },
  },
  {
    name: 'one way: nothing comes to the 3',
    near,
    cut: ({ ground }) => ground.cut([served, there], 'silently', { oneWay: true }),
    heal,
  },
  {
    name: 'one way: nothing comes from the 3',
    near,
    cut: ({ ground }) => ground.cut([there, served], 'silently', { oneWay: true }),
    heal,
  },
  {
    name: '3 \\| 2 \\| the server, all at new addresses',
    near,
    cut: ({ ground }) => ground.cut(apart, 'silently'),
    moves: true,
    heal,
  },
  {
    name: 'the server stands still',
    near: [everybody],
    cut: ({ server }) => server.kill('SIGSTOP'),
    heal: ({ server }) => server.kill('SIGCONT'),
  },
];
