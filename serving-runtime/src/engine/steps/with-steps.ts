/**
 * A model whose requests go through a step before it, and whose answers go through one after it. From outside it is a model that
 * takes what the first takes and gives what the last gives.
 */
import type { Tensor } from '../../protocol/datatypes.ts';
import { RequestError } from '../../protocol/errors.ts';
import type { TensorSpec } from '../../protocol/inference.ts';
import { mismatch } from '../../protocol/tensor-specs.ts';
import type { Inference } from '../job.ts';
import type { Signature } from '../model-instance.ts';
import type { ModelVersion } from '../model-version.ts';
import type { RepositoryEntry } from '../repository.ts';
import { broken } from './step-failure.ts';
import type { StepName } from './step-failure.ts';
import { openStep } from './step.ts';
import type { Step } from './step.ts';
import { stepsMisfit } from './steps-misfit.ts';

export interface StepsEvents {
  stepReady(entry: RepositoryEntry, step: StepName): void;
  stepNotReady(entry: RepositoryEntry, step: StepName, why: string): void;
  stepFailed(entry: RepositoryEntry, step: StepName, detail: string): void;
  stepAsked(entry: RepositoryEntry, step: StepName, seconds: number): void;
}

/** @param version loaded; it is returned as it is where its settings name no step. */
export async function withSteps(version: ModelVersion, events: StepsEvents): Promise<ModelVersion> {
  const { entry, settings } = version;
  const open = async (name: StepName): Promise<Step | undefined> => {
    const step = settings.steps?.[name];
    if (step === undefined) return undefined;
    const options = { name, url: step.url, model: entry.name };
    const limits = { maxRequests: settings.maxQueuedRows, maxBytes: settings.maxQueuedBytes };
    return openStep(
      { ...options, ...limits },
      {
        ready: () => events.stepReady(entry, name),
        notReady: (why) => events.stepNotReady(entry, name, why),
        failed: (detail) => events.stepFailed(entry, name, detail),
        asked: (seconds) => events.stepAsked(entry, name, seconds),
      },
    );
  };
  const [before, after] = await Promise.all([open('before'), open('after')]);
  if (before === undefined && after === undefined) return version;
  return chained(version, { before, after }, { limitMs: settings.timeoutSeconds * 1000, events });
}

interface Chain {
  readonly before: Step | undefined;
  readonly after: Step | undefined;
}

interface ChainOptions {
  readonly limitMs: number;
  readonly events: StepsEvents;
}

function chained(version: ModelVersion, chain: Chain, { limitMs, events }: ChainOptions): ModelVersion {
  const { before, after } = chain;
  let pending = 0;
  let drained = () => {};

  const obstacle = (): string | undefined => {
    const waiting = [before, after].find((step) => step?.obstacle !== undefined);
    if (waiting !== undefined) return `waits for its step "${waiting.name}": ${waiting.obstacle}`;
    return version.obstacle() ?? stepsMisfit(version.signature, before?.signature, after?.signature);
  };

  const run = async (inference: Inference): Promise<readonly Tensor[]> => {
    const { signal, id, parameters } = inference;
    const total = Math.min(inference.timeoutMs ?? Infinity, limitMs);
    const end = performance.now() + total;
    const patience = () => ({ signal, timeoutMs: end - performance.now() });
    const ask = (step: Step, inputs: readonly Tensor[]) => step.infer({ inputs, id, parameters }, patience());

    const given = before === undefined ? inference.inputs : await ask(before, inference.inputs);
    const inputs = before === undefined ? given : modelInputs(version.signature.inputs, given);
    const outputs = after === undefined ? inference.outputs : taken(version.signature.outputs, after);
    const results = await version.infer({ ...inference, ...patience(), inputs, outputs }).catch((cause: unknown) => {
      const isLate = cause instanceof RequestError && cause.code === 'DeadlineExceeded';
      // It knows no more than what was left of the time.
      throw isLate ? new RequestError(cause.code, `there was no answer within ${Math.round(total)} ms`) : cause;
    });
    if (after === undefined) return results;
    const known = [...results, ...(before === undefined ? [] : given)];
    const answer = await ask(after, named(known, namesOf(after.signature?.inputs ?? [])));
    const missing = inference.outputs.find((name) => !answer.some((output) => output.name === name));
    if (missing === undefined) return named(answer, inference.outputs);
    events.stepFailed(version.entry, 'after', `its answer has no output "${missing}"`);
    throw broken('after', 'its answer lacks an output');
  };

  /** What `before` gave, as the model takes it. @throws {RequestError} */
  const modelInputs = (specs: readonly TensorSpec[], given: readonly Tensor[]): Tensor[] =>
    specs.map((spec) => {
      const input = given.find(({ name }) => name === spec.name);
      const wrong = input === undefined ? 'is missing' : mismatch(spec, input);
      if (input !== undefined && wrong === undefined) return input;
      events.stepFailed(version.entry, 'before', `its output "${spec.name}" ${wrong}`);
      throw broken('before', 'its answer does not fit the model');
    });

  const more = {
    /** What clients see. @throws {RequestError} until it is known. */
    get signature(): Signature {
      const { inputs, outputs } = version.signature;
      const first = before === undefined ? { inputs } : before.signature;
      const last = after === undefined ? { outputs } : after.signature;
      if (first === undefined || last === undefined) throw new RequestError('Unavailable', `the model ${obstacle()}`);
      return { inputs: first.inputs, outputs: last.outputs };
    },
    get pending(): number {
      return pending;
    },
    obstacle,
    isReady: () => obstacle() === undefined,
    infer: async (inference: Inference): Promise<readonly Tensor[]> => {
      const why = obstacle();
      if (why !== undefined) throw new RequestError('Unavailable', `the model ${why}`);
      pending += 1;
      try {
        return await run(inference);
      } finally {
        pending -= 1;
        if (pending === 0) drained();
      }
    },
    close: async (): Promise<void> => {
      // Those that are with a step still want the model.
      if (pending > 0) await new Promise<void>((resolve) => (drained = resolve));
      before?.close();
      after?.close();
      await version.close();
    },
  };
  // The rest is that of the model itself.
  return Object.create(version, Object.getOwnPropertyDescriptors(more)) as ModelVersion;
}

/** Names of the outputs that a step takes. */
function taken(outputs: readonly TensorSpec[], { signature }: Step): string[] {
  const wanted = namesOf(signature?.inputs ?? []);
  return namesOf(outputs).filter((name) => wanted.includes(name));
}

function namesOf(specs: readonly TensorSpec[]): string[] {
  return specs.map(({ name }) => name);
}

/** Those with these names, in their order; the first of each. */
function named(tensors: readonly Tensor[], names: readonly string[]): Tensor[] {
  return names.flatMap((wanted) => tensors.find(({ name }) => name === wanted) ?? []);
}
