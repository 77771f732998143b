/**
 * How many pods a service shall have: a pure decision from what the gateways counted.
 *
 * Windows and panic are those of Knative's autoscaler (`Scale` in knative/serving, pkg/autoscaler/scaling/autoscaler.go, and
 * docs/scaling/SYSTEM.md there): the pods are the average of a stable window over the target; where the average of the last
 * seconds asks for twice the pods that are ready, it counts instead, and nothing shrinks until that is a stable window ago.
 * What is ours: nothing shrinks on data that have gaps; what asks for fewer pods has to do so for a window of its own, by a
 * margin; and at zero, a request that waits is reason enough.
 */
import type { LoadHistory, WindowLoad } from './load-history.ts';

/** What one pod shall have, on average: requests at a time, or requests a second; or how long a request shall take. */
export type ScalingTarget =
  | { readonly concurrency: number }
  | { readonly requestsPerSecond: number }
  | { readonly latencySeconds: number };

export interface ScalingSettings {
  /** 0: it may go to zero, after `idleAfterMs` without a request. */
  readonly min: number;
  readonly max: number;
  readonly target: ScalingTarget;
  readonly idleAfterMs: number;
}

export const STABLE_WINDOW_MS = 60_000;
export const PANIC_WINDOW_MS = 6_000;
/** Fewer pods must have been enough for so long. */
const SCALE_DOWN_WINDOW_MS = 60_000;
/** Times the pods that are ready. */
const PANIC_THRESHOLD = 2;
/** Pods go when those that are left have so much of their target to do at most: else the next request would bring them back. */
const SCALE_DOWN_LOAD = 0.9;
const LOOK_EVERY_MS = 2_000;
/**
 * Time does not grow with load as counts do: it says more or fewer, not how many. So there are at most so many times the pods
 * that are ready, or half of them, before the next look at what that did.
 */
const MOST_BY_LATENCY = 2;

/** What has to be remembered between two looks. Without it, and without a history, nothing shrinks for a stable window. */
export interface ScalingState {
  /** When the last seconds asked for twice the pods for the last time; undefined: no panic. */
  readonly panicAt: number | undefined;
  /** The most pods that the panic asked for. */
  readonly panicReplicas: number;
  /** What was asked for within the scale-down window: each less than those before it, so that there are no more than `max`. */
  readonly recommended: readonly Recommended[];
}

interface Recommended {
  readonly at: number;
  readonly replicas: number;
}

/** Nothing was needed so far. */
export const FIRST_STATE: ScalingState = { panicAt: undefined, panicReplicas: 0, recommended: [] };

export interface ScalingInput {
  readonly settings: ScalingSettings;
  readonly history: LoadHistory;
  /** Processes of the Ready gateways; undefined for one that has not said who it is. */
  readonly gateways: readonly (string | undefined)[];
  /** Pods that it shall have now. */
  readonly current: number;
  readonly ready: number;
  /** Milliseconds, of the clock that samples have. */
  readonly now: number;
}

export interface ScalingDecision {
  readonly replicas: number;
  /** For events and logs: it names figures that change at each look. */
  readonly why: string;
  /** When time alone may change the answer, in milliseconds; undefined: only a request does. */
  readonly nextLookMs: number | undefined;
  /** undefined: what was needed is still not known. */
  readonly state: ScalingState | undefined;
}

interface Wanted {
  readonly replicas: number;
  readonly why: string;
}

/** `before`: undefined where it is not known what was needed. */
export function decideReplicas(input: ScalingInput, before: ScalingState | undefined): ScalingDecision {
  const { settings, current } = input;
  const bounded = (replicas: number) => Math.min(settings.max, Math.max(settings.min, replicas));
  const { wanted, state } = current === 0 ? fromZero(input) : fromSome(input, before);
  const replicas = bounded(wanted.replicas);
  const why = replicas === wanted.replicas ? wanted.why : `${wanted.why}; bounded by ${boundOf(settings, replicas)}`;
  return { replicas, why, nextLookMs: replicas === 0 ? undefined : LOOK_EVERY_MS, state };
}

function boundOf({ min, max }: ScalingSettings, replicas: number): string {
  return replicas === max && replicas !== min ? `max ${max}` : `min ${min}`;
}

interface Result {
  readonly wanted: Wanted;
  readonly state: ScalingDecision['state'];
}

/** Whatever is asked then was asked since it went to zero. */
function fromZero(input: ScalingInput): Result {
  const { history, now } = input;
  const held = history.held(now);
  const latest = history.over(now, PANIC_WINDOW_MS);
  const isAsked = held > 0 || (latest !== undefined && (latest.concurrency > 0 || latest.requestsPerSecond > 0));
  if (!isAsked) return { wanted: { replicas: 0, why: 'nobody asks' }, state: FIRST_STATE };
  const { target } = input.settings;
  const forHeld = 'concurrency' in target ? Math.ceil(held / target.concurrency) : 1;
  const replicas = Math.max(1, forHeld, latest === undefined ? 0 : podsFor(latest, input));
  const why = held > 0 ? `${counted(held, 'request')} ${held === 1 ? 'waits' : 'wait'} for a pod` : 'it is asked again';
  return { wanted: { replicas, why }, state: { ...FIRST_STATE, recommended: [{ at: now, replicas }] } };
}

function fromSome(input: ScalingInput, last: ScalingState | undefined): Result {
  const { history, now, current, ready, settings } = input;
  const stable = history.over(now, STABLE_WINDOW_MS);
  if (stable === undefined)
    return { wanted: { replicas: current, why: 'no gateway has told of the load' }, state: last };
  if (settings.min === 0 && isIdle(input)) {
    const why = `no request for ${counted(settings.idleAfterMs / 1000, 'second')}`;
    return { wanted: { replicas: 0, why }, state: FIRST_STATE };
  }
  const before = last ?? FIRST_STATE;
  const latest = history.over(now, PANIC_WINDOW_MS) ?? stable;
  const panic = panicAfter(before, { now, ready, byLatest: podsFor(latest, input) });
  const isPanic = panic.panicAt !== undefined;
  // Of the last minute, the slow requests are those that the pods which came since were made for.
  const measured = 'latencySeconds' in settings.target ? latest : stable;
  const asked = Math.max(1, podsFor(measured, input), panic.panicReplicas);
  // Before the first look the pods that there are were enough.
  const known = before.recommended.length > 0 ? before.recommended : [{ at: now, replicas: current }];
  const next = { at: now, replicas: Math.min(asked, settings.max) };
  const recommended = remembered(known, next, SCALE_DOWN_WINDOW_MS);
  const state = { ...panic, recommended };
  if (asked < current) return { wanted: fewer(input, { recommended, stable, isPanic }), state };
  const window = measured === latest ? PANIC_WINDOW_MS : STABLE_WINDOW_MS;
  const why = isPanic ? `the load rose quickly: ${described(latest, PANIC_WINDOW_MS)}` : described(measured, window);
  return { wanted: { replicas: asked, why }, state };
}

interface Fewer {
  readonly recommended: readonly Recommended[];
  readonly stable: WindowLoad;
  readonly isPanic: boolean;
}

function fewer(input: ScalingInput, { recommended, stable, isPanic }: Fewer): Wanted {
  const { current } = input;
  const unknown = whatIsUnknown(input);
  if (unknown !== undefined) return { replicas: current, why: `fewer would do by what is known, but ${unknown}` };
  const most = Math.max(...recommended.map(({ replicas }) => replicas));
  if (most < current) return { replicas: most, why: described(stable, STABLE_WINDOW_MS) };
  const why = isPanic
    ? 'fewer would do, but the load rose quickly within the last minute'
    : 'fewer would do, but have not done so for long enough';
  return { replicas: current, why };
}

/** undefined: every Ready gateway has told of a whole window. */
function whatIsUnknown({ gateways, history, now }: ScalingInput): string | undefined {
  if (gateways.length === 0) return 'no gateway is ready';
  const silent = gateways.filter((each) => each === undefined || !history.covers(each, now, STABLE_WINDOW_MS)).length;
  if (silent === 0) return undefined;
  return `${silent} of ${counted(gateways.length, 'gateway')} told of less than the last ${STABLE_WINDOW_MS / 1000} s`;
}

/** No gateway was asked for it for as long as the settings say, and all of them have told so without a gap. */
function isIdle({ settings, gateways, history, now }: ScalingInput): boolean {
  if (history.held(now) > 0 || gateways.length === 0) return false;
  return gateways.every((each) => each !== undefined && history.quietMs(each, now) >= settings.idleAfterMs);
}

/** The state of the panic from now on. */
function panicAfter(
  before: ScalingState,
  { now, ready, byLatest }: { readonly now: number; readonly ready: number; readonly byLatest: number },
): Pick<ScalingState, 'panicAt' | 'panicReplicas'> {
  const isOver = byLatest >= PANIC_THRESHOLD * Math.max(1, ready);
  const isRecent = before.panicAt !== undefined && now - before.panicAt <= STABLE_WINDOW_MS;
  if (!isOver && !isRecent) return { panicAt: undefined, panicReplicas: 0 };
  return {
    panicAt: isOver ? now : before.panicAt,
    panicReplicas: Math.max(byLatest, isRecent ? before.panicReplicas : 0),
  };
}

/** Pods for that load; where that is fewer than there are, with a margin. */
function podsFor(load: WindowLoad, input: ScalingInput): number {
  const needed = podsNeeded(load, input);
  const enough = Math.ceil(needed);
  return enough >= input.current ? enough : Math.min(input.current, Math.ceil(needed / SCALE_DOWN_LOAD));
}

/** Not rounded. */
function podsNeeded(load: WindowLoad, { settings: { target }, ready }: ScalingInput): number {
  if ('concurrency' in target) return load.concurrency / target.concurrency;
  if ('requestsPerSecond' in target) return load.requestsPerSecond / target.requestsPerSecond;
  // Where none has ended, it is not known how long those take that are there.
  const unknown = load.concurrency > 0 ? target.latencySeconds : 0;
  const ratio = (load.secondsPerRequest ?? unknown) / target.latencySeconds;
  return Math.max(1, ready) * Math.min(MOST_BY_LATENCY, Math.max(1 / MOST_BY_LATENCY, ratio));
}

/** Those within the window that are more than all that came after them. */
function remembered(before: readonly Recommended[], next: Recommended, windowMs: number): readonly Recommended[] {
  const kept = before.filter(({ at, replicas }) => next.at - at < windowMs && replicas > next.replicas);
  return [...kept, next];
}

function described({ concurrency, requestsPerSecond, secondsPerRequest }: WindowLoad, windowMs: number): string {
  const latency = secondsPerRequest === undefined ? '' : ` of ${Math.round(secondsPerRequest * 1000)} ms`;
  return `${concurrency.toFixed(1)} requests at a time, ${requestsPerSecond.toFixed(1)} a second${latency}, over ${windowMs / 1000} s`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
