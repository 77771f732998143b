/** Whether a model and its steps fit together, by what they say of themselves: found when they start, and not by each request. */
import { quoted } from '../../protocol/errors.ts';
import type { TensorSpec } from '../../protocol/inference.ts';
import type { Signature } from '../model-instance.ts';

/** undefined where they do. */
export function stepsMisfit(
  model: Signature,
  before: Signature | undefined,
  after: Signature | undefined,
): string | undefined {
  const unmet = before && lacking(model.inputs, before.outputs);
  if (before !== undefined && unmet !== undefined)
    return `does not fit its step "before": it takes ${text(unmet)}, and the step gives ${list(before.outputs)}`;
  // What `before` gives beyond what the model takes goes on to `after`.
  const known = [...model.outputs, ...(before?.outputs ?? [])];
  const missing = after && lacking(after.inputs, known);
  if (missing === undefined) return undefined;
  return `does not fit its step "after": the step takes ${text(missing)}, and there is ${list(known)}`;
}

function lacking(wanted: readonly TensorSpec[], given: readonly TensorSpec[]): TensorSpec | undefined {
  return wanted.find(({ name, datatype }) => given.find((candidate) => candidate.name === name)?.datatype !== datatype);
}

const LISTED = 8;

function list(specs: readonly TensorSpec[]): string {
  const texts = specs.slice(0, LISTED).map(text);
  return texts.length === 0 ? 'nothing' : texts.join(', ') + (specs.length > LISTED ? ', …' : '');
}

function text({ name, datatype }: TensorSpec): string {
  return `${quoted(name)} (${datatype})`;
}
