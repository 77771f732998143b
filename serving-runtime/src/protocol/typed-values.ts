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
  const data = datatype === 'FP16' ? new Float16Array(count) : numericType(datatype).create(count);
  const toNumber = converterTo(datatype, isJson);
  for (let index = 0; index < count; index++) {
    const number = toNumber(values[index]);
    if (number === undefined) throw misfit(name, index, datatype);
    data[index] = number as never;
  }
  return data instanceof Float16Array ? new Uint16Array(data.buffer) : data;
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

function converterTo(datatype: NumericDatatype, isJson: boolean): Converter {
  if (datatype === 'BOOL') return (value) => (typeof value === 'boolean' ? Number(value) : undefined);
  const { range, bytes } = numericType(datatype);
  if (range === undefined) return toFloat(ROUND[datatype as keyof typeof ROUND], isJson);
  return bytes === 8 ? toLong(range) : toWhole(Number(range[0]), Number(range[1]));
}

const ROUND = { FP16: Math.f16round, FP32: Math.fround, FP64: Number };

/** A float is rounded, but a number beyond all that the datatype has is not made infinite. */
function toFloat(round: (value: number) => number, isJson: boolean): Converter {
  return (value) => {
    if (typeof value !== 'number') return undefined;
    return Number.isFinite(round(value)) || (!isJson && !Number.isFinite(value)) ? value : undefined;
  };
}

function toWhole(least: number, most: number): Converter {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : undefined;
}

/** A JSON number above 2^53 has lost digits on the way, so it is no whole number that anybody meant. */
function toLong([least, most]: readonly [bigint, bigint]): Converter {
  return (value) => {
    const whole = typeof value !== 'bigint' && Number.isSafeInteger(value) ? BigInt(value as number) : value;
    return typeof whole === 'bigint' && whole >= least && whole <= most ? whole : undefined;
  };
}

function misfit(name: string, index: number, datatype: Datatype): Error {
  const hint = datatype.endsWith('INT64') ? ' (beyond 2^53 send it as raw data: JSON numbers lose digits there)' : '';
  return invalid(`element ${index} of input ${quoted(name)} is no ${datatype}${hint}`);
}
