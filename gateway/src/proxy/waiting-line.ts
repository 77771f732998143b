/** The requests of one route that wait, and which of them may go. */
import type { Endpoint } from '../routing/endpoint-pool.ts';
import type { Backend, Route } from '../routing/route.ts';
import type { Refusal } from './refusal.ts';

/** A request that waits. It is told one of the two, once. */
export interface Waiter {
  /** Who shall answer it, by the route as it is now. */
  choose(route: Route): Backend;
  go(to: Destination): void;
  refuse(refusal: Refusal): void;
}

export interface Destination {
  readonly route: Route;
  readonly backend: Backend;
  readonly endpoint: Endpoint;
}

export interface Entry {
  readonly waiter: Waiter;
  /** When it began to wait. */
  readonly since: number;
  readonly timer: NodeJS.Timeout;
  /** Of its body, so far. */
  bytes: number;
}

export class WaitingLine implements Iterable<Entry> {
  readonly #first = new Set<Entry>();
  readonly #entries = new Set<Entry>();
  bytes = 0;

  get size(): number {
    return this.#first.size + this.#entries.size;
  }

  /** `isFirst`: before those who came later. */
  add(entry: Entry, isFirst: boolean): void {
    (isFirst ? this.#first : this.#entries).add(entry);
    this.bytes += entry.bytes;
  }

  /** False where it waits no more. */
  delete(entry: Entry): boolean {
    const waited = this.#first.delete(entry) || this.#entries.delete(entry);
    if (waited) this.bytes -= entry.bytes;
    return waited;
  }

  *[Symbol.iterator](): Iterator<Entry> {
    yield* this.#first;
    yield* this.#entries;
  }
}

export interface LettingGo {
  readonly now: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** At most so many. */
  readonly count: number;
  /** Takes it out of the line and sends it there, so that the pod has one more when the next is looked at. */
  readonly go: (entry: Entry, to: Destination) => void;
}

/**
 * Lets those go that a pod has room for, the oldest first. Those who wait for a revision that has no room do not hold up
 * those who go to another.
 *
 * @returns how many went.
 */
export function letGo(line: WaitingLine, route: Route, { now, random, count, go }: LettingGo): number {
  const full = new Set<Backend>();
  const choices = new Set(route.backends.filter(({ weight }) => weight > 0).map((each) => standInFor(each, route)))
    .size;
  let gone = 0;
  for (const entry of line) {
    const backend = entry.waiter.choose(route);
    if (full.has(backend)) continue;
    const endpoint = backend.pool.pickSound(now, random);
    if (endpoint === undefined) {
      full.add(backend);
      if (full.size >= choices) return gone;
      continue;
    }
    go(entry, { route, backend, endpoint });
    gone += 1;
    if (gone >= count) return gone;
  }
  return gone;
}

function standInFor(backend: Backend, { stable }: Route): Backend {
  return backend.pool.endpoints.length > 0 ? backend : stable;
}
