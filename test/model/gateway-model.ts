/** One gateway: it applies the route some time after it was written, and the operator hears what it applies. */
import type { TrafficRoute } from '@slipway/crds';
import type { EndpointSlice, KubeObject } from '@slipway/kube';
import type { Gateways } from '../../operator/src/gateways/gateways.ts';
import { GATEWAY } from '../../operator/src/testing/fixtures.ts';
import { apply, objectsOfKind, without } from './api-model.ts';
import type { Objects, ServerContext } from './api-model.ts';
import type { WorldStep } from './scenario.ts';

const ADDRESS = '10.0.0.9';

/** The gateway's Service lists it. */
export const gatewaySlice: EndpointSlice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: GATEWAY.service, namespace: GATEWAY.namespace },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080 }],
  endpoints: [{ addresses: [ADDRESS], conditions: { ready: true } }],
};

/** What the gateway applies, kept beside the objects of the API so that a state holds all that there is. */
interface Applied extends KubeObject {
  readonly route: { readonly uid: string; readonly spec: TrafficRoute['spec'] };
}

const ID = 'Gateway/one';

export function appliedRoute(api: Objects): Applied['route'] | undefined {
  return (api.get(ID)?.content.object as Applied | undefined)?.route;
}

export function gatewaySteps(api: Objects, server: ServerContext): WorldStep[] {
  const [route] = objectsOfKind<TrafficRoute>(api, 'TrafficRoute');
  const applied = appliedRoute(api);
  if (route === undefined) {
    if (applied === undefined) return [];
    return [{ words: 'the gateway drops the route', act: () => without(api, [ID]) }];
  }
  const uid = route.metadata.uid ?? '';
  if (applied?.uid === uid && applied.spec.sequence === route.spec.sequence) return [];
  const object: Applied = {
    apiVersion: 'v1',
    kind: 'Gateway',
    metadata: { name: 'one' },
    route: { uid, spec: route.spec },
  };
  const words = `the gateway applies sequence ${route.spec.sequence}`;
  return [{ words, act: () => apply(api, object, server, 'gateway') }];
}

export function gatewaysIn(view: Objects): Gateways {
  const applied = appliedRoute(view);
  return {
    isDown: () => false,
    incarnationAt: () => undefined,
    sequenceAt: (_, uid) => (applied?.uid === uid ? applied.spec.sequence : 0),
    subscribe: () => undefined,
  };
}
