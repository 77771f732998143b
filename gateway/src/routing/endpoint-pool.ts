/** The pods of a revision: which of them gets the next request, and which are left out for a while because they failed. */
import { RetryBudget } from './retry.ts';

export interface PoolSettings {
  /** Failures after another that leave an endpoint out. One that could not be connected to is left out at once. */
  readonly failuresToEject: number;
  /** How long for the first time, in milliseconds; twice as long each time that it fails when it is back. */
  readonly firstEjectionMs: number;
  readonly longestEjectionMs: number;
  /** Requests that an endpoint may have at a time. */
  readonly maxInFlight: number;
}

export const POOL_SETTINGS: PoolSettings = {
  failuresToEject: 5,
  firstEjectionMs: 1000,
  longestEjectionMs: 30_000,
  maxInFlight: 1024,
};

/** A request that a pod has, and that it has not begun to answer. */
export interface Unanswered {
  /** The pod is there, and Kubernetes does not hear of it any more that it is ready: it hangs, or its node does. */
  podFellSilent(): void;
}

/** One pod. */
export class Endpoint {
  readonly address: string;
  readonly unanswered = new Set<Unanswered>();
  inFlight = 0;
  /** Since its last answer. */
  failures = 0;
  /** How often it was left out since its last answer. */
  ejections = 0;
  /** Left out until then, in the milliseconds of the clock that the pool is asked with. */
  ejectedUntil = 0;

  constructor(address: string) {
    this.address = address;
  }
}

/** `unreached`: no connection could be made. `failed`: the connection broke, or the server said that it cannot answer. */
export type Outcome = 'answered' | 'failed' | 'unreached';

export class EndpointPool {
  readonly retries = new RetryBudget();
  readonly #settings: PoolSettings;
  #endpoints: readonly Endpoint[] = [];

  constructor(settings: Partial<PoolSettings> = {}) {
    this.#settings = { ...POOL_SETTINGS, ...settings };
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /**
   * Makes the endpoints these. Those that stay keep their counts; requests in flight on others go on, but those at a pod that is
   * among the silent are told.
   */
  update(addresses: readonly string[], silent: readonly string[] = []): void {
    const known = new Map(this.#endpoints.map((endpoint) => [endpoint.address, endpoint]));
    this.#endpoints = [...new Set(addresses)].map((address) => known.get(address) ?? new Endpoint(address));
    for (const address of silent) known.get(address)?.unanswered.forEach((request) => request.podFellSilent());
  }

  /**
   * The one with fewer requests in flight of two that are drawn: as good as a look at all, and gateways that do not know of
   * each other do not all choose the same. Those that are left out count only when there are no others.
   *
   * @param random from 0 to below 1.
   * @returns undefined where there is none, or all have as many requests as they may.
   */
  pick(now: number, random: () => number, except?: Endpoint): Endpoint | undefined {
    return this.#lessBusy(this.#fit(now, except), random);
  }

  /**
   * The same for a request that can wait, of all that have room. One that is left out is no choice for it, and one that was gets
   * one request at a time until it has answered.
   *
   * @param random from 0 to below 1.
   */
  pickSound(now: number, random: () => number): Endpoint | undefined {
    const { maxInFlight } = this.#settings;
    const isSound = ({ ejectedUntil, ejections, inFlight }: Endpoint) =>
      ejectedUntil <= now && inFlight < (ejections === 0 ? maxInFlight : 1);
    return this.#lessBusy(this.#endpoints.filter(isSound), random);
  }

  #lessBusy(candidates: readonly Endpoint[], random: () => number): Endpoint | undefined {
    const { length } = candidates;
    const drawn = Math.floor(random() * length);
    const first = candidates[drawn];
    if (first === undefined) return undefined;
    // Another one: of two pods, one that hangs gets no more as long as the other has less to do.
    const second = candidates[(drawn + 1 + Math.floor(random() * (length - 1))) % length] ?? first;
    const chosen = second.inFlight < first.inFlight ? second : first;
    return chosen.inFlight < this.#settings.maxInFlight ? chosen : undefined;
  }

  #fit(now: number, except: Endpoint | undefined): readonly Endpoint[] {
    const isFit = (endpoint: Endpoint) => endpoint !== except && endpoint.ejectedUntil <= now;
    if (this.#endpoints.every(isFit)) return this.#endpoints;
    const fit = this.#endpoints.filter(isFit);
    if (fit.length > 0) return fit;
    const others = this.#endpoints.filter((endpoint) => endpoint !== except);
    return others.length > 0 ? others : this.#endpoints;
  }

  /** How a request ended there. True when it is left out now and was not before. */
  report(endpoint: Endpoint, outcome: Outcome, now: number): boolean {
    if (outcome === 'answered') {
      endpoint.failures = 0;
      endpoint.ejections = 0;
      endpoint.ejectedUntil = 0;
      return false;
    }
    endpoint.failures += 1;
    const isBack = endpoint.ejections > 0;
    const isEnough = outcome === 'unreached' || isBack || endpoint.failures >= this.#settings.failuresToEject;
    // What was in flight when it was left out fails after that, and says nothing new.
    if (!isEnough || endpoint.ejectedUntil > now) return false;
    const { firstEjectionMs, longestEjectionMs } = this.#settings;
    endpoint.ejectedUntil = now + Math.min(longestEjectionMs, firstEjectionMs * 2 ** endpoint.ejections);
    endpoint.ejections += 1;
    return true;
  }
}
