import type { Condition } from '@slipway/crds';
import type { KubeObject } from '@slipway/kube';

export type Expected = 'InProgress' | 'Current' | 'Failed' | 'Terminating';

/** By a name for the state: what kstatus has to say, and the object. */
export type States = Readonly<Record<string, readonly [Expected, KubeObject]>>;

/** The object as it stands in the cluster once the operator has written its status. */
export function withStatus(
  object: KubeObject,
  status: { readonly conditions: readonly Condition[] } | undefined,
): KubeObject {
  if (status === undefined) throw new Error(`the status of a ${object.kind} would be left as it is`);
  return { ...object, status } as KubeObject;
}
