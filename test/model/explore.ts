/** Walks through every state that can be reached, breadth first, so that the first trace to a failure is a shortest one. */
import type { Scenario } from './scenario.ts';
import { normalised, serverContext, stateKey } from './state.ts';
import type { State } from './state.ts';
import { calmStep, stepsFrom } from './steps.ts';

export interface Report {
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
  /** What went wrong, and how it came to that; undefined if nothing can. */
  readonly failure?: { readonly what: string; readonly trace: readonly string[] };
}

interface Visited {
  readonly state: State;
  readonly from: Visited | undefined;
  readonly words: string;
}

/** More steps than this to come to rest means that it never does. */
const RESTS_WITHIN = 300;
/** Steps of a circle that are told. */
const CIRCLE_SHOWN = 20;

export async function explore(scenario: Scenario, mostStates = 40_000): Promise<Report> {
  const started = performance.now();
  const first: Visited = { state: await startOf(scenario), from: undefined, words: 'start' };
  const seen = new Set([stateKey(first.state)]);
  const queue = [first];
  const resting = { kubernetes: new Set<string>(), operator: new Set<string>() };
  let transitions = 0;
  const report = (failure?: Report['failure']): Report => {
    const seconds = (performance.now() - started) / 1000;
    return { states: queue.length, transitions, seconds, ...(failure === undefined ? {} : { failure }) };
  };

  for (const visited of queue) {
    for (const order of ['kubernetes', 'operator'] as const) {
      const unrest = await comesToRest(scenario, visited.state, { order, known: resting[order] });
      if (unrest !== undefined) return report({ what: unrest.what, trace: [...traceOf(visited), ...unrest.calm] });
    }
    for (const { words, state, violation } of await stepsFrom(scenario, visited.state)) {
      transitions += 1;
      const next: Visited = { state, from: visited, words };
      if (violation !== undefined) return report({ what: violation, trace: traceOf(next) });
      const key = stateKey(state);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push(next);
    }
    if (queue.length > mostStates) throw new Error(`More than ${mostStates} states: make the scenario smaller`);
  }
  return report();
}

async function startOf(scenario: Scenario): Promise<State> {
  const { initial, faults, remember, script, settledSteps } = scenario;
  let state = normalised({ api: initial, now: 0, left: faults, scriptAt: 0, memory: remember(initial) });
  for (const step of script.slice(0, settledSteps)) {
    const api = step.act(state.api, serverContext(state));
    state = await atRest(scenario, normalised({ ...state, api, scriptAt: state.scriptAt + 1 }));
  }
  return state;
}

async function atRest(scenario: Scenario, from: State): Promise<State> {
  let state = from;
  for (let steps = 0; steps < RESTS_WITHIN; steps += 1) {
    const step = await calmStep(scenario, state, 'kubernetes');
    if (step === undefined) break;
    state = step.state;
  }
  return state;
}

function traceOf(visited: Visited): string[] {
  const trace: string[] = [];
  for (let at: Visited | undefined = visited; at !== undefined; at = at.from) trace.unshift(at.words);
  return trace;
}

interface Unrest {
  readonly what: string;
  readonly calm: readonly string[];
}

/** From here on nothing goes wrong and nobody changes anything: it must end, as the user wants it, and stay so. */
async function comesToRest(
  scenario: Scenario,
  from: State,
  { order, known }: { readonly order: 'kubernetes' | 'operator'; readonly known: Set<string> },
): Promise<Unrest | undefined> {
  const calm = ['- from here on nothing goes wrong:'];
  const path = new Set<string>();
  let state = from;
  for (let steps = 0; ; steps += 1) {
    if (steps === RESTS_WITHIN) return neverRests(calm);
    const key = stateKey(state);
    if (known.has(key)) break;
    // Whoever goes round in circles waits for the others, which a backoff sees to.
    const turn = path.has(key) ? 'kubernetes' : order;
    path.add(key);
    const step = await calmStep(scenario, state, turn);
    if (step === undefined) {
      const what = scenario.checkRest(state) ?? (await writesLater(scenario, state));
      if (what !== undefined) return { what, calm };
      break;
    }
    calm.push(step.words);
    if (step.violation !== undefined) return { what: step.violation, calm };
    state = step.state;
  }
  for (const key of path) known.add(key);
  return undefined;
}

function neverRests(calm: readonly string[]): Unrest {
  const what = `It does not come to rest within ${RESTS_WITHIN} steps. It ends in a circle, of which these are the last:`;
  return { what, calm: ['- from here on nothing goes wrong:', '…', ...calm.slice(-CIRCLE_SHOWN)] };
}

const AN_HOUR = 3_600;

/** At rest a further pass writes nothing, however late. */
async function writesLater(scenario: Scenario, state: State): Promise<string | undefined> {
  const later = { ...state, now: state.now + AN_HOUR };
  const step = await calmStep(scenario, later, 'operator');
  return step === undefined ? undefined : `At rest, and an hour later something happens again: ${step.words}.`;
}
