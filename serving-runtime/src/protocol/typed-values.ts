/** Values that arrive one by one (JSON, or the typed contents of gRPC), into a tensor: exact, or an error, never coerced. */
import { checkedText } from './bytes-elements.ts';
import { numericType } from './datatypes.ts';
import type { Datatype, NumericDatatype, TensorData } from './datatypes.ts';
import { invalid, quoted } from './errors.ts';

/** Throws, naming the first element that does not fit, unless there are exactly `count` values of the datatype. */
export function tensorOfValues(
  name: string,
  { datatype, count }: { datatype: Datatype; count: number },
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
  for (let index = 0; index < count; index++) data[index] = number(name, index, datatype, values[index]) as never;
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

function number(name: string, index: number, datatype: NumericDatatype, value: unknown): number | bigint {
  const { range, bytes } = numericType(datatype);
  if (datatype === 'BOOL') {
    if (typeof value !== 'boolean') throw misfit(name, index, datatype);
    return value ? 1 : 0;
  }
  if (range === undefined) {
    if (typeof value !== 'number') throw misfit(name, index, datatype);
    return value;
  }
  const whole = wholeNumber(value);
  if (whole === undefined || whole < range[0] || whole > range[1]) throw misfit(name, index, datatype);
  return bytes === 8 ? whole : Number(whole);
}

/** A JSON number above 2^53 has lost digits on the way, so it is no whole number that anybody meant. */
function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

function misfit(name: string, index: number, datatype: Datatype): Error {
  const hint = datatype.endsWith('INT64') ? ' (beyond 2^53 send it as raw data: JSON numbers lose digits there)' : '';
  return invalid(`element ${index} of input ${quoted(name)} is no ${datatype}${hint}`);
}
