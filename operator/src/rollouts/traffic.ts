/** Which revision gets how many of the requests, as the TrafficRoute says it. */
import type { TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';

export interface Traffic {
  readonly stable: string;
  /** By revision, 0 to 100, of all that are listed. */
  readonly weights: Readonly<Record<string, number>>;
  /** By revision, 1 to 100: the share of the requests of which it gets copies. */
  readonly mirrors: Readonly<Record<string, number>>;
  /** When weight last moved from one revision to another, RFC 3339; undefined until a revision has answered. */
  readonly movedAt: string | undefined;
}

/** When weight last moved, on the TrafficRoute. */
export const MOVED_AT_ANNOTATION = 'slipway.dev/traffic-moved-at';

export function trafficOf(route: DeepReadonly<TrafficRoute>): Traffic {
  const { stable, backends, mirrors } = route.spec;
  return {
    stable,
    weights: Object.fromEntries(backends.map(({ revision, weight }) => [revision, weight])),
    mirrors: Object.fromEntries(mirrors.map(({ revision, percent }) => [revision, percent])),
    movedAt: route.metadata.annotations?.[MOVED_AT_ANNOTATION],
  };
}

/** All requests go to one revision; others are listed with it. */
export function allTo(stable: string, listed: readonly string[] = []): Omit<Traffic, 'movedAt'> {
  const weights = Object.fromEntries([stable, ...listed].map((name) => [name, name === stable ? 100 : 0]));
  return { stable, weights, mirrors: {} };
}

/** Says when weight moved: now, if it does with this. */
export function moved(live: Traffic | undefined, next: Omit<Traffic, 'movedAt'>, now: Date): Traffic {
  const served = Object.keys(next.weights).filter((name) => (next.weights[name] ?? 0) > 0);
  const isMove = live?.movedAt === undefined || served.some((name) => live.weights[name] !== next.weights[name]);
  return { ...next, movedAt: isMove ? now.toISOString() : live.movedAt };
}
