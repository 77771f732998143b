/** What goes to a step and what comes from it, in the words of the Open Inference Protocol. */
import { isDatatype } from '../../protocol/datatypes.ts';
import type { Tensor } from '../../protocol/datatypes.ts';
import { RequestError } from '../../protocol/errors.ts';
import { MAX_TENSORS } from '../../protocol/inference.ts';
import type { TensorSpec } from '../../protocol/inference.ts';
import { objectOf, parseJson } from '../../protocol/json-body.ts';
import type { JsonObject } from '../../protocol/json-body.ts';
import { parseTensors } from '../../protocol/rest-request.ts';
import { buildBody } from '../../protocol/rest-response.ts';
import type { Signature } from '../model-instance.ts';
import type { StepAnswer } from './step-connection.ts';

export interface StepInference {
  readonly inputs: readonly Tensor[];
  readonly id: string | undefined;
  /** Of the request. */
  readonly parameters: JsonObject | undefined;
}

const JSON_LENGTH = 'inference-header-content-length';
/** Both are read and written on the thread that answers the network: a fraction of a second. */
const MAX_JSON_ELEMENTS = 1024 * 1024;
const MAX_JSON_BYTES = 4 * 1024 * 1024;
const BINARY = 'binary_tensor_data';
const ADVICE = `a step whose GET /v2 lists the extension ${BINARY} gets and gives bytes`;

export interface StepBody {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string | number>>;
}

/** @param isBinary whether it takes tensors as bytes. @throws {RequestError} where JSON would be too long. */
export function encodeInference({ inputs, id, parameters = {} }: StepInference, isBinary: boolean): StepBody {
  const elements = inputs.reduce((sum, { data }) => sum + data.length, 0);
  if (!isBinary && elements > MAX_JSON_ELEMENTS)
    throw new RequestError('TooLarge', `${elements} elements are too many for JSON; ${ADVICE}`);
  // These two are about the way to us, and not for the step.
  const { timeout: _timeout, binary_data_output: _binary, ...passed } = parameters;
  const head = { id, parameters: isBinary ? { ...passed, binary_data_output: true } : passed };
  const { body, jsonLength } = buildBody(head, { inputs }, () => isBinary);
  const headers = { 'content-length': body.length };
  if (jsonLength === undefined) return { body, headers: { ...headers, 'content-type': 'application/json' } };
  return { body, headers: { ...headers, 'content-type': 'application/octet-stream', [JSON_LENGTH]: jsonLength } };
}

/** The outputs of an answer. @throws {Error} */
export function decodeOutputs({ headers, body }: StepAnswer): readonly Tensor[] {
  const given = headers[JSON_LENGTH];
  const jsonLength = given === undefined ? undefined : Number(given);
  if ((jsonLength ?? body.length) > MAX_JSON_BYTES)
    throw new Error(`its answer has more than ${MAX_JSON_BYTES} bytes of JSON; ${ADVICE}`);
  return parseTensors(body, jsonLength, 'outputs').tensors;
}

/** What `GET /v2/models/NAME` says. @throws {Error} */
export function decodeMetadata(body: Buffer): Signature {
  const json = parseJson(body);
  return { inputs: specsOf(json, 'inputs'), outputs: specsOf(json, 'outputs') };
}

function specsOf(json: JsonObject, field: 'inputs' | 'outputs'): TensorSpec[] {
  const list = json[field];
  if (!Array.isArray(list) || list.length > MAX_TENSORS) throw new Error(`its metadata has no list of ${field}`);
  return list.map((entry) => {
    const { name, datatype, shape } = objectOf(entry, `every entry of "${field}"`);
    const isShape = Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && (size as number) >= -1);
    if (typeof name !== 'string' || !isDatatype(datatype) || !isShape)
      throw new Error(`an entry of ${field} in its metadata has no name, no datatype that is known, or no shape`);
    return { name, datatype, shape: shape as number[] };
  });
}

/** Whether `GET /v2` lists the binary tensor extension. */
export function listsBinary({ status, body }: StepAnswer): boolean {
  if (status !== 200) return false;
  try {
    const { extensions } = parseJson(body);
    return Array.isArray(extensions) && extensions.includes(BINARY);
  } catch {
    return false;
  }
}

/** What an answer that is no success says is wrong; undefined where it does not say. */
export function errorOf({ body }: StepAnswer): string | undefined {
  try {
    const { error } = parseJson(body);
    return typeof error === 'string' && error !== '' ? error : undefined;
  } catch {
    return undefined;
  }
}
