/** InferenceServices as the operator sees them, in the middle of whatever a test is about. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { ControllerRevision, Deployment } from '@slipway/kube';
import { NO_ROLLOUTS, NOTHING_ASKED } from '../rollouts/record.ts';
import type { Rollout, RolloutRecord } from '../rollouts/record.ts';
import { aModelVersion, anInferenceService, aStore, DIGEST, NOW, WORKLOADS } from './fixtures.ts';
import { buildAddress, buildTrafficRoute } from '../controllers/inference-service/build-address.ts';
import {
  buildControllerRevision,
  buildDeployment,
  buildRevisionService,
} from '../controllers/inference-service/build-children.ts';
import { buildGatewayRoute, requestedRoute } from '../controllers/inference-service/build-gateway-route.ts';
import { buildPodTemplate } from '../controllers/inference-service/build-pod-template.ts';
import type { ObservedRevision, ObservedService, Resolved } from '../controllers/inference-service/observe.ts';
import { planService } from '../controllers/inference-service/plan.ts';
import { resolveFacts, revisionName } from '../controllers/inference-service/revision.ts';

export const context = { now: NOW, config: WORKLOADS };
export const spec = (version: string, replicas = 2) => ({ modelVersion: { name: version }, scaling: { replicas } });
export const factsOf = (version: string) =>
  resolveFacts(anInferenceService(spec(version)), aModelVersion(version), aStore());
export const nameOf = (version: string) => revisionName('flights', factsOf(version));
export const resolved = (version: string): Resolved => ({ version, facts: factsOf(version) });

/** A revision with a snapshot and a Deployment. */
export function revision(
  version: string,
  more: Partial<ObservedRevision> & { number?: number } = {},
): ObservedRevision {
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

export const gateway = (address: string) => ({
  address,
  family: 'IPv4',
  port: 8080,
  conditions: { ready: true, serving: true, terminating: false },
  nodeName: undefined,
  zone: undefined,
  targetRef: { kind: 'Pod', namespace: 'slipway-system', name: `gateway-${address}` },
});

export interface Scene {
  readonly wants?: string;
  readonly replicas?: number;
  /** The versions that the route lists, with their weights. */
  readonly route?: Readonly<Record<string, number>>;
  /** Default: of the change that the route is in the middle of. */
  readonly record?: RolloutRecord;
  readonly rollout?: InferenceService['spec']['rollout'];
  readonly rollouts?: ObservedService['rollouts'];
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
  readonly gatewayRoutes?: ObservedService['gatewayRoutes'];
  readonly sampling?: InferenceService['spec']['sampling'];
}

export const SEQUENCE = 7;
export const WAKES_UP = { replicas: 0, min: 0, max: 4, target: { concurrency: 4 } };

export function scene(given: Scene): ObservedService {
  const { wants = 'v1', replicas = 2, revisions = [], gateways = [gateway('10.0.0.1')] } = given;
  const service = anInferenceService(specOf(given, wants, replicas));
  const { applies } = { applies: SEQUENCE, ...given };
  return {
    service,
    address: buildAddress(service),
    addressSlices: [],
    route: given.route === undefined ? undefined : routeOf(given, given.route),
    hosts: [],
    gatewayRoutes: given.gatewayRoutes ?? [],
    gateways,
    applied: gateways.map(({ address }) => ({ address, sequence: applies })),
    budgets: [],
    rollouts: given.rollouts ?? [],
    revisions: [...revisions].sort((a, b) => (a.name < b.name ? -1 : 1)),
    unservable: new Map(),
    resolved: given.resolved ?? resolved(wants),
    replicas,
  };
}

export function specOf({ scaling, expose, sampling, rollout }: Scene, wants: string, replicas: number) {
  return {
    ...spec(wants, replicas),
    ...(scaling === undefined ? {} : { scaling }),
    ...(expose === undefined ? {} : { expose }),
    ...(sampling === undefined ? {} : { sampling }),
    ...(rollout === undefined ? {} : { rollout }),
  };
}

export function routeOf(given: Scene, versions: Readonly<Record<string, number>>): TrafficRoute {
  const { stable = Object.keys(versions)[0] ?? '', movedAt } = { movedAt: LONG_AGO, ...given };
  const weights = Object.fromEntries(Object.entries(versions).map(([version, weight]) => [nameOf(version), weight]));
  const modelVersions = Object.fromEntries(Object.keys(versions).map((version) => [nameOf(version), version]));
  const record = given.record ?? recordOf(given.wants ?? 'v1', { stable, versions });
  const traffic = { stable: nameOf(stable), weights, mirrors: {}, movedAt, record, modelVersions };
  const route = buildTrafficRoute(anInferenceService(), traffic, undefined);
  return { ...route, spec: { ...route.spec, sequence: SEQUENCE } };
}

/** Of the change that the route is in the middle of. */
export function recordOf(
  wants: string,
  { stable, versions }: { readonly stable: string; readonly versions: Readonly<Record<string, number>> },
): RolloutRecord {
  return wants === stable || versions[wants] === undefined ? NO_ROLLOUTS : changing(stable, wants);
}

export function changing(from: string, to: string, more: Partial<Rollout> = {}): RolloutRecord {
  const current: Rollout = {
    number: 3,
    from: nameOf(from),
    to: nameOf(to),
    cause: 'SpecChange',
    modelDigest: DIGEST,
    phase: 'Progressing',
    step: 0,
    begunAt: LONG_AGO,
    stablePods: 2,
    asked: NOTHING_ASKED,
    ...more,
  };
  return { ...NO_ROLLOUTS, lastNumber: current.number, current };
}

export interface Followed {
  readonly generation: number;
  /** The generations of the HTTPRoute and of the GRPCRoute that the controller of the Gateway has read. */
  readonly observed: readonly [http: number, grpc: number];
  /** The same of when they were written. */
  readonly writtenAt: readonly [http: string, grpc: string];
}

/** A change to v2 whose routes of the Gateway API split as the route does. */
export function exposedByGateway(
  versions: Readonly<Record<string, number>>,
  { generation, observed, writtenAt }: Followed,
) {
  const parentRef = { name: 'public' };
  const expose = {
    hosts: ['flights.example.org'],
    grpcHosts: ['grpc.example.org'],
    by: 'GatewayApi' as const,
    gateway: parentRef,
  };
  const given = { wants: 'v2', route: versions, expose, revisions: [revision('v1'), revision('v2')] };
  const service = anInferenceService({ expose });
  const { backends } = routeOf(given, versions).spec;
  const gatewayRoutes = (['HTTPRoute', 'GRPCRoute'] as const).map((kind, index) => {
    const request = requestedRoute(service, kind);
    if (request === undefined) throw new Error('the service asks for none');
    const input = { backends, live: undefined, now: new Date(writtenAt[index] ?? '') };
    const built = buildGatewayRoute(service, request, input);
    const accepted = {
      type: 'Accepted',
      status: 'True' as const,
      reason: 'Accepted',
      message: '',
      lastTransitionTime: '',
    };
    const conditions = [{ ...accepted, observedGeneration: observed[index] ?? 0 }];
    const parents = [{ parentRef, controllerName: 'example.org/controller', conditions }];
    const route = { ...built, metadata: { ...built.metadata, generation }, status: { parents } };
    return { kind, state: 'Installed' as const, route };
  });
  return { ...given, gatewayRoutes };
}

/** What a plan does, in a few words. */
export function summary(observed: ObservedService) {
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

/** What `summary` says of a route, by versions. */
export const routeBy = (stable: string, weights: Readonly<Record<string, number>>) => ({
  stable: nameOf(stable),
  weights: Object.fromEntries(Object.entries(weights).map(([version, weight]) => [nameOf(version), weight])),
});
export const workloads = (version: string) => [`Deployment ${nameOf(version)}`, `Service ${nameOf(version)}`];

export const missing = (version: string): Resolved => ({
  version,
  problem: { reason: 'ModelVersionNotFound', message: 'no such version', isFinal: false },
});
export const LONG_AGO = '2026-11-23T09:00:00.000Z';
export const JUST_NOW = '2026-11-23T09:59:57.000Z';
