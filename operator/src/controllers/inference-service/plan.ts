/** What to write for an InferenceService: a pure function of what was seen and of the time. */
import type { TrafficRoute } from '@slipway/crds';
import { builtin, requeueAfter, settled } from '@slipway/kube';
import type { Child, EndpointSlice, LiveObject, Result } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { WorkloadConfig } from '../../deps.ts';
import { httpRouteKind, kinds } from '../../kinds.ts';
import type { HTTPRoute } from '../../kinds.ts';
import { buildAddress, buildAddressSlices, buildTrafficRoute, OUR_PORTS } from './build-address.ts';
import {
  buildControllerRevision,
  buildDeployment,
  buildDisruptionBudget,
  buildRevisionService,
} from './build-children.ts';
import type { Snapshot } from './build-children.ts';
import { asksForGatewayApi, buildHttpRoute, WRITTEN_AT_ANNOTATION } from './build-http-route.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { isConfirmed } from './confirmation.ts';
import type { ObservedRevision, ObservedService } from './observe.ts';
import { serverImage } from './pod-input.ts';
import { matchesAsked, revisionName } from './revision.ts';
import { livePorts, serverPorts } from './server-ports.ts';
import type { ServerPorts } from './server-ports.ts';
import { planTraffic, trafficOf } from './traffic.ts';
import type { Traffic, TrafficInput } from './traffic.ts';

const KEPT_SNAPSHOTS = 10;

export interface ServicePlan {
  readonly apply: readonly Child[];
  readonly prune: readonly LiveObject[];
  readonly next: Result;
  /** The revision that requests move to with this plan. */
  readonly movesTo: string | undefined;
  /** The revision that this plan makes for the first time. */
  readonly created: string | undefined;
}

export interface PlanContext {
  readonly now: Date;
  readonly config: WorkloadConfig;
}

/** The revision that the spec asks for: `data` is there unless only its name is known; `problem` if there is none. */
export interface Desired {
  readonly name?: string | undefined;
  /** What callers of the version that serves now will miss. */
  readonly warning?: string | undefined;
  readonly problem?: (Reason & { readonly isFinal: boolean }) | undefined;
}

/**
 * What the spec asks for is what its ModelVersion resolves to; while that cannot be read, a revision that runs and was made
 * of the same spec will do, so that neither a lost status nor a Store that is away for a while moves anything.
 */
export function desiredRevision(observed: ObservedService): Desired {
  const { service, resolved, revisions } = observed;
  if (resolved.facts !== undefined) {
    return { name: revisionName(service.metadata.name, resolved.facts), warning: resolved.warning };
  }
  const stable = stableName(observed);
  const asked = { ...service.spec, modelVersion: resolved.version };
  const running = revisions
    .filter(({ data, deployment }) => deployment !== undefined && data !== undefined && matchesAsked(data.facts, asked))
    .sort((a, b) => Number(b.name === stable) - Number(a.name === stable));
  return running[0] === undefined ? { problem: resolved.problem } : { name: running[0].name };
}

/** The revision that serves, or served last: undefined until one has answered. */
export function stableName({ route }: Pick<ObservedService, 'route'>): string | undefined {
  const traffic = route && trafficOf(route);
  return traffic?.movedAt === undefined ? undefined : traffic.stable;
}

/** The same, if anything of it still exists. */
export function stableRevision(observed: ObservedService): ObservedRevision | undefined {
  const name = stableName(observed);
  return observed.revisions.find((revision) => revision.name === name);
}

/** Pods of a candidate: at least one, because a revision that never answered must not become stable, even at zero replicas. */
function candidateReplicas({ replicas }: Pick<ObservedService, 'replicas'>): number {
  return Math.max(1, replicas);
}

export function planService(observed: ObservedService, context: PlanContext): ServicePlan {
  const { service, gateways } = observed;
  const slices = buildAddressSlices(service, gateways);
  const desired = desiredRevision(observed).name;
  const routing = planRouting(observed, desired, context);
  const running = [...new Set([...routing.listed, desired])].filter((name) => name !== undefined);
  const snapshots = running
    .map((name) => snapshotOf(observed, name, context.config))
    .filter((one) => one !== undefined);
  const drain = planDrain(observed, { ...routing, running }, context);
  const isNew = desired !== undefined && !observed.revisions.some(({ name }) => name === desired);
  return {
    apply: [
      { kind: builtin.Service, object: buildAddress(service) },
      ...slices.map((object) => ({ kind: builtin.EndpointSlice, object })),
      // Before the route that names their Services.
      ...snapshots.flatMap((snapshot) => revisionChildren(observed, snapshot, { stable: routing.stable, desired })),
      ...routing.children,
      ...budgetChildren(observed),
    ],
    prune: [
      ...drain.prune,
      ...oldSnapshots(observed, [...running, ...drain.waiting]),
      ...oldBudgets(observed),
      ...oldAddressSlices(observed, slices),
      ...oldHttpRoutes(observed),
    ],
    next: waitForInstall(observed, drain.next),
    movesTo: routing.movesTo,
    created: isNew ? desired : undefined,
  };
}

interface Routing {
  readonly children: readonly Child[];
  /** Revisions that the route lists with this plan. */
  readonly listed: readonly string[];
  /** The one that serves; undefined until one has answered. */
  readonly stable: string | undefined;
  readonly movesTo: string | undefined;
  readonly movedAt: string | undefined;
  /** When the HTTPRoute was last given another split; undefined without one. */
  readonly writtenAt: string | undefined;
  /** The route stays as it is, and every gateway has confirmed it. */
  readonly isAtRest: boolean;
}

const NO_ROUTE: Routing = {
  children: [],
  listed: [],
  stable: undefined,
  movesTo: undefined,
  movedAt: undefined,
  writtenAt: undefined,
  isAtRest: false,
};

function planRouting(observed: ObservedService, desired: string | undefined, { now, config }: PlanContext): Routing {
  const input = trafficInput(observed, desired, now);
  const traffic = planTraffic(input);
  if (traffic === undefined) return NO_ROUTE;
  const { service, route } = observed;
  const listed = Object.keys(traffic.weights);
  const ports = Object.fromEntries(listed.map((name) => [name, portsOf(observed, name, config)]));
  const object = buildTrafficRoute(service, { ...traffic, ports }, route);
  const httpRoute = httpRouteOf(observed, object, now);
  return {
    children: [
      { kind: kinds.TrafficRoute, object },
      ...(httpRoute === undefined ? [] : [{ kind: httpRouteKind, object: httpRoute }]),
    ],
    listed,
    stable: traffic.movedAt === undefined ? undefined : traffic.stable,
    movesTo: movesTo(input.live, traffic),
    movedAt: traffic.movedAt,
    writtenAt: httpRoute?.metadata.annotations?.[WRITTEN_AT_ANNOTATION],
    isAtRest: object.spec.sequence === route?.spec.sequence && isConfirmed(observed),
  };
}

function httpRouteOf(
  { service, gatewayApi }: ObservedService,
  { spec: { backends } }: TrafficRoute,
  now: Date,
): HTTPRoute | undefined {
  const routed = asksForGatewayApi(service);
  if (routed === undefined || gatewayApi.state !== 'Installed') return undefined;
  return buildHttpRoute(service, routed, { backends, live: gatewayApi.route, now });
}

/** Where nothing is left that would tell, it stays as the route has it. */
function portsOf(observed: ObservedService, name: string, config: WorkloadConfig): ServerPorts {
  const live = observed.route?.spec.backends.find(({ revision }) => revision === name)?.endpoints;
  const deployment = observed.revisions.find((revision) => revision.name === name)?.deployment;
  const template = snapshotOf(observed, name, config)?.data.template ?? deployment?.spec?.template;
  return serverPorts(template) ?? livePorts(live) ?? OUR_PORTS;
}

function trafficInput(
  { route, applied, gatewayApi, revisions, replicas }: ObservedService,
  desired: string | undefined,
  now: Date,
): TrafficInput {
  const wanted = candidateReplicas({ replicas });
  const candidate = revisions.find(({ name }) => name === desired);
  return {
    live: route && trafficOf(route),
    isConfirmed: isConfirmed({ route, applied, gatewayApi }),
    desired,
    isDesiredWarm: candidate !== undefined && isWarm(candidate, wanted),
    answering: revisions
      .filter(({ listed }) => listed > 0)
      .sort(newestFirst)
      .map(({ name }) => name),
    exists: (name) => revisions.some((revision) => revision.name === name),
    now,
  };
}

/** By when they were asked for last. */
function newestFirst(a: ObservedRevision, b: ObservedRevision): number {
  return (b.snapshot?.revision ?? 0) - (a.snapshot?.revision ?? 0);
}

/** All its pods answer, and gateways can find them. */
function isWarm({ deployment, listed }: ObservedRevision, wanted: number): boolean {
  return deployment !== undefined && deployment.metadata.deletionTimestamp === undefined && listed >= wanted;
}

/** The revision that has the whole weight with this plan and had not before. */
function movesTo(live: Traffic | undefined, next: Traffic): string | undefined {
  if (next.movedAt === undefined || next.movedAt === live?.movedAt) return undefined;
  return Object.keys(next.weights).find((name) => next.weights[name] === 100);
}

/** The snapshot that exists, or a new one for what the spec asks for now. */
function snapshotOf(observed: ObservedService, name: string, config: WorkloadConfig): Snapshot | undefined {
  const found = observed.revisions.find((revision) => revision.name === name);
  if (found?.data !== undefined) return { name, data: found.data };
  const { resolved, service } = observed;
  const isDesired = resolved.facts !== undefined && revisionName(service.metadata.name, resolved.facts) === name;
  if (!isDesired || found?.snapshot !== undefined) return undefined; // of another version of the operator, or lost: left alone
  const { facts, runtime } = resolved;
  // A Deployment without its snapshot keeps its template: pods that run are not restarted for our bookkeeping.
  const live = found?.deployment?.spec?.template;
  const template =
    structuredClone(live) ??
    buildPodTemplate({ service: service.metadata.name, revision: name, facts, config, runtime });
  return { name, data: { facts, runtimeImage: serverImage({ runtime, config }), template } };
}

function revisionChildren(
  observed: ObservedService,
  snapshot: Snapshot,
  { stable, desired }: { readonly stable: string | undefined; readonly desired: string | undefined },
): Child[] {
  const { service } = observed;
  const replicas = snapshot.name === stable ? observed.replicas : candidateReplicas(observed);
  const number = snapshotNumber(observed, snapshot.name, snapshot.name === desired);
  return [
    { kind: builtin.ControllerRevision, object: buildControllerRevision(service, snapshot, number) },
    { kind: builtin.Service, object: buildRevisionService(service, snapshot) },
    { kind: builtin.Deployment, object: buildDeployment(service, snapshot, replicas) },
  ];
}

/** What is asked for has the highest number, also when it is asked for again. */
function snapshotNumber({ revisions }: ObservedService, name: string, isDesired: boolean): number {
  const own = revisions.find((revision) => revision.name === name)?.snapshot?.revision;
  const highest = Math.max(0, ...revisions.map(({ snapshot }) => snapshot?.revision ?? 0));
  if (own === undefined) return highest + 1;
  return isDesired && own < highest ? highest + 1 : own;
}

/** A controller tells that it has read an HTTPRoute, and not when the last of its replicas goes by it: they get this long. */
const FOLLOW_SECONDS = 30;

interface Drain {
  readonly prune: readonly LiveObject[];
  readonly waiting: readonly string[];
  readonly next: Result;
}

interface Draining extends Pick<Routing, 'isAtRest' | 'movedAt' | 'writtenAt'> {
  /** Revisions that are listed or asked for. */
  readonly running: readonly string[];
}

/**
 * Deployments that no route lists any more go once every gateway has confirmed that, and `drainSeconds` after requests moved
 * at the earliest, so that one may still go back to them at once. With the Gateway API they stay longer: see FOLLOW_SECONDS.
 */
function planDrain(
  { revisions }: ObservedService,
  { running, isAtRest, movedAt, writtenAt }: Draining,
  { now, config }: PlanContext,
): Drain {
  const leftover = revisions.filter(
    ({ name, deployment, service }) => (deployment ?? service) !== undefined && !running.includes(name),
  );
  const { drainSeconds } = config;
  const end = Math.max(drainEnd(movedAt, drainSeconds), drainEnd(writtenAt, drainSeconds + FOLLOW_SECONDS));
  const remainingMs = end - now.getTime();
  const mayGo = isAtRest && remainingMs <= 0 ? leftover : [];
  const waiting = mayGo.length > 0 ? [] : leftover.map(({ name }) => name);
  const next = waiting.length > 0 && remainingMs > 0 ? requeueAfter(remainingMs, 'the old revision drains') : settled();
  return { prune: mayGo.flatMap(revisionWorkloads), waiting, next };
}

function revisionWorkloads({ deployment, service }: ObservedRevision): LiveObject[] {
  return [
    ...(deployment === undefined ? [] : [{ kind: builtin.Deployment, object: deployment }]),
    ...(service === undefined ? [] : [{ kind: builtin.Service, object: service }]),
  ];
}

function drainEnd(movedAt: string | undefined, drainSeconds: number): number {
  const at = movedAt === undefined ? Number.NaN : Date.parse(movedAt);
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at + drainSeconds * 1000;
}

function oldSnapshots({ revisions }: ObservedService, kept: readonly string[]): LiveObject[] {
  const others = revisions
    .filter(({ name, snapshot }) => snapshot !== undefined && !kept.includes(name))
    .sort(newestFirst);
  const surplus = others.slice(Math.max(0, KEPT_SNAPSHOTS - kept.length));
  return surplus.flatMap(({ snapshot, deployment }) =>
    snapshot === undefined || deployment !== undefined ? [] : [{ kind: builtin.ControllerRevision, object: snapshot }],
  );
}

function budgetChildren({ service, replicas }: ObservedService): Child[] {
  const budget = buildDisruptionBudget(service, replicas);
  return budget === undefined ? [] : [{ kind: kinds.PodDisruptionBudget, object: budget }];
}

function oldBudgets({ service, replicas, budgets }: ObservedService): LiveObject[] {
  const wanted = buildDisruptionBudget(service, replicas)?.metadata.name;
  return budgets
    .filter((budget) => budget.metadata.name !== wanted)
    .map((object) => ({ kind: kinds.PodDisruptionBudget, object }));
}

/** Of a family of addresses that no gateway has any more. */
function oldAddressSlices({ addressSlices }: ObservedService, slices: readonly EndpointSlice[]): LiveObject[] {
  const wanted = slices.map(({ metadata }) => metadata.name);
  return addressSlices
    .filter(({ metadata }) => !wanted.includes(metadata.name))
    .map((object) => ({ kind: builtin.EndpointSlice, object }));
}

function oldHttpRoutes({ gatewayApi: { state, route } }: ObservedService): LiveObject[] {
  return state === 'NotAsked' && route !== undefined ? [{ kind: httpRouteKind, object: route }] : [];
}

const INSTALL_POLL_MS = 15_000;

/** Nothing tells when the Gateway API is installed. */
function waitForInstall({ gatewayApi }: ObservedService, next: Result): Result {
  if (gatewayApi.state !== 'NotInstalled') return next;
  return next.kind === 'settled' ? requeueAfter(INSTALL_POLL_MS, 'the Gateway API may be installed') : next;
}
