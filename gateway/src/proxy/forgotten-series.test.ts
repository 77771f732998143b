import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createLoads } from './loads.ts';
import { createGatewayMetrics } from './metrics.ts';

const MINUTE = 60_000;
const took = { toHead: 0.01, toEnd: 0.01 };
const flights = { namespace: 'team-a', name: 'flights' };

function start() {
  const registry = new Registry();
  const loads = createLoads(() => 0);
  const metrics = createGatewayMetrics(registry, loads);
  const of = (revision: string) => metrics.of(flights, { revision });
  for (const revision of ['flights-1', 'flights-2']) {
    const counts = of(revision);
    counts.started();
    counts.left();
    counts.ended(false, '200', took);
    counts.ended(true, '14', took);
    counts.retried();
    counts.ejected();
    counts.mirrored();
    counts.mirrorDropped();
  }
  metrics.denied(flights, '403');
  const waiting = metrics.waiting(flights);
  waiting.began();
  waiting.ended(1);
  const linesWith = async (text: string) =>
    (await registry.metrics()).split('\n').filter((line) => line.includes(text));
  const inFlight = () => linesWith('slipway_gateway_requests_in_flight{');
  return { metrics, loads, of, linesWith, inFlight };
}

const only = (wanted: string | undefined) => (_: string, __: string, revision: string | undefined) =>
  revision === wanted;
const all = () => true;
const none = () => false;

it('series of a revision go when no route has led to it for five minutes, and those of others stay', async () => {
  const { metrics, linesWith } = start();
  const before = (await linesWith('revision="flights-1"')).length;
  await metrics.removeSeries(only('flights-1'), 0);
  await metrics.removeSeries(only('flights-1'), 5 * MINUTE - 1);
  expect(await linesWith('revision="flights-2"')).toHaveLength(before);

  await metrics.removeSeries(only('flights-1'), 5 * MINUTE);

  expect(await linesWith('revision="flights-2"')).toEqual([]);
  expect(await linesWith('revision="flights-1"')).toHaveLength(before);
});

it('a service that is gone leaves nothing', async () => {
  const { metrics, linesWith } = start();
  await metrics.removeSeries(none, 0);
  await metrics.removeSeries(none, 5 * MINUTE);

  expect(await linesWith('team-a')).toEqual([]);
});

it('the five minutes begin anew when a route leads there in between', async () => {
  const { metrics, linesWith } = start();
  await metrics.removeSeries(none, 0);
  await metrics.removeSeries(all, 4 * MINUTE);
  await metrics.removeSeries(none, 8 * MINUTE);

  expect(await linesWith('revision="flights-1"')).not.toEqual([]);
});

it('a revision that has something to do keeps all that it has', async () => {
  const { metrics, of, loads, inFlight, linesWith } = start();
  loads.start(() => {});
  of('flights-1').started();
  await metrics.removeSeries(none, 0);
  await metrics.removeSeries(none, 5 * MINUTE);
  expect(await inFlight()).toEqual([expect.stringMatching(/flights-1"} 1$/)]);
  expect(await linesWith('requests_total{')).toHaveLength(2);

  of('flights-1').left();
  of('flights-1').ended(false, '200', took);

  expect(await inFlight()).toEqual([expect.stringMatching(/flights-1"} 0$/)]);
  const { routes } = loads.take(() => 'uid');
  expect(routes).toMatchObject([{ revisions: [{ revision: 'flights-1', concurrency: 0, requests: 1 }] }]);
  await metrics.removeSeries(none, 6 * MINUTE);
  await metrics.removeSeries(none, 11 * MINUTE);
  expect(await linesWith('team-a')).toEqual([]);
});

it('a revision that comes back begins at zero', async () => {
  const { metrics, of, linesWith } = start();
  await metrics.removeSeries(none, 0);
  await metrics.removeSeries(none, 5 * MINUTE);
  of('flights-1').ended(false, '200', took);

  expect(await linesWith('requests_total{')).toEqual([expect.stringMatching(/code="200"} 1$/)]);
});
