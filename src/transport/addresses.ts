import { isIPv4, isIPv6 } from 'node:net';
import { type Cards, cards } from './cards.ts';

const every = /^(all|\*|0\.0\.0\.0|::)$/;
const thisMachine = /^(localhost|127\.|::1$)/i;
/** Reached only from the same network card, with the name of one's own behind it. */
const linkLocal = /^(fe[89ab]|169\.254\.)/i;
/** Networks of containers and virtual machines, within this machine. */
const within = /^(docker|br-|veth|virbr|vbox|vmnet|lxc|cni|flannel|podman)/i;

/** Where other machines reach what listens on `ip`, the likeliest first; nothing: only this machine does. */
export function reachableAt(ip: string, interfaces: Cards = cards): string[] {
  if (thisMachine.test(ip)) return [];
  if (!every.test(ip)) return [ip];
  const found = Object.entries(interfaces()).flatMap(([card, list = []]) =>
    list
      .filter(({ internal, address }) => !internal && !linkLocal.test(address))
      .map(({ address }) => ({ card, address })),
  );
  const listened = ip === '0.0.0.0' ? found.filter(({ address }) => isIPv4(address)) : found;
  const rank = ({ card, address }: (typeof found)[number]) => Number(within.test(card)) * 2 + Number(isIPv6(address));
  return listened.toSorted((a, b) => rank(a) - rank(b)).map(({ address }) => address);
}
