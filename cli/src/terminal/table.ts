import { stripVTControlCharacters } from 'node:util';
import { plain } from './style.ts';
import type { Colour, Paint } from './style.ts';

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface TableOptions {
  /** Columns of the terminal; undefined: nothing is cut. */
  readonly width: number | undefined;
  readonly paint?: Paint;
}

const GAP = '   ';
/** Narrower than this a column tells nothing. */
const LEAST = 8;

/** Columns side by side, three blanks apart, as kubectl has them. What does not fit is cut: the last column first, then the widest. */
export function renderTable({ head, rows }: Table, { width, paint = plain }: TableOptions): string {
  const cells = [head.map((text): Cell => ({ text })), ...rows].map((row) => row.map(oneLine));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => displayWidth(row[column]?.text ?? ''))));
  if (width !== undefined) shrink(widths, width - GAP.length * (head.length - 1));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => renderCell(cell, widths[column] ?? 0, paint))
      .join(GAP)
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

function oneLine({ text, colour }: Cell): Cell {
  const clean = cleanText(text);
  return colour === undefined ? { text: clean } : { text: clean, colour };
}

/** In one line, without what would move the cursor of a person who reads it: what objects say of themselves is not ours. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '');
}

/** Lines of at most `width` characters, but for words that are longer. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function shrink(widths: number[], room: number): void {
  const tooMuch = () => widths.reduce((sum, one) => sum + one, 0) - room;
  const last = widths.length - 1;
  narrow(widths, last, tooMuch());
  while (tooMuch() > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= LEAST) return;
    narrow(widths, widest, 1);
  }
}

function narrow(widths: number[], column: number, by: number): void {
  const now = widths[column] ?? 0;
  if (by > 0) widths[column] = Math.max(Math.min(LEAST, now), now - by);
}

function renderCell({ text, colour }: Cell, width: number, paint: Paint): string {
  const cut = cutTo(text, width);
  const padding = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return colour === undefined ? cut + padding : paint(colour, cut) + padding;
}

export function cutTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Code points; names of Kubernetes have no wide ones, and a message that has some is only cut a little early or late. */
function displayWidth(text: string): number {
  return Array.from(text).length;
}
