/** What each revision has to do, for the operator: how many requests it has, on average over the time between two looks, and how many ended. */
import type { GatewayLine, RevisionLoad } from '@slipway/crds/gateway-stream';
import { formatLatencyCounts, latencyStep } from '@slipway/crds/latency-counts';

/** In seconds, from the head of a request. */
export interface Took {
  /** To the head of its answer, or to its failure where there was none. */
  readonly toHead: number;
  /** To the end of its answer. */
  readonly toEnd: number;
}

/** One revision of one service. */
export interface LoadMeter {
  /** A request is at a pod. */
  started(): void;
  left(): void;
  ended(isError: boolean, took: Took): void;
}

/** One service. */
export interface HeldMeter {
  /** A request waits for a pod. */
  began(): void;
  ended(): void;
}

export interface RouteName {
  readonly namespace: string;
  readonly name: string;
}

type Load = Extract<GatewayLine, { load: unknown }>['load'];
type RouteLoad = Load['routes'][number];

export interface Loads {
  meter(route: RouteName, revision: string): LoadMeter;
  held(route: RouteName): HeldMeter;
  /** The revision is no more, and has no request. */
  forget(route: RouteName, revision: string): void;
  /**
   * Counts from now on, and calls when the first request of a route begins to wait. Before it, and after `stop`, a request
   * costs next to nothing.
   */
  start(firstHeld: () => void): void;
  stop(): void;
  /** What was since `start`, or since the last call. Routes that `uidOf` does not know are left out. */
  take(uidOf: (route: RouteName) => string | undefined): Load;
}

/** What a line can tell of a route, which is all that a route can list; more are there only while an old one still answers. */
const MAX_REVISIONS = 8;

/** `now`: milliseconds, of a clock that only goes forward. */
export function createLoads(now: () => number): Loads {
  const meters = new Set<Meter>();
  /** Those that have something to tell. */
  const active = new Set<Meter>();
  const window: Window = { since: undefined, now, active };
  /** Routes that requests wait for, and how many. */
  const held = new Map<RouteName, number>();
  let tellFirstHeld = () => {};

  return {
    held: (route) => ({
      began: () => {
        const before = held.get(route) ?? 0;
        held.set(route, before + 1);
        if (before === 0) tellFirstHeld();
      },
      ended: () => {
        const left = (held.get(route) ?? 0) - 1;
        if (left > 0) held.set(route, left);
        else held.delete(route);
      },
    }),
    meter: (route, revision) => {
      const meter = new Meter(window, route, revision);
      meters.add(meter);
      return meter;
    },
    forget: ({ namespace, name }, revision) => {
      for (const meter of meters) {
        if (meter.revision !== revision || meter.route.name !== name || meter.route.namespace !== namespace) continue;
        meters.delete(meter);
        active.delete(meter);
      }
    },
    start: (firstHeld) => {
      tellFirstHeld = firstHeld;
      window.since = now();
      for (const meter of meters) meter.begin(window.since);
    },
    stop: () => {
      window.since = undefined;
      tellFirstHeld = () => {};
      active.clear();
    },
    take: (uidOf) => {
      const at = now();
      const elapsed = at - (window.since ?? at);
      window.since = at;
      const routes = new Map<string, RouteLoad>();
      const loadOf = (name: RouteName): RouteLoad | undefined => {
        const uid = uidOf(name);
        if (uid === undefined) return undefined;
        const load = routes.get(uid) ?? { uid, held: 0, revisions: [] };
        routes.set(uid, load);
        return load;
      };
      for (const meter of active) {
        const revision = meter.take(at, elapsed);
        const load = loadOf(meter.route);
        if (load !== undefined && load.revisions.length < MAX_REVISIONS) load.revisions.push(revision);
      }
      for (const [route, count] of held) {
        const load = loadOf(route);
        if (load !== undefined) load.held = count;
      }
      return { milliseconds: Math.round(elapsed), routes: [...routes.values()] };
    },
  };
}

interface Window {
  /** Undefined while nobody looks. */
  since: number | undefined;
  readonly now: () => number;
  readonly active: Set<Meter>;
}

class Meter implements LoadMeter {
  readonly route: RouteName;
  readonly #window: Window;
  readonly revision: string;
  #inFlight = 0;
  /** Requests at pods times the milliseconds that they were there, up to `#changedAt`. */
  #area = 0;
  #changedAt = 0;
  #requests = 0;
  #errors = 0;
  #seconds = 0;
  readonly #latencies = new Map<number, number>();

  constructor(window: Window, { namespace, name }: RouteName, revision: string) {
    this.#window = window;
    this.route = { namespace, name };
    this.revision = revision;
  }

  started(): void {
    this.#change(1);
  }

  left(): void {
    this.#change(-1);
  }

  ended(isError: boolean, { toHead, toEnd }: Took): void {
    if (this.#window.since === undefined) return;
    this.#window.active.add(this);
    this.#requests += 1;
    this.#seconds += toEnd;
    const step = latencyStep(toHead);
    this.#latencies.set(step, (this.#latencies.get(step) ?? 0) + 1);
    if (isError) this.#errors += 1;
  }

  #change(by: number): void {
    const { since, now, active } = this.#window;
    if (since !== undefined) {
      this.#measure(now());
      active.add(this);
    }
    this.#inFlight += by;
  }

  #measure(at: number): void {
    this.#area += this.#inFlight * (at - this.#changedAt);
    this.#changedAt = at;
  }

  begin(at: number): void {
    this.#reset(at);
    if (this.#inFlight > 0) this.#window.active.add(this);
  }

  /** The window ends, and the next begins. */
  take(at: number, elapsed: number): RevisionLoad {
    this.#measure(at);
    const load = {
      revision: this.revision,
      concurrency: elapsed > 0 ? this.#area / elapsed : this.#inFlight,
      requests: this.#requests,
      errors: this.#errors,
      seconds: this.#seconds,
      latencies: formatLatencyCounts(this.#latencies),
    };
    this.#reset(at);
    if (this.#inFlight === 0) this.#window.active.delete(this);
    return load;
  }

  #reset(at: number): void {
    this.#area = 0;
    this.#changedAt = at;
    this.#requests = 0;
    this.#errors = 0;
    this.#seconds = 0;
    this.#latencies.clear();
  }
}
