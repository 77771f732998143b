/** ModelInfer's messages (infer-codec.ts makes them of bytes; names as in the file), and requests. */
import { decodedText } from './bytes-elements.ts';
import { isDatatype } from './datatypes.ts';
import type { Datatype, NumberArray, Tensor, TensorData } from './datatypes.ts';
import { ElementBudget } from './element-budget.ts';
import { invalid, quoted } from './errors.ts';
import { MAX_WRITTEN_ELEMENTS, timeoutOf } from './inference.ts';
import type { InferenceRequest, InferenceResponse } from './inference.ts';
import type { JsonObject } from './json-body.ts';
import { decodeRawTensor, encodeRawTensor } from './raw-tensor.ts';
import { halves, tensorOfValues } from './typed-values.ts';

export interface Contents {
  readonly bool_contents?: readonly boolean[];
  readonly int_contents?: readonly number[];
  readonly int64_contents?: readonly bigint[];
  readonly uint_contents?: readonly number[];
  readonly uint64_contents?: readonly bigint[];
  readonly fp32_contents?: readonly number[];
  readonly fp64_contents?: readonly number[];
  readonly bytes_contents?: readonly Uint8Array[];
}

export interface WireTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly contents?: Contents;
}

/** One of its fields; which one depends on what the client found fit. */
export type WireParameter = Readonly<Record<string, unknown>>;

export interface WireRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters?: Readonly<Record<string, WireParameter>>;
  readonly inputs: readonly WireTensor[];
  readonly outputs: readonly { readonly name: string }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

export interface WireResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly WireTensor[];
  readonly raw_output_contents: readonly Uint8Array[];
}

/** Which field of the typed contents holds the values of a datatype. */
const CONTENTS_FIELD: Readonly<Record<Datatype, keyof Contents>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  // The protocol has no field for halves; Triton's clients send them as raw contents.
  FP16: 'fp32_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

/** Milliseconds that the client waits, by the parameter `timeout`. */
export function wireTimeout({ parameters = {} }: WireRequest): number | undefined {
  const { int64_param: int64, uint64_param: uint64, string_param: text } = parameters['timeout'] ?? {};
  return timeoutOf(int64 ?? uint64 ?? text);
}

export function usesRawContents(request: WireRequest): boolean {
  return request.raw_input_contents.length > 0;
}

export function parseWireRequest(request: WireRequest): InferenceRequest {
  const raw = request.raw_input_contents;
  if (raw.length > 0 && raw.length !== request.inputs.length) {
    throw invalid(
      `there are ${raw.length} raw_input_contents for ${request.inputs.length} inputs; give one for each, or none`,
    );
  }
  const names = request.inputs.map((input) => input.name);
  if (new Set(names).size !== names.length) throw invalid('an input is there twice');
  const budget = new ElementBudget();
  return {
    id: request.id === '' ? undefined : request.id,
    inputs: request.inputs.map((input, index) => parseInput(input, raw[index], budget)),
    outputs: request.outputs.length === 0 ? undefined : request.outputs.map((output) => output.name),
    parameters: plainParameters(request.parameters),
  };
}

/** As JSON has them. */
function plainParameters(parameters: WireRequest['parameters'] = {}): JsonObject | undefined {
  if (Object.keys(parameters).length === 0) return undefined;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, field]) => {
      const [value] = Object.values(field);
      return [name, typeof value === 'bigint' ? Number(value) : value];
    }),
  );
}

function parseInput(
  { name, datatype, shape, contents }: WireTensor,
  raw: Uint8Array | undefined,
  budget: ElementBudget,
): Tensor {
  if (!isDatatype(datatype)) throw invalid(`input ${quoted(name)} has no datatype that is known`);
  const count = budget.take(name, datatype, shape);
  if (raw === undefined) {
    const field = CONTENTS_FIELD[datatype];
    return {
      name,
      datatype,
      shape,
      data: tensorOfValues(name, { datatype, count }, typedValues(name, field, contents ?? {})),
    };
  }
  if (contents !== undefined && Object.values(contents).some((values) => Array.isArray(values) && values.length > 0)) {
    throw invalid(`input ${quoted(name)} has both contents and raw_input_contents`);
  }
  return { name, datatype, shape, data: decodeRawTensor(name, { datatype, count }, raw) };
}

function typedValues(name: string, field: keyof Contents, contents: Contents): readonly unknown[] {
  const values = contents[field] ?? [];
  if (field === 'bytes_contents') return (values as readonly Uint8Array[]).map((bytes) => decodedText(name, bytes));
  return values;
}

/** The answer in the form that the request had: raw for raw, typed for typed. @throws {RequestError} where that would be too much. */
export function buildWireResponse(response: InferenceResponse, raw: boolean): WireResponse {
  const elements = response.outputs.reduce((sum, { data }) => sum + data.length, 0);
  if (!raw && elements > MAX_WRITTEN_ELEMENTS)
    throw invalid(
      `the outputs have ${elements} elements, and typed contents at most ${MAX_WRITTEN_ELEMENTS}; ask with raw_input_contents, and they come as bytes`,
    );
  return {
    model_name: response.modelName,
    model_version: response.modelVersion,
    id: response.id,
    outputs: response.outputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape,
      ...(raw ? {} : { contents: { [CONTENTS_FIELD[datatype]]: typedContents(datatype, data) } }),
    })),
    raw_output_contents: raw ? response.outputs.map(({ data }) => encodeRawTensor(data)) : [],
  };
}

function typedContents(datatype: Datatype, data: TensorData): unknown[] {
  if (datatype === 'BOOL') return Array.from(data, Boolean);
  if (datatype === 'BYTES') return Array.from(data as readonly string[], (text) => Buffer.from(text, 'utf8'));
  if (datatype === 'FP16') return Array.from(halves(data as Uint16Array));
  return datatype === 'INT64' || datatype === 'UINT64'
    ? Array.from(data as BigInt64Array)
    : Array.from(data as NumberArray);
}
