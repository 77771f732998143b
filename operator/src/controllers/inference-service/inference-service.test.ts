/** The plan of an InferenceService. */
import type { InferenceService, ServingRuntimeSpec, TrafficRoute } from '@slipway/crds';
import type { ConfigMap, ControllerRevision, Deployment, EndpointSlice } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aServingRuntime, aStore, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { changeNote } from './interface-change.ts';
import type { ObservedRevision, ObservedService, Resolved } from './observe.ts';
import { planService } from './plan.ts';
import { resolveFacts, revisionName } from './revision.ts';
import { serviceStatus } from './status.ts';
import {
  context,
  spec,
  factsOf,
  nameOf,
  resolved,
  revision,
  gateway,
  SEQUENCE,
  scene,
  exposedByGateway,
  summary,
  routeBy,
  workloads,
  missing,
  LONG_AGO,
  JUST_NOW,
} from '../../testing/service-scenes.ts';

describe('who may ask', () => {
  const from = (defaultAccess: 'Anyone' | 'OwnNamespace', access?: InferenceService['spec']['access']) => {
    const seen = scene({});
    const service = { ...seen.service, spec: { ...seen.service.spec, ...(access === undefined ? {} : { access }) } };
    const { apply } = planService({ ...seen, service }, { now: NOW, config: { ...WORKLOADS, defaultAccess } });
    const route = apply.find(({ kind }) => kind.kind === 'TrafficRoute')?.object as TrafficRoute | undefined;
    return route?.spec.access?.from;
  };
  const named = [{ serviceAccount: { namespace: 'web', name: 'checkout' } }];

  it('says the service, and else the install: everybody, or the own namespace', () => {
    expect(from('Anyone')).toBeUndefined();
    expect(from('OwnNamespace')).toEqual([{ namespace: { name: 'team' } }]);
    expect(from('OwnNamespace', { from: named })).toEqual(named);
    expect(from('OwnNamespace', { from: [...named, { anyone: {} }] })).toBeUndefined();
  });
});

describe('pods that take requests from gateways alone', () => {
  const facts = { ...factsOf('v1'), callers: 'Gateways' as const };
  const name = revisionName('flights', facts);
  const gatewayIssuer = { issuer: 'https://api', subjects: ['gateway'], keys: [{ kty: 'RSA' }] };
  const observed = { ...scene({ resolved: { version: 'v1', facts } }), gatewayIssuer };

  it('are another revision, which finds in a ConfigMap made before it who the gateways are', () => {
    const { apply } = planService(observed, context);
    const kindsOf = apply.map(({ kind }) => kind.kind);
    const configMap = apply.find(({ kind }) => kind.kind === 'ConfigMap')?.object as ConfigMap;

    expect(name).not.toBe(nameOf('v1'));
    expect(kindsOf.indexOf('ConfigMap')).toBeLessThan(kindsOf.indexOf('Deployment'));
    expect(configMap.metadata.name).toBe('flights-gateways');
    expect(JSON.parse(configMap.data?.['gateways.json'] ?? '')).toEqual({
      ...gatewayIssuer,
      audience: 'slipway:team/flights',
    });
  });

  it('are told of by the route, and so are no others', () => {
    const routed = (seen: ObservedService) => {
      const child = planService(seen, context).apply.find(({ kind }) => kind.kind === 'TrafficRoute');
      const route = child?.object as TrafficRoute | undefined;
      return route?.spec.backends[0]?.endpoints.callers;
    };

    expect(routed(observed)).toBe('Gateways');
    expect(routed(scene({}))).toBeUndefined();
  });

  it('get no ConfigMap where there are none, or while nobody knows what it says', () => {
    const withConfigMap = (seen: ObservedService) =>
      planService(seen, context).apply.some(({ kind }) => kind.kind === 'ConfigMap');

    expect(withConfigMap({ ...scene({}), gatewayIssuer })).toBe(false);
    expect(withConfigMap({ ...observed, gatewayIssuer: undefined })).toBe(false);
  });
});

/** A service that names a runtime, before it has a revision. */
const runtime = { kind: 'ServingRuntime' as const, name: 'mlserver' };
function foreign(server: ServingRuntimeSpec, more: Partial<ObservedService> = {}): ObservedService {
  const service = anInferenceService({ ...spec('v1'), runtime });
  const facts = resolveFacts(service, aModelVersion('v1'), aStore());
  return { ...scene({}), service, resolved: { version: 'v1', facts, runtime: server }, ...more };
}

function childrenOf(plan: ReturnType<typeof planService>, kind: string): unknown[] {
  return plan.apply.filter((child) => child.kind.kind === kind).map(({ object }) => object);
}

describe('a runtime of other people', () => {
  const { spec: server } = aServingRuntime('mlserver', { ports: { http: 7000 } });
  const edited = { ...server, image: 'others/mlserver:2', ports: { http: 7001, grpc: 7002 } };
  const plan = planService(foreign(server), context);
  const [snapshot] = childrenOf(plan, 'ControllerRevision') as [ObservedRevision['snapshot'] & ControllerRevision];
  const [routed] = childrenOf(plan, 'TrafficRoute') as [TrafficRoute];
  const { name } = snapshot.metadata;
  const made = { ...revision('v1'), name, snapshot, data: snapshot.data as ObservedRevision['data'] };
  const later = foreign(edited, { route: routed, revisions: [made] });

  it('has requests led to its ports', () => {
    expect(routed.spec.backends[0]?.endpoints).toEqual({ service: { name }, httpPort: 7000 });
    expect(childrenOf(plan, 'Service')[1]).toMatchObject({ spec: { ports: [{ name: 'http', port: 7000 }] } });
    expect(snapshot.data).toMatchObject({ runtimeImage: 'others/mlserver:1', facts: { runtime } });
  });

  it('changes nothing of a revision when it is edited', () => {
    const after = planService(later, context);
    expect(childrenOf(after, 'Deployment')).toEqual(childrenOf(plan, 'Deployment'));
    expect((childrenOf(after, 'TrafficRoute') as TrafficRoute[])[0]?.spec).toEqual(routed.spec);
  });

  it('is told in the status, with a newer image, and without an address for gRPC where it speaks none', () => {
    const status = serviceStatus(later, context);
    expect(status?.address).toEqual({ http: 'http://flights.team.svc' });
    expect(status?.runtime).toEqual({ image: 'others/mlserver:1', behind: 'others/mlserver:2' });
  });
});

describe('a change that breaks callers', () => {
  const warned = { resolved: { ...resolved('v2'), warning: 'Input "x" is gone.' } as Resolved, wants: 'v2' };
  const before = scene({ ...warned, route: { v1: 100 }, revisions: [revision('v1')] });
  const begun = scene({
    ...warned,
    route: { v1: 100, v2: 0 },
    revisions: [revision('v1'), revision('v2', { ready: 0 })],
  });

  it('is told in an Event before its first pod starts, and once', () => {
    expect(changeNote(before)).toMatchObject({ type: 'Warning', message: 'Input "x" is gone.' });
    expect(changeNote(begun)).toBeUndefined();
    expect(changeNote(scene({ wants: 'v2', route: { v1: 100 }, revisions: [revision('v1')] }))).toBeUndefined();
  });

  it('is told by the condition until it is over, and goes on', () => {
    expect(serviceStatus(begun, context)?.conditions[0]?.message).toMatch(/ keeps serving\. Input "x" is gone\.$/);
    expect(summary(before).route).toEqual(routeBy('v1', { v1: 100, v2: 0 }));
  });
});

describe('planService', () => {
  it('lists a new revision at once, so that gateways know the host', () => {
    expect(summary(scene({}))).toMatchObject({
      route: routeBy('v1', { v1: 100 }),
      sequence: 1,
      movedAt: undefined,
      pods: { [nameOf('v1')]: 2 },
      deleted: [],
      next: { kind: 'settled' },
    });
  });

  it('gives the address even while there is no model, and makes nothing else', () => {
    const plan = summary(scene({ resolved: missing('v1'), replicas: 1 }));
    expect(plan).toMatchObject({ route: undefined, pods: {}, budgets: 0 });
  });

  it('leads the address to the gateways, whatever their port', () => {
    const { apply } = planService(scene({ gateways: [gateway('10.0.0.1'), gateway('10.0.0.2')] }), context);
    const slices = apply
      .filter(({ kind }) => kind.kind === 'EndpointSlice')
      .map(({ object }) => object as EndpointSlice);
    expect(slices.map(({ ports, endpoints }) => [ports?.map(({ port }) => port), endpoints])).toMatchObject([
      [
        [8080, 8080],
        [
          { addresses: ['10.0.0.1'], conditions: { ready: true }, targetRef: { name: 'gateway-10.0.0.1' } },
          { addresses: ['10.0.0.2'] },
        ],
      ],
    ]);
  });

  it('remembers when the first revision answered', () => {
    const given = { route: { v1: 100 }, movedAt: undefined, revisions: [revision('v1', { ready: 1 })] };
    expect(summary(scene(given))).toMatchObject({ sequence: SEQUENCE, movedAt: NOW.toISOString() });
  });

  it('lists the newest spec alone while nothing has answered', () => {
    const given = { wants: 'v2', route: { v1: 100 }, movedAt: undefined, revisions: [revision('v1', { ready: 0 })] };
    expect(summary(scene(given))).toMatchObject({ route: routeBy('v2', { v2: 100 }), movedAt: undefined });
  });

  it('makes the candidate with all its pods beside a stable revision that is ill, and lists it', () => {
    expect(
      summary(scene({ wants: 'v2', route: { v1: 100 }, revisions: [revision('v1', { ready: 0 })] })),
    ).toMatchObject({
      route: routeBy('v1', { v1: 100, v2: 0 }),
      sequence: SEQUENCE + 1,
      movedAt: LONG_AGO,
      pods: { [nameOf('v1')]: 2, [nameOf('v2')]: 2 },
      deleted: [],
    });
  });

  it.each([
    ['does not answer', { ready: 1 }],
    ['is not listed as an endpoint', { ready: 2, listed: 1 }],
  ])('moves nothing while one pod of the candidate %s', (_, state) => {
    const revisions = [revision('v1'), revision('v2', state)];
    const plan = summary(scene({ wants: 'v2', route: { v1: 100, v2: 0 }, revisions }));
    expect(plan).toMatchObject({ route: routeBy('v1', { v1: 100, v2: 0 }), sequence: SEQUENCE, deleted: [] });
  });

  it('gives the candidate all requests when all its pods answer, with the old one to stand in for it', () => {
    const plan = summary(
      scene({ wants: 'v2', route: { v1: 100, v2: 0 }, revisions: [revision('v1'), revision('v2')] }),
    );
    expect(plan).toMatchObject({
      route: routeBy('v1', { v1: 0, v2: 100 }),
      sequence: SEQUENCE + 1,
      movedAt: NOW.toISOString(),
      deleted: [],
    });
  });

  it.each([
    ['applies an older route', SEQUENCE - 1],
    ['has not told what it applies', undefined],
  ])('keeps the old one as it is while a gateway %s', (_, applies) => {
    const revisions = [revision('v1'), revision('v2')];
    const plan = summary(scene({ wants: 'v2', route: { v1: 0, v2: 100 }, applies, revisions }));
    expect(plan).toMatchObject({
      route: routeBy('v1', { v1: 0, v2: 100 }),
      sequence: SEQUENCE,
      pods: { [nameOf('v1')]: 2 },
      deleted: [],
      next: { kind: 'settled' },
    });
  });

  it('lists the old one no more once every gateway has confirmed', () => {
    const given = {
      wants: 'v2',
      route: { v1: 0, v2: 100 },
      movedAt: JUST_NOW,
      revisions: [revision('v1'), revision('v2')],
    };
    expect(summary(scene(given))).toMatchObject({
      route: routeBy('v2', { v2: 100 }),
      sequence: SEQUENCE + 1,
      movedAt: JUST_NOW,
      pods: { [nameOf('v2')]: 2 },
      deleted: [],
    });
  });

  it('goes back at once when the spec does, wherever the change was', () => {
    const given = { wants: 'v1', route: { v1: 0, v2: 100 }, applies: 3, revisions: [revision('v1'), revision('v2')] };
    expect(summary(scene(given))).toMatchObject({
      route: routeBy('v1', { v1: 100 }),
      movedAt: NOW.toISOString(),
      deleted: [],
    });
  });

  it('keeps the old pods until the drain time has passed', () => {
    const revisions = [revision('v1'), revision('v2')];
    expect(summary(scene({ wants: 'v2', route: { v2: 100 }, movedAt: JUST_NOW, revisions }))).toMatchObject({
      movedAt: JUST_NOW,
      deleted: [],
      next: { kind: 'requeueAfter', ms: 7_000 },
    });
  });

  it.each([
    { last: 'HTTPRoute', writtenAt: [JUST_NOW, LONG_AGO] as const },
    { last: 'GRPCRoute', writtenAt: [LONG_AGO, JUST_NOW] as const },
  ])('keeps the old pods 30 s longer where a Gateway of other people may still know them by its $last', (given) => {
    const followed = { generation: 1, observed: [1, 1] as const, writtenAt: given.writtenAt };
    expect(summary(scene(exposedByGateway({ v2: 100 }, followed)))).toMatchObject({
      deleted: [],
      next: { kind: 'requeueAfter', ms: 37_000 },
    });
  });

  it.each([
    { unread: 'HTTPRoute', observed: [1, 2] as const },
    { unread: 'GRPCRoute', observed: [2, 1] as const },
  ])('keeps the old pods, and does not end the change, while that Gateway has not read the new $unread', (given) => {
    const written = { generation: 2, writtenAt: [LONG_AGO, LONG_AGO] as const };
    const unread = { ...written, observed: given.observed };
    expect(summary(scene(exposedByGateway({ v2: 100 }, unread))).deleted).toEqual([]);
    expect(summary(scene(exposedByGateway({ v1: 0, v2: 100 }, unread))).route).toEqual(
      routeBy('v1', { v1: 0, v2: 100 }),
    );

    const read = { ...written, observed: [2, 2] as const };
    expect(summary(scene(exposedByGateway({ v2: 100 }, read))).deleted).toEqual(workloads('v1'));
    expect(summary(scene(exposedByGateway({ v1: 0, v2: 100 }, read))).route).toEqual(routeBy('v2', { v2: 100 }));
  });

  describe('of the kinds of the Gateway API', () => {
    const followed = { generation: 1, observed: [1, 1], writtenAt: [LONG_AGO, LONG_AGO] } as const;
    const given = { ...exposedByGateway({ v2: 100 }, followed), revisions: [revision('v2')] };
    const written = (observed: ObservedService) =>
      planService(observed, context).apply.flatMap(({ kind, object }) =>
        kind.group === 'gateway.networking.k8s.io' ? [`${kind.kind} ${object.metadata.name}`] : [],
      );

    it('writes both, and takes away the one that nobody asks for any more', () => {
      expect(written(scene(given))).toEqual(['HTTPRoute flights', 'GRPCRoute flights']);

      const { grpcHosts: _, ...expose } = given.expose;
      const gatewayRoutes = given.gatewayRoutes.map((one) =>
        one.kind === 'GRPCRoute' ? { ...one, state: 'NotAsked' as const } : one,
      );
      const left = scene({ ...given, expose, gatewayRoutes });
      expect([written(left), summary(left).deleted]).toEqual([['HTTPRoute flights'], ['GRPCRoute flights']]);
    });

    it('takes both away where the gateways take the hosts', () => {
      const { expose: _, ...unasked } = given;
      const gatewayRoutes = given.gatewayRoutes.map((one) => ({ ...one, state: 'NotAsked' as const }));
      const deleted = ['HTTPRoute flights', 'GRPCRoute flights'];
      expect(summary(scene({ ...unasked, gatewayRoutes })).deleted).toEqual(deleted);
    });

    it('looks again for one that is not installed, and writes the other', () => {
      const gatewayRoutes = given.gatewayRoutes.map((one) =>
        one.kind === 'GRPCRoute' ? { ...one, state: 'NotInstalled' as const, route: undefined } : one,
      );
      const observed = scene({ ...given, gatewayRoutes });
      expect(written(observed)).toEqual(['HTTPRoute flights']);
      expect(summary(observed).next).toMatchObject({ kind: 'requeueAfter', ms: 15_000 });
    });
  });

  it('keeps the old pods while a gateway may still know them, however late it is', () => {
    const given = {
      wants: 'v2',
      route: { v2: 100 },
      applies: SEQUENCE - 1,
      revisions: [revision('v1'), revision('v2')],
    };
    expect(summary(scene(given))).toMatchObject({ deleted: [], next: { kind: 'settled' } });
  });

  it('ends the old pods after that, and keeps the snapshot', () => {
    const revisions = [revision('v1'), revision('v2')];
    expect(summary(scene({ wants: 'v2', route: { v2: 100 }, revisions })).deleted).toEqual(workloads('v1'));
  });

  it('replaces a broken candidate by a newer one at once, and ends it when no gateway knows it', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    const before = summary(scene({ wants: 'v3', route: { v1: 100, v2: 0 }, revisions }));
    expect(before).toMatchObject({
      route: routeBy('v1', { v1: 100, v3: 0 }),
      pods: { [nameOf('v1')]: 2, [nameOf('v3')]: 2 },
      deleted: [],
    });
    expect(summary(scene({ wants: 'v3', route: { v1: 100, v3: 0 }, revisions })).deleted).toEqual(workloads('v2'));
  });

  it('only drops the candidate when the spec goes back to what serves', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    const plan = summary(scene({ wants: 'v1', route: { v1: 100 }, revisions }));
    expect(plan).toMatchObject({ sequence: SEQUENCE, movedAt: LONG_AGO, pods: { [nameOf('v1')]: 2 } });
    expect(plan.deleted).toEqual(workloads('v2'));
  });

  it('keeps what serves when the wanted version is missing', () => {
    const given = { wants: 'v9', route: { v1: 100 }, resolved: missing('v9'), revisions: [revision('v1')] };
    expect(summary(scene(given))).toMatchObject({ sequence: SEQUENCE, pods: { [nameOf('v1')]: 2 }, deleted: [] });
  });

  it('keeps a candidate of the same spec while its version cannot be read', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 1 })];
    const plan = summary(scene({ wants: 'v2', route: { v1: 100, v2: 0 }, resolved: missing('v2'), revisions }));
    expect(plan).toMatchObject({ pods: { [nameOf('v1')]: 2, [nameOf('v2')]: 2 }, deleted: [] });
  });

  it('finds what answers when somebody deleted the route, and ends nothing before', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 0 })];
    expect(summary(scene({ wants: 'v2', revisions }))).toMatchObject({
      route: routeBy('v1', { v1: 100, v2: 0 }),
      movedAt: NOW.toISOString(),
      deleted: [],
    });
  });

  it('tells the gateways who may ask, and that everybody may again, each with a new sequence', () => {
    const access = { from: [{ namespace: { name: 'web' } }] };
    const open = scene({ route: { v1: 100 }, revisions: [revision('v1')] });
    const closing = { ...open, service: anInferenceService({ ...spec('v1'), access }) };
    const of = (observed: ObservedService) => {
      const child = planService(observed, context).apply.find(({ kind }) => kind.kind === 'TrafficRoute');
      return child?.object as TrafficRoute;
    };
    const closed = of(closing);
    expect(closed.spec).toMatchObject({ access, sequence: SEQUENCE + 1 });
    expect(of({ ...closing, route: closed }).spec.sequence).toBe(SEQUENCE + 1);

    expect(of({ ...open, route: closed }).spec).toMatchObject({ sequence: SEQUENCE + 2 });
    expect(of({ ...open, route: closed }).spec.access).toBeUndefined();
  });

  it('tells the gateways which requests to keep, as bytes and of which version, and when to keep none', () => {
    const sampling = { percent: 5, maxPerMinute: 600, maxBytes: '16Ki' };
    const given = { route: { v1: 100 }, revisions: [revision('v1')] };
    const of = (observed: ObservedService) =>
      (childrenOf(planService(observed, context), 'TrafficRoute') as TrafficRoute[])[0]!;
    const sampled = of(scene({ ...given, sampling }));
    expect(sampled.spec).toMatchObject({
      sequence: SEQUENCE + 1,
      sampling: { ...sampling, maxBytes: 16_384 },
      backends: [{ modelVersion: 'v1' }],
    });

    const none = of({ ...scene(given), route: sampled });
    expect(none.spec.sequence).toBe(SEQUENCE + 2);
    expect(none.spec).not.toHaveProperty('sampling');
    // What the route knows of a revision of which nothing is left stays.
    const bare = { ...revision('v1'), snapshot: undefined, data: undefined };
    const unread = scene({ ...given, revisions: [bare], resolved: missing('v1') });
    expect(of(unread).spec).toMatchObject({ sequence: SEQUENCE, backends: [{ modelVersion: 'v1' }] });
  });

  it('renders pods from the snapshot, so that an upgrade restarts nothing', () => {
    const { apply } = planService(scene({ route: { v1: 100 }, revisions: [revision('v1')] }), context);
    const deployment = apply.find(({ kind }) => kind.kind === 'Deployment')?.object as Deployment;
    expect(deployment.spec?.template.spec?.containers[0]?.image).toBe('slipway/serving-runtime:old');
  });

  it('changes only the number of pods with spec.scaling', () => {
    expect(summary(scene({ route: { v1: 100 }, replicas: 5, revisions: [revision('v1')] }))).toMatchObject({
      pods: { [nameOf('v1')]: 5 },
      budgets: 1,
    });
  });

  it('starts one pod for a new revision at zero replicas, and none once it has answered', () => {
    expect(summary(scene({ replicas: 0 })).pods).toEqual({ [nameOf('v1')]: 1 });
    expect(summary(scene({ replicas: 0, revisions: [revision('v1', { ready: 1 })] })).pods).toEqual({
      [nameOf('v1')]: 0,
    });
  });

  it('numbers a revision that is asked for again as the newest', () => {
    const revisions = [revision('v1', { number: 1 }), revision('v2', { number: 2 })];
    const { snapshots } = summary(scene({ wants: 'v1', route: { v2: 100 }, revisions }));
    expect(snapshots.find(({ metadata }) => metadata.name === nameOf('v1'))?.revision).toBe(3);
  });

  it('keeps ten snapshots', () => {
    const old = Array.from({ length: 12 }, (_, i) =>
      revision(`old-${i}`, { number: i + 1, deployment: undefined, service: undefined, ready: 0 }),
    );
    const plan = summary(scene({ route: { v1: 100 }, revisions: [...old, revision('v1', { number: 13 })] }));
    expect(plan.deleted).toEqual([0, 1, 2].map((i) => `ControllerRevision ${nameOf(`old-${i}`)}`).toReversed());
  });

  it('writes no file of a user and mounts the Store only where it is copied from', () => {
    const template = buildPodTemplate({ service: 'flights', revision: 'r', facts: factsOf('v1'), config: WORKLOADS });
    const mounts = template.spec?.containers[0]?.volumeMounts?.map(({ name }) => name);
    expect(mounts).toEqual(['models', 'tmp']);
    expect(template.spec?.initContainers?.[0]?.env?.[0]?.value).toContain('"from":"/stores/default/team/models/v1"');
  });
});
