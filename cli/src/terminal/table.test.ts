import { describe, expect, it } from 'vitest';
import { coloured } from './style.ts';
import { renderTable } from './table.ts';
import type { Table } from './table.ts';

const table: Table = {
  head: ['NAME', 'READY', 'REASON'],
  rows: [
    [{ text: 'flights' }, { text: '0/2', colour: 'red' }, { text: 'ImagePullFailed: the image cannot be pulled' }],
    [{ text: 'fare' }, { text: '1/1' }, { text: '' }],
  ],
};

describe('renderTable', () => {
  it('aligns columns, and cuts nothing where nothing has to fit', () => {
    expect(renderTable(table, { width: undefined })).toBe(
      'NAME      READY   REASON\nflights   0/2     ImagePullFailed: the image cannot be pulled\nfare      1/1\n',
    );
  });

  it.each([80, 50, 40, 30])('fits a terminal of %i columns, and cuts the reason first', (width) => {
    const lines = renderTable(table, { width }).trimEnd().split('\n');

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^flights {3}0\/2 {5}Image/);
  });

  it('gives colours no room of their own', () => {
    const [head = '', first = ''] = renderTable(table, { width: undefined, paint: coloured }).split('\n');
    // oxlint-disable-next-line no-control-regex
    expect(first.replaceAll(/\u001B\[\d+m/g, '').indexOf('Image')).toBe(head.indexOf('REASON'));
  });

  it('lets nothing that an object says move the cursor', () => {
    const hostile = { head: ['NAME'], rows: [[{ text: 'a\u001B[2Jb\r\n\tc\u0007' }]] };

    expect(renderTable(hostile, { width: undefined })).toBe('NAME\nab c\n');
  });
});
