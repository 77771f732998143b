/** From objects of the API to what the data plane uses. */
import type { EndpointSlice } from '@slipway/kube';
import { expect, it } from 'vitest';
import { EndpointPool } from '../routing/endpoint-pool.ts';
import { buildRoute } from './build-route.ts';
import { endpointAddresses, keptOfSlice, silentAddresses } from './endpoint-addresses.ts';
import { goDurationMs } from './go-duration.ts';

function slice(endpoints: EndpointSlice['endpoints'], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a', namespace: 'team-a', labels: { 'kubernetes.io/service-name': 'flights-5b7', other: 'x' } },
    addressType: 'IPv4',
    endpoints,
    ...more,
  };
}

it('takes pods that are ready, of all slices, each once', () => {
  const one = slice([
    { addresses: ['10.0.0.2'], conditions: { ready: true } },
    { addresses: ['10.0.0.3'], conditions: { ready: false } },
    { addresses: ['10.0.0.4'] },
  ]);
  const two = slice([{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }]);

  expect(endpointAddresses([one, two])).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.4']);
});

it('takes pods that end and still serve only where no other is left', () => {
  const ending = { addresses: ['10.0.0.1'], conditions: { ready: false, serving: true, terminating: true } };
  const starting = { addresses: ['10.0.0.2'], conditions: { ready: false, serving: false } };

  expect(endpointAddresses([slice([ending, starting])])).toEqual(['10.0.0.1']);
  expect(endpointAddresses([slice([ending, { addresses: ['10.0.0.3'] }])])).toEqual(['10.0.0.3']);
});

it('knows the pods that are there and not ready, but not those that were told to end', () => {
  const ending = { addresses: ['10.0.0.1'], conditions: { ready: false, serving: false, terminating: true } };
  const hanging = { addresses: ['10.0.0.2'], conditions: { ready: false, serving: false, terminating: false } };

  expect(silentAddresses([slice([ending, hanging, { addresses: ['10.0.0.3'] }])])).toEqual(['10.0.0.2']);
});

it('holds of a slice what it needs, also of one without pods', () => {
  const nothing = { ...slice([]), endpoints: null } as unknown as EndpointSlice;

  expect(keptOfSlice(nothing).endpoints).toEqual([]);
  expect(keptOfSlice(slice([{ addresses: ['10.0.0.1'], nodeName: 'n', conditions: { ready: true } }]))).toEqual({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'a',
      namespace: 'team-a',
      uid: '',
      resourceVersion: '',
      labels: { 'kubernetes.io/service-name': 'flights-5b7' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
  });
});

it('makes a route of a TrafficRoute', () => {
  const pools = new Map<string, EndpointPool>();
  const poolOf = (service: string) => {
    const pool = pools.get(service) ?? new EndpointPool();
    pools.set(service, pool);
    return pool;
  };
  const backend = (revision: string, weight: number) => ({
    revision,
    modelVersion: `delay-of-${revision}`,
    weight,
    endpoints: { service: { name: revision }, httpPort: 8080, grpcPort: 9000 },
  });

  const route = buildRoute(
    {
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'TrafficRoute',
      metadata: { name: 'flights', namespace: 'team-a', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        sequence: 7,
        hosts: ['flights.example.org'],
        backends: [backend('flights-1', 95), backend('flights-2', 5)],
        stable: 'flights-1',
        sticky: { bodyField: 'parameters.user', salt: 'flights-7' },
        mirrors: [{ revision: 'flights-2', percent: 20 }],
        access: {
          from: [{ serviceAccount: { namespace: 'web', name: 'checkout' } }, { namespace: { name: 'team-b' } }],
        },
        sampling: { percent: 5, maxPerMinute: 600, maxBytes: 65_536 },
        limits: { timeout: '1m30s', hold: { requests: 200, timeout: '2m' } },
      },
    },
    poolOf,
  );

  expect(route).toMatchObject({
    namespace: 'team-a',
    name: 'flights',
    uid: 'u',
    sequence: 7,
    createdAt: Date.UTC(2026, 0, 1),
    hosts: ['flights.example.org'],
    sticky: { by: 'bodyField', path: ['parameters', 'user'], salt: 'flights-7' },
    access: { serviceAccounts: new Set(['web/checkout']), namespaces: new Set(['team-b']) },
    sampling: { percent: 5, maxPerMinute: 600, maxBytes: 65_536 },
    timeoutMs: 90_000,
    hold: { requests: 200, timeoutMs: 120_000 },
  });
  expect(route.backends.map(({ modelVersion }) => modelVersion)).toEqual(['delay-of-flights-1', 'delay-of-flights-2']);
  expect(route.stable).toBe(route.backends[0]);
  expect(route.mirrors).toEqual([{ backend: route.backends[1], percent: 20 }]);
  expect(route.backends[1]?.pool).toBe(pools.get('flights-2'));
});

it.each([
  ['60s', 60_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['1m30s', 90_000],
])('%s are %d ms', (text, milliseconds) => {
  expect(goDurationMs(text)).toBe(milliseconds);
});
