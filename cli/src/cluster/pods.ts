import type { DeepReadonly, Pod } from '@slipway/kube';

export function isReady(pod: DeepReadonly<Pod>): boolean {
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return ready && pod.metadata.deletionTimestamp === undefined;
}

export function portNamed(pod: DeepReadonly<Pod>, name: string): number | undefined {
  return pod.spec?.containers.flatMap(({ ports = [] }) => ports).find((port) => port.name === name)?.containerPort;
}

/** Where the API server passes a request on to a port of a pod. It takes the right to `get` or `create` `pods/proxy`. */
export function proxyPath(pod: DeepReadonly<Pod>, port: number, path: string): string {
  const { namespace = '', name } = pod.metadata;
  return `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`;
}
