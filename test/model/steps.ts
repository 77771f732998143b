/** What may happen next in a state. */
import { kindOf, perform } from './api-model.ts';
import type { Objects } from './api-model.ts';
import type { Next } from './program.ts';
import { inWords, isWrite } from './requests.ts';
import type { Answer, Request } from './requests.ts';
import type { Scenario, WorldStep } from './scenario.ts';
import { lateOf, normalised, ofKind, serverContext, viewOf } from './state.ts';
import type { Faults, RunningPass, State } from './state.ts';

export interface Step {
  readonly words: string;
  readonly state: State;
  /** What must not happen, and just did. */
  readonly violation?: string | undefined;
}

/** Everything that may happen. */
export async function stepsFrom(scenario: Scenario, state: State): Promise<Step[]> {
  const own =
    state.pass === undefined ? await idleSteps(scenario, state) : await passSteps(scenario, state, state.pass);
  return [...own, ...lateSteps(scenario, state), ...kubernetesSteps(scenario, state), ...userSteps(scenario, state)];
}

/**
 * What happens when nothing goes wrong any more and the user is content: one step, or undefined when everything is at rest.
 * Fair to both sides, and it may be asked to let either go first.
 */
export async function calmStep(
  scenario: Scenario,
  state: State,
  first: 'kubernetes' | 'operator',
): Promise<Step | undefined> {
  if (state.late !== undefined) return lateSteps(scenario, state)[0];
  if (state.stale !== undefined) return catchUp(state, state.stale);
  const kubernetes = () => scenario.kubernetes(state.api, serverContext(state)).find((step) => step.isMishap !== true);
  const world = first === 'kubernetes' || state.pass === undefined ? kubernetes() : undefined;
  const isTheirTurn = first === 'kubernetes' && world !== undefined;
  if (isTheirTurn) return changed(scenario, state, world);
  const own =
    state.pass === undefined ? await starts(scenario, state) : [await answeredStep(scenario, state, state.pass)];
  if (own[0] !== undefined) return own[0];
  if (world !== undefined) return changed(scenario, state, world);
  return timePasses(scenario, state);
}

/** What Kubernetes leaves undone for longer than this it does at last, before any more time passes. */
const PATIENCE_SECONDS = 60;

async function idleSteps(scenario: Scenario, state: State): Promise<Step[]> {
  const { stale } = state;
  const waited = state.now < PATIENCE_SECONDS ? await timePasses(scenario, state) : undefined;
  return [
    ...(await starts(scenario, state)),
    ...(waited === undefined ? [] : [waited]),
    ...(stale === undefined ? [] : [catchUp(state, stale)]),
  ];
}

/** A pass that would do nothing is not begun: it would lead back to the same state. */
async function starts(scenario: Scenario, state: State): Promise<Step[]> {
  const steps: Step[] = [];
  for (const [index, program] of scenario.programs.entries()) {
    const pass = begin(scenario, state, index);
    if ((await readThrough(scenario, state, pass)).next.kind === 'end') continue;
    const begun = await withReads(scenario, { ...state, pass }, state.api);
    steps.push({ words: `the operator looks at ${program.owner}`, state: normalised(begun) });
  }
  return steps;
}

function begin(scenario: Scenario, state: State, program: number): RunningPass {
  const view = viewOf(state);
  const owner = scenario.programs[program]?.owner ?? '';
  const uidIn = (objects: Objects) => objects.get(owner)?.content.object.metadata.uid;
  return { program, view, answers: [], now: state.now, isOrphan: uidIn(view) !== uidIn(state.api) };
}

/** The operator has nothing to do but to look again later, and that later comes. */
async function timePasses(scenario: Scenario, state: State): Promise<Step | undefined> {
  const waits: number[] = [];
  for (const index of scenario.programs.keys()) {
    const { next } = await readThrough(scenario, state, begin(scenario, state, index));
    if (next.kind === 'request') return undefined;
    if (!(next.ending instanceof Error) && next.ending.kind === 'requeueAfter') waits.push(next.ending.ms);
  }
  if (waits.length === 0) return undefined;
  const seconds = Math.ceil(Math.min(...waits) / 1000);
  return { words: `${seconds} s pass`, state: { ...state, now: state.now + seconds } };
}

function catchUp(state: State, { kind }: NonNullable<State['stale']>): Step {
  return { words: `the cache of ${kind} catches up`, state: normalised({ ...state, stale: undefined }) };
}

async function passSteps(scenario: Scenario, state: State, pass: RunningPass): Promise<Step[]> {
  const next = await scenario.programs[pass.program]?.next(pass);
  if (next?.kind !== 'request') return [await answeredStep(scenario, state, pass)];
  const { request } = next;
  const { left } = state;
  const good = await answeredStep(scenario, state, pass);
  const steps = [good, ...(request.verb === 'delete' ? unseen(scenario, state, good) : [])];
  if (left.lostAnswers > 0) steps.push(...lostAnswers(scenario, state, pass, request));
  if (left.crashes > 0) steps.push(...crashes(state, request));
  return steps;
}

/** The request is done and answered, or the pass is over. */
async function answeredStep(scenario: Scenario, state: State, pass: RunningPass): Promise<Step> {
  const next = await scenario.programs[pass.program]?.next(pass);
  if (next?.kind !== 'request') return { words: 'the pass ends', state: normalised({ ...state, pass: undefined }) };
  const { request } = next;
  const { objects, answer } = perform(state.api, request, serverContext(state));
  const after = await withReads(scenario, learned(withAnswer(state, pass, answer), request, answer), objects);
  const words = `the operator ${inWords(request)}${toldBy(answer)}`;
  return arrived(scenario, state, { words, state: after, objects, request });
}

/** The pass up to its next write, where reads take no time. */
async function withReads(scenario: Scenario, state: State, api: Objects): Promise<State> {
  if (scenario.hasSlowReads || state.pass === undefined) return state;
  return { ...state, pass: (await readThrough(scenario, { ...state, api }, state.pass)).pass };
}

interface PassAndNext {
  readonly pass: RunningPass;
  readonly next: Next;
}

/** What the pass does next that is no read. */
async function readThrough(scenario: Scenario, state: State, pass: RunningPass): Promise<PassAndNext> {
  const program = scenario.programs[pass.program];
  if (program === undefined) throw new Error(`There is no program ${pass.program}`);
  const next = await program.next(pass);
  if (next.kind === 'end' || isWrite(next.request)) return { pass, next };
  const { answer } = perform(state.api, next.request, serverContext(state));
  return readThrough(scenario, state, { ...pass, answers: [...pass.answers, answer] });
}

function toldBy(answer: Answer): string {
  return answer.kind === 'error' ? ` - ${answer.reason}` : '';
}

function withAnswer(state: State, pass: RunningPass, answer: Answer): State {
  return { ...state, pass: { ...pass, answers: [...pass.answers, answer] } };
}

/** The operator reads its own writes, also where a watch is behind. */
function learned(state: State, request: Request, answer: Answer): State {
  const { stale } = state;
  if (stale?.kind !== kindOf(request.id) || !isWrite(request)) return state;
  if (answer.kind !== 'ok' || answer.stored === undefined) return state;
  return { ...state, stale: { ...stale, objects: new Map(stale.objects).set(request.id, answer.stored) } };
}

function lostAnswers(scenario: Scenario, state: State, pass: RunningPass, request: Request): Step[] {
  const after = withAnswer(spend(state, 'lostAnswers'), pass, { kind: 'lost' });
  const notDone = { words: `the operator ${inWords(request)} - it does not arrive`, state: normalised(after) };
  if (lateOf(request) === undefined) return [notDone];
  const { objects } = perform(state.api, request, serverContext(state));
  const words = `the operator ${inWords(request)} - done, but the answer is lost`;
  const done = arrived(scenario, state, { words, state: after, objects, request });
  return [notDone, done, ...unseen(scenario, state, done)];
}

/** A new operator starts with fresh caches. */
function crashes(state: State, request: Request): Step[] {
  const after = { ...spend(state, 'crashes'), pass: undefined, stale: undefined };
  const late = lateOf(request);
  const dead = { words: 'the operator dies', state: normalised(after) };
  if (late === undefined) return [dead];
  const words = `the operator dies while it ${inWords(request)}, which is still on its way`;
  return [dead, { words, state: normalised({ ...after, late }) }];
}

function lateSteps(scenario: Scenario, state: State): Step[] {
  const { late } = state;
  if (late === undefined) return [];
  const { objects } = perform(state.api, late, serverContext(state));
  const words = `late, from the dead operator: it ${inWords(late)}`;
  const good = arrived(scenario, state, { words, state: { ...state, late: undefined }, objects, request: late });
  return [good, ...unseen(scenario, state, good)];
}

interface Arrival {
  readonly words: string;
  readonly state: State;
  readonly objects: Objects;
  readonly request: Request;
}

function arrived(scenario: Scenario, before: State, { words, state, objects, request }: Arrival): Step {
  const violation = scenario.checkRequest(request, before, objects);
  return { words, violation, state: remembered(scenario, { ...state, api: objects }) };
}

/**
 * During a pass only what touches what the operator writes: the pass has read its caches already, so it cannot tell whether
 * anything else came before it or after it.
 */
function kubernetesSteps(scenario: Scenario, state: State): Step[] {
  const possible = scenario.kubernetes(state.api, serverContext(state));
  const telling = state.pass === undefined ? possible : possible.filter(({ interferes }) => interferes === true);
  return telling.flatMap((world) => {
    if (world.isMishap === true && state.left.mishaps === 0) return [];
    const from = world.isMishap === true ? spend(state, 'mishaps') : state;
    const step = changed(scenario, from, world);
    return [step, ...unseen(scenario, from, step)];
  });
}

function changed(scenario: Scenario, state: State, { words, act }: Pick<WorldStep, 'words' | 'act'>): Step {
  return { words, state: remembered(scenario, { ...state, api: act() }) };
}

function userSteps(scenario: Scenario, state: State): Step[] {
  const user = scenario.script[state.scriptAt];
  if (user === undefined || user.when?.(state) === false) return [];
  const from = { ...state, scriptAt: state.scriptAt + 1 };
  const step = changed(scenario, from, { words: user.words, act: () => user.act(state.api, serverContext(state)) });
  return [step, ...unseen(scenario, from, step)];
}

/** The same step, but the watch of one of the kinds that it changed has fallen behind. */
function unseen({ mayFallBehind }: Scenario, before: State, { words, state, violation }: Step): Step[] {
  if (state.stale !== undefined || state.left.staleKinds === 0) return [];
  const kinds = changedKinds(before.api, state.api).filter((kind) => mayFallBehind?.includes(kind) ?? true);
  return kinds.map((kind) => ({
    words: `${words} (the cache of ${kind} falls behind)`,
    state: normalised({ ...spend(state, 'staleKinds'), stale: { kind, objects: ofKind(before.api, kind) } }),
    violation,
  }));
}

function changedKinds(before: Objects, after: Objects): readonly string[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])];
  return [...new Set(ids.filter((id) => before.get(id)?.content !== after.get(id)?.content).map(kindOf))];
}

function remembered(scenario: Scenario, state: State): State {
  const memory = [...new Set([...state.memory, ...scenario.remember(state.api)])].sort();
  return normalised({ ...state, memory });
}

function spend(state: State, fault: keyof Faults): State {
  return { ...state, left: { ...state.left, [fault]: state.left[fault] - 1 } };
}
