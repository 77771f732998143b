import { describe, expect, it } from 'vitest';
import type { WatchAction } from './plan.ts';
import { createLineSplitter, faultyLine } from './watch-lines.ts';

describe('createLineSplitter', () => {
  it('joins a line that came in pieces and keeps the unfinished one', () => {
    const split = createLineSplitter();

    const lines = ['{"a":', '1}\n{"b"', ':2}\n{"c":3}\n{"d'].map((text) => split(Buffer.from(text)).map(String));

    expect(lines).toEqual([[], ['{"a":1}\n'], ['{"b":2}\n', '{"c":3}\n']]);
  });

  it('loses and adds no byte', () => {
    const split = createLineSplitter();
    const text = 'αβ\n\nγδε\n';

    const lines = [...Buffer.from(text)].flatMap((byte) => split(Buffer.from([byte])));

    expect(Buffer.concat(lines).toString()).toBe(text);
  });
});

describe('faultyLine', () => {
  const line = Buffer.from('{"type":"ADDED"}\n');
  const apply = (kind: WatchAction['kind'], number: number) => {
    const { write, next } = faultyLine({ kind, afterEvents: 1 }, number, line);
    return [Buffer.concat(write).toString(), next];
  };

  it.each(['halfLine', 'silentHang', 'goneInStream', 'dupEvent'] as const)(
    '%s leaves the first events alone',
    (kind) => {
      expect(apply(kind, 1)).toEqual([String(line), 'go on']);
    },
  );

  it('cuts a line in the middle and ends', () => {
    expect(apply('halfLine', 2)).toEqual(['{"type":', 'end']);
  });

  it('says nothing and stays open', () => {
    expect(apply('silentHang', 2)).toEqual(['', 'hang']);
  });

  it('says 410 in a whole line and ends', () => {
    const [text, next] = apply('goneInStream', 2);

    expect(JSON.parse(String(text))).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(next).toBe('end');
  });

  it('repeats an event', () => {
    expect(apply('dupEvent', 2)).toEqual([String(line).repeat(2), 'go on']);
  });
});
