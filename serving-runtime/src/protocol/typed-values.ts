/** Values that arrive one by one (JSON, or the typed contents of gRPC), into a tensor: exact, or an error, never coerced. */
import { checkedText } from './bytes-elements.ts';
import { numericType } from './datatypes.ts';
import type { Datatype, NumericDatatype, TensorData } from './datatypes.ts';
import { invalid, quoted } from './errors.ts';

interface Wanted {
  readonly datatype: Datatype;
  readonly count: number;
  /** JSON has no infinities, but 1e999 reads as one. */
  readonly isJson?: boolean;
}

/** Throws, naming the first element that does not fit, unless there are exactly `count` values of the datatype. */
export function tensorOfValues(
  name: string,
  { datatype, count, isJson = false }: Wanted,
  values: readonly unknown[],
): TensorData {
  if (values.length !== count)
    throw invalid(`input ${quoted(name)} has ${values.length} elements; its shape needs ${count}`);
  if (datatype === 'BYTES') {
    return values.map((value, index) => {
      if (typeof value !== 'string') throw misfit(name, index, datatype);
      return checkedText(name, value);
    });
  }
  const { range, bytes, create } = numericType(datatype);
  const data = datatype === 'FP16' ? new Float16Array(count) : create(count);
  const misfitAt =
    range === undefined
      ? fillFloats(data as Floats, values, isJson)
      : fillWhole(data as Numbers, values, converterTo(datatype, { range, bytes }));
  if (misfitAt !== undefined) throw misfit(name, misfitAt, datatype);
  return data instanceof Float16Array ? new Uint16Array(data.buffer) : data;
}

type Floats = Float16Array | Float32Array | Float64Array;
type Numbers = Exclude<TensorData, readonly string[]>;
type Range = readonly [bigint, bigint];

/**
 * With a list of as many values; returns the place of the first that does not fit. A float is rounded, but a number beyond all that
 * the datatype has is not made infinite.
 */
function fillFloats(data: Floats, values: readonly unknown[], isJson: boolean): number | undefined {
  for (let index = 0; index < data.length; index++) {
    const value = values[index];
    if (typeof value !== 'number') return index;
    data[index] = value;
    if (!Number.isFinite(data[index]) && (isJson || Number.isFinite(value))) return index;
  }
  return undefined;
}

function fillWhole(data: Numbers, values: readonly unknown[], convert: Converter): number | undefined {
  for (let index = 0; index < data.length; index++) {
    const whole = convert(values[index]);
    if (whole === undefined) return index;
    data[index] = whole as never;
  }
  return undefined;
}

/** The values of a tensor as JSON has them; a whole number that JSON would round comes as text. */
export function valuesOf(datatype: Datatype, data: TensorData): unknown[] {
  if (datatype === 'BOOL') return Array.from(data, Boolean);
  if (datatype === 'FP16') return Array.from(halves(data as Uint16Array));
  return Array.from<unknown, unknown>(data, (value) => (typeof value === 'bigint' ? exact(value) : value));
}

export function halves({ buffer, byteOffset, length }: Uint16Array): Float16Array {
  return new Float16Array(buffer, byteOffset, length);
}

function exact(value: bigint): number | string {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : String(value);
}

/** A value as what a tensor of a datatype holds; undefined for a value that it cannot hold as it is. */
type Converter = (value: unknown) => number | bigint | undefined;

function converterTo(datatype: NumericDatatype, { range, bytes }: { range: Range; bytes: number }): Converter {
  if (datatype === 'BOOL') return (value) => (typeof value === 'boolean' ? Number(value) : undefined);
  return bytes === 8 ? toLong(range) : toWhole(Number(range[0]), Number(range[1]));
}

function toWhole(least: number, most: number): Converter {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : undefined;
}

/** A JSON number above 2^53 has lost digits on the way, so it is no whole number that anybody meant. */
function toLong([least, most]: Range): Converter {
  return (value) => {
    const whole = typeof value !== 'bigint' && Number.isSafeInteger(value) ? BigInt(value as number) : value;
    return typeof whole === 'bigint' && whole >= least && whole <= most ? whole : undefined;
  };
}

function misfit(name: string, index: number, datatype: Datatype): Error {
  const hint = datatype.endsWith('INT64') ? ' (beyond 2^53 send it as raw data: JSON numbers lose digits there)' : '';
  return invalid(`element ${index} of input ${quoted(name)} is no ${datatype}${hint}`);
}
