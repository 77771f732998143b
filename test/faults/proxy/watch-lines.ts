/** What a watch delivers, line by line, and how the watch pathologies change it. Pure. */
import type { WatchAction } from './plan.ts';

export interface LineResult {
  readonly write: readonly Buffer[];
  /** `end`: the stream ends here. `hang`: nothing comes any more, and the connection stays open. */
  readonly next: 'go on' | 'end' | 'hang';
}

const GONE = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'too old resource version (fault proxy)',
    reason: 'Expired',
    code: 410,
  },
};

/** `number` counts the events of this stream from 1; `line` ends in a newline. */
export function faultyLine(action: WatchAction, number: number, line: Buffer): LineResult {
  if (number <= action.afterEvents) return { write: [line], next: 'go on' };
  return FAULTY[action.kind](line);
}

const FAULTY: Readonly<Record<WatchAction['kind'], (line: Buffer) => LineResult>> = {
  halfLine: (line) => ({ write: [line.subarray(0, Math.floor(line.length / 2))], next: 'end' }),
  silentHang: () => ({ write: [], next: 'hang' }),
  goneInStream: () => ({ write: [Buffer.from(`${JSON.stringify(GONE)}\n`)], next: 'end' }),
  dupEvent: (line) => ({ write: [line, line], next: 'go on' }),
};

/** Cuts a stream of bytes into lines. Keeps what is left of an unfinished one for the next call. */
export function createLineSplitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer[] = [];
  return (chunk) => {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      lines.push(Buffer.concat([...rest, chunk.subarray(start, end + 1)]));
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    return lines;
  };
}
