/** Whether those who call one version can call another one as they are. */
import type { ModelVersion, ModelVersionStatus, TensorSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';

export type Signature = DeepReadonly<NonNullable<ModelVersionStatus['signature']>>;
type Tensor = DeepReadonly<TensorSpec>;

/** The dimension of any size. */
const ANY = -1;

/**
 * What is wrong for callers of `before` when `after` answers, a sentence each; empty where nothing is. They send the inputs of
 * `before`, all of them and no others, in every shape that it takes; and they read any of its outputs.
 */
export function compareSignatures(before: Signature, after: Signature, hidden: Hidden = {}): readonly string[] {
  return [
    ...(hidden.inputs === true ? [] : compareInputs(before.inputs, after.inputs)),
    ...(hidden.outputs === true ? [] : compareOutputs(before.outputs, after.outputs)),
  ];
}

/** Sides of a model that callers do not see. */
export interface Hidden {
  readonly inputs?: boolean;
  readonly outputs?: boolean;
}

/** Where a version has a step, callers see what that takes or gives, which is in no object. */
export function hiddenBySteps(...versions: readonly DeepReadonly<ModelVersion>[]): Hidden {
  const some = (step: 'before' | 'after') => versions.some(({ spec }) => spec.serve?.[step] !== undefined);
  return { inputs: some('before'), outputs: some('after') };
}

function compareInputs(before: readonly Tensor[], after: readonly Tensor[]): string[] {
  const gone = without(before, after);
  const isNew = without(after, before);
  const renamed = onlyRenamed(gone, isNew);
  const names =
    renamed === undefined
      ? [
          ...gone.map(({ name }) => `Input "${name}" is gone.`),
          ...isNew.map(({ name }) => `Input "${name}" is new, and callers do not send it.`),
        ]
      : [renamed];
  return [...names, ...changes('Input', pairs(before, after), takesAll)];
}

function compareOutputs(before: readonly Tensor[], after: readonly Tensor[]): string[] {
  const gone = without(before, after).map(({ name }) => `Output "${name}" is gone.`);
  return [...gone, ...changes('Output', pairs(before, after), mayFit)];
}

function without(tensors: readonly Tensor[], others: readonly Tensor[]): readonly Tensor[] {
  return tensors.filter(({ name }) => !others.some((other) => other.name === name));
}

function pairs(before: readonly Tensor[], after: readonly Tensor[]): readonly (readonly [Tensor, Tensor])[] {
  return before.flatMap((was) => {
    const is = after.find(({ name }) => name === was.name);
    return is === undefined ? [] : [[was, is] as const];
  });
}

/** One that is gone and one of its kind that is new: most likely the exporter was told another name. */
function onlyRenamed([was, ...goneToo]: readonly Tensor[], [is, ...newToo]: readonly Tensor[]): string | undefined {
  if (was === undefined || is === undefined || goneToo.length > 0 || newToo.length > 0) return undefined;
  if (was.dtype !== is.dtype || inWords(was.shape) !== inWords(is.shape)) return undefined;
  return `Input "${was.name}" is gone, and "${is.name}" of the same dtype and shape is new: it was renamed.`;
}

function changes(
  what: 'Input' | 'Output',
  tensors: readonly (readonly [Tensor, Tensor])[],
  fits: (was: number, is: number) => boolean,
): string[] {
  return tensors.flatMap(([was, is]) => {
    const { name } = was;
    if (was.dtype !== is.dtype) return [`${what} "${name}" was ${was.dtype}, and is ${is.dtype}.`];
    const isAlike =
      was.shape.length === is.shape.length && was.shape.every((size, at) => fits(size, is.shape[at] ?? ANY));
    return isAlike ? [] : [`${what} "${name}" had the shape ${inWords(was.shape)}, and has ${inWords(is.shape)}.`];
  });
}

/** Whether an input takes each size that it took. */
function takesAll(was: number, is: number): boolean {
  return is === ANY || is === was;
}

/** Whether an output may have the size that callers know. Exporters often leave a size open that is always the same. */
function mayFit(was: number, is: number): boolean {
  return was === ANY || is === ANY || is === was;
}

function inWords(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
