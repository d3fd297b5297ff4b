import { Keeper, mortal, whyNone } from './keeper.ts';

export { whyNone };

/** Before all other rules of the router. */
const cutRule = 'pref 100';
const silence = { silently: 'blackhole', refused: 'prohibit' } as const;
type Node = { name: string; lan: number; address: string; pid: number; card: string };
/** A port: of TCP, there alone. `oneWay`: the second group still reaches the first, but not the other way round. */
type Cut = { port?: number; oneWay?: boolean };

/**
 * Real networks of one test. Each node has a network card of its own; nodes of one LAN share a bridge, and hear each other's
 * broadcasts; a router joins the LANs, and is where they are cut. Everything ends with `close`, or with the test's process.
 */
export class Ground {
  readonly #keeper = new Keeper();
  readonly #nodes = new Map<string, Node>();
  readonly #taken: number[] = [];

  private constructor() {}

  /** @param lans the names of the nodes of each */
  static async open(lans: readonly (readonly string[])[]): Promise<Ground> {
    if (whyNone) throw new Error(whyNone);
    const ground = new Ground();
    try {
      await ground.#keeper.run('ip link set lo up; echo 1 >/proc/sys/net/ipv4/ip_forward');
      for (const [lan, names] of lans.entries()) await ground.#layLan(lan, names);
    } catch (error) {
      ground.close();
      throw error;
    }
    return ground;
  }

  address(name: string): string {
    return this.#node(name).address;
  }

  /** What starts a program on this node. */
  on(name: string): string[] {
    const { pid } = this.#node(name);
    return ['nsenter', '-t', String(pid), '-U', '-n', '--preserve-credentials', ...mortal];
  }

  /**
   * The groups do not reach each other any more; who is in none of them still reaches all. `silently`: what is sent is gone,
   * and nobody is told. `refused`: connections break, and new ones are refused at once. A LAN cannot be cut in itself.
   */
  async cut(groups: readonly (readonly string[])[], how: 'silently' | 'refused', { port, oneWay = false }: Cut = {}) {
    const pairs = groups.flatMap((from, i) => groups.slice(i + 1).map((to) => [from, to] as const));
    for (const [from, to] of pairs) {
      const ways = oneWay ? [this.#subnets(from, to)] : [this.#subnets(from, to), this.#subnets(to, from)];
      for (const way of ways.flat()) await this.#keeper.run(this.#rules(way, silence[how], port));
      if (how === 'refused')
        for (const name of [...from, ...to]) await this.#break(name, from.includes(name) ? to : from, port);
    }
  }

  /** All reach all. */
  async heal(): Promise<void> {
    await this.#keeper.run(`while ip rule del ${cutRule} 2>/dev/null; do :; done`);
  }

  /** The node has another address from now on, and the one before is nobody's; in another LAN, if that is said. */
  async readdress(name: string, lan = this.#node(name).lan): Promise<string> {
    const node = this.#node(name);
    const address = this.#freeAddress(lan);
    await this.#keeper.run(`ip link set ${node.card} master lan${lan}
      ${this.#in(node)} sh -ec 'ip -4 addr flush dev eth0; ip addr add ${address}/24 brd + dev eth0; ip route replace default via ${gateway(lan)}'`);
    Object.assign(node, { lan, address });
    return address;
  }

  close(): void {
    this.#keeper.close();
  }

  async #layLan(lan: number, names: readonly string[]): Promise<void> {
    await this.#keeper.run(`ip link add lan${lan} type bridge; ip link set lan${lan} up
      ip addr add ${gateway(lan)}/24 dev lan${lan}`);
    for (const name of names) await this.#layNode(lan, name);
  }

  async #layNode(lan: number, name: string): Promise<void> {
    const [card, address] = [`card${this.#nodes.size}`, this.#freeAddress(lan)];
    const pid = await this.#keeper.hold(`${mortal.join(' ')} sleep 1200`);
    const node = { name, lan, address, pid, card };
    this.#nodes.set(name, node);
    // Without a wait for others who may have the same link-local address.
    await this.#keeper.run(`ip link add ${card} type veth peer name eth0 netns ${pid}
      ip link set ${card} master lan${lan} up
      ${this.#in(node)} sh -ec 'ip link set lo up; echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad || true
      ip addr add ${address}/24 brd + dev eth0; ip link set eth0 up; ip route add default via ${gateway(lan)}'`);
  }

  /** Ends what is connected now between this node and these, at this end. */
  async #break(name: string, others: readonly string[], port?: number): Promise<void> {
    const there = others.map((other) => `dst ${this.address(other)}`).join(' or ');
    const which = port === undefined ? `( ${there} )` : `( ${there} ) and ( sport = :${port} or dport = :${port} )`;
    await this.#keeper.run(`${this.#in(this.#node(name))} ss -H -t -K '${which}' >/dev/null`);
  }

  #rules([from, to]: readonly [string, string], what: string, port: number | undefined): string {
    const ports = port === undefined ? [''] : [`ipproto tcp dport ${port}`, `ipproto tcp sport ${port}`];
    return ports.map((which) => `ip rule add ${cutRule} from ${from} to ${to} ${which} ${what}`).join('\n');
  }

  /** From each LAN of the one group to each of the other. */
  #subnets(from: readonly string[], to: readonly string[]): [string, string][] {
    const lansOf = (names: readonly string[]) => [...new Set(names.map((name) => this.#node(name).lan))];
    const [here, there] = [lansOf(from), lansOf(to)];
    if (here.some((lan) => there.includes(lan))) throw new Error('a LAN cannot be cut in itself');
    return here.flatMap((lan) => there.map((other): [string, string] => [subnet(lan), subnet(other)]));
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    return node;
  }

  #in = ({ pid }: Node): string => `nsenter -t ${pid} -n`;

  #freeAddress(lan: number): string {
    this.#taken[lan] = (this.#taken[lan] ?? 1) + 1;
    return `10.77.${lan}.${this.#taken[lan]}`;
  }
}

const gateway = (lan: number): string => `10.77.${lan}.1`;
const subnet = (lan: number): string => `10.77.${lan}.0/24`;
