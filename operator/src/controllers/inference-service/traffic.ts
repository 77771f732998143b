/**
 * Which revision gets the requests: a pure decision. The TrafficRoute is the record of it, so that a lost status moves
 * nothing; its sequence, and that every gateway has confirmed it, are what makes each step safe to take.
 *
 * A change takes three writes. The candidate is listed with weight 0; once all its pods answer and are listed as endpoints it
 * gets the whole weight, while the old revision stays `stable`, which stands in for it wherever a gateway has not heard of its
 * pods yet; once every gateway has confirmed that, it becomes `stable`, and the old one is listed no more.
 *
 * Nothing ends before the gateways have confirmed a route that does not list it. That write also keeps a late one of a dead
 * leader, which would give it traffic again, from being taken: its sequence is not above this one's.
 */
import type { TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';

/** What the TrafficRoute says. */
export interface Traffic {
  readonly stable: string;
  /** By revision, 0 to 100, of all that are listed. */
  readonly weights: Readonly<Record<string, number>>;
  /** When weight last moved from one revision to another, RFC 3339; undefined until a revision has answered. */
  readonly movedAt: string | undefined;
}

export interface TrafficInput {
  /** Of the TrafficRoute that exists. */
  readonly live: Traffic | undefined;
  /** All serving gateways apply that one. */
  readonly isConfirmed: boolean;
  /** The revision that the spec asks for; undefined where that cannot be said now. */
  readonly desired: string | undefined;
  /** All pods of the desired revision answer, and are listed as endpoints. */
  readonly isDesiredWarm: boolean;
  /** Revisions of which a pod answers and is listed, the newest first. */
  readonly answering: readonly string[];
  /** Whether anything of the revision is still there. */
  readonly exists: (revision: string) => boolean;
  readonly now: Date;
}

/** When weight last moved, on the TrafficRoute. */
export const MOVED_AT_ANNOTATION = 'slipway.dev/traffic-moved-at';

/** Undefined where there is no revision that it could name. */
export function planTraffic(input: TrafficInput): Traffic | undefined {
  const { live, desired, exists } = input;
  if (live?.movedAt === undefined || !(exists(live.stable) || live.stable === desired)) return firstTraffic(input);
  if (desired === undefined || desired === live.stable) return moved(input, live.stable, { [live.stable]: 100 });
  return changingTraffic(input, live, desired);
}

/** No revision has answered yet, or what was stable is gone (somebody deleted it): any that answers is better than none. */
function firstTraffic(input: TrafficInput): Traffic | undefined {
  const { live, desired, answering, exists } = input;
  const stable = desired !== undefined && answering.includes(desired) ? desired : answering[0];
  if (stable !== undefined) {
    const listed = desired === undefined ? [stable] : [desired, stable];
    return moved(input, stable, Object.fromEntries(listed.map((name) => [name, name === stable ? 100 : 0])));
  }
  // Listed already, so that gateways know the host and say that nothing is ready, or hold requests until it is.
  const waited = desired ?? (live !== undefined && exists(live.stable) ? live.stable : undefined);
  return waited === undefined ? undefined : { stable: waited, weights: { [waited]: 100 }, movedAt: undefined };
}

function changingTraffic(input: TrafficInput, live: Traffic, desired: string): Traffic {
  const { answering, isConfirmed, isDesiredWarm } = input;
  const hasMoved = live.weights[desired] === 100;
  if (hasMoved && isConfirmed && answering.includes(desired)) return moved(input, desired, { [desired]: 100 });
  const weight = hasMoved || isDesiredWarm ? 100 : 0;
  return moved(input, live.stable, { [live.stable]: 100 - weight, [desired]: weight });
}

function moved({ live, now }: TrafficInput, stable: string, weights: Traffic['weights']): Traffic {
  const wanted = Object.keys(weights).filter((name) => (weights[name] ?? 0) > 0);
  const isMove = live?.movedAt === undefined || wanted.some((name) => live.weights[name] !== weights[name]);
  return { stable, weights, movedAt: isMove ? now.toISOString() : live.movedAt };
}

export function trafficOf(route: DeepReadonly<TrafficRoute>): Traffic {
  return {
    stable: route.spec.stable,
    weights: Object.fromEntries(route.spec.backends.map(({ revision, weight }) => [revision, weight])),
    movedAt: route.metadata.annotations?.[MOVED_AT_ANNOTATION],
  };
}
