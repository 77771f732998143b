/** Lines that differ between two texts, as `diff -u` shows them. */
import type { Paint } from '../../terminal/style.ts';

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

const CONTEXT = 3;

/** One hunk from the first difference to the last, with three lines around: edits of a promotion are few and near each other. */
export function unifiedDiff(path: string, before: string, after: string, paint: Paint): string {
  const [a, b] = [linesOf(before), linesOf(after)];
  const lines = diffLines(a, b);
  const first = Math.max(0, lines.findIndex(({ mark }) => mark !== ' ') - CONTEXT);
  const last = Math.min(lines.length, lines.findLastIndex(({ mark }) => mark !== ' ') + 1 + CONTEXT);
  const shown = lines.slice(first, last);
  const count = (skipped: string) => shown.filter(({ mark }) => mark !== skipped).length;
  const range = (length: number) => `${length === 0 ? first : first + 1},${length}`;
  const colour = { ' ': undefined, '-': 'red', '+': 'green' } as const;
  return [
    paint('bold', `--- ${before === '' ? '/dev/null' : path}`),
    paint('bold', `+++ ${path}`),
    paint('cyan', `@@ -${range(count('+'))} +${range(count('-'))} @@`),
    ...shown.map(({ mark, text }) => {
      const paintAs = colour[mark];
      return paintAs === undefined ? `${mark}${text}` : paint(paintAs, `${mark}${text}`);
    }),
    '',
  ].join('\n');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** By the longest common subsequence of what lies between equal beginnings and ends. */
function diffLines(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ mark: ' ', text }));
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(end === 0 ? [] : a.slice(-end)),
  ];
}

function middle(a: readonly string[], b: readonly string[]): Line[] {
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = a.length - 1; row >= 0; row -= 1) {
    for (let column = b.length - 1; column >= 0; column -= 1) {
      const length =
        a[row] === b[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      common[row]?.fill(length, column, column + 1);
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < a.length || column < b.length) {
    if (row < a.length && column < b.length && a[row] === b[column]) {
      lines.push({ mark: ' ', text: a[row] ?? '' });
      row += 1;
      column += 1;
    } else if (row < a.length && (column === b.length || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ mark: '-', text: a[row] ?? '' });
      row += 1;
    } else {
      lines.push({ mark: '+', text: b[column] ?? '' });
      column += 1;
    }
  }
  return lines;
}
