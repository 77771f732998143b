/** The routes of a service for the Gateway API, and what is made of what controllers of Gateways answer. */
import type { Condition, InferenceService } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import type { GatewayRoute, GatewayRouteKind } from '../../kinds.ts';
import { anInferenceService, NOW } from '../../testing/fixtures.ts';
import { buildTrafficRoute } from './build-address.ts';
import type { PortsByRevision } from './build-address.ts';
import { buildGatewayRoute, requestedRoute, WRITTEN_AT_ANNOTATION } from './build-gateway-route.ts';
import { areFollowed, gatewayApiObstacle } from './gateway-api.ts';
import type { ObservedGatewayRoute } from './gateway-api.ts';
import { exposedConditions, ownHosts, withHosts } from './hosts.ts';

const HOSTS = ['b.example.org', 'a.example.org'];
const GRPC_HOSTS = ['grpc.example.org'];
const KINDS = ['HTTPRoute', 'GRPCRoute'] as const;
const expose = {
  hosts: HOSTS,
  grpcHosts: GRPC_HOSTS,
  by: 'GatewayApi' as const,
  gateway: { name: 'public', namespace: 'infra' },
};
const service = anInferenceService({ expose });
/** Of a server without gRPC. */
const HTTP_ONLY = { httpPort: 80 };

function trafficRoute(weights: Readonly<Record<string, number>>, ports: PortsByRevision = {}) {
  return buildTrafficRoute(
    service,
    { stable: 'v1', weights, mirrors: {}, movedAt: NOW.toISOString(), ports },
    undefined,
  );
}

interface Built {
  readonly weights: Readonly<Record<string, number>>;
  readonly ports?: PortsByRevision;
  readonly live?: GatewayRoute;
  readonly now?: Date;
  readonly of?: InferenceService;
}

function routeOfKind(kind: GatewayRouteKind, { weights, ports, live, now = NOW, of = service }: Built): GatewayRoute {
  const request = requestedRoute(of, kind);
  if (request === undefined) throw new Error('the service asks for none');
  return buildGatewayRoute(of, request, { backends: trafficRoute(weights, ports).spec.backends, live, now });
}

describe('the HTTPRoute', () => {
  it('has the hosts, the Gateway, and the split of the TrafficRoute, which lists no hosts then', () => {
    const { kind, metadata, spec } = routeOfKind('HTTPRoute', { weights: { v1: 20, v2: 80 } });

    expect(kind).toBe('HTTPRoute');
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
    const { spec } = routeOfKind('HTTPRoute', { weights: { v1: 0, v2: 100 }, ports: { v1: HTTP_ONLY } });
    const [grpc] = spec.rules;

    expect(grpc?.matches?.map(({ headers }) => headers?.map(({ value }) => value))).toEqual([
      ['application/grpc'],
      ['application/grpc+proto'],
    ]);
    expect(grpc?.backendRefs).toEqual([{ name: 'v2', port: 9000, weight: 100 }]);
  });

  it('has no rule for gRPC where no revision speaks it', () => {
    const { spec } = routeOfKind('HTTPRoute', { weights: { v1: 100 }, ports: { v1: HTTP_ONLY } });
    expect(spec.rules).toHaveLength(1);
  });
});

describe('the GRPCRoute', () => {
  it('has its own hosts, the same Gateway, and the same split over the ports for gRPC', () => {
    const { kind, metadata, spec } = routeOfKind('GRPCRoute', { weights: { v1: 20, v2: 80 } });

    expect(kind).toBe('GRPCRoute');
    expect(metadata).toMatchObject({ name: 'flights', namespace: 'team' });
    expect(spec).toEqual({
      parentRefs: [{ name: 'public', namespace: 'infra' }],
      hostnames: GRPC_HOSTS,
      rules: [
        {
          backendRefs: [
            { name: 'v1', port: 9000, weight: 20 },
            { name: 'v2', port: 9000, weight: 80 },
          ],
        },
      ],
    });
  });

  it('leaves out revisions that do not speak gRPC, and keeps its hosts where none does', () => {
    const some = routeOfKind('GRPCRoute', { weights: { v1: 0, v2: 100 }, ports: { v1: HTTP_ONLY } });
    const none = routeOfKind('GRPCRoute', { weights: { v1: 100 }, ports: { v1: HTTP_ONLY } });

    expect(some.spec.rules).toEqual([{ backendRefs: [{ name: 'v2', port: 9000, weight: 100 }] }]);
    expect(none.spec).toMatchObject({ hostnames: GRPC_HOSTS, rules: [{ backendRefs: [] }] });
  });
});

describe('a route of the Gateway API', () => {
  it.each(KINDS)('remembers when its split was written, whatever else changes: %s', (kind) => {
    const later = new Date(NOW.getTime() + 60_000);
    const live = routeOfKind(kind, { weights: { v1: 100 } });
    const writtenAt = ({ metadata }: GatewayRoute) => metadata.annotations?.[WRITTEN_AT_ANNOTATION];
    const others = { ...expose, hosts: ['c.example.org'], grpcHosts: ['d.example.org'] };
    const moved = { weights: { v1: 100 }, live, now: later, of: anInferenceService({ expose: others }) };

    expect(writtenAt(routeOfKind(kind, moved))).toBe(NOW.toISOString());
    expect(writtenAt(routeOfKind(kind, { weights: { v1: 0, v2: 100 }, live, now: later }))).toBe(later.toISOString());
  });

  it('is asked for by hosts of its kind', () => {
    const asked = (more: object) =>
      KINDS.filter((kind) => {
        const { hosts: _, grpcHosts: __, ...rest } = expose;
        return requestedRoute(anInferenceService({ expose: { ...rest, ...more } }), kind) !== undefined;
      });

    expect(asked({ hosts: HOSTS })).toEqual(['HTTPRoute']);
    expect(asked({ grpcHosts: GRPC_HOSTS })).toEqual(['GRPCRoute']);
    expect(KINDS.map((kind) => requestedRoute(anInferenceService(), kind))).toEqual([undefined, undefined]);
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

type Answers = (kind: GatewayRouteKind) => ObservedGatewayRoute;

function answered(...conditions: readonly Condition[]): Answers {
  return answeredFor({ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...expose.gateway }, conditions);
}

function answeredFor(parentRef: GatewayRoute['spec']['parentRefs'][number], conditions: readonly Condition[]): Answers {
  const parents = [{ parentRef, controllerName: 'example.org/controller', conditions: [...conditions] }];
  return answeredBy(parents);
}

function answeredBy(parents: NonNullable<NonNullable<GatewayRoute['status']>['parents']>): Answers {
  return (kind) => {
    const built = routeOfKind(kind, { weights: { v1: 0, v2: 100 } });
    const route = { ...built, metadata: { ...built.metadata, generation: GENERATION }, status: { parents } };
    return { kind, state: 'Installed', route };
  };
}

function without(state: ObservedGatewayRoute['state']): Answers {
  return (kind) => ({ kind, state, route: undefined });
}

const unanswered = answeredBy([]);

/** Of one kind, while all is well with the other. */
function withOne(kind: GatewayRouteKind, answers: Answers): ObservedGatewayRoute[] {
  return KINDS.map((one) => (one === kind ? answers(one) : answered(accepted, resolved)(one)));
}

const answers: readonly {
  readonly given: string;
  readonly api: Answers;
  readonly reason: string | undefined;
  readonly isFinal?: boolean;
  readonly follows: boolean;
}[] = [
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
    api: without('Installed'),
    reason: 'HostsPending',
    isFinal: false,
    follows: false,
  },
  {
    given: 'not installed',
    api: without('NotInstalled'),
    reason: 'GatewayApiNotInstalled',
    isFinal: true,
    follows: true,
  },
  {
    given: 'disabled',
    api: without('Disabled'),
    reason: 'GatewayApiDisabled',
    isFinal: true,
    follows: true,
  },
];

describe.each(KINDS)('what is answered for the %s', (kind) => {
  it.each(answers)('$given', ({ api, reason, isFinal, follows }) => {
    const obstacle = gatewayApiObstacle(service, withOne(kind, api));

    expect([obstacle?.reason, obstacle?.isFinal]).toEqual([reason, isFinal]);
    expect(areFollowed(withOne(kind, api), trafficRoute({ v1: 0, v2: 100 }))).toBe(follows);
  });

  it('is of no worth while the route splits otherwise than the TrafficRoute', () => {
    const split = { v1: 100, v2: 0 };
    const { route, ...rest } = answered(accepted)(kind);
    const current = KINDS.map((one) => ({
      kind: one,
      state: 'Installed' as const,
      route: routeOfKind(one, { weights: split }),
    }));
    const behind = current.map((one) => (one.kind === kind ? { ...rest, route } : one));

    expect(areFollowed(current, trafficRoute(split))).toBe(true);
    expect(areFollowed(behind, trafficRoute(split))).toBe(false);
  });

  it('is told in the words of the controller, which are cut', () => {
    const refused = { ...condition('Accepted', 'False', 'NotAllowedByListeners'), message: 'x'.repeat(10_000) };
    const message = gatewayApiObstacle(service, withOne(kind, answered(refused)))?.message ?? '';

    expect(message).toContain(
      `example.org/controller says of the ${kind}: Accepted is False: NotAllowedByListeners. xxx`,
    );
    expect(message.length).toBeLessThan(1100);
  });

  it('names the kind that is missing', () => {
    const message = (api: Answers) => gatewayApiObstacle(service, withOne(kind, api))?.message;

    expect(message(without('NotInstalled'))).toContain(`The cluster has no ${kind} of gateway.networking.k8s.io/v1.`);
    expect(message(without('Installed'))).toContain(`There is no ${kind} for`);
    expect(message(unanswered)).toContain(`No controller has answered for the ${kind}.`);
    expect(message(answered())).toContain(`does not follow the newest ${kind} yet.`);
  });
});

describe('a Gateway', () => {
  it('is said not to lead gRPC anywhere while no revision with requests speaks it', () => {
    const told = (weights: Readonly<Record<string, number>>) => {
      const { route, ...rest } = answered(accepted)('GRPCRoute');
      if (route === undefined) throw new Error('there is a route');
      const { spec } = routeOfKind('GRPCRoute', { weights, ports: { v1: HTTP_ONLY } });
      const gatewayRoutes = withOne('GRPCRoute', () => ({ ...rest, route: { ...route, spec } }));
      return gatewayApiObstacle(service, gatewayRoutes)?.reason;
    };

    expect(told({ v1: 100 })).toBe('GrpcNotServed');
    expect(told({ v1: 100, v2: 0 })).toBe('GrpcNotServed');
    expect(told({ v1: 20, v2: 80 })).toBeUndefined();
  });

  it('is what Ready and Exposed say, and which hosts lead here', () => {
    const UP = [{ type: 'Ready', status: 'True', reason: 'UpToDate', message: 'It serves.' }] as const;
    const told = (gatewayRoutes: readonly ObservedGatewayRoute[]) => {
      const exposure = { service, hosts: [], gatewayRoutes };
      const conditions = [...withHosts(UP, exposure), ...exposedConditions(exposure, undefined)];
      return [conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`), ownHosts(exposure)];
    };
    const refused = [
      'Ready False RouteNotAccepted',
      'Reconciling True RouteNotAccepted',
      'Exposed False RouteNotAccepted',
    ];

    expect(told(KINDS.map(answered(accepted)))).toEqual([
      ['Ready True UpToDate', 'Exposed True Exposed'],
      { hosts: HOSTS, grpcHosts: GRPC_HOSTS },
    ]);
    expect(told(withOne('HTTPRoute', unanswered))).toEqual([refused, { hosts: [], grpcHosts: GRPC_HOSTS }]);
    expect(told(withOne('GRPCRoute', unanswered))).toEqual([refused, { hosts: HOSTS, grpcHosts: [] }]);
    expect(told(KINDS.map(without('NotInstalled')))[0]).toContain('Stalled True GatewayApiNotInstalled');
  });

  it('is said to have accepted the routes that are asked for', () => {
    const message = (gatewayRoutes: readonly ObservedGatewayRoute[]) =>
      exposedConditions({ service, hosts: [], gatewayRoutes }, undefined)[0]?.message;

    expect(message(KINDS.map(answered(accepted)))).toContain('has accepted the HTTPRoute and the GRPCRoute for');
    expect(message(withOne('HTTPRoute', without('NotAsked')))).toContain('has accepted the GRPCRoute for');
  });
});
