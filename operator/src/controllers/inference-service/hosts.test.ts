import type { TrafficRoute } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { hostOwner, hostsOf } from '../../gateways/host-owner.ts';
import { anInferenceService, NAMESPACE } from '../../testing/fixtures.ts';
import { buildTrafficRoute } from './build-address.ts';
import { exposedConditions, observeHosts, ownHosts, servicesOfHosts, withHosts } from './hosts.ts';

interface Claim {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly createdAt?: string;
  readonly hosts?: readonly string[];
}

const traffic = { stable: 'flights-1', weights: { 'flights-1': 100 }, mirrors: {}, movedAt: undefined };

function route({ name = 'flights', namespace = NAMESPACE, uid, createdAt, hosts = [] }: Claim): TrafficRoute {
  const built = buildTrafficRoute(
    anInferenceService({ expose: { hosts: [...hosts], by: 'Gateways' } }),
    traffic,
    undefined,
  );
  const creationTimestamp = `2026-11-23T${createdAt ?? '09:00'}:00Z`;
  return { ...built, metadata: { name, namespace, uid: uid ?? `uid-of-${name}`, creationTimestamp } };
}

/** The index that the operator has. */
function cacheOf(routes: readonly TrafficRoute[]) {
  const byIndex = (_: string, host: string) => routes.filter((one) => hostsOf(one).includes(host));
  return { trafficRoutes: { byIndex } as never };
}

const HOST = 'flights.example.org';
const claim = (more: Claim = {}) => route({ hosts: [HOST], ...more });
const younger = claim({ name: 'younger', createdAt: '10:00' });

describe('a host', () => {
  it.each<[string, string, TrafficRoute[], string | undefined]>([
    ['that one lists', HOST, [claim()], 'flights'],
    ['that two list: the older', HOST, [younger, claim()], 'flights'],
    ['of the same second: the smaller uid', HOST, [claim({ uid: 'b' }), claim({ name: 'a', uid: 'a' })], 'a'],
    ['over namespaces', HOST, [claim(), claim({ namespace: 'first', name: 'a', createdAt: '08:00' })], 'a'],
    ['that nobody lists', HOST, [], undefined],
    [
      'that is the name of a service within the cluster',
      'fare.org',
      [claim({ hosts: ['fare.org'] }), route({ name: 'fare', namespace: 'org', createdAt: '10:00' })],
      'fare',
    ],
  ])('%s', (_, host, routes, owner) => {
    expect(hostOwner(host, routes)?.metadata.name).toBe(owner);
    expect(hostOwner(host, routes.toReversed())?.metadata.name).toBe(owner);
  });

  it('wakes all that list it, and those that list the name of a service', () => {
    const fare = route({ name: 'fare', namespace: 'org' });
    const caches = cacheOf([claim(), younger, claim({ name: 'z', hosts: ['fare.org'] }), fare]);

    const woken = (changed: TrafficRoute) => new Set(servicesOfHosts(caches, changed).map(({ name }) => name));
    expect(woken(younger)).toEqual(new Set(['flights', 'younger']));
    expect(woken(fare)).toEqual(new Set(['z', 'fare']));
  });
});

describe('a service that is exposed', () => {
  const OTHER = 'x.example.org';
  const PENDING = { Ready: 'False HostsPending', Reconciling: 'True HostsPending', Exposed: 'False HostsPending' };
  const UP = [{ type: 'Ready', status: 'True', reason: 'UpToDate', message: 'It serves.' }] as const;

  function observed(hosts: readonly string[], routes: readonly TrafficRoute[]) {
    const service = anInferenceService(hosts.length === 0 ? {} : { expose: { hosts: [...hosts], by: 'Gateways' } });
    const own = routes.find(({ metadata }) => metadata.name === 'flights');
    return { service, hosts: observeHosts(cacheOf(routes), service, own), gatewayRoutes: [] };
  }
  /** `Ready` and `Exposed`, in a few words. */
  function told(exposure: ReturnType<typeof observed>) {
    const conditions = [...withHosts(UP, exposure), ...exposedConditions(exposure, undefined)];
    return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  }

  it.each([
    { given: 'no hosts', hosts: [], routes: [route({})], says: { Ready: 'True UpToDate' }, own: [] },
    {
      given: 'a host of its own',
      hosts: [HOST],
      routes: [claim(), younger],
      says: { Ready: 'True UpToDate', Exposed: 'True Exposed' },
      own: [HOST],
    },
    {
      given: 'a host that an older service has',
      hosts: [HOST, OTHER],
      routes: [route({ hosts: [HOST, OTHER] }), claim({ name: 'a', createdAt: '08:00' })],
      says: { Ready: 'False HostConflict', Stalled: 'True HostConflict', Exposed: 'False HostConflict' },
      own: [OTHER],
    },
    {
      given: 'a host that the route does not list yet',
      hosts: [HOST, OTHER],
      routes: [claim()],
      says: PENDING,
      own: [HOST],
    },
    { given: 'no route yet', hosts: [HOST], routes: [younger], says: PENDING, own: [] },
  ])('$given', ({ hosts, routes, says, own }) => {
    const exposure = observed(hosts, routes);
    expect(told(exposure)).toEqual(says);
    expect(ownHosts(exposure)).toEqual({ hosts: own, grpcHosts: [] });
  });

  it('names the other service only in its own namespace', () => {
    const near = claim({ name: 'other', createdAt: '08:00' });
    const far = claim({ name: 'secret', namespace: 'far', createdAt: '08:00' });
    const messageWith = (other: TrafficRoute) => exposedConditions(observed([HOST], [claim(), other]), undefined)[0];

    expect(messageWith(near)?.message).toContain(`Host "${HOST}" belongs to InferenceService "other".`);
    expect(messageWith(far)?.message).toContain(`Host "${HOST}" belongs to a service of another namespace.`);
    expect(messageWith(far)?.message).not.toMatch(/secret|far/);
  });

  it('says why the gateways do not answer, and keeps what else is wrong', () => {
    const exposure = observed([HOST], [claim()]);
    const unrouted = { reason: 'NoGateway', message: 'No gateway is ready.' };
    const broken = [{ type: 'Ready', status: 'False', reason: 'OOMKilled', message: 'It has no memory.' }] as const;

    expect(exposedConditions(exposure, unrouted)).toMatchObject([{ status: 'False', reason: 'NoGateway' }]);
    expect(withHosts(broken, observed([HOST], [claim(), claim({ name: 'a', createdAt: '08:00' })]))).toBe(broken);
  });
});
