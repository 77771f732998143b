/** Objects as the API server would return them, for tests of pure functions. */
import type { Condition, InferenceServiceStatus } from '@slipway/crds';
import type { KindName, SlipwayObject } from '../cluster/kinds.ts';

const CREATED = '2026-11-23T11:00:00Z';

export function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message = `${reason} it is.`,
): Condition {
  return { type, status, reason, message, lastTransitionTime: CREATED };
}

/** Ready, unless something else is said. */
export function object(
  kind: KindName,
  name: string,
  spec: object,
  { status = {}, metadata = {} }: { readonly status?: object; readonly metadata?: object } = {},
): SlipwayObject {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind,
    metadata: {
      name,
      namespace: 'team',
      uid: `${kind}-${name}`,
      generation: 1,
      creationTimestamp: CREATED,
      ...metadata,
    },
    spec,
    status: { observedGeneration: 1, conditions: [condition('Ready', 'True', 'Fine')], ...status },
  };
}

/** `flights`: two pods of `delay-1` answer. */
export function serviceObject(status: Partial<InferenceServiceStatus> = {}, metadata: object = {}): SlipwayObject {
  const spec = { modelVersion: { name: 'delay-1' }, settings: { instances: 1 }, scaling: { replicas: 2 } };
  const conditions = [condition('Ready', 'True', 'UpToDate'), condition('Serving', 'True', 'Serving')];
  const stable = { revision: 'flights-5b7', modelVersion: 'delay-1', ready: 2 };
  return object('InferenceService', 'flights', spec, { status: { conditions, stable, ...status }, metadata });
}
