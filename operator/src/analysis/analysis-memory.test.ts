/** Whose requests are remembered, and that each is handed on once. */
import type { GatewayLoad } from '@slipway/crds/gateway-stream';
import { expect, it } from 'vitest';
import { AnalysisMemory } from './analysis-memory.ts';
import { NO_PAIR, NO_REQUESTS } from './revision-statistics.ts';

const counted = (revision: string, requests: number, more: object = {}) => ({
  revision,
  concurrency: 1,
  requests,
  errors: 1,
  seconds: 1,
  latencies: `17:${requests}`,
  ...more,
});
const load = (uid: string, ...revisions: GatewayLoad['routes'][number]['revisions']): GatewayLoad => ({
  milliseconds: 1000,
  routes: [{ uid, held: 0, revisions }],
});
const had = (requests: number, errors: number) => ({ requests, errors, latencies: new Map([[17, requests]]) });
const BOTH = { candidate: 'flights-2', stable: 'flights-1' };

it('what all gateways told of a route adds up by revision, and is handed on once', () => {
  const memory = new AnalysisMemory();
  memory.follow('route');
  memory.take(load('route', counted('flights-1', 90), counted('flights-2', 10)));
  memory.take(load('route', counted('flights-1', 80), counted('flights-3', 5)));
  memory.take(load('another', counted('flights-1', 1000)));

  expect(memory.collect('route', BOTH)).toEqual({ candidate: had(10, 1), stable: had(170, 2) });
  expect(memory.collect('route', BOTH)).toEqual(NO_PAIR);
  memory.take(load('route', counted('flights-2', 3)));
  expect(memory.collect('route', BOTH)).toEqual({ candidate: had(3, 1), stable: NO_REQUESTS });
});

it('a route that is followed already keeps what it has, and one that is not has nothing', () => {
  const memory = new AnalysisMemory();
  memory.take(load('route', counted('flights-2', 3)));
  memory.follow('route');
  memory.take(load('route', counted('flights-2', 4)));
  memory.follow('route');
  expect(memory.collect('route', BOTH).candidate).toEqual(had(4, 1));

  memory.forget('route');
  memory.take(load('route', counted('flights-2', 5)));
  expect(memory.collect('route', BOTH)).toEqual(NO_PAIR);
});

it('a gateway that does not tell how long requests took tells how many there were', () => {
  const memory = new AnalysisMemory();
  memory.follow('route');
  memory.take(load('route', counted('flights-2', 3, { latencies: undefined })));
  expect(memory.collect('route', BOTH).candidate).toEqual({ requests: 3, errors: 1, latencies: new Map() });
});
