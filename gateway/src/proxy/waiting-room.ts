/**
 * Where requests wait that no pod can take now: because the service has none, as after a scale to zero, because its pods have as
 * many as they may, or because none can be reached. How many may wait is bounded, of each route and of all.
 */
import type { Route } from '../routing/route.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { GatewayMetrics, WaitingMetrics } from './metrics.ts';
import type { Refusal } from './refusal.ts';
import { letGo, WaitingLine } from './waiting-line.ts';
import type { Entry, Waiter } from './waiting-line.ts';

export interface WaitingLimits {
  /** Requests of all routes. How many of one may wait its TrafficRoute says. */
  readonly requests: number;
  /** Bytes of the bodies of one route. Those of all are bounded by what the gateway keeps of bodies. */
  readonly bytesPerRoute: number;
}

export const WAITING_LIMITS: WaitingLimits = { requests: 10_000, bytesPerRoute: 64 * 1024 * 1024 };

export interface WaitingRoomOptions {
  readonly table: Pick<RouteTable, 'get' | 'subscribe'>;
  readonly metrics: Pick<GatewayMetrics, 'waiting'>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly limits: WaitingLimits;
}

export interface Entering {
  readonly waiter: Waiter;
  /** When the request came: its time to wait counts from then. */
  readonly startedAt: number;
  /** Of its body, so far. */
  readonly bytes: number;
  /** A pod could not be reached with it: it goes before those who came later. */
  readonly isBack: boolean;
}

/** What a waiter has of the room. */
export interface Place {
  /** Counts bytes of its body. False where those of the route are as many as may be. */
  keep(bytes: number): boolean;
  /** It waits no more: its client has gone, or its own time is over. */
  leave(): void;
}

export interface WaitingRoom {
  /** A refusal where as many wait as may. The waiter is told nothing before this has returned. */
  enter(route: Route, entering: Entering): Place | Refusal;
  /** Whoever comes now has to wait his turn. */
  isWaitedFor(route: Route): boolean;
  /** A pod of the route has room for one more. */
  roomLeft(route: Route): void;
  /** From now on nobody waits, and those who did are refused. Returns how many did. */
  close(): number;
}

/** Pods that were left out and are to be tried again tell nobody. */
const LOOK_EVERY_MS = 250;
/** So many go in one turn of the event loop, which has other things to do, too. */
const BATCH = 64;

const NO_POD = unavailable('the service has no pod that is ready; try again later');
const CLOSING = unavailable('the gateway is shutting down; try again');
const DELETED: Refusal = { code: 'NoRoute', message: 'the service was deleted while the request waited for a pod' };

interface RouteLine {
  readonly namespace: string;
  readonly name: string;
  readonly line: WaitingLine;
  readonly metrics: WaitingMetrics;
  isLookedAt: boolean;
}

export function createWaitingRoom({ table, metrics, now, random, limits }: WaitingRoomOptions): WaitingRoom {
  const lines = new Map<string, RouteLine>();
  let waiting = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  function lineOf({ namespace, name }: Route): RouteLine {
    const key = keyOf({ namespace, name });
    const known = lines.get(key);
    if (known !== undefined) return known;
    const line = { namespace, name, line: new WaitingLine(), metrics: metrics.waiting({ namespace, name }) };
    const created = { ...line, isLookedAt: false };
    lines.set(key, created);
    timer ??= setInterval(() => lines.forEach(lookSoon), LOOK_EVERY_MS);
    return created;
  }

  function whyNot(route: Route): Refusal | undefined {
    if (route.hold === undefined) return NO_POD;
    if (isClosed) return CLOSING;
    const count = lines.get(keyOf(route))?.line.size ?? 0;
    if (count >= route.hold.requests)
      return unavailable(`${count} requests wait for a pod of this service already; try again later`);
    if (waiting >= limits.requests) return unavailable('as many requests wait here as may; try again later');
    return undefined;
  }

  function leave(of: RouteLine, entry: Entry): void {
    if (!of.line.delete(entry)) return;
    clearTimeout(entry.timer);
    waiting -= 1;
    of.metrics.ended((now() - entry.since) / 1000);
    if (of.line.size === 0) lines.delete(keyOf(of));
    if (waiting > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function refuse(of: RouteLine, entry: Entry, refusal: Refusal): void {
    leave(of, entry);
    entry.waiter.refuse(refusal);
  }

  function refuseAll(of: RouteLine, refusal: Refusal): void {
    for (const entry of of.line) refuse(of, entry, refusal);
  }

  /** After what is done now: whoever has just left may have more to do with its pod. */
  function lookSoon(of: RouteLine): void {
    if (of.isLookedAt) return;
    of.isLookedAt = true;
    setImmediate(look, of);
  }

  function look(of: RouteLine): void {
    of.isLookedAt = false;
    const route = table.get(of.namespace, of.name);
    if (route === undefined) {
      refuseAll(of, DELETED);
      return;
    }
    const gone = letGo(of.line, route, {
      now: now(),
      random,
      count: BATCH,
      go: (entry, to) => {
        leave(of, entry);
        entry.waiter.go(to);
      },
    });
    if (gone >= BATCH) lookSoon(of);
    else if (route.hold === undefined) refuseAll(of, NO_POD);
  }

  const lookInto = (route: Route) => {
    const of = lines.get(keyOf(route));
    if (of !== undefined) lookSoon(of);
  };
  const unsubscribe = table.subscribe({ set: lookInto, gone: lookInto });

  return {
    enter: (route, { waiter, startedAt, bytes, isBack }) => {
      const refusal = whyNot(route);
      if (refusal !== undefined || route.hold === undefined) return refusal ?? NO_POD;
      const of = lineOf(route);
      const since = now();
      const { timeoutMs } = route.hold;
      const late = unavailable(`no pod could take the request within ${timeoutMs / 1000} s; try again later`);
      const left = Math.max(0, timeoutMs - (since - startedAt));
      const entry: Entry = { waiter, since, bytes, timer: setTimeout(() => refuse(of, entry, late), left) };
      of.line.add(entry, isBack);
      waiting += 1;
      of.metrics.began();
      if (!isBack) lookSoon(of);
      return {
        keep: (more) => {
          if (of.line.bytes + more > limits.bytesPerRoute) return false;
          entry.bytes += more;
          of.line.bytes += more;
          return true;
        },
        leave: () => leave(of, entry),
      };
    },
    isWaitedFor: (route) => waiting > 0 && lines.has(keyOf(route)),
    roomLeft: (route) => {
      if (waiting > 0) lookInto(route);
    },
    close: () => {
      isClosed = true;
      unsubscribe();
      const count = waiting;
      for (const of of lines.values()) refuseAll(of, CLOSING);
      return count;
    },
  };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function unavailable(message: string): Refusal {
  return { code: 'Unavailable', message };
}
