/** What a service may ask of Slipway's own model server. */
import { z } from 'zod';
import { duration, matching, withRules } from './common.ts';
import type { Rule } from './common.ts';

const count = (max: number) => z.number().int().min(1).max(max);

const memory = matching(
  /^[1-9][0-9]{0,5}(Ki|Mi|Gi)$/,
  8,
  'must be an amount of memory with Ki, Mi or Gi, such as 64Mi or 1Gi',
);

/** CEL cannot see into them, so the operator checks the values and says so in a condition. */
const value = z
  .union([z.number(), z.string().max(256), z.boolean()])
  .meta({ 'x-kubernetes-preserve-unknown-fields': true });

const warmUpInput = z.strictObject({
  name: z.string().min(1).max(255).describe('Name of the input, as the model has it.'),
  shape: z.array(z.number().int().min(0)).max(32).describe('Its sizes.'),
  data: z.array(value).max(4096).describe('Its elements, flat, in the order of rows.'),
});

export const serverSettings = withRules(
  z.strictObject({
    instances: count(64).default(1).describe('Copies of the model in one pod that work in parallel.'),
    threads: count(64).optional().describe('Threads of one run of one copy. Without it: 1.'),
    maxBatch: count(65_536)
      .optional()
      .describe(
        'Rows of one run at most, over all requests that share it; 1: none share one. Without it: measured when the model is loaded.',
      ),
    maxQueued: count(1_000_000)
      .optional()
      .describe('Rows that may wait in one pod; more requests are refused with 503 or UNAVAILABLE. Without it: 4096.'),
    maxQueuedMemory: memory.optional().describe('The same, in memory of what waits. Without it: 256Mi.'),
    timeout: duration
      .optional()
      .describe('How long a request may take that names no deadline of its own. Without it: 30s.'),
    maxRunTime: duration
      .optional()
      .describe('A run that takes longer counts as hung, and its copy of the model is replaced. Without it: 60s.'),
    isolation: z
      .enum(['Thread', 'Process', 'None'])
      .optional()
      .describe(
        'Where a copy runs. Process: it can be killed when it hangs, and a crash ends only itself. None: on the thread that answers the network, for models of microseconds. Without it: Thread.',
      ),
    cache: memory
      .optional()
      .describe('Memory for answers to requests that are equal to the last bit. Without it no answer is kept.'),
    warmUp: z
      .array(z.strictObject({ inputs: z.array(warmUpInput).min(1).max(64).describe('One of each of the model.') }))
      .max(16)
      .optional()
      .describe('Requests that each copy answers before it is ready. Without it: one of zeros.'),
  }),
  [
    {
      rule: "!has(self.isolation) || self.isolation != 'None' || self.instances == 1",
      message: 'isolation None has one copy, on the one thread that answers the network; leave instances out',
    },
    {
      rule: "!has(self.timeout) || (duration(self.timeout) >= duration('1ms') && duration(self.timeout) <= duration('24h'))",
      message: 'timeout must be from 1ms to 24h',
    },
    {
      rule: "!has(self.maxRunTime) || (duration(self.maxRunTime) >= duration('100ms') && duration(self.maxRunTime) <= duration('24h'))",
      message: 'maxRunTime must be from 100ms to 24h',
    },
  ],
);

const OPTIONAL = Object.entries(serverSettings.shape)
  .filter(([, { def }]) => def.type === 'optional')
  .map(([name]) => `!has(self.settings.${name})`);

/** Of a spec with `settings` and `runtime`. */
export const SETTINGS_OF_OURS: Rule = {
  rule: ['!has(self.runtime) || (self.settings.instances == 1', ...OPTIONAL].join(' && ') + ')',
  message:
    "settings are those of Slipway's own model server; that of spec.runtime gets variables, in env of the runtime",
};
