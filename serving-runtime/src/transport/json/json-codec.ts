/**
 * Requests and answers as JSON. What is short is done at once; what is long goes to another thread, so that the one that answers the
 * network is never away for long. Both run the same code, and fail with the same words.
 */
import { availableParallelism } from 'node:os';
import type { Cancellation } from '../../engine/cancellation.ts';
import { RequestError } from '../../protocol/errors.ts';
import { MAX_WRITTEN_ELEMENTS } from '../../protocol/inference.ts';
import type { InferenceRequest, InferenceResponse, TensorSpec } from '../../protocol/inference.ts';
import type { BinaryOutputs, RestRequest } from '../../protocol/rest-request.ts';
import { isBinary } from '../../protocol/rest-response.ts';
import type { RestResponse } from '../../protocol/rest-response.ts';
import { createJsonThreads } from './json-threads.ts';
import type { JsonThreadsOptions } from './json-threads.ts';
import { JSON_WORK } from './json-work.ts';
import type { JsonTask, TaskInput, TaskResult } from './json-work.ts';

/** Every method may answer at once. They throw, or reject with, a RequestError. */
export interface JsonCodec {
  /** Takes the memory of the body. @param jsonLength how many bytes of the body are JSON; undefined for all. */
  parseInfer(body: Uint8Array, jsonLength: number | undefined, signal: Cancellation): Awaitable<RestRequest>;
  /** Takes the memory of the body. */
  parsePredict(body: Uint8Array, inputs: readonly TensorSpec[], signal: Cancellation): Awaitable<InferenceRequest>;
  buildInfer(response: InferenceResponse, binaryOutputs: BinaryOutputs): Awaitable<RestResponse>;
  buildPredict(response: InferenceResponse): Awaitable<Uint8Array>;
}

type Awaitable<T> = T | Promise<T>;

const MIB = 1024 * 1024;
/** Bytes of JSON that are parsed at once: a few milliseconds. */
const SHORT_BYTES = 256 * 1024;
/** Numbers that are written as JSON at once: about as long. */
const SHORT_ELEMENTS = 8 * 1024;

const DEFAULTS: JsonThreadsOptions = {
  threads: Math.max(1, Math.min(4, availableParallelism() - 1)),
  maxWaitingBytes: 256 * MIB,
  idleMs: 30_000,
};

export function createJsonCodec(options: JsonThreadsOptions = DEFAULTS): JsonCodec {
  const threads = createJsonThreads(options);
  /** Their result is that of the work, whatever thread it was done on. */
  const elsewhere = <Task extends JsonTask>(
    task: Task,
    input: TaskInput<Task>,
    { bytes, signal }: { readonly bytes: number; readonly signal?: Cancellation },
  ) => threads.run({ task, input }, bytes, signal) as Promise<TaskResult<Task>>;

  return {
    parseInfer: (body, jsonLength, signal) => {
      const input = { body, jsonLength };
      if ((jsonLength ?? body.length) <= SHORT_BYTES) return JSON_WORK.parseInfer.run(input);
      return elsewhere('parseInfer', input, { bytes: body.length, signal });
    },
    parsePredict: (body, inputs, signal) => {
      const input = { body, inputs };
      if (body.length <= SHORT_BYTES) return JSON_WORK.parsePredict.run(input);
      return elsewhere('parsePredict', input, { bytes: body.length, signal });
    },
    buildInfer: (response, binaryOutputs) => {
      const elements = jsonElements(response, (output) => !isBinary(output, binaryOutputs));
      if (elements <= SHORT_ELEMENTS) return JSON_WORK.buildInfer.run({ response, binaryOutputs });
      return elsewhere('buildInfer', { response: copyOf(response), binaryOutputs }, { bytes: 0 });
    },
    buildPredict: (response) => {
      const elements = jsonElements(response, () => true);
      if (elements <= SHORT_ELEMENTS) return JSON_WORK.buildPredict.run(response);
      return elsewhere('buildPredict', copyOf(response), { bytes: 0 });
    },
  };
}

/** How many elements are written as JSON. @throws {RequestError} InvalidArgument where they are too many. */
function jsonElements({ outputs }: InferenceResponse, isJson: (output: string) => boolean): number {
  let elements = 0;
  for (const { name, data } of outputs) if (isJson(name)) elements += data.length;
  if (elements <= MAX_WRITTEN_ELEMENTS) return elements;
  throw new RequestError(
    'InvalidArgument',
    `the outputs have ${elements} elements, and an answer in JSON at most ${MAX_WRITTEN_ELEMENTS}; ask for them as binary data`,
  );
}

/** The memory of results may be that of other answers too, of the same batch or the same cache. */
function copyOf(response: InferenceResponse): InferenceResponse {
  return { ...response, outputs: response.outputs.map((output) => ({ ...output, data: output.data.slice() })) };
}
