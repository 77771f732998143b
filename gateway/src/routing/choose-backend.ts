import type { Backend, Route } from './route.ts';
import { splitByChance, splitByValue } from './split.ts';

/**
 * Who answers a request.
 *
 * @param stickyValue undefined where the route has no sticky rule, or the request not what it asks for: then it is chance.
 * @param random from 0 to below 1.
 */
export function chooseBackend(route: Route, stickyValue: string | undefined, random: number): Backend {
  const { backends, sticky, stable } = route;
  const chosen =
    sticky === undefined || stickyValue === undefined
      ? splitByChance(backends, random)
      : splitByValue(backends, stickyValue, sticky.salt);
  return chosen.pool.endpoints.length > 0 ? chosen : stable;
}
