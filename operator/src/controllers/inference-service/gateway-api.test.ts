/** The HTTPRoute of a service, and what is made of what controllers of Gateways answer. */
import type { Condition, InferenceService } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import type { HTTPRoute } from '../../kinds.ts';
import { anInferenceService, NOW } from '../../testing/fixtures.ts';
import { buildTrafficRoute } from './build-address.ts';
import type { PortsByRevision } from './build-address.ts';
import { asksForGatewayApi, buildHttpRoute, WRITTEN_AT_ANNOTATION } from './build-http-route.ts';
import { gatewayApiObstacle, isFollowed } from './gateway-api.ts';
import type { ObservedGatewayApi } from './gateway-api.ts';
import { exposedConditions, ownHosts, withHosts } from './hosts.ts';

const HOSTS = ['b.example.org', 'a.example.org'];
const expose = { hosts: HOSTS, by: 'GatewayApi' as const, gateway: { name: 'public', namespace: 'infra' } };
const service = anInferenceService({ expose });

function trafficRoute(weights: Readonly<Record<string, number>>, ports: PortsByRevision = {}) {
  return buildTrafficRoute(service, { stable: 'v1', weights, movedAt: NOW.toISOString(), ports }, undefined);
}

interface Built {
  readonly weights: Readonly<Record<string, number>>;
  readonly ports?: PortsByRevision;
  readonly live?: HTTPRoute;
  readonly now?: Date;
  readonly of?: InferenceService;
}

function httpRoute({ weights, ports, live, now = NOW, of = service }: Built): HTTPRoute {
  const routed = asksForGatewayApi(of);
  if (routed === undefined) throw new Error('the service asks for none');
  return buildHttpRoute(of, routed, { backends: trafficRoute(weights, ports).spec.backends, live, now });
}

describe('the HTTPRoute', () => {
  it('has the hosts, the Gateway, and the split of the TrafficRoute, which lists no hosts then', () => {
    const { metadata, spec } = httpRoute({ weights: { v1: 20, v2: 80 } });

    expect(metadata).toMatchObject({ name: 'flights', namespace: 'team' });
    expect(spec.parentRefs).toEqual([{ name: 'public', namespace: 'infra' }]);
    expect(spec.hostnames).toEqual(['a.example.org', 'b.example.org']);
    expect(spec.rules.at(-1)).toEqual({
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      backendRefs: [
        { name: 'v1', port: 8080, weight: 20 },
        { name: 'v2', port: 8080, weight: 80 },
      ],
    });
    expect(trafficRoute({ v1: 100 }).spec.hosts).toEqual([]);
  });

  it('leads gRPC by its content types to revisions that speak it', () => {
    const { spec } = httpRoute({ weights: { v1: 0, v2: 100 }, ports: { v1: { httpPort: 8080 } } });
    const [grpc] = spec.rules;

    expect(grpc?.matches.map(({ headers }) => headers?.map(({ value }) => value))).toEqual([
      ['application/grpc'],
      ['application/grpc+proto'],
    ]);
    expect(grpc?.backendRefs).toEqual([{ name: 'v2', port: 9000, weight: 100 }]);
  });

  it('has no rule for gRPC where no revision speaks it', () => {
    expect(httpRoute({ weights: { v1: 100 }, ports: { v1: { httpPort: 80 } } }).spec.rules).toHaveLength(1);
  });

  it('remembers when the split was written, whatever else changes', () => {
    const later = new Date(NOW.getTime() + 60_000);
    const live = httpRoute({ weights: { v1: 100 } });
    const writtenAt = ({ metadata }: HTTPRoute) => metadata.annotations?.[WRITTEN_AT_ANNOTATION];
    const others = anInferenceService({ expose: { ...expose, hosts: ['c.example.org'] } });

    expect(writtenAt(httpRoute({ weights: { v1: 100 }, live, now: later, of: others }))).toBe(NOW.toISOString());
    expect(writtenAt(httpRoute({ weights: { v1: 0, v2: 100 }, live, now: later }))).toBe(later.toISOString());
  });
});

const GENERATION = 3;
const condition = (type: string, status: Condition['status'], reason: string, observedGeneration = GENERATION) => ({
  type,
  status,
  reason,
  message: `Words about ${reason}.`,
  lastTransitionTime: NOW.toISOString(),
  observedGeneration,
});
const accepted = condition('Accepted', 'True', 'Accepted');
const resolved = condition('ResolvedRefs', 'True', 'ResolvedRefs');

function answered(...conditions: readonly Condition[]): ObservedGatewayApi {
  return answeredFor({ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...expose.gateway }, conditions);
}

function answeredFor(parentRef: HTTPRoute['spec']['parentRefs'][number], conditions: readonly Condition[]) {
  const built = httpRoute({ weights: { v1: 0, v2: 100 } });
  const parents = [{ parentRef, controllerName: 'example.org/controller', conditions: [...conditions] }];
  const route = { ...built, metadata: { ...built.metadata, generation: GENERATION }, status: { parents } };
  return { state: 'Installed' as const, route };
}

const unanswered: ObservedGatewayApi = { ...answered(), route: { ...answered().route!, status: { parents: [] } } };

describe('what is answered for the HTTPRoute', () => {
  it.each<{ given: string; api: ObservedGatewayApi; reason: string | undefined; isFinal?: boolean; follows: boolean }>([
    { given: 'accepted', api: answered(accepted, resolved), reason: undefined, follows: true },
    { given: 'accepted, and no word of references', api: answered(accepted), reason: undefined, follows: true },
    {
      given: 'accepted, but an older one',
      api: answered(condition('Accepted', 'True', 'Accepted', 2), resolved),
      reason: 'RouteNotAccepted',
      isFinal: false,
      follows: false,
    },
    { given: 'nothing but a name', api: answered(), reason: 'RouteNotAccepted', isFinal: false, follows: false },
    {
      given: 'refused',
      api: answered(condition('Accepted', 'False', 'NotAllowedByListeners'), resolved),
      reason: 'RouteNotAccepted',
      isFinal: true,
      follows: true,
    },
    {
      given: 'accepted, without its backends',
      api: answered(accepted, condition('ResolvedRefs', 'False', 'BackendNotFound')),
      reason: 'RouteNotAccepted',
      isFinal: true,
      follows: true,
    },
    {
      given: 'accepted for another Gateway',
      api: answeredFor({ name: 'public' }, [accepted]),
      reason: 'RouteNotAccepted',
      isFinal: false,
      follows: true,
    },
    { given: 'by nobody', api: unanswered, reason: 'RouteNotAccepted', isFinal: false, follows: true },
    {
      given: 'not written yet',
      api: { state: 'Installed', route: undefined },
      reason: 'HostsPending',
      isFinal: false,
      follows: false,
    },
    {
      given: 'not installed',
      api: { state: 'NotInstalled', route: undefined },
      reason: 'GatewayApiNotInstalled',
      isFinal: true,
      follows: true,
    },
    {
      given: 'disabled',
      api: { state: 'Disabled', route: undefined },
      reason: 'GatewayApiDisabled',
      isFinal: true,
      follows: true,
    },
  ])('$given', ({ api, reason, isFinal, follows }) => {
    const obstacle = gatewayApiObstacle(service, api);

    expect([obstacle?.reason, obstacle?.isFinal]).toEqual([reason, isFinal]);
    expect(isFollowed(api, trafficRoute({ v1: 0, v2: 100 }))).toBe(follows);
  });

  it('is of no worth while the HTTPRoute splits otherwise than the TrafficRoute', () => {
    expect(isFollowed(answered(accepted), trafficRoute({ v1: 100, v2: 0 }))).toBe(false);
  });

  it('is told in the words of the controller, which are cut', () => {
    const refused = { ...condition('Accepted', 'False', 'NotAllowedByListeners'), message: 'x'.repeat(10_000) };
    const message = gatewayApiObstacle(service, answered(refused))?.message ?? '';

    expect(message).toMatch(
      /^example\.org\/controller says of the HTTPRoute: Accepted is False: NotAllowedByListeners\. x/,
    );
    expect(message.length).toBeLessThan(1100);
  });

  it('is what Ready and Exposed say, and which hosts lead here', () => {
    const UP = [{ type: 'Ready', status: 'True', reason: 'UpToDate', message: 'It serves.' }] as const;
    const told = (gatewayApi: ObservedGatewayApi) => {
      const exposure = { service, hosts: [], gatewayApi };
      const conditions = [...withHosts(UP, exposure), ...exposedConditions(exposure, undefined)];
      return [conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`), ownHosts(exposure)];
    };

    expect(told(answered(accepted))).toEqual([['Ready True UpToDate', 'Exposed True Exposed'], HOSTS]);
    expect(told(unanswered)).toEqual([
      ['Ready False RouteNotAccepted', 'Reconciling True RouteNotAccepted', 'Exposed False RouteNotAccepted'],
      [],
    ]);
    expect(told({ state: 'NotInstalled', route: undefined })[0]).toContain('Stalled True GatewayApiNotInstalled');
  });
});
