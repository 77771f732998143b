/** How much each revision had to do between two looks. */
import { latencyStep, parseLatencyCounts } from '@slipway/crds/latency-counts';
import { beforeEach, expect, it } from 'vitest';
import { createLoads } from './loads.ts';
import type { Loads } from './loads.ts';

const flights = { namespace: 'team-a', name: 'flights' };
const uidOf = ({ name }: { readonly name: string }) => (name === 'gone' ? undefined : `uid-${name}`);

let now = 0;
let loads: Loads;

beforeEach(() => {
  now = 1000;
  loads = createLoads(() => now);
});

const quiet = { requests: 0, errors: 0, seconds: 0, latencies: '' };
const after = (seconds: number) => ({ toHead: seconds, toEnd: seconds });

it('concurrency is the average over the time, whenever requests came and went within it', () => {
  const meter = loads.meter(flights, 'flights-1');
  loads.start(() => {});
  now += 250;
  meter.started();
  meter.started();
  now += 500;
  meter.left();
  meter.ended(false, { toHead: 0.25, toEnd: 0.5 });
  now += 250;

  expect(loads.take(uidOf)).toEqual({
    milliseconds: 1000,
    routes: [
      {
        uid: 'uid-flights',
        held: 0,
        revisions: [
          {
            revision: 'flights-1',
            concurrency: 1.25,
            requests: 1,
            errors: 0,
            seconds: 0.5,
            latencies: `${latencyStep(0.25)}:1`,
          },
        ],
      },
    ],
  });
});

it('a request that goes on is told of each time, one that ended once, and then nothing is', () => {
  const meter = loads.meter(flights, 'flights-1');
  loads.start(() => {});
  meter.started();
  const told = [1, 2, 3].map((turn) => {
    now += 1000;
    if (turn === 3) {
      meter.left();
      meter.ended(true, after(3));
    }
    return loads.take(uidOf).routes[0]?.revisions[0];
  });
  now += 1000;

  expect(told).toEqual([
    { ...quiet, revision: 'flights-1', concurrency: 1 },
    { ...quiet, revision: 'flights-1', concurrency: 1 },
    {
      revision: 'flights-1',
      concurrency: 1,
      requests: 1,
      errors: 1,
      seconds: 3,
      latencies: `${latencyStep(3)}:1`,
    },
  ]);
  expect(loads.take(uidOf).routes).toEqual([]);
});

it('what went on before anybody looked counts from then on', () => {
  const meter = loads.meter(flights, 'flights-1');
  meter.started();
  meter.started();
  meter.ended(false, after(1));
  now += 5000;
  loads.start(() => {});
  now += 1000;

  expect(loads.take(uidOf).routes[0]?.revisions).toEqual([{ ...quiet, revision: 'flights-1', concurrency: 2 }]);
});

it('nothing is counted after nobody looks any more', () => {
  const meter = loads.meter(flights, 'flights-1');
  loads.start(() => {});
  meter.started();
  loads.stop();
  now += 9000;
  meter.left();
  meter.ended(false, after(9));
  loads.start(() => {});
  now += 1000;

  expect(loads.take(uidOf)).toEqual({ milliseconds: 1000, routes: [] });
});

it('the revisions of a route stand together, and a route that is gone is left out', () => {
  const all = [
    loads.meter(flights, 'flights-1'),
    loads.meter({ namespace: 'team-a', name: 'gone' }, 'gone-1'),
    loads.meter(flights, 'flights-2'),
  ];
  loads.start(() => {});
  for (const meter of all) meter.started();
  now += 100;

  const { routes } = loads.take(uidOf);

  expect(routes.map(({ uid, revisions }) => [uid, revisions.map(({ revision }) => revision)])).toEqual([
    ['uid-flights', ['flights-1', 'flights-2']],
  ]);
});

it('latencies are those of the requests that ended since the last look, each once', () => {
  const meter = loads.meter(flights, 'flights-1');
  loads.start(() => {});
  const told = [[0.01, 0.01, 0.2], [0.01], [700]].map((took) => {
    for (const seconds of took) meter.ended(false, after(seconds));
    return parseLatencyCounts(loads.take(uidOf).routes[0]?.revisions[0]?.latencies ?? '');
  });

  expect(told).toEqual([
    new Map([
      [latencyStep(0.01), 2],
      [latencyStep(0.2), 1],
    ]),
    new Map([[latencyStep(0.01), 1]]),
    new Map([[latencyStep(700), 1]]),
  ]);
});
