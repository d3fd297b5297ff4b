import type { Writable } from 'node:stream';
import type { ChatEvent } from '../core/events.ts';
import { visibleJson } from '../text/visible.ts';
import { isPassage } from './crowd.ts';
import { Outlet } from './outlet.ts';
import { dateOf, type Renderer } from './render.ts';
import type { Settings, View } from './view.ts';

type Channel = { stream: Writable; renderer: Renderer };
export type PipeOptions = {
  /** Messages and what the room says. */
  chat: Channel;
  /** What the program says about itself. */
  self: Channel;
  settings: Pick<Settings, 'joins'>;
  /** What is not shown at all. */
  hides?: (event: ChatEvent) => boolean;
  now: () => number;
  /** My own messages are printed, too. */
  showsOwn?: boolean;
};
const nothing = () => false;

/** Plain lines: the chat on stdout, the program's own words on stderr. Own messages are not printed back by default. */
export class PipeView implements View {
  readonly #options: PipeOptions;
  readonly #chat: Outlet;
  readonly #self: Outlet;

  constructor(options: PipeOptions) {
    const { chat, self, now } = options;
    const outlet = ({ stream, renderer }: Channel) =>
      new Outlet(stream, (event) => renderer.render(event, now())?.text ?? '');
    this.#options = options;
    this.#chat = outlet(chat);
    this.#self = self.stream === chat.stream ? this.#chat : outlet(self);
  }

  /** The order of what is taken is that of the chat: for words about it nobody waits. */
  show(event: ChatEvent, taken?: () => void): void {
    const { chat, settings, hides = nothing, now, showsOwn } = this.#options;
    const isHidden = event.type === 'message' ? event.own && !showsOwn : isPassage(event) && settings.joins === 'none';
    const rendered = isHidden || hides(event) ? undefined : chat.renderer.render(event, now());
    if (rendered?.channel === 'chat') return this.#chat.write(rendered.text, taken);
    if (rendered) this.#self.show(event);
    if (taken) this.#chat.write('', taken);
  }

  get isBehind(): boolean {
    return this.#chat.isBehind || this.#self.isBehind;
  }

  close(): void {
    this.#chat.close();
    this.#self.close();
  }
}

/** One JSON object a line and nothing else; fields are only ever added. */
export class JsonView extends Outlet {
  constructor(out: Writable, now: () => number, hides: NonNullable<PipeOptions['hides']> = nothing) {
    super(out, (event) => {
      if (hides(event)) return '';
      const { acceptedMs, agoMs = 0, sentMs } = event.type === 'message' ? event : {};
      const saidMs = acceptedMs === undefined ? (sentMs ?? now()) : Math.max(acceptedMs - agoMs, 0);
      return visibleJson({ ...event, ts: dateOf(saidMs).toISOString() });
    });
  }
}
