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

function diffLines(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  return [
    ...a.slice(0, start).map((text): Line => ({ mark: ' ', text })),
    ...changedLines(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map((text): Line => ({ mark: ' ', text })),
  ];
}

/** By the longest common subsequence of the lines. */
function changedLines(a: readonly string[], b: readonly string[]): Line[] {
  const common = commonLengths(a, b);
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < a.length || column < b.length) {
    const [old, fresh] = [a[row], b[column]];
    const isSame = old !== undefined && old === fresh;
    const isRemoved = fresh === undefined || at(common, row + 1, column) >= at(common, row, column + 1);
    if (isSame) lines.push({ mark: ' ', text: old });
    else if (old !== undefined && isRemoved) lines.push({ mark: '-', text: old });
    else lines.push({ mark: '+', text: fresh ?? '' });
    const { mark } = lines.at(-1) ?? { mark: ' ' };
    row += mark === '+' ? 0 : 1;
    column += mark === '-' ? 0 : 1;
  }
  return lines;
}

type Lengths = readonly Uint32Array[];

/** [row][column]: the length of the longest common subsequence of what begins there. */
function commonLengths(a: readonly string[], b: readonly string[]): Lengths {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let row = a.length - 1; row >= 0; row -= 1) {
    for (let column = b.length - 1; column >= 0; column -= 1) {
      const length =
        a[row] === b[column]
          ? at(lengths, row + 1, column + 1) + 1
          : Math.max(at(lengths, row + 1, column), at(lengths, row, column + 1));
      lengths[row]?.set([length], column);
    }
  }
  return lengths;
}

function at(lengths: Lengths, row: number, column: number): number {
  return lengths[row]?.[column] ?? 0;
}
