import type { Progress } from './progress.ts';
import { progressLine } from './progress.ts';

export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** On a terminal, a last line that is written over; elsewhere a line now and then. */
  show(progress: Progress): void;
  /** Nothing is written over any more. */
  end(): void;
}

const PLAIN_EVERY_MS = 60_000;
const CLEAR_LINE = '\r\u001B[2K';

/** `now` in milliseconds. */
export function createScreen(out: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>, now: () => number): Screen {
  let last = '';
  let shownMs = Number.NEGATIVE_INFINITY;
  const overwrite = (line: string) => out.write(`${CLEAR_LINE}${line.slice(0, out.columns - 1)}`);
  return {
    say(line) {
      if (out.isTTY) overwrite('');
      out.write(`${line}\n`);
      if (out.isTTY) overwrite(last);
    },
    show(progress) {
      last = progressLine(progress);
      if (out.isTTY) {
        overwrite(last);
      } else if (now() - shownMs >= PLAIN_EVERY_MS || progress.done === progress.total) {
        shownMs = now();
        out.write(`${last}\n`);
      }
    },
    end() {
      if (out.isTTY && last !== '') out.write('\n');
      last = '';
    },
  };
}
