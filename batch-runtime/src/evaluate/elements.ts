/** How the values of a column become the elements of a tensor. */
import type { TensorSpec } from '@slipway/crds';
import type { SchemaColumn } from '../dataset/schema.ts';
import { BatchError } from '../failure.ts';

/** What a column is read as: a number as JavaScript has it, a bigint, a boolean, a string. */
type ReadAs = 'number' | 'whole' | 'truth' | 'text';

export interface ColumnRead {
  readonly column: string;
  readonly as: ReadAs;
}

type Dtype = TensorSpec['dtype'];
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

interface Element {
  readonly as: ReadAs;
  /** Of whole numbers. */
  readonly range?: readonly [lowest: bigint, highest: bigint];
  readonly create: (length: number) => Elements;
}

function whole(bits: number, isSigned: boolean, create: Element['create']): Element {
  const lowest = isSigned ? -(2n ** BigInt(bits - 1)) : 0n;
  return { as: 'whole', range: [lowest, lowest + 2n ** BigInt(bits) - 1n], create };
}

const ELEMENTS: Readonly<Partial<Record<Dtype, Element>>> = {
  Float32: { as: 'number', create: (length) => new Float32Array(length) },
  Float64: { as: 'number', create: (length) => new Float64Array(length) },
  Int8: whole(8, true, (length) => new Int8Array(length)),
  Int16: whole(16, true, (length) => new Int16Array(length)),
  Int32: whole(32, true, (length) => new Int32Array(length)),
  Int64: whole(64, true, (length) => new BigInt64Array(length)),
  UInt8: whole(8, false, (length) => new Uint8Array(length)),
  UInt16: whole(16, false, (length) => new Uint16Array(length)),
  UInt32: whole(32, false, (length) => new Uint32Array(length)),
  UInt64: whole(64, false, (length) => new BigUint64Array(length)),
  Bool: { as: 'truth', create: (length) => new Uint8Array(length) },
  String: { as: 'text', create: (length) => Array.from({ length }, () => '') },
};

/** DuckDB's types that may be read as these without a change of meaning. */
const READABLE: Readonly<Record<ReadAs, RegExp>> = {
  number: /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN)$/,
  whole: /^(U?(TINY|SMALL|BIG)INT|HUGEINT|U?INTEGER|BOOLEAN)$/,
  truth: /^BOOLEAN$/,
  text: /^(VARCHAR|UUID|ENUM\(.*\))$/,
};

const SQL_TYPES: Readonly<Record<ReadAs, string>> = {
  number: 'DOUBLE',
  whole: 'HUGEINT',
  truth: 'BOOLEAN',
  text: 'VARCHAR',
};

/** @throws {BatchError} SignatureMismatch, TypeMismatch */
export function readFor(model: string, { name: input, dtype }: TensorSpec, { name, type }: SchemaColumn): ColumnRead {
  const element = ELEMENTS[dtype];
  if (element === undefined) {
    throw new BatchError(
      'SignatureMismatch',
      `The input "${input}" of the model ${model} is ${dtype}, which no column is; export the model with Float32`,
    );
  }
  if (!READABLE[element.as].test(type)) {
    throw new BatchError(
      'TypeMismatch',
      `The column "${name}" is ${type}, and the input "${input}" of the model ${model} is ${dtype}; change one of them`,
    );
  }
  return { column: name, as: element.as };
}

export function sqlTypeOf({ as }: ColumnRead): string {
  return SQL_TYPES[as];
}

export function createElements(dtype: Dtype, length: number): Elements {
  return ELEMENTS[dtype]?.create(length) ?? [];
}

/** The value as an element of the type; undefined where it has none. Nulls and NaN of floats become `missing`. */
export function elementOf(dtype: Dtype, value: unknown, missing: number): number | bigint | string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return wholeElement(dtype, value);
  if (ELEMENTS[dtype]?.as !== 'number') return undefined;
  return typeof value === 'number' && !Number.isNaN(value) ? value : missing;
}

function wholeElement(dtype: Dtype, value: bigint): number | bigint | undefined {
  const [lowest, highest] = ELEMENTS[dtype]?.range ?? [0n, -1n];
  if (value < lowest || value > highest) return undefined;
  return dtype === 'Int64' || dtype === 'UInt64' ? value : Number(value);
}
