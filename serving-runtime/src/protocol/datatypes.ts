/**
 * Datatypes of the Open Inference Protocol v2
 * (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types).
 */
import { invalid, quoted } from './errors.ts';

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;
export type TensorData = NumberArray | BigInt64Array | BigUint64Array | readonly string[];

interface NumericType {
  readonly bytes: number;
  /** Bounds of an integer, inclusive; undefined for floats. */
  readonly range?: readonly [bigint, bigint];
  readonly create: (length: number) => Exclude<TensorData, readonly string[]>;
  readonly view: (buffer: ArrayBufferLike, offset: number, length: number) => Exclude<TensorData, readonly string[]>;
}

function signed(bits: number): readonly [bigint, bigint] {
  return [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
}

function unsigned(bits: number): readonly [bigint, bigint] {
  return [0n, 2n ** BigInt(bits) - 1n];
}

export const NUMERIC_TYPES = {
  BOOL: { bytes: 1, range: [0n, 1n], create: (n) => new Uint8Array(n), view: (b, o, n) => new Uint8Array(b, o, n) },
  INT8: { bytes: 1, range: signed(8), create: (n) => new Int8Array(n), view: (b, o, n) => new Int8Array(b, o, n) },
  INT16: { bytes: 2, range: signed(16), create: (n) => new Int16Array(n), view: (b, o, n) => new Int16Array(b, o, n) },
  INT32: { bytes: 4, range: signed(32), create: (n) => new Int32Array(n), view: (b, o, n) => new Int32Array(b, o, n) },
  INT64: {
    bytes: 8,
    range: signed(64),
    create: (n) => new BigInt64Array(n),
    view: (b, o, n) => new BigInt64Array(b, o, n),
  },
  UINT8: { bytes: 1, range: unsigned(8), create: (n) => new Uint8Array(n), view: (b, o, n) => new Uint8Array(b, o, n) },
  UINT16: {
    bytes: 2,
    range: unsigned(16),
    create: (n) => new Uint16Array(n),
    view: (b, o, n) => new Uint16Array(b, o, n),
  },
  UINT32: {
    bytes: 4,
    range: unsigned(32),
    create: (n) => new Uint32Array(n),
    view: (b, o, n) => new Uint32Array(b, o, n),
  },
  UINT64: {
    bytes: 8,
    range: unsigned(64),
    create: (n) => new BigUint64Array(n),
    view: (b, o, n) => new BigUint64Array(b, o, n),
  },
  /** Halves, as their bits. */
  FP16: { bytes: 2, create: (n) => new Uint16Array(n), view: (b, o, n) => new Uint16Array(b, o, n) },
  FP32: { bytes: 4, create: (n) => new Float32Array(n), view: (b, o, n) => new Float32Array(b, o, n) },
  FP64: { bytes: 8, create: (n) => new Float64Array(n), view: (b, o, n) => new Float64Array(b, o, n) },
} as const satisfies Record<string, NumericType>;

export type NumericDatatype = keyof typeof NUMERIC_TYPES;
export type Datatype = NumericDatatype | 'BYTES';

export const DATATYPES: readonly Datatype[] = [...(Object.keys(NUMERIC_TYPES) as NumericDatatype[]), 'BYTES'];

export function isDatatype(name: unknown): name is Datatype {
  return DATATYPES.some((datatype) => datatype === name);
}

export function numericType(datatype: NumericDatatype): NumericType {
  return NUMERIC_TYPES[datatype];
}

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

const MAX_DIMENSIONS = 32;

/**
 * The number of elements of a shape, checked before anything is multiplied or reserved: every size is a whole number from 0 to
 * `limit`, and so is the product of those that are not 0: what has no elements in one dimension says nothing of the others, and a
 * model may use them for results of that size.
 */
export function elementCount(name: string, shape: readonly unknown[], limit: number): number {
  if (shape.length > MAX_DIMENSIONS)
    throw invalid(`input ${quoted(name)} has ${shape.length} dimensions; at most ${MAX_DIMENSIONS} are allowed`);
  let product = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || (size as number) < 0)
      throw invalid(`the shape of input ${quoted(name)} must hold whole numbers from 0 up`);
    product *= (size as number) || 1;
    if (product > limit)
      throw invalid(`the shape of input ${quoted(name)} asks for more elements than a request may hold (${limit})`);
  }
  return shape.includes(0) ? 0 : product;
}
