import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const patienceMs = 20_000;
/** Whoever has started it is gone: then it goes, too. */
export const mortal = ['setpriv', '--pdeathsig', 'KILL'] as const;
const alone = ['unshare', '-Urnm', ...mortal];

const tried = spawnSync(alone[0] as string, [...alone.slice(1), 'sh', '-ec', trial()], { encoding: 'utf8' });
/** Why this machine cannot have networks of its own; undefined where it can. */
export const whyNone: string | undefined =
  process.platform !== 'linux' || tried.status !== 0
    ? `skipped: no networks of its own here (${tried.error?.message ?? tried.stderr.trim().split('\n').at(-1)})`
    : undefined;

/** Everything that the ground needs of the kernel and of the system. */
function trial(): string {
  return `mount -t tmpfs none /run; echo 1 >/proc/sys/net/ipv4/ip_forward
    ip link add one type bridge; ip link add two type veth peer name three; ip link set two master one
    ip rule add pref 100 from 10.77.1.0/24 to 10.77.2.0/24 ipproto tcp dport 9 blackhole; ip rule add pref 100 prohibit
    ss -H -t >/dev/null; command -v nsenter >/dev/null`;
}

/** A shell in a world of its own, in which whoever started it may do everything; what it has made ends with it. */
export class Keeper {
  readonly #shell: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#shell = spawn(alone[0] as string, [...alone.slice(1), 'bash', '--norc', '-s'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#shell.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#shell.pid as number;
  }

  /** What it prints. Rejects if it fails. One after the other. */
  run(commands: string): Promise<string[]> {
    return this.#next(`( set -e\n${commands}\n) 2>&1 </dev/null`);
  }

  /** Starts a program in a network of its own, which is there as long as it runs. Returns its number. */
  async hold(program: string): Promise<number> {
    const [pid] = await this.#next(`unshare -n ${program} </dev/null >/dev/null & held=$!
      while [ "$(readlink /proc/$held/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done; echo $held`);
    return Number(pid);
  }

  #next(commands: string): Promise<string[]> {
    const done = this.#last.then(() => this.#run(commands));
    this.#last = done.catch(() => {});
    return done;
  }

  close(): void {
    this.#shell.stdin?.end();
    this.#shell.kill('SIGKILL');
  }

  async #run(commands: string): Promise<string[]> {
    this.#shell.stdin?.write(`${commands}\necho "@@ $?"\n`);
    const timer = setTimeout(() => this.close(), patienceMs);
    const said: string[] = [];
    for (;;) {
      const { value: line = '@@ gone' } = await this.#lines.next();
      if (line.startsWith('@@ ')) {
        clearTimeout(timer);
        if (line === '@@ 0') return said;
        throw new Error(`${commands}\nended with ${line.slice(3)}: ${said.join('\n')}`);
      }
      said.push(line);
    }
  }
}
