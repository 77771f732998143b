import type { TrainingJobSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';

type Parameters = DeepReadonly<TrainingJobSpec>['parameters'];

/** The schema cannot look into the values: they may be anything here. */
export function parameterProblem(parameters: Parameters): Reason | undefined {
  const nameOf = new Map<string, string>();
  for (const [name, value] of Object.entries(parameters as Readonly<Record<string, unknown>>)) {
    const message = valueProblem(name, value) ?? nameProblem(name, nameOf);
    if (message !== undefined) return { reason: 'ParameterInvalid', message };
    nameOf.set(variableName(name), name);
  }
  return undefined;
}

function valueProblem(name: string, value: unknown): string | undefined {
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return undefined;
  const is =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'a map'
          : `a ${typeof value}`;
  return `spec.parameters.${name} is ${is}; parameters are numbers and strings. Put it in quotes, or split it into several.`;
}

function nameProblem(name: string, taken: ReadonlyMap<string, string>): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) {
    return `spec.parameters has a name "${name}"; use letters, digits, "_", "-" and ".", beginning with a letter.`;
  }
  const other = taken.get(variableName(name));
  if (other === undefined) return undefined;
  return `spec.parameters.${other} and spec.parameters.${name} would both be $${variableName(name)}; rename one of them.`;
}

/** `PARAM_` and the name in upper case, "-" and "." as "_". */
export function variableName(name: string): string {
  return `PARAM_${name.toUpperCase().replace(/[-.]/g, '_')}`;
}

/** SLIPWAY_PARAMETERS as JSON with types kept, and one variable a parameter, sorted. */
export function parameterVariables(parameters: Parameters): { name: string; value: string }[] {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    { name: 'SLIPWAY_PARAMETERS', value: JSON.stringify(Object.fromEntries(sorted)) },
    ...sorted.map(([name, value]) => ({ name: variableName(name), value: String(value) })),
  ];
}
