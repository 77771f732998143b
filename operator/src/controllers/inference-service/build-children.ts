import type { InferenceService } from '@slipway/crds';
import type { ControllerRevision, DeepReadonly, Deployment, Service } from '@slipway/kube';
import type { PodDisruptionBudget } from '../../kinds.ts';
import { REVISION_LABEL, SERVICE_LABEL } from '../../labels.ts';
import { OUR_PORTS } from './build-address.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { revisionLabels } from './build-pod-template.ts';
import type { RevisionData } from './revision.ts';
import { serverPorts } from './server-ports.ts';

type Owner = DeepReadonly<InferenceService>;

/** The snapshot. `number` orders revisions by when they were asked for last. */
export function buildControllerRevision(owner: Owner, revision: Snapshot, number: number): ControllerRevision {
  const { name, data } = revision;
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      ...ownedMetadata(owner, name),
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
    metadata: { ...ownedMetadata(owner, name), labels: revisionLabels({ service, revision: name, facts: data.facts }) },
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

/** Its EndpointSlices tell the gateways which pods of the revision are ready. */
export function buildRevisionService(owner: Owner, { name, data }: Snapshot): Service {
  const service = owner.metadata.name;
  const { httpPort, grpcPort } = serverPorts(data.template) ?? OUR_PORTS;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...ownedMetadata(owner, name), labels: revisionLabels({ service, revision: name, facts: data.facts }) },
    spec: {
      clusterIP: 'None',
      selector: { [SERVICE_LABEL]: service, [REVISION_LABEL]: name },
      ports: [
        { name: 'http', port: httpPort, targetPort: httpPort, protocol: 'TCP' },
        ...(grpcPort === undefined ? [] : [grpcServicePort(grpcPort)]),
      ],
    },
  };
}

/** `appProtocol` is for Gateways of the Gateway API, which speak HTTP/1.1 otherwise. */
function grpcServicePort(port: number) {
  return { name: 'grpc', port, targetPort: port, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' };
}

/** One pod of the service at a time may be taken by a drain; undefined for one replica, which could then never be moved. */
export function buildDisruptionBudget(owner: Owner, replicas: number): PodDisruptionBudget | undefined {
  if (replicas < 2) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(owner, owner.metadata.name),
    spec: { maxUnavailable: 1, selector: { matchLabels: { [SERVICE_LABEL]: owner.metadata.name } } },
  };
}
