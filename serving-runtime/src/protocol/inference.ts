import type { Tensor } from './datatypes.ts';
import type { JsonObject } from './json-body.ts';
import { invalid } from './errors.ts';

/** A request to infer, whatever protocol it came by. */
export interface InferenceRequest {
  /** As the client gave it; answers repeat it. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the wanted outputs; undefined for all. */
  readonly outputs: readonly string[] | undefined;
  /** Of the request, not of a tensor: for the steps before and after a model. */
  readonly parameters?: JsonObject | undefined;
}

export interface InferenceResponse {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly outputs: readonly Tensor[];
}

/** What a model takes and gives; -1 for a dimension of any size. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export const PLATFORM = 'onnxruntime_onnx';
/** Only what works is listed. */
export const EXTENSIONS = ['binary_tensor_data', 'model_configuration', 'statistics'] as const;

/** Elements of an answer that are written one by one, as JSON or as typed contents of gRPC: some 50 MiB that take seconds. */
export const MAX_WRITTEN_ELEMENTS = 4 * 1024 * 1024;

/** Inputs, or outputs that are asked for, of one request: one without elements takes little to send and much to hold. */
export const MAX_TENSORS = 4096;

/** Milliseconds, of the request parameter `timeout`, which Triton counts in microseconds; 0 stands for none. */
export function timeoutOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const microseconds = Number(value);
  if (!Number.isSafeInteger(microseconds) || microseconds < 0)
    throw invalid('the parameter "timeout" must be a whole number of microseconds');
  return microseconds === 0 ? undefined : microseconds / 1000;
}
