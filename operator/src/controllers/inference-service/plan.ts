/** What to write for an InferenceService: a pure function of what was seen and of the time. */
import { builtin, requeueAfter, settled } from '@slipway/kube';
import type { Child, LiveObject, Result } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { WorkloadConfig } from '../../deps.ts';
import { kinds } from '../../kinds.ts';
import {
  buildAddress,
  buildControllerRevision,
  buildDeployment,
  buildDisruptionBudget,
  NO_REVISION,
  SWITCHED_AT_ANNOTATION,
} from './build-children.ts';
import type { Snapshot } from './build-children.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { stableName } from './observe.ts';
import type { ObservedRevision, ObservedService } from './observe.ts';
import { matchesSpec, revisionName } from './revision.ts';

const KEPT_SNAPSHOTS = 10;

export interface ServicePlan {
  readonly apply: readonly Child[];
  readonly prune: readonly LiveObject[];
  readonly next: Result;
  /** The revision that the traffic moves to with this plan. */
  readonly switchTo: string | undefined;
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
  readonly problem?: (Reason & { readonly isFinal: boolean }) | undefined;
}

/**
 * What the spec asks for is what its ModelVersion resolves to; while that cannot be read, a revision that runs and was made
 * of the same spec will do, so that neither a lost status nor a Store that is away for a while moves anything.
 */
export function desiredRevision(observed: ObservedService): Desired {
  const { service, resolved, revisions } = observed;
  if (resolved.facts !== undefined) return { name: revisionName(service.metadata.name, resolved.facts) };
  const stable = stableName(observed);
  const running = revisions
    .filter(
      ({ data, deployment }) => deployment !== undefined && data !== undefined && matchesSpec(data.facts, service),
    )
    .sort((a, b) => Number(b.name === stable) - Number(a.name === stable));
  return running[0] === undefined ? { problem: resolved.problem } : { name: running[0].name };
}

/** The revision with the traffic, if anything of it still exists. */
export function stableRevision(observed: ObservedService): ObservedRevision | undefined {
  const name = stableName(observed);
  return observed.revisions.find((revision) => revision.name === name);
}

/** Pods of a candidate: at least one, because a revision that never answered must not become stable, even at zero replicas. */
export function candidateReplicas({ service }: ObservedService): number {
  return Math.max(1, service.spec.scaling.replicas);
}

export function planService(observed: ObservedService, context: PlanContext): ServicePlan {
  const desired = desiredRevision(observed);
  const before = stableRevision(observed)?.name;
  const stable = nextStable(observed, desired, before);
  const switchTo = stable === before ? undefined : stable;
  const switchedAt = switchTo === undefined ? lastSwitch(observed) : rfc3339(context.now);
  const running = [...new Set([stable, desired.name])].filter((name) => name !== undefined);
  const snapshots = running
    .map((name) => snapshotOf(observed, name, context.config))
    .filter((one) => one !== undefined);
  const drain = planDrain(observed, { running, switchedAt }, context);
  const address = { revision: stable ?? NO_REVISION, switchedAt };
  const isNew = desired.name !== undefined && !observed.revisions.some(({ name }) => name === desired.name);
  return {
    apply: [
      { kind: builtin.Service, object: buildAddress(observed.service, address) },
      ...snapshots.flatMap((snapshot) => revisionChildren(observed, snapshot, { stable, desired: desired.name })),
      ...budgetChildren(observed),
    ],
    prune: [...drain.prune, ...oldSnapshots(observed, [...running, ...drain.waiting]), ...oldBudgets(observed)],
    next: drain.next,
    switchTo,
    created: isNew ? desired.name : undefined,
  };
}

/**
 * The desired revision becomes stable when all its pods answer; never because the old one is ill. Without a stable one
 * (a new service, or a Service that somebody deleted) any revision that answers is better than none.
 */
function nextStable(observed: ObservedService, desired: Desired, before: string | undefined): string | undefined {
  if (desired.name === before && before !== undefined) return before;
  const candidate = observed.revisions.find(({ name }) => name === desired.name);
  if (candidate !== undefined && isWarm(candidate, candidateReplicas(observed))) return candidate.name;
  if (before !== undefined) return before;
  const answering = observed.revisions.filter(({ ready }) => ready > 0);
  return answering.sort((a, b) => (b.snapshot?.revision ?? 0) - (a.snapshot?.revision ?? 0))[0]?.name;
}

function isWarm({ deployment, ready }: ObservedRevision, wanted: number): boolean {
  return deployment !== undefined && deployment.metadata.deletionTimestamp === undefined && ready >= wanted;
}

function lastSwitch({ address }: ObservedService): string | undefined {
  return address?.metadata.annotations?.[SWITCHED_AT_ANNOTATION];
}

/** The snapshot that exists, or a new one for what the spec asks for now. */
function snapshotOf(observed: ObservedService, name: string, config: WorkloadConfig): Snapshot | undefined {
  const found = observed.revisions.find((revision) => revision.name === name);
  if (found?.data !== undefined) return { name, data: found.data };
  const { resolved, service } = observed;
  const isDesired = resolved.facts !== undefined && revisionName(service.metadata.name, resolved.facts) === name;
  if (!isDesired || found?.snapshot !== undefined) return undefined; // of another version of the operator, or lost: left alone
  const { facts } = resolved;
  // A Deployment without its snapshot keeps its template: pods that run are not restarted for our bookkeeping.
  const live = found?.deployment?.spec?.template;
  const template =
    structuredClone(live) ?? buildPodTemplate({ service: service.metadata.name, revision: name, facts, config });
  return { name, data: { facts, runtimeImage: config.servingRuntimeImage, template } };
}

function revisionChildren(
  observed: ObservedService,
  snapshot: Snapshot,
  { stable, desired }: { readonly stable: string | undefined; readonly desired: string | undefined },
): Child[] {
  const { service } = observed;
  const replicas = snapshot.name === stable ? service.spec.scaling.replicas : candidateReplicas(observed);
  const number = snapshotNumber(observed, snapshot.name, snapshot.name === desired);
  return [
    { kind: builtin.ControllerRevision, object: buildControllerRevision(service, snapshot, number) },
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

interface Drain {
  readonly prune: readonly LiveObject[];
  readonly waiting: readonly string[];
  readonly next: Result;
}

/**
 * Deployments that are neither stable nor asked for go once the switch is `drainSeconds` old and the Service's endpoints
 * have followed it: until then some node may still send them requests. A candidate that was given up goes at once.
 */
function planDrain(
  { revisions, address }: ObservedService,
  { running, switchedAt }: { readonly running: readonly string[]; readonly switchedAt: string | undefined },
  { now, config }: PlanContext,
): Drain {
  const leftover = revisions.filter(({ name, deployment }) => deployment !== undefined && !running.includes(name));
  const remainingMs = drainEnd(switchedAt, config.drainSeconds) - now.getTime();
  const mayGo = leftover.filter(({ hasEndpoints }) => address !== undefined && remainingMs <= 0 && !hasEndpoints);
  const waiting = leftover.filter((revision) => !mayGo.includes(revision)).map(({ name }) => name);
  const next = waiting.length > 0 && remainingMs > 0 ? requeueAfter(remainingMs, 'the old revision drains') : settled();
  return {
    prune: mayGo.flatMap(({ deployment }) =>
      deployment === undefined ? [] : [{ kind: builtin.Deployment, object: deployment }],
    ),
    waiting,
    next,
  };
}

function drainEnd(switchedAt: string | undefined, drainSeconds: number): number {
  const at = switchedAt === undefined ? Number.NaN : Date.parse(switchedAt);
  return Number.isNaN(at) ? Number.NEGATIVE_INFINITY : at + drainSeconds * 1000;
}

function oldSnapshots({ revisions }: ObservedService, kept: readonly string[]): LiveObject[] {
  const others = revisions
    .filter(({ name, snapshot }) => snapshot !== undefined && !kept.includes(name))
    .sort((a, b) => (b.snapshot?.revision ?? 0) - (a.snapshot?.revision ?? 0));
  const surplus = others.slice(Math.max(0, KEPT_SNAPSHOTS - kept.length));
  return surplus.flatMap(({ snapshot, deployment }) =>
    snapshot === undefined || deployment !== undefined ? [] : [{ kind: builtin.ControllerRevision, object: snapshot }],
  );
}

function budgetChildren({ service }: ObservedService): Child[] {
  const budget = buildDisruptionBudget(service);
  return budget === undefined ? [] : [{ kind: kinds.PodDisruptionBudget, object: budget }];
}

function oldBudgets({ service, budgets }: ObservedService): LiveObject[] {
  const wanted = buildDisruptionBudget(service)?.metadata.name;
  return budgets
    .filter((budget) => budget.metadata.name !== wanted)
    .map((object) => ({ kind: kinds.PodDisruptionBudget, object }));
}

function rfc3339(at: Date): string {
  return at.toISOString();
}
