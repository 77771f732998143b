/** The gateways in front of services, what they say at their admin port, and requests by way of them. */
import { builtin, ignoreNotFound, KubeApiError } from '@slipway/kube';
import type { TrafficRoute } from '@slipway/crds';
import type { DeepReadonly, EndpointSlice, ObjectKey, Pod } from '@slipway/kube';
import { isOfApiServer } from './api-server.ts';
import type { RawAnswer } from './api-server.ts';
import type { Cluster } from './cluster.ts';
import { trafficRouteKind } from './kinds.ts';
import { portNamed, proxyPath } from './pods.ts';

/** Of the addresses of services, whose endpoints are the gateways. */
const ADDRESS_SLICES = 'endpointslice.kubernetes.io/managed-by=slipway.dev';
/** One that answers later than this is left out, rather than all the others shown late. */
const TIMEOUT_MS = 3_000;

export interface Gateway {
  readonly pod: DeepReadonly<Pod>;
  readonly adminPort: number;
  /** Where it takes requests. */
  readonly dataPort: number;
}

export interface ServiceRequest {
  /** By which the gateway knows the service. */
  readonly host: string;
  readonly path: string;
  /** Rejects with TransientError when it aborts; nothing else ends the wait. */
  readonly signal: AbortSignal;
}

export interface GatewayReader {
  /** What they are told to do, of a namespace, or of all. */
  routes(namespace: string | undefined): Promise<readonly TrafficRoute[]>;
  /** Those to which services of a namespace, or of all, lead. */
  find(namespace: string | undefined): Promise<readonly Gateway[]>;
  /** What it answers at this path of its admin port; undefined where it does not. */
  ask(gateway: Gateway, path: string): Promise<string | undefined>;
  /** What comes back of a GET that it is to take to a service; undefined where the API server does not bring it there. */
  askService(gateway: Gateway, request: ServiceRequest): Promise<RawAnswer | undefined>;
  /** Sentences about what was not found out so far, and why; each once. */
  obstacles(): readonly string[];
}

/** Reads as far as the rights of the person go, and remembers where they end. */
export function createGatewayReader({ client, api }: Cluster): GatewayReader {
  const obstacles = new Set<string>();
  const missing = (verb: string, resource: string, namespace: string | undefined) => {
    const where = namespace === undefined ? 'in all namespaces' : `in namespace "${namespace}"`;
    obstacles.add(`You lack the right to ${verb} ${resource} ${where}.`);
  };
  const unlessForbidden = (tellMissing: () => void) => (cause: unknown) => {
    if (!(cause instanceof KubeApiError) || cause.status.code !== 403) throw cause;
    tellMissing();
    return undefined;
  };

  const tellSilence = ({ metadata }: Gateway['pod'], { status }: RawAnswer) => {
    if (status === 403) missing('get', 'pods/proxy', metadata.namespace);
    else obstacles.add(`Gateway "${metadata.name}" does not answer.`);
  };

  async function gatewayOf(key: ObjectKey): Promise<Gateway | undefined> {
    const pod = await ignoreNotFound(client.get(builtin.Pod, key)).catch(
      unlessForbidden(() => missing('get', 'pods', key.namespace)),
    );
    const [adminPort, dataPort] = ['admin', 'http'].map((name) => pod && portNamed(pod, name));
    if (pod === undefined || adminPort === undefined || dataPort === undefined) return undefined;
    return { pod, adminPort, dataPort };
  }

  return {
    routes: async (namespace) => {
      const routes = await client
        .list(trafficRouteKind, within(namespace))
        .catch(unlessForbidden(() => missing('list', 'trafficroutes.slipway.dev', namespace)));
      return routes?.items ?? [];
    },
    find: async (namespace) => {
      const slices = await client
        .list(builtin.EndpointSlice, { ...within(namespace), labelSelector: ADDRESS_SLICES })
        .catch(unlessForbidden(() => missing('list', 'endpointslices.discovery.k8s.io', namespace)));
      const found = await Promise.all(podsBehind(slices?.items ?? []).map(gatewayOf));
      return found.filter((gateway) => gateway !== undefined);
    },
    ask: async ({ pod, adminPort }, path) => {
      const answer = await api
        .request({ path: proxyPath(pod, adminPort, path), timeoutMs: TIMEOUT_MS })
        .catch(({ message }: Error) => ({ status: 0, text: message }));
      if (answer.status === 200) return answer.text;
      tellSilence(pod, answer);
      return undefined;
    },
    askService: async ({ pod, dataPort }, { path, ...request }) => {
      const answer = await api.request({ path: proxyPath(pod, dataPort, path), ...request, timeoutMs: 0 });
      if (!isOfApiServer(answer)) return answer;
      tellSilence(pod, answer);
      return undefined;
    },
    obstacles: () => [...obstacles],
  };
}

function within(namespace: string | undefined): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

/** Each once: all services of an install have the same gateways behind them. */
export function podsBehind(slices: readonly DeepReadonly<EndpointSlice>[]): ObjectKey[] {
  // `endpoints` is null in a slice that has none.
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const keys = endpoints.flatMap(({ targetRef }): [string, ObjectKey][] => {
    const { kind, namespace = '', name = '' } = targetRef ?? {};
    return kind === 'Pod' ? [[`${namespace}/${name}`, { namespace, name }]] : [];
  });
  return [...new Map(keys).values()];
}
