/** The body of `POST /v2/models/NAME/infer`, and of its answer: JSON with or without the binary tensor extension. */
import { isDatatype } from './datatypes.ts';
import type { Tensor } from './datatypes.ts';
import { ElementBudget } from './element-budget.ts';
import { invalid, quoted } from './errors.ts';
import { MAX_TENSORS, timeoutOf } from './inference.ts';
import type { InferenceRequest } from './inference.ts';
import { flat, objectOf, parseJson } from './json-body.ts';
import type { JsonObject } from './json-body.ts';
import { decodeRawTensor } from './raw-tensor.ts';
import { tensorOfValues } from './typed-values.ts';

/** Plain data, so that it can go from one thread to another. */
export interface RestRequest extends InferenceRequest {
  /** How long the client waits, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly binaryOutputs: BinaryOutputs;
}

/** Which outputs shall come back as bytes. */
export interface BinaryOutputs {
  readonly byDefault: boolean;
  /** What is said of single ones. */
  readonly byName: ReadonlyMap<string, boolean>;
}

/**
 * @param jsonLength the value of `Inference-Header-Content-Length`: how many bytes of the body are JSON; undefined for all.
 */
export function parseRestRequest(body: Uint8Array, jsonLength: number | undefined): RestRequest {
  const { json, tensors } = parseTensors(body, jsonLength, 'inputs');
  const outputs = json['outputs'] === undefined ? undefined : listOf(json, 'outputs');
  return {
    id: optionalText(json, 'id'),
    inputs: tensors,
    outputs: outputs?.map(nameOf),
    parameters: parameters(json),
    timeoutMs: timeoutOf(parameters(json)['timeout']),
    binaryOutputs: {
      byDefault: parameters(json)['binary_data_output'] === true,
      byName: new Map((outputs ?? []).flatMap(wantsBytes)),
    },
  };
}

/** The JSON of a body, and the tensors that one of its lists describes. @throws {RequestError} which calls all of them inputs. */
export function parseTensors(
  body: Uint8Array,
  jsonLength: number | undefined,
  list: 'inputs' | 'outputs',
): { readonly json: JsonObject; readonly tensors: readonly Tensor[] } {
  const json = parseJson(jsonLength === undefined ? body : body.subarray(0, checkedLength(jsonLength, body)));
  const raw = new RawBytes(body.subarray(jsonLength ?? body.length));
  const sources = { raw, budget: new ElementBudget() };
  const tensors = listOf(json, list).map((tensor) => parseTensor(tensor, sources));
  raw.expectEnd();
  refuseTwice(tensors.map(({ name }) => name));
  return { json, tensors };
}

function wantsBytes(output: JsonObject): [string, boolean][] {
  const wanted = parameters(output)['binary_data'];
  return wanted === undefined ? [] : [[nameOf(output), wanted === true]];
}

function checkedLength(length: number, body: Uint8Array): number {
  if (!Number.isInteger(length) || length < 0 || length > body.length) {
    throw invalid('Inference-Header-Content-Length must be the number of bytes of JSON at the start of the body');
  }
  return length;
}

/** The bytes behind the JSON, handed out in the order of the inputs. */
class RawBytes {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  take(size: number, name: string): Uint8Array {
    if (size > this.#rest.length)
      throw invalid(`binary_data_size of input ${quoted(name)} is more than what is left of the body`);
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  expectEnd(): void {
    if (this.#rest.length > 0) throw invalid(`the body has ${this.#rest.length} bytes that belong to no input`);
  }
}

interface Sources {
  readonly raw: RawBytes;
  readonly budget: ElementBudget;
}

function parseTensor(input: JsonObject, sources: Sources): Tensor {
  const name = nameOf(input);
  const { datatype, shape, data } = input;
  if (!isDatatype(datatype)) throw invalid(`input ${quoted(name)} has no datatype that is known`);
  if (!Array.isArray(shape)) throw invalid(`input ${quoted(name)} has no shape; give a list of whole numbers`);
  const count = sources.budget.take(name, datatype, shape);
  const size = parameters(input)['binary_data_size'];
  if (size === undefined) {
    if (!Array.isArray(data)) throw invalid(`input ${quoted(name)} has no data; give a list, nested or flat`);
    return {
      name,
      datatype,
      shape,
      data: tensorOfValues(name, { datatype, count, isJson: true }, flat(data, count + 1)),
    };
  }
  if (data !== undefined) throw invalid(`input ${quoted(name)} has both data and binary_data_size`);
  if (!Number.isInteger(size) || (size as number) < 0)
    throw invalid(`binary_data_size of input ${quoted(name)} must be a whole number`);
  return {
    name,
    datatype,
    shape,
    data: decodeRawTensor(name, { datatype, count }, sources.raw.take(size as number, name)),
  };
}

function refuseTwice(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalid(`input ${quoted(name)} is there twice`);
    seen.add(name);
  }
}

function listOf(object: JsonObject, field: string): JsonObject[] {
  const list = object[field];
  if (!Array.isArray(list)) throw invalid(`"${field}" must be a list`);
  if (list.length > MAX_TENSORS) throw invalid(`"${field}" has more than ${MAX_TENSORS} entries`);
  return list.map((entry) => objectOf(entry, `every entry of "${field}"`));
}

function nameOf(object: JsonObject): string {
  const name = object['name'];
  if (typeof name !== 'string' || name === '') throw invalid('every input and output needs a name');
  return name;
}

function optionalText(object: JsonObject, field: string): string | undefined {
  const value = object[field];
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`"${field}" must be a string`);
}

function parameters(object: JsonObject): JsonObject {
  return object['parameters'] === undefined ? {} : objectOf(object['parameters'], '"parameters"');
}
