/** A world for the decisions of a rollout: one route with its fence, two gateways, pods, people, and a clock that jumps. */
import { candidatePods, stableFloor } from '../rollouts/advance.ts';
import type { Course } from '../rollouts/course.ts';
import { decideTraffic } from '../rollouts/decide-traffic.ts';
import type { AimedDecision, Decision, RolloutInput } from '../rollouts/decide-traffic.ts';
import { isAnswered, NO_ROLLOUTS } from '../rollouts/record.ts';
import type { Asked, RolloutRecord } from '../rollouts/record.ts';
import type { Traffic } from '../rollouts/traffic.ts';
import { stableJson } from '../names.ts';
import { NOW } from './fixtures.ts';

export const MINUTE = 60_000;
export const GATEWAYS = [0, 1];

interface Route {
  readonly sequence: number;
  readonly traffic: Traffic;
  readonly record: RolloutRecord;
}

export interface World {
  readonly now: number;
  readonly route: Route;
  /** What each gateway applies. */
  readonly applied: readonly Pick<Route, 'sequence' | 'traffic'>[];
  /** By revision: what its Deployment asks for, and how many answer. */
  readonly pods: Readonly<Record<string, { readonly wanted: number; readonly ready: number }>>;
  readonly total: number;
  readonly desired: string | undefined;
  readonly analysis: 'Passing' | 'Failing' | 'Undecided' | 'NoData';
  /** The ModelRollouts that exist, by number. */
  readonly rollouts: Readonly<Record<number, Asked>>;
  /** The Undo that people have asked for and that was not answered yet: the revision to go back to, and how many there were. */
  readonly undo: { readonly to: string; readonly number: number } | undefined;
  /** A write of the route that has not reached the API server yet. */
  readonly late: Route | undefined;
}

/** v1 serves with four pods, and v2 was asked for just now. */
export const CHANGING: World = (() => {
  const traffic = { stable: 'v1', weights: { v1: 100 }, mirrors: {}, movedAt: NOW.toISOString() };
  return {
    now: NOW.getTime() + 60 * MINUTE,
    route: { sequence: 1, traffic, record: NO_ROLLOUTS },
    applied: GATEWAYS.map(() => ({ sequence: 1, traffic })),
    pods: { v1: { wanted: 4, ready: 4 } },
    total: 4,
    desired: 'v2',
    analysis: 'Passing',
    rollouts: {},
    undo: undefined,
    late: undefined,
  };
})();

export function inputOf(world: World, course: Course): RolloutInput {
  const { route, applied, pods, desired, rollouts, analysis, total, now } = world;
  const { traffic: live, record } = route;
  const ready = (revision: string) => pods[revision]?.ready ?? 0;
  return {
    live,
    record,
    isConfirmed: applied.every(({ sequence }) => sequence >= route.sequence),
    desired: desired === undefined ? undefined : { name: desired, modelDigest: `of ${desired}`, cause: 'SpecChange' },
    stableDigest: `of ${live.stable}`,
    course,
    acceptAgain: [],
    digestOf: (revision) => `of ${revision}`,
    undo: world.undo && askedUndo(world.undo, record),
    asked: ({ number }) => rollouts[number],
    highestNumber: Math.max(0, ...Object.keys(rollouts).map(Number)),
    analysis: { verdict: analysis, message: 'errors 3.1 % > 1 %', abortsWithoutData: false },
    total,
    stablePods: pods[live.stable]?.wanted ?? 0,
    ready,
    answering: Object.keys(pods).filter((revision) => ready(revision) > 0),
    exists: (revision) => pods[revision] !== undefined,
    now: new Date(now),
  };
}

function askedUndo({ to, number }: NonNullable<World['undo']>, record: RolloutRecord): RolloutInput['undo'] {
  const by = { uid: `undo-${number}`, name: `back-${number}` };
  return isAnswered(record, by.uid) ? undefined : { by, to, modelDigest: `of ${to}`, problem: undefined };
}

/** A person goes back to a revision. */
export function undone(world: World, to: string): World {
  return { ...world, undo: { to, number: (world.undo?.number ?? 0) + 1 } };
}

function written({ sequence, ...before }: Route, { traffic = before.traffic, record }: Decision): Route {
  const isSame = contentOf(before) === contentOf({ traffic, record });
  return { sequence: isSame ? sequence : sequence + 1, traffic, record };
}

/** When it was written is no part of what a route says. */
function contentOf({ traffic, record }: Omit<Route, 'sequence'>): string {
  return stableJson({ traffic: { ...traffic, movedAt: undefined }, record });
}

/** The API server takes no change whose sequence does not rise. */
function arrives(world: World, route: Route): World {
  return route.sequence > world.route.sequence ? { ...world, route } : world;
}

/** The decision as the operator would take it now, and the write that it makes of it. */
export function decided(world: World, course: Course): { readonly decision: AimedDecision; readonly route: Route } {
  const decision = decideTraffic(inputOf(world, course));
  return { decision, route: written(world.route, decision) };
}

/** A whole pass: the route, the Deployments, the ModelRollout. */
export function pass(world: World, asked: Course): World {
  const { route, decision } = decided(world, asked);
  const { course } = decision;
  const { record, traffic } = route;
  const isConfirmed = world.applied.every(({ sequence }) => sequence >= route.sequence);
  const floor = stableFloor(record, course);
  const wantedOf = (revision: string) =>
    revision === traffic.stable ? Math.max(world.total, floor) : candidatePods(record, course, world.total);
  const kept = Object.keys(world.pods).filter(
    (revision) => traffic.weights[revision] === undefined && !isConfirmed && record.current?.phase !== 'Aborted',
  );
  const pods = Object.fromEntries([
    ...kept.map((revision) => [revision, world.pods[revision]]),
    ...Object.keys(traffic.weights).map((revision) => {
      const wanted = wantedOf(revision);
      return [revision, { wanted, ready: Math.min(wanted, world.pods[revision]?.ready ?? 0) }];
    }),
  ]) as World['pods'];
  const { current } = record;
  const isNew = current !== undefined && world.rollouts[current.number] === undefined;
  const rollouts = isNew ? { ...world.rollouts, [current.number]: current.asked } : world.rollouts;
  return { ...arrives(world, route), pods, rollouts };
}

/** The operator dies right after it has written the route. */
export function diesAfterTheRoute(world: World, course: Course): World {
  return arrives(world, decided(world, course).route);
}

/** The operator dies while its write is still on its way. */
export function writesLate(world: World, course: Course): World {
  const { route } = decided(world, course);
  return route.sequence === world.route.sequence ? world : { ...world, late: route };
}

export function lateWriteArrives(world: World): World {
  return world.late === undefined ? world : { ...arrives(world, world.late), late: undefined };
}

export function confirms(world: World, gateway: number): World {
  const { sequence, traffic } = world.route;
  return { ...world, applied: world.applied.map((one, at) => (at === gateway ? { sequence, traffic } : one)) };
}

export function podsCome(world: World, revision: string): World {
  const pods = world.pods[revision];
  if (pods === undefined) return world;
  return { ...world, pods: { ...world.pods, [revision]: { ...pods, ready: pods.wanted } } };
}

export function podDies(world: World, revision: string): World {
  const pods = world.pods[revision];
  if (pods === undefined || pods.ready === 0) return world;
  return { ...world, pods: { ...world.pods, [revision]: { ...pods, ready: pods.ready - 1 } } };
}

/** A person changes the ModelRollout of the current rollout, where there is one. */
export function person(world: World, change: (asked: Asked) => Partial<Asked>): World {
  const number = world.route.record.current?.number;
  const asked = number === undefined ? undefined : world.rollouts[number];
  if (number === undefined || asked === undefined) return world;
  return { ...world, rollouts: { ...world.rollouts, [number]: { ...asked, ...change(asked) } } };
}

/** A person deletes the ModelRollout of the current rollout. */
export function rolloutDeleted(world: World): World {
  const number = world.route.record.current?.number;
  return {
    ...world,
    rollouts: Object.fromEntries(Object.entries(world.rollouts).filter(([key]) => Number(key) !== number)),
  };
}

/** Passes, gateways and pods go on until nothing moves any more; with `minutes`, time passes until then, too. */
export function settled(start: World, course: Course, { minutes = 0 }: { readonly minutes?: number } = {}): World {
  let world = start;
  for (;;) {
    const before = JSON.stringify(world);
    world = pass(world, course);
    for (const gateway of GATEWAYS) world = confirms(world, gateway);
    for (const revision of Object.keys(world.pods)) world = podsCome(world, revision);
    if (before !== JSON.stringify(world)) continue;
    if (world.now >= start.now + minutes * MINUTE) return world;
    world = { ...world, now: world.now + MINUTE };
  }
}
