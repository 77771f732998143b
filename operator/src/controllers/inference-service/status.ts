import type { Condition, InferenceServiceStatus } from '@slipway/crds';
import type { OperatorError, WantedCondition } from '@slipway/kube';
import { baseStatus, conditionsOfError, inProgress, isFalse, isTrue, stalled, withObstacle } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import type { WorkloadConfig } from '../../deps.ts';
import { MODEL_VERSION_LABEL, SERVICE_LABEL } from '../../labels.ts';
import { stableJson } from '../../names.ts';
import { isReady } from '../../gateways/gateways.ts';
import { isGradual } from '../../rollouts/course.ts';
import type { Undone } from '../../rollouts/record.ts';
import { behind, silent } from './confirmation.ts';
import { exposedConditions, ownHosts, withHosts } from './hosts.ts';
import type { AppliedRoute, ObservedRevision, ObservedService } from './observe.ts';
import { sampledConditions, samplingObstacle } from './sampling.ts';
import { mayGoToZero } from './scaling/settings.ts';
import { desiredRevision, stableRevision } from './desired-revision.ts';
import { rolloutReason, rolloutsOf } from './rollout-words.ts';
import type { RolloutState } from './rollout-words.ts';
import type { Desired } from './desired-revision.ts';
import type { RevisionFacts } from './revision.ts';
import { serverPorts } from './server-ports.ts';

export interface StatusContext {
  readonly now: Date;
  readonly config: Pick<WorkloadConfig, 'servingRuntimeImage' | 'keepsSamples'>;
  readonly error?: OperatorError | undefined;
}

/** The two sides of a service: what gets the traffic, and what the spec asks for. */
export interface Sides {
  readonly stable: ObservedRevision | undefined;
  /** Undefined when it is the stable one, or was not made yet. */
  readonly candidate: ObservedRevision | undefined;
  readonly desired: Desired;
  /** In force, where the spec asks for something else. */
  readonly undone: Undone | undefined;
  /** How the change from one to the other stands. */
  readonly rollout: RolloutState | undefined;
  /** Pods that the spec asks for. */
  readonly wanted: number;
  /** Without pods, the next request starts one. */
  readonly wakesUp: boolean;
  /** What keeps requests from going where the route says. */
  readonly unrouted: Unrouted | undefined;
  /** Gateways that do not tell what they apply, and without which nothing moves. */
  readonly unheard: readonly AppliedRoute[];
}

type Unrouted = Reason & {
  /** Nobody can reach the service. */
  readonly isOutage: boolean;
};

export function sidesOf(observed: ObservedService, now: Date): Sides {
  const { current: rollout, record } = rolloutsOf(observed, now);
  const { undone } = record;
  const desired: Desired = undone === undefined ? desiredRevision(observed) : { name: undone.to };
  const stable = stableRevision(observed);
  const candidate =
    desired.name === stable?.name ? undefined : observed.revisions.find(({ name }) => name === desired.name);
  return {
    stable,
    candidate,
    desired,
    undone: undone?.to === undone?.insteadOf ? undefined : undone,
    rollout,
    wanted: observed.replicas,
    wakesUp: mayGoToZero(observed.service.spec.scaling),
    unrouted: unrouted(observed, stable),
    unheard: silent(observed),
  };
}

/** Undefined where an error says nothing about the service: its status stays as it is. */
export function serviceStatus(
  observed: ObservedService,
  context: StatusContext,
): (InferenceServiceStatus & { conditions: Condition[] }) | undefined {
  const sides = sidesOf(observed, context.now);
  const readiness =
    context.error === undefined ? readyForAll(sides, observed, context) : conditionsOfError(context.error);
  if (readiness === undefined) return undefined;
  const conditions = [
    ...readiness,
    serving(sides),
    upToDate(sides),
    ...exposedConditions(observed, sides.unrouted),
    ...sampledConditions(observed.service, context.config.keepsSamples, sides.unrouted),
  ];
  return { ...baseStatus(observed.service, conditions, context.now), ...facts(observed, sides, context.config) };
}

/** Also for what the spec asks for beside pods that serve. */
function readyForAll(sides: Sides, observed: ObservedService, { config }: StatusContext): readonly WantedCondition[] {
  const obstacle = samplingObstacle(observed.service, config.keepsSamples);
  return withObstacle(withHosts(readyConditions(sides), observed), obstacle);
}

export function readyConditions(sides: Sides): WantedCondition[] {
  const { stable, desired } = sides;
  if (desired.name === undefined || desired.name !== stable?.name) return changeConditions(sides);
  if (stable.trouble !== undefined) return troubled(stable.trouble);
  if (sides.undone !== undefined) return stalled(undoneReason(sides.undone, stable));
  if (sides.wanted === 0) return [isTrue('Ready', scaledToZero(stable, sides))];
  const started = { reason: 'UpToDate', message: `${describe(stable)} serves.` };
  if (sides.unrouted !== undefined) return inProgress(sides.unrouted);
  if (stable.ready >= sides.wanted) return [isTrue('Ready', started)];
  const starting = { reason: 'PodsStarting', message: `${describe(stable)} has pods that are starting.` };
  return stable.ready === 0 ? inProgress(starting) : [isTrue('Ready', started), isTrue('Reconciling', starting)];
}

function unrouted(observed: ObservedService, stable: ObservedRevision | undefined): Unrouted | undefined {
  if (!observed.gateways.some(isReady)) return { ...NO_GATEWAY, isOutage: true };
  if (stable !== undefined && stable.ready > 0 && stable.listed === 0) return { ...NOT_LISTED, isOutage: true };
  const late = behind(observed);
  if (late.length === 0) return undefined;
  const isOutage = observed.applied.every(({ sequence }) => sequence === 0);
  return { reason: 'GatewaysPending', message: pendingGateways(late), isOutage };
}

const NO_GATEWAY: Reason = {
  reason: 'NoGateway',
  message: "No gateway is ready, so nobody can reach the service. Look at the pods of the gateway's Deployment.",
};

/** Gateways find pods a moment after they are ready. */
const NOT_LISTED: Reason = {
  reason: 'EndpointsPending',
  message: 'Pods answer, and Kubernetes does not list them as endpoints yet.',
};

function pendingGateways(gateways: readonly AppliedRoute[]): string {
  return `The gateways at ${addressesOf(gateways)} do not follow the newest route yet.`;
}

function unheardGateways(gateways: readonly AppliedRoute[]): string {
  return `The gateways at ${addressesOf(gateways)} do not tell which route they follow, and have to confirm each step.`;
}

function addressesOf(gateways: readonly AppliedRoute[]): string {
  return gateways.map(({ address }) => address).join(', ');
}

/** The spec asks for another revision than the one with the traffic. */
function changeConditions(sides: Sides): WantedCondition[] {
  const { stable, candidate, desired, rollout } = sides;
  const { problem } = desired;
  if (problem !== undefined) return problem.isFinal ? stalled(problem) : inProgress(problem);
  if (rollout?.rollout.phase === 'Aborted') return stalled(withStable(rollout, stable));
  if (candidate?.trouble !== undefined) return troubled(candidate.trouble, stillServing(stable));
  return rollout === undefined ? startingConditions(sides) : rolloutConditions(sides, rollout);
}

/** It is on its way without trouble, also for days, once the first step is taken. */
function rolloutConditions(sides: Sides, rollout: RolloutState): WantedCondition[] {
  if (rollout.waiting?.for === 'PreviouslyRolledBack') return stalled(withStable(rollout, sides.stable));
  const isGoingOn = rollout.waiting?.for === 'Paused' || (isGradual(rollout.course) && rollout.isUnderWay);
  return isGoingOn ? [isTrue('Ready', rolloutReason(rollout))] : startingConditions(sides);
}

function withStable(rollout: RolloutState, stable: ObservedRevision | undefined): Reason {
  const { reason, message } = rolloutReason(rollout);
  return { reason, message: `${message} ${stillServing(stable)}`.trim() };
}

function startingConditions({ stable, candidate, desired, unheard }: Sides): WantedCondition[] {
  const starting = `${candidate === undefined ? 'A new revision' : describe(candidate)} is starting.`;
  const waiting = candidate !== undefined && candidate.listed > 0 && unheard.length > 0 ? unheardGateways(unheard) : '';
  const message = [starting, waiting, stillServing(stable), desired.warning ?? '']
    .filter((sentence) => sentence !== '')
    .join(' ');
  return inProgress({ reason: stable === undefined ? 'RevisionStarting' : 'RolloutInProgress', message });
}

/** Waiting for a node, a volume or a quota may end by itself; anything else needs a person. */
const MAY_HEAL: ReadonlySet<string> = new Set(['Unschedulable', 'VolumeNotReady', 'QuotaExceeded']);

function troubled({ reason, message }: Reason, addition = ''): WantedCondition[] {
  const why = { reason, message: `${message} ${addition}`.trim() };
  return MAY_HEAL.has(reason) ? inProgress(why) : stalled(why);
}

function stillServing(stable: ObservedRevision | undefined): string {
  return stable === undefined || stable.ready === 0 ? '' : `${describe(stable)} keeps serving.`;
}

function serving(sides: Sides): WantedCondition {
  const { stable, wanted, wakesUp, unrouted: obstacle } = sides;
  if (stable === undefined) {
    return isFalse('Serving', { reason: 'NotYetServing', message: 'No revision has answered yet.' });
  }
  if (stable.ready > 0 && obstacle?.isOutage === true) return isFalse('Serving', obstacle);
  if (stable.ready > 0) {
    const reason = servesAsAsked(sides) ? 'Serving' : 'StableServes';
    return isTrue('Serving', { reason, message: `${describe(stable)} answers.` });
  }
  if (wanted === 0) {
    if (obstacle?.isOutage === true) return isFalse('Serving', obstacle);
    return wakesUp ? isTrue('Serving', scaledToZero(stable, sides)) : isFalse('Serving', scaledToZero(stable, sides));
  }
  const nothing = { reason: 'NoPodReady', message: `No pod of ${describe(stable)} answers.` };
  return isFalse('Serving', stable.trouble ?? nothing);
}

function scaledToZero(stable: ObservedRevision, { wakesUp }: Pick<Sides, 'wakesUp'>): Reason {
  const why = wakesUp
    ? 'nobody asks: the next request starts a pod, and waits for it.'
    : 'spec.scaling.replicas is 0: nothing answers now.';
  return { reason: 'ScaledToZero', message: `${describe(stable)} has answered, and ${why}` };
}

function undoneReason({ by, insteadOf }: Undone, stable: ObservedRevision): Reason {
  const message = `ModelRollout "${by.name}" went back to ${describe(stable)}, which serves until the spec asks for another revision than ${insteadOf}. Name in the spec what shall serve.`;
  return { reason: 'Undone', message };
}

/** The revision that serves is the one that the spec asks for. */
function servesAsAsked({ stable, desired, undone }: Sides): boolean {
  return desired.name !== undefined && desired.name === stable?.name && undone === undefined;
}

function upToDate(sides: Sides): WantedCondition {
  const { stable, candidate, desired, rollout, undone } = sides;
  if (stable !== undefined && undone?.to === stable.name) return isFalse('UpToDate', undoneReason(undone, stable));
  if (stable !== undefined && servesAsAsked(sides)) {
    return isTrue('UpToDate', { reason: 'UpToDate', message: `${describe(stable)} is what the spec asks for.` });
  }
  const pending = { reason: 'RolloutInProgress', message: 'What the spec asks for does not have the traffic yet.' };
  const refused = rollout?.rollout.phase === 'Aborted' ? rolloutReason(rollout) : undefined;
  return isFalse('UpToDate', desired.problem ?? refused ?? candidate?.trouble ?? pending);
}

/** `Revision flights-5b7a91c2 (ModelVersion flights-delay-1-7f3a2c)` */
export function describe(revision: ObservedRevision): string {
  return `Revision ${revision.name} (ModelVersion ${modelVersionOf(revision)})`;
}

function modelVersionOf({ data, deployment }: ObservedRevision): string {
  return data?.facts.modelVersion ?? deployment?.metadata.labels?.[MODEL_VERSION_LABEL] ?? 'unknown';
}

function facts(
  observed: ObservedService,
  { stable, candidate }: Sides,
  config: StatusContext['config'],
): Omit<InferenceServiceStatus, 'conditions' | 'observedGeneration'> {
  const { service, address, revisions, resolved } = observed;
  const shown = stable ?? candidate;
  const runtime = runtimeOf(shown, { config, service, resolved });
  return {
    ...(address === undefined ? {} : { address: addressOf(observed, shown) }),
    ...(stable === undefined ? {} : { stable: side(stable) }),
    ...(candidate === undefined ? {} : { candidate: side(candidate) }),
    replicas: revisions.reduce((sum, { deployment }) => sum + (deployment?.status?.replicas ?? 0), 0),
    selector: `${SERVICE_LABEL}=${service.metadata.name}`,
    ...(runtime === undefined ? {} : { runtime }),
  };
}

function addressOf(
  observed: ObservedService,
  shown: ObservedRevision | undefined,
): NonNullable<InferenceServiceStatus['address']> {
  const { name, namespace } = observed.service.metadata;
  const host = `${name}.${namespace}.svc`;
  const ports = serverPorts(shown?.data?.template);
  const grpc = ports !== undefined && ports.grpcPort === undefined ? {} : { grpc: `${host}:80` };
  const { hosts, grpcHosts } = ownHosts(observed);
  return {
    http: `http://${host}`,
    ...grpc,
    ...(hosts.length === 0 ? {} : { hosts: [...hosts] }),
    ...(grpcHosts.length === 0 ? {} : { grpcHosts: [...grpcHosts] }),
  };
}

function side(revision: ObservedRevision): { revision: string; modelVersion: string; ready: number } {
  return { revision: revision.name, modelVersion: modelVersionOf(revision), ready: revision.ready };
}

function runtimeOf(
  revision: ObservedRevision | undefined,
  asked: Pick<ObservedService, 'service' | 'resolved'> & Pick<StatusContext, 'config'>,
): InferenceServiceStatus['runtime'] {
  const image = revision?.data?.runtimeImage;
  if (image === undefined) return undefined;
  const newest = newestImage(revision?.data?.facts.runtime, asked);
  return { image, ...(newest === undefined || newest === image ? {} : { behind: newest }) };
}

/** What a revision of the same runtime would get now; undefined where that cannot be said. */
function newestImage(
  runtime: RevisionFacts['runtime'],
  { service, resolved, config }: Pick<ObservedService, 'service' | 'resolved'> & Pick<StatusContext, 'config'>,
): string | undefined {
  if (runtime === undefined) return config.servingRuntimeImage;
  return stableJson(runtime) === stableJson(service.spec.runtime) ? resolved.runtime?.image : undefined;
}
