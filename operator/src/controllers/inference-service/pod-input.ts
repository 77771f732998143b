import type { ServingRuntimeSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import type { Container } from '../../jobs/pod-security.ts';
import type { ForeignRuntime } from './find-runtime.ts';
import type { RevisionFacts } from './revision.ts';

/** The container that answers. */
export const SERVER = 'server';

/** What the pods of a revision are made from. */
export interface RevisionInput {
  readonly service: string;
  readonly revision: string;
  readonly facts: DeepReadonly<RevisionFacts>;
  readonly config: WorkloadConfig;
  /** Undefined: ours. */
  readonly runtime?: ForeignRuntime | undefined;
}

/** Of the model in a repository as model servers know it. */
export function modelFolder({ service, facts }: Pick<RevisionInput, 'service' | 'facts'>): string {
  return `${service}/${facts.number}`;
}

export function serverImage({ runtime, config }: Pick<RevisionInput, 'runtime' | 'config'>): string {
  return runtime?.image ?? config.servingRuntimeImage;
}

/** As a service and a runtime have them. */
type Variables = DeepReadonly<NonNullable<ServingRuntimeSpec['env']>>;

/** By name, in the order of the first, because a variable may refer to those before it. */
export function mergedEnvironment(first: Variables, over: Variables): NonNullable<Container['env']> {
  const byName = new Map([...first, ...over].map((variable) => [variable.name, variable]));
  return structuredClone([...byName.values()]) as NonNullable<Container['env']>;
}
