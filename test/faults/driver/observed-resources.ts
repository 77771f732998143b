import { GROUP, KINDS, VERSION } from '@slipway/crds';
import type { Resource } from './api.ts';

/** What a run's end state consists of: every kind of ours, and everything that the operator or Kubernetes makes of them. */
export const OBSERVED_RESOURCES: readonly Resource[] = [
  ...KINDS.map(({ kind, plural }) => ({ group: GROUP, version: VERSION, plural, kind })),
  { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
  { group: '', version: 'v1', plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' },
  { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
  { group: '', version: 'v1', plural: 'services', kind: 'Service' },
  { group: 'apps', version: 'v1', plural: 'controllerrevisions', kind: 'ControllerRevision' },
  { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
  { group: 'apps', version: 'v1', plural: 'replicasets', kind: 'ReplicaSet' },
  { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job' },
  { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices', kind: 'EndpointSlice' },
  { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', kind: 'PodDisruptionBudget' },
];

export function resourceOf(kind: string): Resource {
  const found = OBSERVED_RESOURCES.find((resource) => resource.kind === kind);
  if (found === undefined)
    throw new Error(`the faults level does not observe ${kind}: add it to observed-resources.ts`);
  return found;
}

export function isOurs({ apiVersion }: { readonly apiVersion: string }): boolean {
  return apiVersion === `${GROUP}/${VERSION}`;
}
