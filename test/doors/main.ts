import { besiege, kindsOfStrangers } from './closed-room.ts';

/* `npm run attack:doors [-- SECONDS]`: strangers at a closed room, of eight kinds, between two quiet phases. On this machine only. */

const seconds = Number(process.argv[2] ?? 8);
const round = (['none', ...kindsOfStrangers] as const).map((kind) => [kind]);
// The first round warms the server up: its own memory grows until then.
const phases = (await besiege([...round, ...round, ['none']], seconds)).slice(round.length);
const fixed = (number: number, digits = 1) => number.toFixed(digits).padStart(7);
console.log('strangers       tried  p50 ms  p99 ms  said/back     cut  frames  descriptors  memory MB');
for (const { kinds, tried, p50, p99, said, back, disconnects, frames, descriptors, memoryMb } of phases) {
  const words = `${said}/${back}`.padStart(11);
  const counts = `${String(disconnects).padStart(6)}${String(frames).padStart(8)}`;
  const memory = memoryMb.map((mb) => mb.toFixed(1)).join(' → ');
  console.log(
    `${kinds.join().padEnd(12)}${String(tried).padStart(9)}${fixed(p50)} ${fixed(p99)}${words}  ${counts}  ${descriptors.join(' = ').padStart(11)}  ${memory}`,
  );
}
