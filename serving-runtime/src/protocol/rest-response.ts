/** Tensors as JSON, with those that were asked for as bytes behind it. */
import type { Tensor } from './datatypes.ts';
import type { InferenceResponse } from './inference.ts';
import { encodeRawTensor } from './raw-tensor.ts';
import type { BinaryOutputs } from './rest-request.ts';
import { halves } from './typed-values.ts';

export interface RestResponse {
  readonly body: Uint8Array;
  /** Set when bytes follow the JSON: the value of `Inference-Header-Content-Length`. */
  readonly jsonLength: number | undefined;
}

export function buildRestResponse(response: InferenceResponse, binary: BinaryOutputs): RestResponse {
  const { modelName, modelVersion, id, outputs } = response;
  const head = { model_name: modelName, model_version: modelVersion, id };
  return buildBody(head, { outputs }, (name) => isBinary(name, binary));
}

/** A body of the protocol: `head`, and one list of tensors. */
export function buildBody(
  head: object,
  list: { readonly inputs: readonly Tensor[] } | { readonly outputs: readonly Tensor[] },
  isRaw: (name: string) => boolean,
): RestResponse {
  const raw: Uint8Array[] = [];
  const [tensors, field] = 'inputs' in list ? [list.inputs, 'inputs'] : [list.outputs, 'outputs'];
  const written = tensors.map((tensor) => {
    const { name, datatype, shape } = tensor;
    if (!isRaw(name)) return `{${fields({ name, datatype, shape })},"data":${jsonData(tensor)}}`;
    const bytes = encodeRawTensor(tensor.data);
    raw.push(bytes);
    return `{${fields({ name, datatype, shape, parameters: { binary_data_size: bytes.length } })}}`;
  });
  const json = Buffer.from(`{${fields(head)},"${field}":[${written.join(',')}]}`);
  return raw.length === 0
    ? { body: json, jsonLength: undefined }
    : { body: Buffer.concat([json, ...raw]), jsonLength: json.length };
}

export function isBinary(output: string, { byDefault, byName }: BinaryOutputs): boolean {
  return byName.get(output) ?? byDefault;
}

/** The inside of a JSON object. */
function fields(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

function jsonData({ datatype, data }: Tensor): string {
  if (datatype === 'BOOL') return JSON.stringify(Array.from(data, Boolean));
  // Bigints have no JSON of their own; their digits are JSON numbers. NaN and infinities become null, as JSON has none.
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return `[${data.join(',')}]`;
  if (datatype === 'FP16') return `[${Array.from(halves(data as Uint16Array), shortest).join(',')}]`;
  if (data instanceof Float32Array) return `[${Array.from(data, shortest).join(',')}]`;
  return JSON.stringify(Array.from(data as ArrayLike<unknown>));
}

/** What `jsonData` has, an element each, made when it is asked for. */
export function* jsonElements({ datatype, data }: Pick<Tensor, 'datatype' | 'data'>): Generator<string> {
  const isSingle = datatype === 'FP16' || datatype === 'FP32';
  for (const value of datatype === 'FP16' ? halves(data as Uint16Array) : data) {
    if (datatype === 'BOOL') yield String(value === 1);
    else if (typeof value === 'bigint') yield String(value);
    else yield isSingle ? shortest(value as number) : JSON.stringify(value);
  }
}

/** The shortest decimal that reads back as the same 32-bit float, so also as the same half: 0.1, not 0.10000000149011612. */
function shortest(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const magnitude = Math.abs(value);
  if (magnitude < SMALLEST_SCALED || magnitude >= LARGEST_SCALED) return shortestByPrecision(value);
  let decimals = FEWEST_DIGITS - 1 - Math.floor(Math.log10(magnitude));
  for (let digits = FEWEST_DIGITS; digits <= MOST_DIGITS; digits += 1, decimals += 1) {
    // Both are whole numbers that a double holds, so the quotient is the double next to that decimal, and is written as it.
    const scale = POWERS_OF_TEN[decimals] ?? 1;
    const rounded = Math.round(value * scale) / scale;
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return shortestByPrecision(value);
}

/** For any size, and five times as slow. */
function shortestByPrecision(value: number): string {
  for (let digits = FEWEST_DIGITS; digits < MOST_DIGITS; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(MOST_DIGITS)));
}

/** What a decimal needs to be a certain float, and what is always enough. */
const FEWEST_DIGITS = 6;
const MOST_DIGITS = 9;
const SMALLEST_SCALED = 1e-6;
const LARGEST_SCALED = 1e6;
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, power) => Number(`1e${power}`));
