import { describe, expect, it } from 'vitest';
import { readMetrics, trafficBetween } from './traffic.ts';
import type { Reading } from './traffic.ts';

interface Given {
  readonly revision?: string;
  /** Requests that took up to 10 ms, and up to 100 ms. */
  readonly fast?: number;
  readonly slow?: number;
  /** Instead of those, by protocol and code. */
  readonly codes?: Readonly<Record<string, number>>;
}

function metricsOf({ revision = 'a', fast = 0, slow = 0, codes = { 'http 200': fast + slow } }: Given): string[] {
  const of = `namespace="team",service="fare",revision="${revision}"`;
  const duration = (le: string, count: number) =>
    `slipway_gateway_request_duration_seconds_bucket{le="${le}",${of},protocol="http"} ${count}`;
  return [
    ...Object.entries(codes).map(([code, count]) => {
      const [protocol, number] = code.split(' ');
      return `slipway_gateway_requests_total{${of},protocol="${protocol}",code="${number}"} ${count}`;
    }),
    duration('0.01', fast),
    duration('0.1', fast + slow),
    duration('+Inf', fast + slow),
    `slipway_gateway_requests_in_flight{${of}} 3`,
  ];
}

function read(atMs: number, ...given: readonly Given[]): Reading {
  const others = [
    '# HELP slipway_gateway_requests_total Requests that ended, by the status of HTTP or the code of gRPC',
    '# TYPE slipway_gateway_requests_total counter',
    `slipway_gateway_requests_total{namespace="other",service="fare",revision="a",protocol="http",code="200"} ${atMs}`,
    'process_cpu_seconds_total 4.2',
  ];
  return readMetrics([...others, ...given.flatMap(metricsOf)].join('\n'), atMs);
}

const SERVICE = 'team/fare';

describe('traffic', () => {
  it('is what was counted between two readings', () => {
    const pair = [read(1_000, { fast: 100, slow: 100 }), read(3_000, { fast: 290, slow: 110 })] as const;

    const traffic = trafficBetween([pair], SERVICE);

    expect(traffic).toMatchObject({ rate: 100, errors: 0 });
    // The 198th of 200 is the 8th of the 10 in the bucket from 10 to 100 ms.
    expect(traffic?.p99).toBeCloseTo(0.01 + 0.09 * 0.8);
  });

  it('adds up the gateways, each over its own time', () => {
    const one = [read(0, { fast: 0 }), read(1_000, { fast: 50 })] as const;
    const other = [read(0, { fast: 0 }), read(2_000, { fast: 50 })] as const;

    expect(trafficBetween([one, other], SERVICE)).toMatchObject({ rate: 75, errors: 0 });
  });

  it('adds up the revisions, and says which share each was given', () => {
    const before = read(0, { revision: 'a', fast: 7 }, { revision: 'old', fast: 9 });
    const after = read(1_000, { revision: 'a', fast: 82 }, { revision: 'b', fast: 25 }, { revision: 'old', fast: 9 });

    const traffic = trafficBetween([[before, after]], SERVICE);

    expect(traffic?.rate).toBe(100);
    expect(traffic?.shares).toEqual(
      new Map([
        ['a', 0.75],
        ['b', 0.25],
      ]),
    );
  });

  it('counts as errors what the servers failed, not what was wrong', () => {
    const failed = { 'http 500': 1, 'http 503': 2, 'grpc 2': 1, 'grpc 4': 2, 'grpc 13': 1, 'grpc 14': 3 };
    const wrong = { 'http 200': 75, 'http 404': 5, 'http 499': 2, 'grpc 0': 4, 'grpc 3': 3, 'grpc 1': 1 };

    const traffic = trafficBetween([[read(0), read(1_000, { codes: { ...failed, ...wrong } })]], SERVICE);

    expect(traffic).toMatchObject({ rate: 100, errors: 0.1 });
  });

  it('takes a gateway that counts less than before for one that began anew', () => {
    const traffic = trafficBetween([[read(0, { fast: 500 }), read(1_000, { fast: 10 })]], SERVICE);

    expect(traffic?.rate).toBe(10);
  });

  it('knows no latency and no errors where nothing was asked, and nothing where nothing was read', () => {
    const nothing = { rate: 0, p99: undefined, errors: undefined, shares: new Map() };

    expect(trafficBetween([[read(0, { fast: 7 }), read(1_000, { fast: 7 })]], SERVICE)).toEqual(nothing);
    expect(trafficBetween([[read(0), read(1_000)]], SERVICE)).toEqual(nothing);
    expect(trafficBetween([], SERVICE)).toBeUndefined();
  });
});
