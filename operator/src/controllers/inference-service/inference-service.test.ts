/** plan and status of an InferenceService, from the same observations. */
import type { InferenceService, ServingRuntimeSpec, TrafficRoute } from '@slipway/crds';
import type { ControllerRevision, Deployment, EndpointSlice } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aModelVersion, anInferenceService, aServingRuntime, aStore, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { buildAddress, buildTrafficRoute } from './build-address.ts';
import { buildControllerRevision, buildDeployment, buildRevisionService } from './build-children.ts';
import { buildHttpRoute } from './build-http-route.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { changeNote } from './interface-change.ts';
import type { ObservedRevision, ObservedService, Resolved } from './observe.ts';
import { planService } from './plan.ts';
import { resolveFacts, revisionName } from './revision.ts';
import { serviceStatus } from './status.ts';

const context = { now: NOW, config: WORKLOADS };
const spec = (version: string, replicas = 2) => ({ modelVersion: { name: version }, scaling: { replicas } });
const factsOf = (version: string) => resolveFacts(anInferenceService(spec(version)), aModelVersion(version), aStore());
const nameOf = (version: string) => revisionName('flights', factsOf(version));
const resolved = (version: string): Resolved => ({ version, facts: factsOf(version) });

/** A revision with a snapshot and a Deployment. */
function revision(version: string, more: Partial<ObservedRevision> & { number?: number } = {}): ObservedRevision {
  const name = nameOf(version);
  const facts = factsOf(version);
  const config = { ...WORKLOADS, servingRuntimeImage: 'slipway/serving-runtime:old' };
  const template = buildPodTemplate({ service: 'flights', revision: name, facts, config });
  const data = { facts, runtimeImage: config.servingRuntimeImage, template };
  const service = anInferenceService(spec(version));
  return {
    name,
    snapshot: buildControllerRevision(service, { name, data }, more.number ?? 1) as NonNullable<
      ObservedRevision['snapshot']
    >,
    data,
    deployment: buildDeployment(service, { name, data }, 2),
    service: buildRevisionService(service, { name, data }),
    pods: [],
    ready: 2,
    listed: more.ready ?? 2,
    trouble: undefined,
    ...more,
  };
}

const gateway = (address: string) => ({
  address,
  family: 'IPv4',
  port: 8080,
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: undefined,
  zone: undefined,
  targetRef: { kind: 'Pod', namespace: 'slipway-system', name: `gateway-${address}` },
});

interface Scene {
  readonly wants?: string;
  readonly replicas?: number;
  /** The versions that the route lists, with their weights. */
  readonly route?: Readonly<Record<string, number>>;
  /** Default: the first that the route lists. */
  readonly stable?: string;
  readonly movedAt?: string | undefined;
  /** What the gateway applies; default: the route as it is. */
  readonly applies?: number | undefined;
  readonly gateways?: readonly ReturnType<typeof gateway>[];
  readonly revisions?: readonly ObservedRevision[];
  readonly resolved?: Resolved;
  readonly scaling?: InferenceService['spec']['scaling'];
  readonly expose?: InferenceService['spec']['expose'];
  readonly gatewayApi?: ObservedService['gatewayApi'];
}

const SEQUENCE = 7;
const WAKES_UP = { replicas: 0, min: 0, max: 4, target: { concurrency: 4 } };

function scene(given: Scene): ObservedService {
  const { wants = 'v1', replicas = 2, revisions = [], gateways = [gateway('10.0.0.1')] } = given;
  const { scaling, expose } = given;
  const service = anInferenceService({
    ...spec(wants, replicas),
    ...(scaling === undefined ? {} : { scaling }),
    ...(expose === undefined ? {} : { expose }),
  });
  const { applies } = { applies: SEQUENCE, ...given };
  return {
    service,
    address: buildAddress(service),
    addressSlices: [],
    route: given.route === undefined ? undefined : routeOf(given, given.route),
    hosts: [],
    gatewayApi: given.gatewayApi ?? { state: 'NotAsked', route: undefined },
    gateways,
    applied: gateways.map(({ address }) => ({ address, sequence: applies })),
    budgets: [],
    revisions: [...revisions].sort((a, b) => (a.name < b.name ? -1 : 1)),
    resolved: given.resolved ?? resolved(wants),
    replicas,
  };
}

function routeOf(given: Scene, versions: Readonly<Record<string, number>>): TrafficRoute {
  const { stable = Object.keys(versions)[0] ?? '', movedAt } = { movedAt: LONG_AGO, ...given };
  const weights = Object.fromEntries(Object.entries(versions).map(([version, weight]) => [nameOf(version), weight]));
  const route = buildTrafficRoute(anInferenceService(), { stable: nameOf(stable), weights, movedAt }, undefined);
  return { ...route, spec: { ...route.spec, sequence: SEQUENCE } };
}

interface Followed {
  readonly generation: number;
  /** The generation that the controller of the Gateway has read. */
  readonly observed: number;
  readonly writtenAt: string;
}

/** A change to v2 whose HTTPRoute splits as the route does. */
function exposedByGateway(versions: Readonly<Record<string, number>>, { generation, observed, writtenAt }: Followed) {
  const expose = { hosts: ['flights.example.org'], by: 'GatewayApi' as const, gateway: { name: 'public' } };
  const given = { wants: 'v2', route: versions, expose, revisions: [revision('v1'), revision('v2')] };
  const service = anInferenceService({ expose });
  const { backends } = routeOf(given, versions).spec;
  const input = { backends, live: undefined, now: new Date(writtenAt) };
  const built = buildHttpRoute(service, { hosts: expose.hosts, parent: expose.gateway }, input);
  const accepted = {
    type: 'Accepted',
    status: 'True' as const,
    reason: 'Accepted',
    message: '',
    lastTransitionTime: '',
  };
  const conditions = [{ ...accepted, observedGeneration: observed }];
  const parents = [{ parentRef: expose.gateway, controllerName: 'example.org/controller', conditions }];
  const httpRoute = { ...built, metadata: { ...built.metadata, generation }, status: { parents } };
  return { ...given, gatewayApi: { state: 'Installed' as const, route: httpRoute } };
}

/** What a plan does, in a few words. */
function summary(observed: ObservedService) {
  const plan = planService(observed, context);
  const of = <T>(kind: string) =>
    plan.apply.filter((child) => child.kind.kind === kind).map(({ object }) => object as T);
  const [route] = of<TrafficRoute>('TrafficRoute');
  return {
    route: route && {
      stable: route.spec.stable,
      weights: Object.fromEntries(route.spec.backends.map(({ revision: name, weight }) => [name, weight])),
    },
    sequence: route?.spec.sequence,
    movedAt: route?.metadata.annotations?.['slipway.dev/traffic-moved-at'],
    pods: Object.fromEntries(
      of<Deployment>('Deployment').map(({ metadata, spec: { replicas } = {} }) => [metadata.name, replicas]),
    ),
    deleted: plan.prune.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`),
    next: plan.next,
    snapshots: of<ControllerRevision>('ControllerRevision'),
    budgets: of('PodDisruptionBudget').length,
  };
}

/** A route, by versions. */
const route = (stable: string, weights: Readonly<Record<string, number>>) => ({
  stable: nameOf(stable),
  weights: Object.fromEntries(Object.entries(weights).map(([version, weight]) => [nameOf(version), weight])),
});
const workloads = (version: string) => [`Deployment ${nameOf(version)}`, `Service ${nameOf(version)}`];

const missing = (version: string): Resolved => ({
  version,
  problem: { reason: 'ModelVersionNotFound', message: 'no such version', isFinal: false },
});
const LONG_AGO = '2026-11-23T09:00:00.000Z';
const JUST_NOW = '2026-11-23T09:59:57.000Z';

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
    expect(summary(before).route).toEqual(route('v1', { v1: 100, v2: 0 }));
  });
});

describe('planService', () => {
  it('lists a new revision at once, so that gateways know the host', () => {
    expect(summary(scene({}))).toMatchObject({
      route: route('v1', { v1: 100 }),
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
    expect(summary(scene(given))).toMatchObject({ route: route('v2', { v2: 100 }), movedAt: undefined });
  });

  it('makes the candidate with all its pods beside a stable revision that is ill, and lists it', () => {
    expect(
      summary(scene({ wants: 'v2', route: { v1: 100 }, revisions: [revision('v1', { ready: 0 })] })),
    ).toMatchObject({
      route: route('v1', { v1: 100, v2: 0 }),
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
    expect(plan).toMatchObject({ route: route('v1', { v1: 100, v2: 0 }), sequence: SEQUENCE, deleted: [] });
  });

  it('gives the candidate all requests when all its pods answer, with the old one to stand in for it', () => {
    const plan = summary(
      scene({ wants: 'v2', route: { v1: 100, v2: 0 }, revisions: [revision('v1'), revision('v2')] }),
    );
    expect(plan).toMatchObject({
      route: route('v1', { v1: 0, v2: 100 }),
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
      route: route('v1', { v1: 0, v2: 100 }),
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
      route: route('v2', { v2: 100 }),
      sequence: SEQUENCE + 1,
      movedAt: JUST_NOW,
      pods: { [nameOf('v2')]: 2 },
      deleted: [],
    });
  });

  it('goes back at once when the spec does, wherever the change was', () => {
    const given = { wants: 'v1', route: { v1: 0, v2: 100 }, applies: 3, revisions: [revision('v1'), revision('v2')] };
    expect(summary(scene(given))).toMatchObject({
      route: route('v1', { v1: 100 }),
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

  it('keeps the old pods 30 s longer where a Gateway of other people may still know them', () => {
    const given = exposedByGateway({ v2: 100 }, { generation: 1, observed: 1, writtenAt: JUST_NOW });
    expect(summary(scene(given))).toMatchObject({ deleted: [], next: { kind: 'requeueAfter', ms: 37_000 } });
  });

  it('keeps the old pods, and does not end the change, while that Gateway has not read the new weights', () => {
    const unread = { generation: 2, observed: 1, writtenAt: LONG_AGO };
    expect(summary(scene(exposedByGateway({ v2: 100 }, unread))).deleted).toEqual([]);
    expect(summary(scene(exposedByGateway({ v1: 0, v2: 100 }, unread))).route).toEqual(route('v1', { v1: 0, v2: 100 }));

    const read = { ...unread, observed: 2 };
    expect(summary(scene(exposedByGateway({ v2: 100 }, read))).deleted).toEqual(workloads('v1'));
    expect(summary(scene(exposedByGateway({ v1: 0, v2: 100 }, read))).route).toEqual(route('v2', { v2: 100 }));
  });

  it('looks again for the Gateway API where it is not installed, and takes its route away where nobody asks for it', () => {
    const given = {
      ...exposedByGateway({ v2: 100 }, { generation: 1, observed: 1, writtenAt: LONG_AGO }),
      revisions: [revision('v2')],
    };
    const notInstalled = { state: 'NotInstalled', route: undefined } as const;
    expect(summary(scene({ ...given, gatewayApi: notInstalled })).next).toMatchObject({
      kind: 'requeueAfter',
      ms: 15_000,
    });

    const { gatewayApi, ...unasked } = { ...given, expose: undefined };
    const left = { state: 'NotAsked', route: gatewayApi.route } as const;
    expect(summary(scene({ ...unasked, gatewayApi: left })).deleted).toEqual(['HTTPRoute flights']);
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
      route: route('v1', { v1: 100, v3: 0 }),
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
      route: route('v1', { v1: 100, v2: 0 }),
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

interface Expected {
  readonly ready: string;
  readonly serving: string;
  readonly upToDate: string;
  readonly also?: string;
}

const trouble = { reason: 'DigestMismatch', message: 'Other bytes.' };
const statusCases: Record<string, { scene: Scene; expected: Expected }> = {
  'a new service': {
    scene: {},
    expected: {
      ready: 'False RevisionStarting',
      serving: 'False NotYetServing',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'no such version': {
    scene: { resolved: missing('v1') },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'a version that failed its verification': {
    scene: { resolved: { version: 'v1', problem: { reason: 'ModelVersionNotReady', message: 'm', isFinal: true } } },
    expected: {
      ready: 'False ModelVersionNotReady',
      serving: 'False NotYetServing',
      upToDate: 'False ModelVersionNotReady',
      also: 'Stalled',
    },
  },
  'all is well': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'pods answer before Kubernetes lists them': {
    scene: { route: { v1: 100 }, revisions: [revision('v1', { listed: 0 })] },
    expected: {
      ready: 'False EndpointsPending',
      serving: 'False EndpointsPending',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'no gateway is ready': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], gateways: [] },
    expected: {
      ready: 'False NoGateway',
      serving: 'False NoGateway',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'no gateway knows the route yet': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: 0 },
    expected: {
      ready: 'False GatewaysPending',
      serving: 'False GatewaysPending',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'a gateway follows an older route': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: SEQUENCE - 1 },
    expected: {
      ready: 'False GatewaysPending',
      serving: 'True Serving',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'the gateways have not told yet, after a start of the operator': {
    scene: { route: { v1: 100 }, revisions: [revision('v1')], applies: undefined },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'one more pod is starting': {
    scene: { route: { v1: 100 }, revisions: [revision('v1', { ready: 1 })] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate', also: 'Reconciling' },
  },
  'no pod answers, out of memory': {
    scene: {
      route: { v1: 100 },
      revisions: [revision('v1', { ready: 0, trouble: { reason: 'OOMKilled', message: 'm' } })],
    },
    expected: { ready: 'False OOMKilled', serving: 'False OOMKilled', upToDate: 'True UpToDate', also: 'Stalled' },
  },
  'no node has room': {
    scene: {
      route: { v1: 100 },
      revisions: [revision('v1', { ready: 0, trouble: { reason: 'Unschedulable', message: 'm' } })],
    },
    expected: {
      ready: 'False Unschedulable',
      serving: 'False Unschedulable',
      upToDate: 'True UpToDate',
      also: 'Reconciling',
    },
  },
  'a candidate starts': {
    scene: { wants: 'v2', route: { v1: 100 }, revisions: [revision('v1'), revision('v2', { ready: 0 })] },
    expected: {
      ready: 'False RolloutInProgress',
      serving: 'True StableServes',
      upToDate: 'False RolloutInProgress',
      also: 'Reconciling',
    },
  },
  'a candidate fails': {
    scene: { wants: 'v2', route: { v1: 100 }, revisions: [revision('v1'), revision('v2', { ready: 0, trouble })] },
    expected: {
      ready: 'False DigestMismatch',
      serving: 'True StableServes',
      upToDate: 'False DigestMismatch',
      also: 'Stalled',
    },
  },
  'the wanted version is missing while another serves': {
    scene: { wants: 'v9', route: { v1: 100 }, resolved: missing('v9'), revisions: [revision('v1')] },
    expected: {
      ready: 'False ModelVersionNotFound',
      serving: 'True StableServes',
      upToDate: 'False ModelVersionNotFound',
      also: 'Reconciling',
    },
  },
  'the version that serves cannot be read for a while': {
    scene: { route: { v1: 100 }, resolved: missing('v1'), revisions: [revision('v1')] },
    expected: { ready: 'True UpToDate', serving: 'True Serving', upToDate: 'True UpToDate' },
  },
  'without pods while nobody asks': {
    scene: { route: { v1: 100 }, replicas: 0, scaling: WAKES_UP, revisions: [revision('v1', { ready: 0 })] },
    expected: { ready: 'True ScaledToZero', serving: 'True ScaledToZero', upToDate: 'True UpToDate' },
  },
  'without pods, and without a gateway where a request could wait for one': {
    scene: {
      route: { v1: 100 },
      replicas: 0,
      scaling: WAKES_UP,
      gateways: [],
      revisions: [revision('v1', { ready: 0 })],
    },
    expected: { ready: 'True ScaledToZero', serving: 'False NoGateway', upToDate: 'True UpToDate' },
  },
  'scaled to zero': {
    scene: { route: { v1: 100 }, replicas: 0, revisions: [revision('v1', { ready: 0 })] },
    expected: { ready: 'True ScaledToZero', serving: 'False ScaledToZero', upToDate: 'True UpToDate' },
  },
};

describe('serviceStatus', () => {
  it.each(Object.entries(statusCases))('%s', (_, { scene: given, expected }) => {
    const conditions = serviceStatus(scene(given), context)?.conditions ?? [];
    const of = (type: string) => {
      const found = conditions.find((one) => one.type === type);
      return `${found?.status} ${found?.reason}`;
    };
    expect({ ready: of('Ready'), serving: of('Serving'), upToDate: of('UpToDate') }).toEqual({
      ready: expected.ready,
      serving: expected.serving,
      upToDate: expected.upToDate,
    });
    const abnormal = conditions.map(({ type }) => type).filter((type) => type === 'Reconciling' || type === 'Stalled');
    expect(abnormal).toEqual(expected.also === undefined ? [] : [expected.also]);
  });

  it('tells both sides of a change, where the service is reached, and that the runtime is behind', () => {
    const revisions = [revision('v1'), revision('v2', { ready: 1 })];
    expect(serviceStatus(scene({ wants: 'v2', route: { v1: 100 }, revisions }), context)).toMatchObject({
      stable: { revision: nameOf('v1'), modelVersion: 'v1', ready: 2 },
      candidate: { revision: nameOf('v2'), modelVersion: 'v2', ready: 1 },
      address: { http: 'http://flights.team.svc', grpc: 'flights.team.svc:80' },
      runtime: { image: 'slipway/serving-runtime:old', behind: 'slipway/serving-runtime:1' },
    });
  });
});
