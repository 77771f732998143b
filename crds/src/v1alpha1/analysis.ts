import { z } from 'zod';
import { duration, listMap, withRules } from './common.ts';
import type { Rule } from './common.ts';

const metric = z
  .enum(['ErrorRate', 'LatencyP50', 'LatencyP95', 'LatencyP99'])
  .describe(
    'What the gateways count. ErrorRate: the share of requests that failed by the fault of the servers (5xx; UNAVAILABLE, INTERNAL, UNKNOWN, DEADLINE_EXCEEDED). LatencyP95: what 95 % of requests do not take longer than, from their head to the head of the answer.',
  );

const latencyBounds = (field: string, lowest: string): Rule => ({
  rule: `!has(self.${field}) || (duration(self.${field}) >= duration('${lowest}') && duration(self.${field}) <= duration('10m'))`,
  message: `${field} must be from ${lowest} to 10m`,
});

const notWorseThanStable = withRules(
  z
    .strictObject({
      factor: z
        .number()
        .min(1)
        .max(100)
        .optional()
        .describe("What the candidate's value may be, as a multiple of stable's: 1.2 is a fifth more."),
      by: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe("How much the candidate's ErrorRate may be above stable's: 0.01 is one per cent of all requests."),
      byLatency: duration
        .optional()
        .describe("How much the candidate's latency may be above stable's, for example 50ms. From 1ms to 10m."),
    })
    .describe('The candidate against stable, on the requests of the same time.'),
  [
    {
      rule: '[has(self.factor), has(self.by), has(self.byLatency)].filter(given, given).size() == 1',
      message: 'give exactly one of factor, by and byLatency',
    },
    latencyBounds('byLatency', '1ms'),
  ],
);

const check = withRules(
  z.strictObject({
    name: z.string().min(1).max(63).describe('What people read in verdicts.'),
    metric,
    max: z.number().min(0).max(1).optional().describe('The ErrorRate must not be above it: 0.01 is one per cent.'),
    maxLatency: duration.optional().describe('The latency must not be above it, for example 250ms. From 1ms to 10m.'),
    notWorseThanStable: notWorseThanStable.optional(),
  }),
  [
    {
      rule: '[has(self.max), has(self.maxLatency), has(self.notWorseThanStable)].filter(given, given).size() == 1',
      message: 'give exactly one of max (of an ErrorRate), maxLatency and notWorseThanStable',
    },
    {
      rule: "self.metric == 'ErrorRate' || (!has(self.max) && !(has(self.notWorseThanStable) && has(self.notWorseThanStable.by)))",
      message: 'max and by are for ErrorRate; write maxLatency: 250ms or byLatency: 50ms for a latency',
    },
    {
      rule: "self.metric != 'ErrorRate' || (!has(self.maxLatency) && !(has(self.notWorseThanStable) && has(self.notWorseThanStable.byLatency)))",
      message: 'maxLatency and byLatency are for latencies; write max: 0.01 or by: 0.01 for an ErrorRate',
    },
    latencyBounds('maxLatency', '1ms'),
  ],
);
export type AnalysisCheck = z.infer<typeof check>;

export const analysis = z
  .strictObject({
    minSamples: z
      .number()
      .int()
      .min(1)
      .max(1_000_000_000)
      .default(100)
      .describe(
        'No check passes before the candidate had so many requests in a step, nor, with notWorseThanStable, before stable had them. A check may fail before.',
      ),
    onNoData: z
      .enum(['Hold', 'Abort', 'Continue'])
      .default('Hold')
      .describe(
        'What to do when the time of a step is over and there was no request to judge by. Hold: wait for some. Abort: go back to stable. Continue: go on as if it had passed.',
      ),
    checks: listMap(check, 8, ['name']).min(1).describe('What has to hold. One that fails aborts the rollout.'),
  })
  .describe('How the candidate is judged, from what the gateways count.');
export type Analysis = z.infer<typeof analysis>;
