import type { InferenceService } from '@slipway/crds';
import type { ControllerRevision, DeepReadonly, Deployment, Service } from '@slipway/kube';
import type { PodDisruptionBudget } from '../../kinds.ts';
import { ownedLabels, REVISION_LABEL, SERVICE_LABEL } from '../../labels.ts';
import { GRPC_PORT, HTTP_PORT, revisionLabels } from './build-pod-template.ts';
import type { RevisionData } from './revision.ts';

/** When the traffic went to the revision that has it now, RFC 3339. */
export const SWITCHED_AT_ANNOTATION = 'slipway.dev/switched-at';
/** The revision in the selector of a Service that has none to send traffic to yet; no revision is called so. */
export const NO_REVISION = 'none';

type Owner = DeepReadonly<InferenceService>;

function metadata(owner: Owner, name: string) {
  return { name, namespace: owner.metadata.namespace ?? '', labels: labels(owner) };
}

function labels(owner: Owner): Record<string, string> {
  return ownedLabels({ kind: 'InferenceService', name: owner.metadata.name });
}

/** The snapshot. `number` orders revisions by when they were asked for last. */
export function buildControllerRevision(owner: Owner, revision: Snapshot, number: number): ControllerRevision {
  const { name, data } = revision;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      ...metadata(owner, name),
      labels: revisionLabels({ service: owner.metadata.name, revision: name, facts: data.facts }),
    },
    revision: number,
    data,
  };
}

export interface Snapshot {
  readonly name: string;
  readonly data: DeepReadonly<RevisionData>;
}

/** The pods of a revision, from its snapshot alone: an upgraded operator renders the same, so nothing restarts. */
export function buildDeployment(owner: Owner, { name, data }: Snapshot, replicas: number): Deployment {
  const service = owner.metadata.name;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata(owner, name), labels: revisionLabels({ service, revision: name, facts: data.facts }) },
    spec: {
      replicas,
      revisionHistoryLimit: 1,
      selector: { matchLabels: { [SERVICE_LABEL]: service, [REVISION_LABEL]: name } },
      // The template never changes; this is for a person's `kubectl rollout restart`.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: structuredClone(data.template) as RevisionData['template'],
    },
  };
}

/**
 * The address, the same for the whole life of the service. Its selector is the record of which revision is stable, so that
 * one apply moves the traffic and a lost status moves nothing.
 */
export function buildAddress(owner: Owner, stable: { revision: string; switchedAt: string | undefined }): Service {
  const { revision, switchedAt } = stable;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadata(owner, owner.metadata.name),
      ...(switchedAt === undefined ? {} : { annotations: { [SWITCHED_AT_ANNOTATION]: switchedAt } }),
    },
    spec: {
      type: 'ClusterIP',
      selector: { [SERVICE_LABEL]: owner.metadata.name, [REVISION_LABEL]: revision },
      ports: [
        { name: 'http', port: 80, targetPort: HTTP_PORT, protocol: 'TCP' },
        { name: 'grpc', port: GRPC_PORT, targetPort: GRPC_PORT, protocol: 'TCP' },
      ],
    },
  };
}

/** One pod of the service at a time may be taken by a drain; undefined for one replica, which could then never be moved. */
export function buildDisruptionBudget(owner: Owner): PodDisruptionBudget | undefined {
  if (owner.spec.scaling.replicas < 2) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(owner, owner.metadata.name),
    spec: { maxUnavailable: 1, selector: { matchLabels: { [SERVICE_LABEL]: owner.metadata.name } } },
  };
}
