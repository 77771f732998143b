import { z } from 'zod';
import { analysis } from './analysis.ts';
import { digest, duration, withRules } from './common.ts';
import { ONE_STICKY_FIELD, stickyFields } from './sticky.ts';

const step = withRules(
  z.strictObject({
    weight: z
      .number()
      .int()
      .min(1)
      .max(99)
      .optional()
      .describe('Share of the requests that the candidate answers, in percent.'),
    mirrorPercent: z
      .number()
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(
        "Instead of a weight: share of the requests of which the candidate gets a copy, in percent. What it answers is thrown away. Slipway's gateways do that alone.",
      ),
    atLeast: duration
      .optional()
      .describe('How long the step lasts at least, from when every gateway goes by it. A mirrorPercent needs it.'),
    waitFor: z
      .enum(['Promotion'])
      .optional()
      .describe('Promotion: the step ends when spec.approvedStep of the ModelRollout is its number, counted from 1.'),
  }),
  [
    { rule: 'has(self.weight) != has(self.mirrorPercent)', message: 'give exactly one of weight and mirrorPercent' },
    {
      rule: '!has(self.mirrorPercent) || (has(self.atLeast) && !has(self.waitFor))',
      message: 'a step with mirrorPercent needs atLeast, and cannot have waitFor',
    },
  ],
);

const canary = withRules(
  z.strictObject({
    steps: z
      .array(step)
      .min(1)
      .max(20)
      .describe('Copies first, then weights that rise. After the last of them the candidate gets all requests.'),
    deadline: z
      .strictObject({
        after: duration.describe('From its beginning, without the time for which it was paused.'),
        // oxlint-disable-next-line unicorn/no-thenable -- the word for people; nothing awaits a schema
        then: z
          .enum(['Abort', 'Promote'])
          .default('Abort')
          .describe('Abort: all requests go back to the stable revision. Promote: the candidate gets all requests.'),
      })
      .optional()
      .describe('What becomes of a rollout that has not ended by then. Without it: it goes on.'),
    sticky: withRules(z.strictObject(stickyFields), [ONE_STICKY_FIELD])
      .optional()
      .describe(
        'Which value of a request decides who answers it, so that one caller keeps to one revision while weights stay, and to the candidate when they rise. Without it, or where the value is missing: chance.',
      ),
    analysis: analysis
      .optional()
      .describe(
        'How the candidate is judged, from what the gateways count, anew in each step with a weight: such a step ends when all checks pass, and one that fails aborts the rollout at any time. Without it: steps end by time and by people alone.',
      ),
  }),
  [
    {
      rule: 'self.steps.map(step, has(step.weight) ? step.weight : 0).isSorted()',
      message: 'weights must rise from step to step, and steps with mirrorPercent come before the first weight',
    },
    {
      rule: 'self.steps.all(step, !has(step.weight) || self.steps.exists_one(other, has(other.weight) && other.weight == step.weight))',
      message: 'two steps must not have the same weight: give one of them a longer atLeast instead',
    },
    {
      rule: "!has(self.analysis) || !has(self.analysis.onNoData) || self.analysis.onNoData == 'Hold' || self.steps.all(step, has(step.atLeast))",
      message:
        'with onNoData: Abort or Continue each step needs atLeast, the time for which it waits for requests; or write onNoData: Hold',
    },
  ],
);

export const rollout = withRules(
  z.strictObject({
    strategy: z
      .enum(['Rolling', 'Canary'])
      .default('Rolling')
      .describe('Rolling: all requests at once, when all pods of the candidate answer. Canary: step by step.'),
    canary: canary.optional().describe('The steps of a canary, and what ends it.'),
    acceptAgain: z
      .array(digest)
      .max(20)
      .optional()
      .describe(
        'Digests of models that were rolled back here and shall be tried again. Without it such a rollout stays at its beginning (PreviouslyRolledBack).',
      ),
  }),
  [
    {
      rule: "(self.strategy == 'Canary') == has(self.canary)",
      message: 'give canary, the steps to take, with strategy: Canary and only with that',
    },
  ],
).describe('How the service changes to another revision: a ModelRollout for each change.');
