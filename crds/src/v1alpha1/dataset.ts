import { z } from 'zod';
import {
  AGE_COLUMN,
  baseStatus,
  columnName,
  duration,
  files,
  matching,
  PARENT_NAME_RULE,
  READY_COLUMNS,
  reference,
  resources,
  run,
  sqlText,
  storeReference,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

const instant = matching(
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$/,
  64,
  'must be an instant such as 2013-09-01T00:00:00Z, with Z or an offset',
).describe('An instant as RFC 3339, for example 2013-09-01T00:00:00Z.');

export const datasetLabel = z
  .strictObject({
    column: columnName.describe('What the model shall predict.'),
    knownAt: columnName
      .optional()
      .describe(
        'When the label became known. Training rows whose label was not known when validation starts are left out.',
      ),
    onNull: z.enum(['Drop', 'Fail']).default('Drop').describe('Drop: rows without a label are left out and counted.'),
    onLeak: z
      .enum(['Fail', 'Warn'])
      .default('Fail')
      .describe('What happens when one column alone tells the label (nearly) without error, as only a leak does.'),
  })
  .describe('The label of each row.');

export const datasetSplit = withRules(
  z
    .strictObject({
      by: z.enum(['Time']).default('Time').describe('Rows are split by the moment of their prediction.'),
      validationFrom: instant,
      testFrom: instant.optional(),
      gap: duration.default('0s').describe('Rows in this span before each border are left out of the split before it.'),
    })
    .describe('Train, validation and test, in this order in time.'),
  [
    {
      rule: '!has(self.testFrom) || timestamp(self.validationFrom) < timestamp(self.testFrom)',
      message: 'validationFrom must be before testFrom',
    },
  ],
);

const datasetFeature = z.strictObject({
  featureSet: reference('The FeatureSet to join, in the same namespace.'),
  select: z.array(columnName).min(1).max(256).optional().describe('Some of its features. Default: all.'),
});

export const DatasetSpec = withRules(
  z.strictObject({
    rows: withRules(
      z
        .strictObject({
          files,
          transform: z.strictObject({ sql: sqlText }).optional().describe('Turns the files into rows.'),
          keys: z.array(columnName).min(1).max(16).describe('Columns that name the entities of the FeatureSets.'),
          at: z
            .strictObject({ column: columnName, offset: duration.default('0s').describe('Added to the column.') })
            .describe('When the prediction is made; nothing known later is joined.'),
          request: z
            .array(columnName)
            .max(256)
            .default([])
            .describe('Columns that the caller will send with each request.'),
          label: datasetLabel,
        })
        .describe('One row a prediction; exactly one row comes out for each, but for those without a label.'),
      [
        {
          rule: '!has(self.request) || !self.request.exists(c, c == self.label.column)',
          message: 'the label must not be a request column',
        },
      ],
    ),
    features: z
      .array(datasetFeature)
      .max(64)
      .default([])
      .describe('FeatureSets joined onto the rows as they were known at the moment of each prediction.'),
    split: datasetSplit,
    store: storeReference,
    resources: resources.optional(),
    run,
  }),
  [
    {
      rule: '!has(self.features) || self.features.all(f, self.features.exists_one(g, g.featureSet.name == f.featureSet.name))',
      message: 'name each FeatureSet once and list what you need of it in select',
    },
  ],
);
export type DatasetSpec = z.infer<typeof DatasetSpec>;

export const DatasetStatus = z.strictObject({
  ...baseStatus,
  latest: z
    .strictObject({ name: z.string().max(63), recipe: z.string().max(64), rows: z.number().int() })
    .optional()
    .describe('The DatasetVersion of the newest recipe that was built.'),
});
export type DatasetStatus = z.infer<typeof DatasetStatus>;
export type Dataset = CustomObject<'Dataset', DatasetSpec, DatasetStatus>;

export const datasetDefinition: KindDefinition = {
  kind: 'Dataset',
  plural: 'datasets',
  singular: 'dataset',
  shortName: 'slds',
  description:
    'A recipe for training data: rows with the moment of a prediction and a label, and features joined point-in-time.',
  spec: DatasetSpec,
  status: DatasetStatus,
  rules: [PARENT_NAME_RULE],
  columns: [
    ...READY_COLUMNS,
    { name: 'Version', type: 'string', jsonPath: '.status.latest.name' },
    { name: 'Rows', type: 'integer', jsonPath: '.status.latest.rows' },
    AGE_COLUMN,
  ],
};
