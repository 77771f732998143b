/** What wakes a kind that works through Jobs: its Jobs, their pods, and what Kubernetes complains about of both. */
import { toController, watch } from '@slipway/kube';
import type { DeepReadonly, KubeKind, KubeObject, ObjectKey, Watch } from '@slipway/kube';
import type { Caches } from '../deps.ts';

export function jobWatches(
  caches: Pick<Caches, 'jobs' | 'pods' | 'jobCreateFailures' | 'mountFailures'>,
  owner: KubeKind,
): Watch[] {
  const ofLabel = byOwnerLabel(owner);
  return [
    watch(caches.jobs, toController(owner)),
    watch(caches.pods, ofLabel),
    watch(caches.jobCreateFailures, ({ involvedObject: { namespace = '', name = '' } }) => {
      const job = caches.jobs.get({ namespace, name });
      return job === undefined ? [] : toController(owner)(job);
    }),
    watch(caches.mountFailures, ({ involvedObject: { namespace = '', name = '' } }) => {
      const pod = caches.pods.get({ namespace, name });
      return pod === undefined ? [] : ofLabel(pod);
    }),
  ];
}

/** Pods are controlled by Jobs; the name of our object is in the label `slipway.dev/<kind>`, which fits: our names do. */
function byOwnerLabel(owner: KubeKind): (object: DeepReadonly<KubeObject>) => readonly ObjectKey[] {
  const label = `slipway.dev/${owner.kind.toLowerCase()}`;
  return ({ metadata }) => {
    const name = metadata.labels?.[label];
    return name === undefined ? [] : [{ namespace: metadata.namespace ?? '', name }];
  };
}
