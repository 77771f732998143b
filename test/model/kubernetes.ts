/** The controllers of Kubernetes that the operator builds on, each step of theirs as one step of the model. */
import type { Deployment, EndpointSlice, KubeObject, Pod, Service } from '@slipway/kube';
import { NAMESPACE } from '../../operator/src/testing/fixtures.ts';
import { apply, kindOf, objectsOfKind, without, withStatus } from './api-model.ts';
import type { Objects, ServerContext } from './api-model.ts';
import type { WorldStep } from './scenario.ts';

/** What becomes of the pods of a Deployment. */
export type PodFate = (pod: Pod) => 'ready' | 'crashes';

/** Everything whose controller is gone goes, one kind at a time. */
export function garbageCollection(api: Objects): WorldStep[] {
  const uids = new Set([...api.values()].map(({ content }) => content.object.metadata.uid));
  const orphans = [...api].filter(([, { content }]) => {
    const owners = content.object.metadata.ownerReferences ?? [];
    return owners.length > 0 && owners.every(({ uid }) => !uids.has(uid));
  });
  return [...new Set(orphans.map(([id]) => kindOf(id)))].map((kind) => ({
    words: `garbage collection takes each ${kind} whose owner is gone`,
    interferes: true,
    act: () =>
      without(
        api,
        orphans.map(([id]) => id).filter((id) => kindOf(id) === kind),
      ),
  }));
}

/** One pod a Deployment, whatever its replicas, because the operator never looks at how they differ. */
export function deploymentSteps(api: Objects, server: ServerContext, fateOf: PodFate): WorldStep[] {
  return objectsOfKind<Deployment>(api, 'Deployment').flatMap((deployment) => {
    const pod = api.get(`Pod/${podName(deployment)}`)?.content.object as Pod | undefined;
    const wanted = deployment.spec?.replicas ?? 1;
    if (pod === undefined) return wanted === 0 ? [] : [podAppears(api, deployment, server)];
    if (pod.metadata.ownerReferences?.[0]?.uid !== deployment.metadata.uid) return []; // it is collected first
    return wanted === 0 ? [podGoes(api, deployment)] : podSteps(api, pod, fateOf(pod));
  });
}

function podName({ metadata }: Deployment): string {
  return `${metadata.name}-pod`;
}

function podAppears(api: Objects, deployment: Deployment, server: ServerContext): WorldStep {
  const { name } = deployment.metadata;
  const counted = () => withStatus(api, `Deployment/${name}`, { replicas: 1 });
  return {
    words: `a pod of ${name} appears`,
    act: () => apply(counted(), podOf(deployment), server, 'kubernetes'),
  };
}

function podOf(deployment: Deployment): KubeObject {
  const { name, uid = '' } = deployment.metadata;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true };
  const labels = { ...deployment.spec?.template.metadata?.labels };
  const metadata = { name: podName(deployment), namespace: NAMESPACE, labels, ownerReferences: [owner] };
  return { apiVersion: 'v1', kind: 'Pod', metadata };
}

function podGoes(api: Objects, deployment: Deployment): WorldStep {
  const { name } = deployment.metadata;
  const counted = () => withStatus(api, `Deployment/${name}`, { replicas: 0 });
  return { words: `the pod of ${name} goes`, act: () => without(counted(), [`Pod/${podName(deployment)}`]) };
}

function podSteps(api: Objects, { metadata, status }: Pod, fate: ReturnType<PodFate>): WorldStep[] {
  const id = `Pod/${metadata.name}`;
  if (status === undefined) {
    const next = fate === 'ready' ? READY : CRASHED;
    return [{ words: `${id} ${fate === 'ready' ? 'is ready' : 'crashes'}`, act: () => withStatus(api, id, next) }];
  }
  const answers = isReady(status);
  if (fate === 'crashes') return [];
  if (answers) return [{ words: `${id} stops answering`, act: () => withStatus(api, id, UNREADY), isMishap: true }];
  return [{ words: `${id} is ready again`, act: () => withStatus(api, id, READY) }];
}

const READY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const UNREADY = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
const CRASHED = {
  ...UNREADY,
  containerStatuses: [{ name: 'server', state: { terminated: { exitCode: 1, reason: 'Error', message: 'no model' } } }],
};

export function isReady(status: Pod['status']): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

/** Each Service that selects has one slice, which lists the ready pods that its selector takes. */
export function endpointSteps(api: Objects, server: ServerContext): WorldStep[] {
  return objectsOfKind<Service>(api, 'Service').flatMap((service) => {
    if (service.spec?.selector === undefined) return [];
    const { name, uid } = service.metadata;
    const pods = objectsOfKind<Pod>(api, 'Pod').filter((pod) => isReady(pod.status) && isSelected(service, pod));
    const names = pods.map(({ metadata }) => metadata.name).sort();
    const slice = api.get(`EndpointSlice/${name}`)?.content.object as EndpointSlice | undefined;
    if (slice !== undefined && slice.metadata.ownerReferences?.[0]?.uid !== uid) return []; // it is collected first
    if (slice !== undefined && endpointsOf(slice).join() === names.join()) return [];
    const words = `the endpoints of ${name} become [${names.join(', ')}]`;
    return [{ words, act: () => apply(api, sliceOf(service, names), server, 'kubernetes') }];
  });
}

function sliceOf({ metadata }: Service, pods: readonly string[]): EndpointSlice {
  const { name, uid = '', labels = {} } = metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { ...labels, 'kubernetes.io/service-name': name },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true }],
    },
    addressType: 'IPv4',
    endpoints: pods.map((pod) => ({ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: pod } })),
  };
}

export function endpointsOf({ endpoints }: EndpointSlice): readonly string[] {
  return endpoints.map(({ targetRef }) => targetRef?.name ?? '');
}

function isSelected({ spec }: Service, { metadata }: Pod): boolean {
  return Object.entries(spec?.selector ?? {}).every(([label, value]) => metadata.labels?.[label] === value);
}
