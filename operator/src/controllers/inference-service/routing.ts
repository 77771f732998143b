/** The TrafficRoute with what the rollout decides, and what follows from that for the pods: a pure function of what was seen. */
import type { TrafficRoute } from '@slipway/crds';
import type { Child, EventNote } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { gatewayRouteKinds, kinds } from '../../kinds.ts';
import { candidatePods, looksAgainMs, stableFloor } from '../../rollouts/advance.ts';
import { decideTraffic } from '../../rollouts/decide-traffic.ts';
import { NO_ROLLOUTS } from '../../rollouts/record.ts';
import type { Rollout, RolloutRecord } from '../../rollouts/record.ts';
import type { Traffic } from '../../rollouts/traffic.ts';
import { accessOf } from './access.ts';
import { buildTrafficRoute, OUR_PORTS } from './build-address.ts';
import type { Snapshot } from './build-children.ts';
import { buildGatewayRoute, requestedRoute, WRITTEN_AT_ANNOTATION } from './build-gateway-route.ts';
import { buildPodTemplate } from './build-pod-template.ts';
import { isConfirmed } from './confirmation.ts';
import type { ObservedService } from './observe.ts';
import type { PlanContext } from './plan.ts';
import { serverImage } from './pod-input.ts';
import { revisionName } from './revision.ts';
import { rolloutNotes } from './rollout-events.ts';
import { rolloutInput } from './rollout-input.ts';
import { livePorts, serverPorts } from './server-ports.ts';
import type { ServerPorts } from './server-ports.ts';

export interface Routing {
  readonly children: readonly Child[];
  /** Revisions that the route lists with this plan. */
  readonly listed: readonly string[];
  /** The revision that the spec asks for, or that an Undo in force goes back to; undefined where that cannot be said now. */
  readonly aim: string | undefined;
  /** The one that serves; undefined until one has answered. */
  readonly stable: string | undefined;
  /** The revision that was asked for and refused. */
  readonly aborted: string | undefined;
  readonly record: RolloutRecord;
  /** The rollout that the route tells of which exists. */
  readonly liveRollout: Rollout | undefined;
  /** Pods of the candidate, or of whatever is not stable. */
  readonly candidatePods: number;
  /** The fewest that the stable revision keeps. */
  readonly stableFloor: number;
  /** When time alone may move something; undefined if it cannot. */
  readonly lookAgainMs: number | undefined;
  /** What people are told of the rollout. */
  readonly notes: readonly EventNote[];
  readonly movesTo: string | undefined;
  readonly movedAt: string | undefined;
  /** When a route of the Gateway API was last given another split; undefined without one. */
  readonly writtenAt: string | undefined;
  /** The route stays as it is, and every gateway has confirmed it. */
  readonly isAtRest: boolean;
}

const NO_ROUTE: Omit<Routing, 'aim' | 'candidatePods' | 'liveRollout'> = {
  children: [],
  listed: [],
  stable: undefined,
  aborted: undefined,
  record: NO_ROLLOUTS,
  stableFloor: 0,
  lookAgainMs: undefined,
  notes: [],
  movesTo: undefined,
  movedAt: undefined,
  writtenAt: undefined,
  isAtRest: false,
};

export function planRouting(
  observed: ObservedService,
  desired: string | undefined,
  { now, config }: PlanContext,
): Routing {
  const seen = rolloutInput(observed, desired, now);
  const decision = decideTraffic(seen);
  const { traffic, record, course } = decision;
  const input = { ...seen, course };
  const pods = candidatePods(record, course, input.total);
  const liveRollout = input.record.current;
  const aim = decision.desired?.name;
  if (traffic === undefined) return { ...NO_ROUTE, aim, liveRollout, candidatePods: pods };
  const { service, route } = observed;
  const { current } = record;
  const listed = Object.keys(traffic.weights);
  const ports = Object.fromEntries(listed.map((name) => [name, portsOf(observed, name, config)]));
  const modelVersions = Object.fromEntries(
    listed.flatMap((name) => {
      const version = modelVersionOf(observed, name, config);
      return version === undefined ? [] : [[name, version]];
    }),
  );
  const access = accessOf(service, config);
  const object = buildTrafficRoute(service, { ...traffic, record, ports, modelVersions, access }, route);
  const gatewayRoutes = gatewayRoutesOf(observed, object, now);
  return {
    children: [{ kind: kinds.TrafficRoute, object }, ...gatewayRoutes],
    listed,
    aim,
    stable: traffic.movedAt === undefined ? undefined : traffic.stable,
    aborted: current?.phase === 'Aborted' ? current.to : undefined,
    record,
    liveRollout,
    candidatePods: pods,
    stableFloor: stableFloor(record, course),
    lookAgainMs: looksAgainMs(input, decision),
    notes: rolloutNotes(service.metadata.name, input, decision),
    movesTo: movesTo(input.live, traffic),
    movedAt: traffic.movedAt,
    writtenAt: latest(gatewayRoutes.map(({ object: { metadata } }) => metadata.annotations?.[WRITTEN_AT_ANNOTATION])),
    isAtRest: object.spec.sequence === route?.spec.sequence && isConfirmed(observed),
  };
}

function gatewayRoutesOf(
  { service, gatewayRoutes }: ObservedService,
  { spec: { backends } }: TrafficRoute,
  now: Date,
): Child[] {
  return gatewayRoutes.flatMap(({ kind, state, route: live }) => {
    const request = requestedRoute(service, kind);
    if (request === undefined || state !== 'Installed') return [];
    return [{ kind: gatewayRouteKinds[kind], object: buildGatewayRoute(service, request, { backends, live, now }) }];
  });
}

/** Of times as `toISOString` writes them. */
function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .sort()
    .at(-1);
}

/** Where nothing is left that would tell, it stays as the route has it. */
function portsOf(observed: ObservedService, name: string, config: WorkloadConfig): ServerPorts {
  const live = observed.route?.spec.backends.find(({ revision }) => revision === name)?.endpoints;
  const deployment = observed.revisions.find((revision) => revision.name === name)?.deployment;
  const template = snapshotOf(observed, name, config)?.data.template ?? deployment?.spec?.template;
  return serverPorts(template) ?? livePorts(live) ?? OUR_PORTS;
}

/** The same of what it serves. */
function modelVersionOf(observed: ObservedService, name: string, config: WorkloadConfig): string | undefined {
  const live = observed.route?.spec.backends.find(({ revision }) => revision === name)?.modelVersion;
  return snapshotOf(observed, name, config)?.data.facts.modelVersion ?? live;
}

/** The revision that has the whole weight with this plan and had not before. */
function movesTo(live: Traffic | undefined, next: Traffic): string | undefined {
  if (next.movedAt === undefined || next.movedAt === live?.movedAt) return undefined;
  return Object.keys(next.weights).find((name) => next.weights[name] === 100);
}

/** The snapshot that exists, or a new one for what the spec asks for now. */
export function snapshotOf(observed: ObservedService, name: string, config: WorkloadConfig): Snapshot | undefined {
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
