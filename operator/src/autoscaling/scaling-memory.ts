import type { GatewayLoad } from '@slipway/crds/gateway-stream';
import { STABLE_WINDOW_MS } from './decide-replicas.ts';
import type { ScalingState } from './decide-replicas.ts';
import { LoadHistory } from './load-history.ts';

/** What autoscaling remembers of one route. */
export interface ScaledRoute {
  readonly history: LoadHistory;
  /** undefined: this process does not know what was needed, because no gateway has told it of the load yet. */
  state: ScalingState | undefined;
}

/**
 * What the autoscaler remembers of each service. It goes with the process: whoever leads next begins anew, and until gateways
 * have told of a whole window nothing shrinks.
 */
export class ScalingMemory {
  /** By key of the service; a route that was made again is another one. */
  readonly #byService = new Map<string, { readonly route: string; readonly scaled: ScaledRoute }>();
  readonly #byRoute = new Map<string, ScaledRoute>();

  /** From now on loads of the route are remembered. */
  follow(service: string, route: string): ScaledRoute {
    const known = this.#byService.get(service);
    if (known?.route === route) return known.scaled;
    this.forget(service);
    const scaled: ScaledRoute = { history: new LoadHistory(STABLE_WINDOW_MS), state: undefined };
    this.#byService.set(service, { route, scaled });
    this.#byRoute.set(route, scaled);
    return scaled;
  }

  forget(service: string): void {
    const known = this.#byService.get(service);
    if (known === undefined) return;
    this.#byService.delete(service);
    this.#byRoute.delete(known.route);
  }

  follows(route: string): boolean {
    return this.#byRoute.has(route);
  }

  /**
   * The fewest pods that a service may have now, as far as its autoscaler has a say: what was needed within the scale-down
   * window. undefined: it is not known yet what was needed.
   */
  floorOf(service: string, route: string): number | undefined {
    const known = this.#byService.get(service);
    const state = known?.route === route ? known.scaled.state : undefined;
    return state && Math.max(0, ...state.recommended.map(({ replicas }) => replicas));
  }

  /** What a gateway said at `at`. Routes that it does not name had nothing to do. */
  take(gateway: string, at: number, { milliseconds, routes }: GatewayLoad): void {
    const busy = new Map(routes.map((route) => [route.uid, route]));
    for (const [uid, { history }] of this.#byRoute) {
      const { held = 0, revisions = [] } = busy.get(uid) ?? {};
      const sum = (what: 'concurrency' | 'requests' | 'seconds') =>
        revisions.reduce((total, revision) => total + revision[what], 0);
      const counted = { concurrency: sum('concurrency'), requests: sum('requests'), seconds: sum('seconds') };
      history.add({ gateway, at, milliseconds, held, ...counted });
    }
  }
}
