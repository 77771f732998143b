/** How much each revision had to do between two looks. */
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

const quiet = { requests: 0, errors: 0, seconds: 0 };

it('concurrency is the average over the time, whenever requests came and went within it', () => {
  const meter = loads.meter(flights, 'flights-1');
  loads.start(() => {});
  now += 250;
  meter.started();
  meter.started();
  now += 500;
  meter.left();
  meter.ended(false, 0.5);
  now += 250;

  expect(loads.take(uidOf)).toEqual({
    milliseconds: 1000,
    routes: [
      {
        uid: 'uid-flights',
        held: 0,
        revisions: [{ revision: 'flights-1', concurrency: 1.25, requests: 1, errors: 0, seconds: 0.5 }],
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
      meter.ended(true, 3);
    }
    return loads.take(uidOf).routes[0]?.revisions[0];
  });
  now += 1000;

  expect(told).toEqual([
    { ...quiet, revision: 'flights-1', concurrency: 1 },
    { ...quiet, revision: 'flights-1', concurrency: 1 },
    { revision: 'flights-1', concurrency: 1, requests: 1, errors: 1, seconds: 3 },
  ]);
  expect(loads.take(uidOf).routes).toEqual([]);
});

it('what went on before anybody looked counts from then on', () => {
  const meter = loads.meter(flights, 'flights-1');
  meter.started();
  meter.started();
  meter.ended(false, 1);
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
  meter.ended(false, 9);
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
