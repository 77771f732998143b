/** One inference, whatever protocol it came by: checked against the model's signature, run, counted. */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import type { ServedModel } from '../engine/served-model.ts';
import { invalid, quoted, toRequestError } from '../protocol/errors.ts';
import type { InferenceRequest, InferenceResponse, TensorSpec } from '../protocol/inference.ts';
import type { ServingMetrics } from './metrics.ts';

export interface InferDeps {
  readonly engine: Engine;
  readonly metrics: ServingMetrics;
}

export async function infer(
  { engine, metrics }: InferDeps,
  { name, version }: { name: string; version: string | undefined },
  request: InferenceRequest,
): Promise<InferenceResponse> {
  const model = engine.model(name, version);
  const started = performance.now();
  const labels = { model: model.entry.name, version: model.entry.version };
  try {
    checkInputs(model.signature.inputs, request);
    const wanted = wantedOutputs(model, request.outputs);
    const result = await model.infer(request.inputs, wanted);
    metrics.succeeded(labels, {
      ...result,
      rows: rowsOf(request),
      totalMicroseconds: (performance.now() - started) * 1000,
    });
    return {
      modelName: name,
      modelVersion: model.entry.version,
      id: request.id ?? randomUUID(),
      outputs: result.outputs,
    };
  } catch (cause) {
    metrics.failed(labels, toRequestError(cause).code);
    throw cause;
  }
}

function rowsOf({ inputs }: InferenceRequest): number {
  return inputs[0]?.shape[0] ?? 1;
}

function checkInputs(specs: readonly TensorSpec[], { inputs }: InferenceRequest): void {
  const unknown = inputs.find((input) => !specs.some((spec) => spec.name === input.name));
  const known = specs.map((spec) => spec.name).join(', ');
  if (unknown !== undefined) throw invalid(`the model has no input ${quoted(unknown.name)}; it has: ${known}`);
  for (const spec of specs) {
    const input = inputs.find((candidate) => candidate.name === spec.name);
    if (input === undefined) throw invalid(`input ${quoted(spec.name)} is missing`);
    if (input.datatype !== spec.datatype)
      throw invalid(`input ${quoted(spec.name)} must be ${spec.datatype}, not ${input.datatype}`);
    const fits =
      input.shape.length === spec.shape.length &&
      spec.shape.every((size, axis) => size < 0 || size === input.shape[axis]);
    if (!fits)
      throw invalid(
        `input ${quoted(spec.name)} must have the shape [${spec.shape.join(', ')}] (-1: any), not [${input.shape.join(', ')}]`,
      );
  }
}

function wantedOutputs(model: ServedModel, names: readonly string[] | undefined): string[] {
  const all = model.signature.outputs.map((output) => output.name);
  if (names === undefined || names.length === 0) return all;
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw invalid(`the model has no output ${quoted(unknown)}; it has: ${all.join(', ')}`);
  if (new Set(names).size !== names.length) throw invalid('an output is asked for twice');
  return [...names];
}
