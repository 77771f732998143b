import type {
  CoreV1EventSeries,
  EventsV1EventSeries,
  V1ConfigMap,
  V1ControllerRevision,
  V1CronJob,
  V1DeploymentSpec,
  V1DeploymentStatus,
  V1Endpoint,
  DiscoveryV1EndpointPort,
  V1JobSpec,
  V1JobStatus,
  V1LeaseSpec,
  V1NamespaceStatus,
  V1NodeSpec,
  V1NodeStatus,
  V1ObjectReference,
  V1PersistentVolumeClaimSpec,
  V1PersistentVolumeClaimStatus,
  V1PodSpec,
  V1PodStatus,
  V1ServiceSpec,
  V1ServiceStatus,
} from '@kubernetes/client-node';
import { defineKind, type KubeObject, type Wire } from './types.ts';

// `import type` only: importing client-node's models at run time costs some 80 MiB.

export interface Pod extends KubeObject {
  spec?: Wire<V1PodSpec>;
  status?: Wire<V1PodStatus>;
}
export interface Job extends KubeObject {
  spec?: Wire<V1JobSpec>;
  status?: Wire<V1JobStatus>;
}
export interface CronJob extends KubeObject {
  spec?: Wire<V1CronJob['spec']>;
  status?: Wire<V1CronJob['status']>;
}
export interface Deployment extends KubeObject {
  spec?: Wire<V1DeploymentSpec>;
  status?: Wire<V1DeploymentStatus>;
}
export interface Service extends KubeObject {
  spec?: Wire<V1ServiceSpec>;
  status?: Wire<V1ServiceStatus>;
}
export interface EndpointSlice extends KubeObject {
  addressType: string;
  endpoints: Wire<V1Endpoint>[];
  ports?: Wire<DiscoveryV1EndpointPort>[];
}
export interface PersistentVolumeClaim extends KubeObject {
  spec?: Wire<V1PersistentVolumeClaimSpec>;
  status?: Wire<V1PersistentVolumeClaimStatus>;
}
export interface ConfigMap extends KubeObject {
  data?: Wire<V1ConfigMap['data']>;
  binaryData?: Wire<V1ConfigMap['binaryData']>;
  immutable?: boolean;
}

export interface Namespace extends KubeObject {
  status?: Wire<V1NamespaceStatus>;
}
export interface Node extends KubeObject {
  spec?: Wire<V1NodeSpec>;
  status?: Wire<V1NodeStatus>;
}
export interface ControllerRevision extends KubeObject {
  revision: V1ControllerRevision['revision'];
  data?: unknown;
}
export interface Lease extends KubeObject {
  spec?: Wire<V1LeaseSpec>;
}
/** events.k8s.io/v1 */
export interface Event extends KubeObject {
  eventTime: string;
  series?: Wire<EventsV1EventSeries>;
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  regarding?: Wire<V1ObjectReference>;
  related?: Wire<V1ObjectReference>;
  note?: string;
  type?: string;
}
/** v1, what the kubelet and the scheduler write; the same objects are readable through events.k8s.io/v1. */
export interface CoreEvent extends KubeObject {
  involvedObject: Wire<V1ObjectReference>;
  reason?: string;
  message?: string;
  type?: string;
  count?: number;
  lastTimestamp?: string;
  series?: Wire<CoreV1EventSeries>;
}

/** The kinds of Kubernetes that an operator of workloads needs; add one by a line here and an interface above. */
export const builtin = {
  Pod: core<Pod>('Pod', 'pods'),
  Service: core<Service>('Service', 'services'),
  ConfigMap: core<ConfigMap>('ConfigMap', 'configmaps'),
  PersistentVolumeClaim: core<PersistentVolumeClaim>('PersistentVolumeClaim', 'persistentvolumeclaims'),
  CoreEvent: core<CoreEvent>('Event', 'events'),
  Namespace: defineKind<Namespace>({
    group: '',
    version: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
  }),
  Node: defineKind<Node>({ group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false }),
  Deployment: grouped<Deployment>('apps', 'Deployment', 'deployments'),
  ControllerRevision: grouped<ControllerRevision>('apps', 'ControllerRevision', 'controllerrevisions'),
  Job: grouped<Job>('batch', 'Job', 'jobs'),
  CronJob: grouped<CronJob>('batch', 'CronJob', 'cronjobs'),
  EndpointSlice: grouped<EndpointSlice>('discovery.k8s.io', 'EndpointSlice', 'endpointslices'),
  Lease: grouped<Lease>('coordination.k8s.io', 'Lease', 'leases'),
  Event: grouped<Event>('events.k8s.io', 'Event', 'events'),
} as const;

function core<T extends KubeObject>(kind: string, plural: string) {
  return defineKind<T>({ group: '', version: 'v1', kind, plural, namespaced: true });
}

function grouped<T extends KubeObject>(group: string, kind: string, plural: string) {
  return defineKind<T>({ group, version: 'v1', kind, plural, namespaced: true });
}
