import { describe, expect, it } from 'vitest';
import { readMetrics, trafficBetween } from './traffic.ts';

/** `fast` answers within 10 ms, `slow` within 100 ms. */
function metrics(counts: { fast: number; slow: number; rejected?: number; wrong?: number }): string {
  const { fast, slow, rejected = 0, wrong = 0 } = counts;
  return `# HELP nv_inference_request_success Requests that were answered
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="fare",version="1"} ${fast + slow}
nv_inference_request_success{model="other",version="1"} 1000
nv_inference_request_failure{model="fare",version="1",reason="REJECTED"} ${rejected}
nv_inference_request_failure{model="fare",version="1",reason="OTHER"} ${wrong}
slipway_inference_duration_seconds_bucket{le="0.01",model="fare",version="1"} ${fast}
slipway_inference_duration_seconds_bucket{le="0.1",model="fare",version="1"} ${fast + slow}
slipway_inference_duration_seconds_bucket{le="+Inf",model="fare",version="1"} ${fast + slow}
process_cpu_seconds_total 4.2
`;
}

const read = (atMs: number, counts: Parameters<typeof metrics>[0]) => readMetrics(metrics(counts), 'fare', atMs);

describe('traffic', () => {
  it('is what was counted between two readings', () => {
    const before = read(1_000, { fast: 100, slow: 100 });
    const after = read(3_000, { fast: 290, slow: 110 });

    const traffic = trafficBetween([[before, after]]);

    expect(traffic).toMatchObject({ rate: 100, errors: 0 });
    // The 198th of 200 is the 8th of the 10 in the bucket from 10 to 100 ms.
    expect(traffic?.p99).toBeCloseTo(0.01 + 0.09 * 0.8);
  });

  it('adds up the pods of a service', () => {
    const pod = [read(0, { fast: 0, slow: 0 }), read(1_000, { fast: 50, slow: 0 })] as const;

    expect(trafficBetween([pod, pod])).toMatchObject({ rate: 100, errors: 0 });
  });

  it('counts as errors what the server failed, not what was wrong', () => {
    const after = read(1_000, { fast: 90, slow: 0, rejected: 5, wrong: 5 });

    expect(trafficBetween([[read(0, { fast: 0, slow: 0 }), after]])).toMatchObject({ rate: 100, errors: 0.05 });
  });

  it('takes a counter that fell for one that began anew', () => {
    const traffic = trafficBetween([[read(0, { fast: 500, slow: 0 }), read(1_000, { fast: 10, slow: 0 })]]);

    expect(traffic?.rate).toBe(10);
  });

  it('knows no latency and no errors where nothing was asked, and nothing where nothing was read', () => {
    const quiet = read(0, { fast: 7, slow: 0 });

    expect(trafficBetween([[quiet, { ...quiet, atMs: 1_000 }]])).toEqual({
      rate: 0,
      p99: undefined,
      errors: undefined,
    });
    expect(trafficBetween([])).toBeUndefined();
  });
});
