/** Tensors of the Open Inference Protocol, and how text becomes the values of one. */
import { CliError } from '../../errors.ts';

export interface TensorMetadata {
  readonly name: string;
  /** Such as FP32, INT64, BOOL, BYTES. */
  readonly datatype: string;
  /** -1 for a dimension of any size. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export type Value = number | string | boolean;

export interface Tensor extends TensorMetadata {
  /** In row-major order. */
  readonly data: readonly Value[];
}

/** `trip FP32 [-1, 2]` */
export function describeTensor({ name, datatype, shape }: TensorMetadata): string {
  return `${name} ${datatype} [${shape.join(', ')}]`;
}

export function describeInputs({ inputs }: ModelMetadata): string {
  return inputs.map(describeTensor).join('; ');
}

/** Where a value stands, such as `line 3, column "hour"`. */
export type Place = string;

/** @throws CliError for text that is no value of the type. */
export function parseValue(text: string, datatype: string, place: Place): Value {
  if (datatype === 'BYTES') return text;
  if (datatype === 'BOOL') return parseBoolean(text, place);
  const number = Number(text);
  const isWhole = datatype.startsWith('INT') || datatype.startsWith('UINT');
  if (text.trim() === '' || Number.isNaN(number)) {
    const hint =
      text.trim() === '' ? 'Fill it in, or say what stands for a missing value: --missing VALUE' : 'Correct it.';
    throw new CliError(`${place}: ${text.trim() === '' ? 'nothing' : `"${text}"`} is no number (${datatype}).`, hint);
  }
  if (isWhole && !Number.isSafeInteger(number)) {
    throw new CliError(`${place}: "${text}" is no whole number (${datatype}) up to 2^53.`, 'Correct it.');
  }
  return number;
}

function parseBoolean(text: string, place: Place): boolean {
  const word = text.trim().toLowerCase();
  if (['true', '1', 'yes'].includes(word)) return true;
  if (['false', '0', 'no'].includes(word)) return false;
  throw new CliError(`${place}: "${text}" is neither true nor false (BOOL).`, 'Correct it.');
}

/**
 * The shape of `count` values for an input: its one dimension of any size is what is left. A second one, which values alone
 * cannot tell, is 1.
 *
 * @throws CliError where the values do not fill it.
 */
export function shapeFor(input: TensorMetadata, count: number): number[] {
  const free = input.shape.indexOf(-1);
  const fixed = input.shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const fits = free === -1 ? count === fixed : fixed > 0 && count > 0 && count % fixed === 0;
  if (!fits) {
    const wanted = free === -1 ? `${fixed}` : `a multiple of ${fixed}`;
    throw new CliError(`${count} values do not fill the input ${describeTensor(input)}.`, `Give ${wanted}.`);
  }
  return input.shape.map((size, index) => (index === free ? count / fixed : size === -1 ? 1 : size));
}
