import { z } from 'zod';
import { duration, withRules } from './common.ts';
import { cron, timeZone } from './cron.ts';

const target = withRules(
  z.strictObject({
    concurrency: z.number().gt(0).max(10_000).optional().describe('Requests at a time, on average over a minute.'),
    requestsPerSecond: z.number().gt(0).max(1_000_000).optional().describe('Requests that end in a second.'),
    latency: duration
      .optional()
      .describe(
        'How long a request may take, on average, from the gateway and back. Where one that is alone takes longer, more pods do not help, and there will be max of them.',
      ),
  }),
  [
    {
      rule: '[has(self.concurrency), has(self.requestsPerSecond), has(self.latency)].filter(given, given).size() == 1',
      message: 'give exactly one of concurrency, requestsPerSecond and latency',
    },
    {
      rule: "!has(self.latency) || duration(self.latency) >= duration('1ms')",
      message: 'latency must be 1ms or more',
    },
  ],
).describe('What one pod shall have to do. The gateways count it, and the operator chooses the number of pods.');

const scheduledMinimum = z.strictObject({
  from: cron.describe('When it begins, as cron has it: `0 7 * * 1-5` is seven in the morning from Monday to Friday.'),
  until: cron.describe('When it ends, as cron has it.'),
  timeZone,
  min: z.number().int().min(1).max(1000).describe('Never fewer pods in that time.'),
});

export const scaling = withRules(
  z.strictObject({
    replicas: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe(
        'Pods. Also written by `kubectl scale`, by autoscalers of Kubernetes, and by the operator where there is a target: leave it out of Git then.',
      ),
    min: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        'Never fewer pods, whatever replicas says. Default: 1 with a target, else 0. 0 with a target: none while nobody asks.',
      ),
    max: z.number().int().min(1).max(1000).optional().describe('Never more pods, whatever replicas says.'),
    target: target.optional(),
    schedule: z
      .array(scheduledMinimum)
      .max(8)
      .optional()
      .describe('Times when there are more pods than min at the least. Where several hold, the highest counts.'),
    idleAfter: duration
      .optional()
      .describe(
        'How long nobody must have asked before the last pod goes, where min is 0. From 10s to 24h. Default: 5m.',
      ),
  }),
  [
    {
      rule: '!has(self.target) || has(self.max)',
      message: 'a target needs max, so that it is bounded what it may cost',
    },
    {
      rule: '!has(self.max) || (has(self.min) ? self.min : 0) <= self.max',
      message: 'min must not be above max',
    },
    { rule: '!has(self.schedule) || has(self.target)', message: 'schedule needs a target' },
    {
      rule: '!has(self.schedule) || !has(self.max) || self.schedule.all(s, s.min <= self.max)',
      message: 'min of a schedule must not be above max',
    },
    {
      rule: '!has(self.idleAfter) || (has(self.target) && has(self.min) && self.min == 0)',
      message: 'idleAfter is for services that go to zero: it needs a target and min: 0',
    },
    {
      rule: "!has(self.idleAfter) || (duration(self.idleAfter) >= duration('10s') && duration(self.idleAfter) <= duration('24h'))",
      message: 'idleAfter must be from 10s to 24h',
    },
  ],
);
