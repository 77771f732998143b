import { CliError } from '../../errors.ts';

export interface CsvLine {
  /** Of the file, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * The rows of a CSV as RFC 4180 has it: quoted cells may hold commas, line breaks and doubled quotes. Empty lines are left out.
 *
 * @throws CliError for a quote that never ends.
 */
export function parseCsv(text: string): CsvLine[] {
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let line = 1;
  let begun = 1;
  // A cell, then what ends it. The whole text is matched piece by piece, so a quote inside a cell without quotes is a character.
  const pattern = /(?:"((?:[^"]|"")*)"|((?!")[^,\r\n]*))(,|\r\n|\n|\r|$)/gy;
  const content = text.replace(/^\uFEFF/, '');
  while (pattern.lastIndex < content.length || cells.length > 0) {
    const match = pattern.exec(content);
    if (match === null) {
      throw new CliError(
        `Line ${begun} of the CSV has a quote that does not end, or goes on after it has.`,
        'Put a second quote, and double those inside.',
      );
    }
    const [all, quoted, bare = '', end] = match;
    cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    line += [...all.matchAll(/\r\n|\n|\r/g)].length;
    if (end === ',') continue;
    if (cells.length > 1 || cells[0] !== '') lines.push({ line: begun, cells });
    cells = [];
    begun = line;
    if (end === '') break;
  }
  return lines;
}
