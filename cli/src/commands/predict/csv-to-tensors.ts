import { didYouMean } from '../../did-you-mean.ts';
import { CliError } from '../../errors.ts';
import { parseCsv } from './csv.ts';
import type { CsvLine } from './csv.ts';
import { describeInputs, describeTensor, parseValue } from './tensors.ts';
import type { ModelMetadata, Tensor, TensorMetadata } from './tensors.ts';

export interface CsvOptions {
  /** Stands for an empty cell. */
  readonly missing: string | undefined;
  /** The columns to send, in this order, where the model has one input. Default: all. */
  readonly columns: readonly string[] | undefined;
}

/** One element of an input, and the cell of each row that it is read from. */
interface Source {
  readonly input: TensorMetadata;
  /** Index of the cell. */
  readonly cell: number;
  readonly column: string;
}

/**
 * A row of the CSV is a row of each input. A model with one input gets all columns in their order; one with several gets a
 * column for each, by name, or `NAME.0`, `NAME.1` … where a row of the input has more than one element.
 *
 * @throws CliError where columns and inputs do not fit, or a cell is no value of its type.
 */
export function csvToTensors(text: string, model: ModelMetadata, options: CsvOptions): Tensor[] {
  const [first, ...rest] = parseCsv(text);
  if (first === undefined) throw new CliError('The CSV is empty.', `Its columns become: ${describeInputs(model)}`);
  const hasHead = first.cells.some((cell) => cell.trim() !== '' && Number.isNaN(Number(cell)));
  const head = hasHead ? first.cells.map((cell) => cell.trim()) : undefined;
  const rows = hasHead ? rest : [first, ...rest];
  if (rows.length === 0) throw new CliError('The CSV has a head and no rows.', 'Add a row for each prediction.');
  const sources = sourcesOf(model, head ?? first.cells.map((_, index) => String(index + 1)), options, hasHead);
  refuseRagged(first, rest);
  return model.inputs.map((input) => {
    const mine = sources.filter((source) => source.input === input);
    const data = rows.flatMap(({ line, cells }) =>
      mine.map(({ cell, column }) => {
        const given = cells[cell] ?? '';
        const value = given.trim() === '' ? (options.missing ?? given) : given;
        return parseValue(value, input.datatype, `Line ${line}, column "${column}"`);
      }),
    );
    return { ...input, shape: [rows.length, ...input.shape.slice(1)], data };
  });
}

function sourcesOf(model: ModelMetadata, head: readonly string[], { columns }: CsvOptions, hasHead: boolean): Source[] {
  refuseUnfit(model);
  const [only, ...others] = model.inputs;
  if (only === undefined) throw new CliError(`The model ${model.name} has no inputs.`, 'Ask it with --json.');
  if (others.length === 0) return columnsOfOneInput(only, columns ?? head, head);
  if (!hasHead || columns !== undefined) {
    const what = columns === undefined ? 'has no line with the names of its columns' : 'cannot be read by --columns';
    throw new CliError(
      `The CSV ${what}, and the model has ${model.inputs.length} inputs.`,
      `Name the columns after the inputs: ${describeInputs(model)}`,
    );
  }
  return model.inputs.flatMap((input) =>
    elementNames(input).map((column) => ({ input, column, cell: cellOf(column, head) })),
  );
}

/** Rows are the first dimension of any size; what a row of an input holds must be known. */
function refuseUnfit(model: ModelMetadata): void {
  const unfit = model.inputs.find(({ shape: [rows, ...rest] }) => rows !== -1 || rest.includes(-1));
  if (unfit === undefined) return;
  throw new CliError(
    `The input ${describeTensor(unfit)} does not take rows of a known size, so a CSV cannot fill it.`,
    'Ask with --json, which says its shape.',
  );
}

function columnsOfOneInput(input: TensorMetadata, wanted: readonly string[], head: readonly string[]): Source[] {
  const elements = elementNames(input).length;
  if (wanted.length !== elements) {
    throw new CliError(
      `The CSV has ${wanted.length} ${wanted.length === 1 ? 'column' : 'columns'}, and a row of ${describeTensor(input)} has ${elements}.`,
      wanted.length > elements
        ? 'Choose those that the model learned from: --columns a,b,c'
        : 'Add the columns that are missing, in the order in which the model learned them.',
    );
  }
  return wanted.map((column) => ({ input, column, cell: cellOf(column, head) }));
}

function elementNames({ name, shape }: TensorMetadata): string[] {
  const elements = shape.slice(1).reduce((product, size) => product * size, 1);
  return shape.length === 1 || elements === 1
    ? [name]
    : Array.from({ length: elements }, (_, index) => `${name}.${index}`);
}

function cellOf(column: string, head: readonly string[]): number {
  const found = head.indexOf(column);
  if (found !== -1) return found;
  const meant = didYouMean(column, head);
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new CliError(`The CSV has no column "${column}".${suggestion}`, `It has: ${head.join(', ')}`);
}

function refuseRagged(first: CsvLine, rest: readonly CsvLine[]): void {
  const ragged = rest.find(({ cells }) => cells.length !== first.cells.length);
  if (ragged === undefined) return;
  throw new CliError(
    `Line ${ragged.line} of the CSV has ${ragged.cells.length} cells, and line ${first.line} has ${first.cells.length}.`,
    'Quote cells that hold commas.',
  );
}
