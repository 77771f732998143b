/** What a model is made of, beside the API server and the operator: the world around, and what must hold in it. */
import type { Objects, ServerContext } from './api-model.ts';
import type { Program, Tamper } from './program.ts';
import type { Request } from './requests.ts';
import type { Faults, State } from './state.ts';

export interface Scenario {
  readonly programs: readonly Program[];
  readonly initial: Objects;
  /** What the user does, in this order, each at any time. */
  readonly script: readonly UserStep[];
  /** So many steps of the script are done, and everything is at rest, when the exploration begins. */
  readonly settledSteps: number;
  readonly faults: Faults;
  /** The kinds whose caches may be stale. Default: all. */
  readonly mayFallBehind?: readonly string[];
  /**
   * Reads are a step of their own, so that anything may happen between a look and the write that follows it. Costs states,
   * and tells something only where what was looked at can go away.
   */
  readonly hasSlowReads: boolean;
  /** What Kubernetes may do now. */
  kubernetes(api: Objects, server: ServerContext): readonly WorldStep[];
  /** What the properties have to remember of a state; grows only. */
  remember(api: Objects): readonly string[];
  /** What is wrong with a request of the operator, if anything. */
  checkRequest(request: Request, before: State, after: Objects): string | undefined;
  /** What is not as the user wants it, if anything, when everything is at rest. */
  checkRest(state: State): string | undefined;
}

/** How a scenario of a kind differs from the others. */
export interface ScenarioOptions {
  /** Done, and all is at rest, when the exploration begins. */
  readonly settled?: UserStep;
  readonly script: readonly UserStep[];
  /** Default: nothing goes wrong. */
  readonly faults?: Partial<Faults>;
  readonly mayFallBehind?: readonly string[];
  readonly hasSlowReads?: boolean;
  /** For mutants: what goes out instead. */
  readonly tamper?: Tamper;
}

type Course = Pick<Scenario, 'script' | 'settledSteps' | 'faults' | 'mayFallBehind' | 'hasSlowReads'>;

/** What the options say of the course of things; the rest is the kind's. */
export function courseOf({ settled, script, faults, mayFallBehind, hasSlowReads = false }: ScenarioOptions): Course {
  return {
    script: settled === undefined ? script : [settled, ...script],
    settledSteps: settled === undefined ? 0 : 1,
    faults: { crashes: 0, lostAnswers: 0, staleKinds: 0, mishaps: 0, ...faults },
    hasSlowReads,
    ...(mayFallBehind === undefined ? {} : { mayFallBehind }),
  };
}

export interface UserStep {
  readonly words: string;
  /** Whether there is anything to do yet. Default: always. */
  when?(state: State): boolean;
  act(api: Objects, server: ServerContext): Objects;
}

export interface WorldStep {
  readonly words: string;
  act(): Objects;
  /** It takes away, or changes, what the operator writes to: it is tried between two of its requests too. */
  readonly interferes?: boolean;
  /** Costs one of the mishaps, and never happens once everything goes well. */
  readonly isMishap?: boolean;
}
