/** One inference, whatever protocol it came by: checked against the model's signature, run, counted. */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import type { Cancellation } from '../engine/cancellation.ts';
import type { Signature } from '../engine/model-instance.ts';
import { count, countBy, failureReason } from '../engine/statistics.ts';
import type { Tensor } from '../protocol/datatypes.ts';
import { invalid, quoted, toRequestError } from '../protocol/errors.ts';
import type { InferenceRequest, InferenceResponse, TensorSpec } from '../protocol/inference.ts';
import { mismatch } from '../protocol/tensor-specs.ts';
import type { ServingMetrics } from './metrics.ts';
import { currentRequest } from './request-record.ts';
import { watchInference } from './request-watcher.ts';

export interface Target {
  readonly name: string;
  /** undefined: the newest. */
  readonly version: string | undefined;
}

export interface Patience {
  /** How long the client waits, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Aborted when it has gone. */
  readonly signal?: Cancellation | undefined;
}

export async function infer(
  { engine, metrics }: { readonly engine: Engine; readonly metrics: ServingMetrics },
  { name, version }: Target,
  request: InferenceRequest,
  patience: Patience = {},
): Promise<InferenceResponse> {
  const model = engine.model(name, version);
  const { statistics, entry } = model;
  const started = performance.now();
  const id = request.id ?? randomUUID();
  const record = currentRequest.getStore();
  const watch = record && watchInference(record, { id, model: name, version: entry.version, inputs: request.inputs });
  try {
    const inputs = orderedInputs(model.signature.inputs, request);
    const outputs = wantedOutputs(model.signature, request.outputs);
    const { parameters } = request;
    const answer = await model.infer({ inputs, outputs, id, parameters, timed: watch?.timed, ...patience });
    statistics.lastInference = Date.now();
    const microseconds = (performance.now() - started) * 1000;
    count(statistics.success, microseconds);
    metrics.answered(model, microseconds);
    watch?.ended({ outputs: answer, failure: undefined });
    return { modelName: name, modelVersion: entry.version, id, outputs: answer };
  } catch (cause) {
    const failure = toRequestError(cause);
    countBy(statistics.failed, failureReason(failure), (performance.now() - started) * 1000);
    watch?.ended({ outputs: undefined, failure });
    throw cause;
  }
}

/** The inputs in the order of the signature, each checked against it. */
function orderedInputs(specs: readonly TensorSpec[], { inputs }: InferenceRequest): Tensor[] {
  const unknown = inputs.find((input) => !specs.some((spec) => spec.name === input.name));
  const known = specs.map((spec) => spec.name).join(', ');
  if (unknown !== undefined) throw invalid(`the model has no input ${quoted(unknown.name)}; it has: ${known}`);
  return specs.map((spec) => {
    const input = inputs.find((candidate) => candidate.name === spec.name);
    if (input === undefined) throw invalid(`input ${quoted(spec.name)} is missing`);
    const wrong = mismatch(spec, input);
    if (wrong !== undefined) throw invalid(`input ${quoted(spec.name)} ${wrong}`);
    return input;
  });
}

function wantedOutputs(signature: Signature, names: readonly string[] | undefined): string[] {
  const all = signature.outputs.map((output) => output.name);
  if (names === undefined || names.length === 0) return all;
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw invalid(`the model has no output ${quoted(unknown)}; it has: ${all.join(', ')}`);
  if (new Set(names).size !== names.length) throw invalid('an output is asked for twice');
  return [...names];
}
