/** Which route a host name leads to. */
import { byClaim } from '@slipway/crds/host-claims';
import { clusterNames } from './host-name.ts';
import type { Route } from './route.ts';

export interface RouteTable {
  find(hostName: string): Route | undefined;
  /** Puts the route in the place of the one of the same namespace and name. */
  set(route: Route): void;
  delete(namespace: string, name: string): void;
  get(namespace: string, name: string): Route | undefined;
  list(): readonly Route[];
  /** Hosts of the route that another one has: it is older, or has the name within the cluster. */
  lostHosts(route: Route): readonly string[];
  /**
   * Tells of every route that is set or whose lost hosts may have changed, and of every one that goes, from now on. Returns
   * what ends that.
   */
  subscribe(listener: RouteListener): () => void;
}

export interface RouteListener {
  set(route: Route): void;
  gone(route: Route): void;
}

export function createRouteTable(clusterDomain: string): RouteTable {
  const routes = new Map<string, Route>();
  /** Those who claim a host, and first the one who has it. */
  const claims = new Map<string, readonly Route[]>();
  /** Names within the cluster: nobody can claim one that is another's. */
  const own = new Map<string, Route>();
  const listeners = new Set<RouteListener>();

  function remove(key: string): Route | undefined {
    const route = routes.get(key);
    if (route === undefined) return undefined;
    routes.delete(key);
    for (const name of clusterNames(route, clusterDomain)) own.delete(name);
    for (const host of route.hosts) {
      const left = (claims.get(host) ?? []).filter((claimant) => claimant !== route);
      if (left.length === 0) claims.delete(host);
      else claims.set(host, left);
    }
    return route;
  }

  function tellSet(changed: Iterable<Route>): void {
    for (const route of changed) for (const listener of listeners) listener.set(route);
  }

  function tellGone(route: Route): void {
    for (const listener of listeners) listener.gone(route);
  }

  /** All that claim a host, or a name within the cluster, of one of these. */
  function rivalsOf(...those: readonly (Route | undefined)[]): Set<Route> {
    const names = those.flatMap((route) =>
      route === undefined ? [] : [...clusterNames(route, clusterDomain), ...route.hosts],
    );
    return new Set(names.flatMap((name) => claims.get(name) ?? []));
  }

  return {
    find: (hostName) => own.get(hostName) ?? claims.get(hostName)?.[0],
    set: (route) => {
      const key = keyOf(route);
      const before = remove(key);
      routes.set(key, route);
      for (const name of clusterNames(route, clusterDomain)) own.set(name, route);
      for (const host of new Set(route.hosts)) claims.set(host, [...(claims.get(host) ?? []), route].toSorted(byClaim));
      if (listeners.size === 0) return;
      if (before !== undefined && before.uid !== route.uid) tellGone(before);
      tellSet(rivalsOf(before, route).add(route));
    },
    delete: (namespace, name) => {
      const route = remove(keyOf({ namespace, name }));
      if (route === undefined) return;
      tellGone(route);
      tellSet(rivalsOf(route));
    },
    get: (namespace, name) => routes.get(keyOf({ namespace, name })),
    list: () => [...routes.values()],
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    lostHosts: (route) => route.hosts.filter((host) => (own.get(host) ?? claims.get(host)?.[0]) !== route),
  };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
