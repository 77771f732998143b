import { z } from 'zod';
import {
  AGE_COLUMN,
  baseStatus,
  listMap,
  PARENT_NAME_RULE,
  READY_COLUMNS,
  reference,
  resources,
  storeReference,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { aliasName } from './model-alias.ts';

/** What can be measured, and what it is called in results, after the split; docs/metrics.md has the definitions. */
const METRICS = {
  Auc: { name: 'auc', better: 'Higher' },
  LogLoss: { name: 'log_loss', better: 'Lower' },
  Accuracy: { name: 'accuracy', better: 'Higher' },
  F1: { name: 'f1', better: 'Higher' },
  Brier: { name: 'brier', better: 'Lower' },
  RootMeanSquaredError: { name: 'root_mean_squared_error', better: 'Lower' },
  MeanAbsoluteError: { name: 'mean_absolute_error', better: 'Lower' },
  R2: { name: 'r2', better: 'Higher' },
} as const;
export type EvaluationMetric = keyof typeof METRICS;

const metricNames = Object.keys(METRICS) as [EvaluationMetric, ...EvaluationMetric[]];
export const evaluationMetric = z.enum(metricNames);
export const evaluationSplit = z.enum(['Test', 'Validation']);
export type EvaluationSplit = z.infer<typeof evaluationSplit>;

/** `test.log_loss` for LogLoss on the split Test. */
export function metricName(split: EvaluationSplit, metric: EvaluationMetric): string {
  return `${split.toLowerCase()}.${METRICS[metric].name}`;
}

/** Whether a higher or a lower value of `test.auc` and the like is better; undefined for a name that no evaluation gives. */
export function betterOf(name: string): 'Higher' | 'Lower' | undefined {
  const [, measured] = name.split('.');
  return Object.values(METRICS).find((metric) => metric.name === measured)?.better;
}

export const metricSource = z
  .enum(['Evaluation', 'Training', 'Imported', 'Declared'])
  .describe(
    'Who says so. Evaluation: a Job of ours measured it. Training: the TrainingJob reported it. Imported: the version came from elsewhere and brought it along. Declared: whoever wrote the version.',
  );
export type MetricSource = z.infer<typeof metricSource>;

/** The new version is one of the four that an evaluation scores. */
const MAX_RESCORED = 3;

const evaluation = z
  .strictObject({
    dataset: reference(
      'The Dataset. Its newest DatasetVersion at the moment of the evaluation is taken, and recorded.',
    ),
    split: evaluationSplit.default('Test').describe('The split whose rows are scored; no training sees Test.'),
    metrics: z
      .array(evaluationMetric)
      .min(1)
      .max(metricNames.length)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('What is measured: metrics of classes (Auc, LogLoss, Accuracy, F1, Brier) or of numbers (the others).'),
    rescore: z
      .array(aliasName.describe('An alias of this Model.'))
      .max(MAX_RESCORED)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Aliases whose versions, as they are at that moment, are scored on the same rows.'),
    resources: resources.optional(),
  })
  .describe('How each version is measured once its bytes are verified: by a Job, and once.');
export type ModelEvaluation = z.infer<typeof evaluation>;

const notWorseThan = z
  .strictObject({
    alias: aliasName.describe('The version that this alias meant when the evaluation began. It must be in rescore.'),
    by: z.number().min(0).default(0).describe('How much worse it may be, in the unit of the metric.'),
    whenNoChampion: z
      .enum(['Pass', 'Fail'])
      .default('Pass')
      .describe('What to say where there was no such alias, as before the first release.'),
  })
  .describe('Compares with another version, scored on the same rows.');

const gate = withRules(
  z.strictObject({
    name: z.string().min(1).max(63).describe('What people read in verdicts.'),
    metric: z.string().min(1).max(128).describe('For example test.auc.'),
    sources: z
      .array(metricSource)
      .min(1)
      .max(metricSource.options.length)
      .default(['Evaluation'])
      .describe('Whose word is taken; the first of them that has the metric counts.'),
    min: z.number().optional().describe('The value must not be below it.'),
    max: z.number().optional().describe('The value must not be above it.'),
    notWorseThan: notWorseThan.optional(),
    whenMissing: z
      .enum(['Fail', 'Pass'])
      .default('Fail')
      .describe('What to say where the metric is not there, or not defined on these rows.'),
  }),
  [
    {
      rule: 'has(self.min) || has(self.max) || has(self.notWorseThan)',
      message: 'give at least one of min, max and notWorseThan',
    },
    { rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not be above max' },
    {
      rule: "!has(self.notWorseThan) || self.sources == ['Evaluation']",
      message: 'notWorseThan needs sources: [Evaluation], because only an evaluation scores both on the same rows',
    },
  ],
);
export type Gate = z.infer<typeof gate>;

const MAX_APPROVERS = 10;

const approval = z
  .strictObject({
    required: z
      .enum(['Never', 'Always'])
      .describe('Always: a service starts a version only once people have approved it. Never: as if it were left out.'),
    count: z.number().int().min(1).max(MAX_APPROVERS).default(1).describe('How many different people have to.'),
  })
  .describe('Whether people have to approve a version, with objects of the kind Approval. Default: nobody has to.');
export type ModelApproval = z.infer<typeof approval>;

const NAMES_IN_CEL = `{${Object.entries(METRICS)
  .map(([metric, { name }]) => `'${metric}': '${name}'`)
  .join(', ')}}`;

export const ModelSpec = withRules(
  z.strictObject({
    store: storeReference.describe('Where its versions are published. Default: the Store named "default".'),
    evaluation: evaluation.optional(),
    approval: approval.optional(),
    compatibility: z
      .enum(['Warn', 'Refuse'])
      .default('Warn')
      .describe(
        'What a service does that is to change to a version which those who call the present one cannot call the same way: tell of it and change, or refuse.',
      ),
    retention: z
      .strictObject({
        keepLast: z
          .number()
          .int()
          .min(1)
          .max(1000)
          .describe('How many versions stay that have passed; older ones go, unless they are in use.'),
      })
      .optional()
      .describe('Deletes ModelVersions that are too many. Their bytes stay. Default: all stay.'),
    gates: listMap(gate, 16, ['name'])
      .optional()
      .describe(
        'What each version has to pass before a service starts it. The verdict on a version does not change later.',
      ),
  }),
  [
    {
      rule: "!has(self.gates) || has(self.evaluation) || self.gates.all(g, !g.sources.exists(s, s == 'Evaluation'))",
      message: 'gates judge what an evaluation measured: add spec.evaluation, or name other sources of the metric',
    },
    {
      rule: `!has(self.gates) || !has(self.evaluation) || self.gates.all(g, g.sources != ['Evaluation'] || self.evaluation.metrics.exists(m, g.metric == self.evaluation.split.lowerAscii() + '.' + ${NAMES_IN_CEL}[m]))`,
      message:
        'a gate names a metric that spec.evaluation does not measure: it is <split>.<metric>, such as test.auc for Auc on Test',
    },
    {
      rule: '!has(self.gates) || !has(self.evaluation) || self.gates.all(g, !has(g.notWorseThan) || self.evaluation.rescore.exists(a, a == g.notWorseThan.alias))',
      message: 'list the alias of notWorseThan in spec.evaluation.rescore, so that it is scored on the same rows',
    },
  ],
);
export type ModelSpec = z.infer<typeof ModelSpec>;
export const ModelStatus = z.strictObject({
  ...baseStatus,
  versions: z.number().int().optional().describe('How many ModelVersions there are.'),
  latest: z.strictObject({ name: z.string().max(63), number: z.number().int() }).optional(),
});
export type ModelStatus = z.infer<typeof ModelStatus>;
export type Model = CustomObject<'Model', ModelSpec, ModelStatus>;

export const modelDefinition: KindDefinition = {
  kind: 'Model',
  plural: 'models',
  singular: 'model',
  shortName: 'slmo',
  description: 'A name for the versions of one model, where they are published, and what they have to pass.',
  spec: ModelSpec,
  status: ModelStatus,
  rules: [PARENT_NAME_RULE],
  columns: [
    ...READY_COLUMNS,
    { name: 'Latest', type: 'string', jsonPath: '.status.latest.name' },
    { name: 'Versions', type: 'integer', jsonPath: '.status.versions' },
    AGE_COLUMN,
  ],
};
