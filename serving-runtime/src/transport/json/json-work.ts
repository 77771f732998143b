/** What there is to do with the JSON of an inference. Plain data go in and come out, so that any thread can do it. */
import type { Tensor } from '../../protocol/datatypes.ts';
import type { InferenceRequest, InferenceResponse, TensorSpec } from '../../protocol/inference.ts';
import { buildPredictResponse, parsePredictRequest } from '../../protocol/predict-v1.ts';
import { parseRestRequest } from '../../protocol/rest-request.ts';
import type { BinaryOutputs, RestRequest } from '../../protocol/rest-request.ts';
import { buildRestResponse } from '../../protocol/rest-response.ts';
import type { RestResponse } from '../../protocol/rest-response.ts';

interface Work<Input, Result> {
  readonly run: (input: Input) => Result;
  /** Where most of the bytes are: memory that moves to another thread instead of being copied, as long as nobody else holds it. */
  readonly bytesOfInput: (input: Input) => readonly unknown[];
  readonly bytesOfResult: (result: Result) => readonly unknown[];
}

interface InferBody {
  readonly body: Uint8Array;
  /** How many of its bytes are JSON; undefined for all. */
  readonly jsonLength: number | undefined;
}

interface PredictBody {
  readonly body: Uint8Array;
  /** Of the model that is asked. */
  readonly inputs: readonly TensorSpec[];
}

interface InferAnswer {
  readonly response: InferenceResponse;
  readonly binaryOutputs: BinaryOutputs;
}

const dataOf = (tensors: readonly Tensor[]) => tensors.map(({ data }) => data);

const parseInfer: Work<InferBody, RestRequest> = {
  run: ({ body, jsonLength }) => parseRestRequest(body, jsonLength),
  bytesOfInput: ({ body }) => [body],
  bytesOfResult: ({ inputs }) => dataOf(inputs),
};

const parsePredict: Work<PredictBody, InferenceRequest> = {
  run: ({ body, inputs }) => parsePredictRequest(body, { inputs }),
  bytesOfInput: ({ body }) => [body],
  bytesOfResult: ({ inputs }) => dataOf(inputs),
};

const buildInfer: Work<InferAnswer, RestResponse> = {
  run: ({ response, binaryOutputs }) => buildRestResponse(response, binaryOutputs),
  bytesOfInput: ({ response }) => dataOf(response.outputs),
  bytesOfResult: ({ body }) => [body],
};

const buildPredict: Work<InferenceResponse, Uint8Array> = {
  run: (response) => Buffer.from(JSON.stringify(buildPredictResponse(response))),
  bytesOfInput: ({ outputs }) => dataOf(outputs),
  bytesOfResult: (body) => [body],
};

export const JSON_WORK = { parseInfer, parsePredict, buildInfer, buildPredict };

export type JsonTask = keyof typeof JSON_WORK;
export type TaskInput<Task extends JsonTask> = Parameters<(typeof JSON_WORK)[Task]['run']>[0];
export type TaskResult<Task extends JsonTask> = ReturnType<(typeof JSON_WORK)[Task]['run']>;

/** For the places that know a task by its name alone. */
export function workOf(task: JsonTask): Work<unknown, unknown> {
  return JSON_WORK[task] as Work<unknown, unknown>;
}

/** Of these bytes, the memory that holds nothing else. */
export function movable(bytes: readonly unknown[]): ArrayBuffer[] {
  const own = bytes.filter((view) => ArrayBuffer.isView(view) && view.byteLength === view.buffer.byteLength);
  return [...new Set(own.map((view) => (view as Uint8Array<ArrayBuffer>).buffer))];
}
