/** What to write for an InferenceService: a pure function of what was seen and of the time. */
import type { ModelRollout } from '@slipway/crds';
import { builtin, requeueAfter, settled } from '@slipway/kube';
import type { Child, EndpointSlice, EventNote, LiveObject, Result } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { gatewayRouteKinds, kinds } from '../../kinds.ts';
import { REMEMBERED } from '../../rollouts/record.ts';
import type { Rollout, RolloutRecord } from '../../rollouts/record.ts';
import { buildAddress, buildAddressSlices } from './build-address.ts';
import {
  buildControllerRevision,
  buildDeployment,
  buildDisruptionBudget,
  buildRevisionService,
} from './build-children.ts';
import type { Snapshot } from './build-children.ts';
import { buildKnownGateways, takesGatewaysAlone } from './build-known-gateways.ts';
import { buildModelRollout } from './build-rollout.ts';
import { desiredRevision } from './desired-revision.ts';
import type { ObservedRevision, ObservedService } from './observe.ts';
import { newestFirst } from './rollout-input.ts';
import { isOf, numberOf, unownedUndos } from './undo-input.ts';
import { planRouting, snapshotOf } from './routing.ts';
import type { Routing } from './routing.ts';

const KEPT_SNAPSHOTS = 10;

export interface ServicePlan {
  readonly apply: readonly Child[];
  readonly prune: readonly LiveObject[];
  /** The ModelRollout of the rollout that the route tells of, where there is none: nothing moves before it is there. */
  readonly owedRollout: ModelRollout | undefined;
  /** That of the rollout that begins with this plan. */
  readonly newRollout: ModelRollout | undefined;
  /** ModelRollouts that people have made, and that shall go with the service. */
  readonly adopt: ObservedService['rollouts'];
  readonly next: Result;
  readonly notes: readonly EventNote[];
  /** The revision that requests move to with this plan. */
  readonly movesTo: string | undefined;
  /** The revision that this plan makes for the first time. */
  readonly created: string | undefined;
}

export interface PlanContext {
  readonly now: Date;
  readonly config: WorkloadConfig;
}

export function planService(observed: ObservedService, context: PlanContext): ServicePlan {
  const { service, gateways } = observed;
  const slices = buildAddressSlices(service, gateways);
  const routing = planRouting(observed, desiredRevision(observed).name, context);
  const { aim: desired } = routing;
  const running = [
    ...new Set([...routing.listed, ...(desired === undefined || desired === routing.aborted ? [] : [desired])]),
  ];
  const snapshots = running
    .map((name) => snapshotOf(observed, name, context.config))
    .filter((one) => one !== undefined);
  const drain = planDrain(observed, { ...routing, running }, context);
  const isNew = desired !== undefined && !observed.revisions.some(({ name }) => name === desired);
  return {
    apply: [
      { kind: builtin.Service, object: buildAddress(service) },
      ...slices.map((object) => ({ kind: builtin.EndpointSlice, object })),
      // Before the pods that mount it.
      ...knownGatewaysChildren(observed, snapshots),
      // Before the route that names their Services.
      ...snapshots.flatMap((snapshot) => revisionChildren(observed, snapshot, { routing, desired })),
      ...routing.children,
      ...budgetChildren(observed),
    ],
    prune: [
      ...drain.prune,
      ...oldSnapshots(observed, [...running, ...drain.waiting]),
      ...oldBudgets(observed),
      ...oldAddressSlices(observed, slices),
      ...oldGatewayRoutes(observed),
      ...oldRollouts(observed, routing.record),
    ],
    ...missingRollouts(observed, routing),
    adopt: unownedUndos(observed, routing.record),
    next: waitForInstall(observed, sooner(drain.next, routing.lookAgainMs)),
    notes: routing.notes,
    movesTo: routing.movesTo,
    created: isNew ? desired : undefined,
  };
}

/** As long as pods of it ask: also those of an old revision have to hear of new keys. */
function knownGatewaysChildren(
  { service, gatewayIssuer }: ObservedService,
  snapshots: readonly Snapshot[],
): readonly Child[] {
  if (gatewayIssuer === undefined || !snapshots.some(({ data }) => takesGatewaysAlone(data.template))) return [];
  return [{ kind: builtin.ConfigMap, object: buildKnownGateways(service, gatewayIssuer) }];
}

function revisionChildren(
  observed: ObservedService,
  snapshot: Snapshot,
  { routing, desired }: { readonly routing: Routing; readonly desired: string | undefined },
): Child[] {
  const { service } = observed;
  const isStable = snapshot.name === routing.stable;
  const replicas = isStable ? Math.max(observed.replicas, routing.stableFloor) : routing.candidatePods;
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

/** A controller tells that it has read a route, and not when the last of its replicas goes by it: they get this long. */
const FOLLOW_SECONDS = 30;

interface Drain {
  readonly prune: readonly LiveObject[];
  readonly waiting: readonly string[];
  readonly next: Result;
}

interface Draining extends Pick<Routing, 'aborted' | 'isAtRest' | 'movedAt' | 'writtenAt'> {
  /** Revisions that are listed or asked for. */
  readonly running: readonly string[];
}

/**
 * Deployments that no route lists any more go once every gateway has confirmed that, and `drainSeconds` after requests moved
 * at the earliest, so that one may still go back to them at once. With the Gateway API they stay longer: see FOLLOW_SECONDS.
 * One that was aborted waits for no gateway: where its pods are gone, `stable` answers for it.
 */
function planDrain(
  { revisions }: ObservedService,
  { running, aborted, isAtRest, movedAt, writtenAt }: Draining,
  { now, config }: PlanContext,
): Drain {
  const leftover = revisions.filter(
    ({ name, deployment, service }) => (deployment ?? service) !== undefined && !running.includes(name),
  );
  const { drainSeconds } = config;
  const end = Math.max(drainEnd(movedAt, drainSeconds), drainEnd(writtenAt, drainSeconds + FOLLOW_SECONDS));
  const remainingMs = end - now.getTime();
  const mayGo = remainingMs <= 0 ? leftover.filter(({ name }) => isAtRest || name === aborted) : [];
  const waiting = leftover.filter((one) => !mayGo.includes(one)).map(({ name }) => name);
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

function missingRollouts(
  observed: ObservedService,
  { record: { current }, liveRollout }: Pick<Routing, 'record' | 'liveRollout'>,
): Pick<ServicePlan, 'owedRollout' | 'newRollout'> {
  const isNew = current?.number !== liveRollout?.number;
  return {
    owedRollout: missingRollout(observed, isNew ? liveRollout : current),
    newRollout: isNew ? missingRollout(observed, current) : undefined,
  };
}

/** People may delete it; it is made again, with what they had asked for. */
function missingRollout(
  { service, rollouts }: ObservedService,
  current: Rollout | undefined,
): ModelRollout | undefined {
  if (current === undefined) return undefined;
  const rollout = buildModelRollout(service, current);
  return rollouts.some(({ metadata }) => metadata.name === rollout.metadata.name) ? undefined : rollout;
}

/** Of those that have ended the newest stay. */
function oldRollouts({ rollouts }: ObservedService, { current }: RolloutRecord): LiveObject[] {
  return rollouts
    .filter((one) => current === undefined || !isOf(one, current))
    .sort((a, b) => createdMs(b) - createdMs(a) || numberOf(b) - numberOf(a))
    .slice(REMEMBERED)
    .map((object) => ({ kind: kinds.ModelRollout, object }));
}

function createdMs({ metadata }: ObservedService['rollouts'][number]): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}

function sooner(next: Result, ms: number | undefined): Result {
  if (ms === undefined || (next.kind === 'requeueAfter' && next.ms <= ms)) return next;
  return requeueAfter(ms, 'a step or a deadline of the rollout may be over');
}

function oldGatewayRoutes({ gatewayRoutes }: ObservedService): LiveObject[] {
  return gatewayRoutes.flatMap(({ kind, state, route }) =>
    state === 'NotAsked' && route !== undefined ? [{ kind: gatewayRouteKinds[kind], object: route }] : [],
  );
}

const INSTALL_POLL_MS = 15_000;

/** Nothing tells when the Gateway API is installed. */
function waitForInstall({ gatewayRoutes }: ObservedService, next: Result): Result {
  if (gatewayRoutes.every(({ state }) => state !== 'NotInstalled')) return next;
  return next.kind === 'settled' ? requeueAfter(INSTALL_POLL_MS, 'the Gateway API may be installed') : next;
}
