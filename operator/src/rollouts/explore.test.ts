/** Every order in which things can happen to a rollout, and what holds in all of them. */
import { array, assert, constantFrom, oneof, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stableJson } from '../names.ts';
import {
  CHANGING,
  confirms,
  decided,
  diesAfterTheRoute,
  GATEWAYS,
  inputOf,
  lateWriteArrives,
  MINUTE,
  pass,
  person,
  podDies,
  podsCome,
  rolloutDeleted,
  settled,
  undone,
  writesLate,
} from '../testing/rollout-world.ts';
import type { World } from '../testing/rollout-world.ts';
import { isGradual, LAST_STEP, podsFor, ROLLING, stepAt } from './course.ts';
import type { Course } from './course.ts';
import type { Rollout } from './record.ts';
import type { Traffic } from './traffic.ts';

const CANARY: Course = {
  steps: [
    { ...LAST_STEP, weight: 0, mirrorPercent: 20, atLeastMs: MINUTE },
    { ...LAST_STEP, weight: 30, atLeastMs: MINUTE },
    { ...LAST_STEP, weight: 60, waitsForPromotion: true },
    LAST_STEP,
  ],
  deadline: { afterMs: 10 * 60 * MINUTE, action: 'Abort' },
};

type Move = readonly [words: string, to: (world: World, course: Course) => World];

/** What happens by itself. */
const COURSE_OF_THINGS: readonly Move[] = [
  ['a pass', pass],
  ...GATEWAYS.map((gateway): Move => [`gateway ${gateway} confirms`, (world) => confirms(world, gateway)]),
  ...['v1', 'v2', 'v3'].map((revision): Move => [`pods of ${revision} come`, (world) => podsCome(world, revision)]),
  ['a minute passes', (world) => ({ ...world, now: world.now + MINUTE })],
];

/** What people do. */
const PEOPLE: readonly Move[] = [
  ...(['v1', 'v2', 'v3', undefined] as const).map((desired): Move => [
    `${desired} is asked for`,
    (world) => ({ ...world, desired }),
  ]),
  ['paused', (world) => person(world, () => ({ state: 'Paused' }))],
  ['resumed', (world) => person(world, () => ({ state: 'Running' }))],
  ['promoted', (world) => person(world, ({ verdict }) => (verdict === 'Abort' ? {} : { verdict: 'Promote' }))],
  ['aborted', (world) => person(world, () => ({ verdict: 'Abort' }))],
  ['approved', (world) => person(world, () => ({ approvedStep: 3 }))],
  ['tried again', (world) => person(world, (asked) => ({ verdict: 'Auto', try: asked.try + 1 }))],
  ['gone back to v1', (world) => undone(world, 'v1')],
  ['its ModelRollout is deleted', rolloutDeleted],
  ['scaled down', (world) => ({ ...world, total: 2 })],
];

const MISHAPS: readonly Move[] = [
  ['the operator dies after it wrote the route', diesAfterTheRoute],
  ['the operator dies, its write is on its way', writesLate],
  ['the late write arrives', lateWriteArrives],
  ['a pod of v1 dies', (world) => podDies(world, 'v1')],
  ['a pod of v2 dies', (world) => podDies(world, 'v2')],
  ['the clock is set back', (world) => ({ ...world, now: world.now - 24 * 60 * MINUTE })],
  ['the clock is set forth', (world) => ({ ...world, now: world.now + 24 * 60 * MINUTE })],
  ['the analysis fails', (world) => ({ ...world, analysis: 'Failing' })],
  ['the analysis has no data', (world) => ({ ...world, analysis: 'NoData' })],
  ['the analysis passes', (world) => ({ ...world, analysis: 'Passing' })],
];

const totalOf = (weights: Readonly<Record<string, number>>) =>
  Object.values(weights).reduce((sum, weight) => sum + weight, 0);

/** What is wrong with a state. */
function wrongWith(world: World, course: Course): string | undefined {
  const routes = [world.route.traffic, ...world.applied.map(({ traffic }) => traffic)];
  if (routes.some(({ weights }) => totalOf(weights) !== 100)) return 'The weights are not 100 together.';
  if (routes.some(({ stable, weights }) => weights[stable] === undefined)) return 'The stable revision is not listed.';
  const served = Object.entries(world.route.traffic.weights).filter(([, weight]) => weight > 0);
  if (served.length > 2) return 'More than one candidate gets requests.';
  return wrongDecision(world, course) ?? wrongAbort(world, course) ?? neverQuiet(world, course);
}

/** A decision that the operator could take now, and must not. */
function wrongDecision(world: World, course: Course): string | undefined {
  return tooFewPods(world, course) ?? endsTooEarly(world, course);
}

function tooFewPods(world: World, course: Course): string | undefined {
  const { traffic: live } = world.route;
  const { traffic: next } = decided(world, course).route;
  const { ready } = inputOf(world, course);
  const share = (traffic: Traffic, name: string) => ({
    weight: traffic.weights[name] ?? 0,
    mirrorPercent: traffic.mirrors[name] ?? 0,
  });
  const gets = Object.keys(next.weights).filter((name) => {
    const [before, after] = [share(live, name), share(next, name)];
    return after.weight > before.weight || after.mirrorPercent > before.mirrorPercent;
  });
  const wrong = gets.find((name) => name !== live.stable && ready(name) < podsFor(share(next, name), world.total));
  return wrong === undefined ? undefined : `${wrong} has too few pods.`;
}

function endsTooEarly(world: World, course: Course): string | undefined {
  const { traffic: live, record: before } = world.route;
  const { traffic, record } = decided(world, course).route;
  const [was, is] = [before.current, record.current];
  if (was?.phase !== 'Progressing' || is?.phase !== 'Progressing' || was.number !== is.number) return undefined;
  if ((traffic.weights[is.to] ?? 0) < (live.weights[is.to] ?? 0)) return 'A weight falls without an abort.';
  return is.step <= was.step || is.asked.verdict === 'Promote' || is.by !== undefined
    ? undefined
    : endsUnripe(world, course, { was, is });
}

interface Passed {
  readonly was: Rollout;
  readonly is: Rollout;
}

function endsUnripe(world: World, course: Course, { was, is }: Passed): string | undefined {
  const { atLeastMs, waitsForPromotion } = stepAt(course, was.step);
  const lasted = was.since === undefined ? 0 : Math.max(0, world.now - Date.parse(was.since));
  const faults = {
    'A step ends before every gateway has confirmed it.': !inputOf(world, course).isConfirmed,
    'A step ends before its time.': lasted < atLeastMs,
    'A step ends that nobody approved.': waitsForPromotion && is.asked.approvedStep <= was.step,
    'A step ends though the analysis does not pass.': world.analysis !== 'Passing',
  };
  return Object.entries(faults).find(([, isSo]) => isSo)?.[0];
}

/** One pass after an abort all requests go to the stable revision, also when none of its pods answers. */
function wrongAbort(world: World, course: Course): string | undefined {
  const { current } = world.route.record;
  const { stable } = world.route.traffic;
  if (
    current === undefined ||
    current.by !== undefined ||
    current.to !== world.desired ||
    world.rollouts[current.number] === undefined
  )
    return undefined;
  const pods = { ...world.pods, [stable]: { wanted: world.pods[stable]?.wanted ?? 0, ready: 0 } };
  const after = pass(
    person({ ...world, pods }, () => ({ verdict: 'Abort' })),
    course,
  );
  const { weights } = after.route.traffic;
  return stableJson(weights) === stableJson({ [stable]: 100 }) ? undefined : 'An abort does not lead back to stable.';
}

function neverQuiet(world: World, course: Course): string | undefined {
  const once = pass(world, course);
  const twice = pass(once, course);
  return JSON.stringify(pass(twice, course).route) === JSON.stringify(twice.route)
    ? undefined
    : 'Passes never come to rest.';
}

/** Stable keeps its size while steps go on; of a change all at once the total is what counts. */
function shrinks(before: World, after: World, course: Course): boolean {
  const { current } = after.route.record;
  if (!isGradual(course)) return false;
  if (current?.phase !== 'Progressing' || before.route.record.current?.number !== current.number) return false;
  const { stable } = after.route.traffic;
  return (
    stable === current.from &&
    (after.pods[stable]?.wanted ?? 0) < Math.min(before.pods[stable]?.wanted ?? 0, current.stablePods)
  );
}

/** Whatever was before, the next version comes to serve. */
function cannotBeReplaced(world: World, course: Course): boolean {
  // An Undo that was not seen before a newer spec counts against that as well.
  const seen = inputOf(world, course).undo === undefined ? world : pass(world, course);
  const begun = pass({ ...seen, desired: 'v4', analysis: 'Passing' }, course);
  const { traffic, record } = settled(
    person(begun, () => ({ verdict: 'Promote' })),
    course,
  ).route;
  return stableJson(traffic.weights) !== stableJson({ v4: 100 }) || record.current !== undefined;
}

interface Seen {
  readonly world: World;
  readonly path: readonly string[];
  readonly people: number;
  readonly mishaps: number;
}

interface Limits {
  readonly depth: number;
  readonly people: number;
  readonly mishaps: number;
}

/** How many states there were. Breadth first, so that what is told of a fault is the shortest way to it. */
function explored(course: Course, start: World, { depth, ...budget }: Limits): number {
  const seen = new Set<string>();
  let level: readonly Seen[] = [{ world: start, path: [], ...budget }];
  for (let at = 0; at <= depth; at += 1) {
    level = level.flatMap((from) => successors(from, course)).filter((one) => isNew(one, seen));
  }
  return seen.size;
}

function isNew({ path: _path, ...state }: Seen, seen: Set<string>): boolean {
  const key = JSON.stringify(state);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function successors(from: Seen, course: Course): Seen[] {
  const fault =
    wrongWith(from.world, course) ?? (cannotBeReplaced(from.world, course) ? 'It cannot be replaced.' : undefined);
  if (fault !== undefined) throw new Error([fault, ...from.path].join('\n'));
  return movesFrom(from).map(({ move: [words, to], ...budget }) => {
    const world = to(from.world, course);
    const path = [...from.path, words];
    if (shrinks(from.world, world, course)) throw new Error(['Stable shrinks.', ...path].join('\n'));
    return { world, path, ...budget };
  });
}

function movesFrom({ people, mishaps }: Seen) {
  return [
    ...COURSE_OF_THINGS.map((move) => ({ move, people, mishaps })),
    ...(people > 0 ? PEOPLE.map((move) => ({ move, people: people - 1, mishaps })) : []),
    ...(mishaps > 0 ? MISHAPS.map((move) => ({ move, people, mishaps: mishaps - 1 })) : []),
  ];
}

/** Every order of five steps, of which one at most is a person's and one a mishap. */
const LIMITS: Limits = { depth: 4, people: 1, mishaps: 1 };

/** Seconds are enough where nothing else runs. */
const PATIENCE_MS = 180_000;

const begun = settled(CHANGING, CANARY);
const atThird = settled(CHANGING, CANARY, { minutes: 1 });
const atApproval = settled(CHANGING, CANARY, { minutes: 3 });
const approved = pass(
  person(atApproval, () => ({ approvedStep: 3 })),
  CANARY,
);
const allMoved = pass(podsCome(confirms(confirms(approved, 0), 1), 'v2'), CANARY);
const aborted = settled(
  person(atThird, () => ({ verdict: 'Abort' })),
  CANARY,
);

describe('what holds of a rollout in every order of what can happen', () => {
  it.each([
    ['when it begins', CHANGING, CANARY],
    ['while requests are mirrored', begun, CANARY],
    ['at 30 %', atThird, CANARY],
    ['while it waits for a person', atApproval, CANARY],
    ['when it has all requests', allMoved, CANARY],
    ['after an abort', aborted, CANARY],
    ['all at once', CHANGING, ROLLING],
  ])(
    '%s',
    (_, start, course) => {
      expect(explored(course, start, LIMITS)).toBeGreaterThan(1000);
    },
    PATIENCE_MS,
  );

  it(
    'also in long ones',
    () => {
      const all = new Map([...COURSE_OF_THINGS, ...PEOPLE, ...MISHAPS]);
      const oneOf = (moves: readonly Move[]) => constantFrom(...moves.map(([words]) => words));
      const move = oneof(
        { weight: 3, arbitrary: oneOf(COURSE_OF_THINGS) },
        { weight: 1, arbitrary: oneOf(PEOPLE) },
        { weight: 1, arbitrary: oneOf(MISHAPS) },
      );
      const courses = { canary: CANARY, rolling: ROLLING };
      const strategy = constantFrom('canary' as const, 'rolling' as const);
      const holds = property(strategy, array(move, { minLength: 20, maxLength: 80 }), (chosen, moves) => {
        const course = courses[chosen];
        let world = CHANGING;
        for (const words of moves) {
          const after = all.get(words)?.(world, course) ?? world;
          expect(shrinks(world, after, course)).toBe(false);
          world = after;
          expect(wrongWith(world, course)).toBeUndefined();
        }
        expect(cannotBeReplaced(world, course)).toBe(false);
      });
      assert(holds, { numRuns: 200 });
    },
    PATIENCE_MS,
  );

  it('comes to serve by itself, once a person has approved', () => {
    expect(allMoved.route.traffic.weights).toEqual({ v1: 0, v2: 100 });
    const { traffic, record } = settled(allMoved, CANARY).route;
    expect(traffic).toMatchObject({ stable: 'v2', weights: { v2: 100 } });
    expect(record).toMatchObject({ lastNumber: 1, ended: [{ number: 1, outcome: 'Promoted' }] });
  });
});
