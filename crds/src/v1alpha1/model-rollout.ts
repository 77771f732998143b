import { z } from 'zod';
import { AGE_COLUMN, baseStatus, objectName, READY_COLUMNS, reference, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

const revision = z.strictObject({ revision: objectName.describe('Name of the revision.') });

export const ModelRolloutSpec = withRules(
  z.strictObject({
    inferenceService: reference('The service that changes.'),
    from: revision
      .optional()
      .describe('What served when it began, and serves again after an abort. Of an Undo that a person makes: absent.'),
    to: revision.describe('What shall serve. Of an Undo: the name of a ControllerRevision that the service has.'),
    cause: z
      .enum(['SpecChange', 'AliasMove', 'Refresh', 'Undo'])
      .describe(
        'What made it: another spec, an alias that means another version, or another spec.refresh alone. Undo: a person goes back to an earlier revision, at once, until the service asks for another one than now.',
      ),
    state: z
      .enum(['Running', 'Paused'])
      .default('Running')
      .describe('Paused: it stays where it is until this says Running. A verdict still counts.'),
    verdict: z
      .enum(['Auto', 'Promote', 'Abort'])
      .default('Auto')
      .describe(
        'Promote: all requests go to the candidate as soon as it has all its pods. Abort: all go back at once. Auto: the steps decide.',
      ),
    approvedStep: z
      .number()
      .int()
      .min(0)
      .max(20)
      .default(0)
      .describe('The last step, counted from 1, that a person has approved, for steps with waitFor: Promotion.'),
    try: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1)
      .describe('Raise it to begin an aborted rollout again, from the first step. Approvals stay.'),
  }),
  [
    {
      rule: 'self.inferenceService == oldSelf.inferenceService && has(self.from) == has(oldSelf.from) && (!has(self.from) || self.from == oldSelf.from) && self.to == oldSelf.to && self.cause == oldSelf.cause',
      message:
        'inferenceService, from, to and cause never change; to serve something else change the InferenceService, which makes another ModelRollout',
    },
    { rule: "self.cause == 'Undo' || has(self.from)", message: 'give from, unless cause is Undo' },
    { rule: 'self.approvedStep >= oldSelf.approvedStep', message: 'approvedStep never falls: an approval stays given' },
    { rule: 'self.try >= oldSelf.try', message: 'try never falls: raise it to try again' },
    {
      rule: "oldSelf.verdict != 'Abort' || self.verdict == 'Abort' || self.try > oldSelf.try",
      message: 'to leave verdict: Abort raise try in the same change',
    },
  ],
);
export type ModelRolloutSpec = z.infer<typeof ModelRolloutSpec>;

/** How much of its history the status remembers. */
export const MAX_ROLLOUT_HISTORY = 20;

const event = z.strictObject({
  at: z.string().max(64).meta({ format: 'date-time' }).describe('When the operator saw it.'),
  what: z.string().max(64).describe('The reason of Ready then.'),
  why: z.string().max(1024).describe('Its message.'),
});

const checkVerdict = z.strictObject({
  name: z.string().max(63).describe('Of the check.'),
  verdict: z
    .enum(['Failing', 'NoData', 'Undecided', 'Passing'])
    .describe(
      'Failing: worse than the check allows, and that is no chance. NoData: no request to judge by. Undecided: too few requests, or more than is allowed, which may be chance. Passing: within what is allowed, by enough requests.',
    ),
  value: z
    .number()
    .optional()
    .describe(
      "The candidate's, of two digits: an ErrorRate from 0 to 1, a latency in seconds. Absent without requests.",
    ),
  limit: z
    .number()
    .optional()
    .describe('What it may be, in the same unit. Absent while it hangs on stable and nothing is known of that.'),
  samples: z.number().int().describe('Requests of the candidate that the value is of, of two digits.'),
});

export const ModelRolloutStatus = z.strictObject({
  ...baseStatus,
  step: z.number().int().optional().describe('The step that it is at or waits to take, counted from 1.'),
  steps: z.number().int().optional().describe('How many there are, with the last, which gives it all requests.'),
  weight: z.number().int().optional().describe('Share of the requests that the candidate shall get, in percent.'),
  observedWeight: z
    .number()
    .int()
    .optional()
    .describe('The same, once every gateway that serves goes by it; absent until then.'),
  outcome: z
    .enum(['Promoted', 'Aborted', 'Superseded', 'Withdrawn', 'Refused'])
    .optional()
    .describe(
      'How it ended. Superseded: something else was asked for. Withdrawn: what served already was asked for again. Refused: an Undo that is not possible.',
    ),
  analysis: z
    .array(checkVerdict)
    .max(8)
    .optional()
    .describe(
      'What each check says of the step that was judged last, as of the last minute or the last change of a verdict.',
    ),
  history: z
    .array(event)
    .max(MAX_ROLLOUT_HISTORY)
    .optional()
    .describe('What happened, the newest first. For people: nothing depends on it.'),
});
export type ModelRolloutStatus = z.infer<typeof ModelRolloutStatus>;
export type ModelRollout = CustomObject<'ModelRollout', ModelRolloutSpec, ModelRolloutStatus>;

export const modelRolloutDefinition: KindDefinition = {
  kind: 'ModelRollout',
  plural: 'modelrollouts',
  singular: 'modelrollout',
  shortName: 'slmr',
  description:
    'One change of an InferenceService from one revision to another. Made by the operator, or by a person who goes back to an earlier revision (cause: Undo); people change state, verdict, approvedStep and try.',
  spec: ModelRolloutSpec,
  status: ModelRolloutStatus,
  rules: [
    { rule: 'self.metadata.name.size() <= 63', message: 'metadata.name must have at most 63 characters' },
    {
      rule: "self.spec.cause != 'Undo' || !self.metadata.name.matches('-[0-9]+$')",
      message: 'the name of an Undo must not end in a dash and a number: those are names that the operator gives',
    },
  ],
  columns: [
    { name: 'Service', type: 'string', jsonPath: '.spec.inferenceService.name' },
    { name: 'Step', type: 'integer', jsonPath: '.status.step' },
    { name: 'Weight', type: 'integer', jsonPath: '.status.weight' },
    ...READY_COLUMNS,
    AGE_COLUMN,
  ],
};
