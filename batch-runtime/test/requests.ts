/** Small requests that work, for tests to break in one place. */
import { join } from 'node:path';

export const WEATHER = `origin,time,temp,wind
EWR,2013-01-01T10:00:00Z,39.02,10
EWR,2013-01-01T11:00:00Z,40.5,12
JFK,2013-01-01T10:00:00Z,,1048
JFK,2013-01-01T12:00:00Z,38,9
`;

type Overrides = Readonly<Record<string, unknown>>;

export function materialiseRequest(store: string, overrides: Overrides = {}): Record<string, unknown> {
  return {
    featureSet: 'weather',
    definition: 'abc123',
    run: 1,
    source: { dir: store, path: 'weather.csv', format: 'Csv' },
    time: { event: 'time' },
    entities: [{ name: 'origin', type: 'String' }],
    features: [
      { name: 'temp', type: 'Float32' },
      { name: 'wind', type: 'Float64' },
    ],
    checks: [],
    outputDir: join(store, 'features/weather/abc123/1'),
    ...overrides,
  };
}

/** 400 rows an hour apart from 2013-01-01; the label is 1 in every third row. */
export function flightRows(columns: Readonly<Record<string, (row: number) => string | number>> = {}): string {
  const all = {
    origin: (row: number) => (row % 2 === 0 ? 'EWR' : 'JFK'),
    at: (row: number) => new Date(Date.UTC(2013, 0, 1, row)).toISOString(),
    distance: (row: number) => (row * 7919) % 1000,
    landed: (row: number) => new Date(Date.UTC(2013, 0, 1, row + 2)).toISOString(),
    late: (row: number) => (row % 3 === 0 ? 1 : 0),
    ...columns,
  };
  const names = Object.keys(all);
  const makers = Object.values(all);
  const lines = Array.from({ length: 400 }, (_, row) => makers.map((make) => make(row)).join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}

export function datasetRequest(
  store: string,
  rows: Overrides = {},
  overrides: Overrides = {},
): Record<string, unknown> {
  return {
    dataset: 'flights',
    rows: {
      source: { dir: store, path: 'flights.csv', format: 'Csv' },
      keys: ['origin'],
      at: { column: 'at', offset: '0s' },
      request: ['distance'],
      label: { column: 'late', onNull: 'Drop', onLeak: 'Fail' },
      ...rows,
    },
    features: [],
    split: { by: 'Time', validationFrom: '2013-01-10T00:00:00Z', testFrom: '2013-01-14T00:00:00Z', gap: '0s' },
    outputParent: join(store, 'datasets/flights'),
    ...overrides,
  };
}
