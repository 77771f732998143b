import { z } from 'zod';
import {
  AGE_COLUMN,
  baseStatus,
  columnName,
  digest,
  duration,
  files,
  keyColumn,
  listMap,
  matching,
  PARENT_NAME_RULE,
  READY_COLUMNS,
  resources,
  run,
  sqlText,
  storeReference,
  valueType,
  withRules,
} from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

export const windowSpec = z
  .strictObject({
    function: z.enum(['Mean', 'Sum', 'Min', 'Max', 'Count']).describe('What is computed over the rows of the window.'),
    of: columnName.describe('The column of the transform that it is computed of; nulls are left out.'),
    range: duration.describe(
      'How far back the window reaches: rows with an event time in (t - range, t] that were known at t.',
    ),
  })
  .describe('Makes the feature an aggregate over a sliding window that ends at the moment of the prediction.');

export const featureColumn = z.strictObject({
  name: columnName,
  type: valueType,
  description: z.string().max(512).optional().describe('What the feature means, with its unit.'),
  window: windowSpec.optional(),
});

export const featureCheck = withRules(
  z
    .strictObject({
      feature: columnName,
      min: z.number().optional().describe('Smallest good value.'),
      max: z.number().optional().describe('Largest good value.'),
      maxNullFraction: z.number().min(0).max(1).optional().describe('Share of rows, 0 to 1, that may be null.'),
      maxBadFraction: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe('Share of rows, 0 to 1, that may lie outside min and max.'),
      onBad: z.enum(['Keep', 'SetNull']).default('Keep').describe('What becomes of a value outside min and max.'),
      onFailure: z
        .enum(['KeepLast', 'Warn'])
        .default('KeepLast')
        .describe(
          'KeepLast: this materialisation is refused and the one before stays. Warn: it is used, and a condition says so.',
        ),
    })
    .describe('A check of one feature of every materialisation.'),
  [
    {
      rule: 'has(self.min) || has(self.max) || has(self.maxNullFraction)',
      message: 'give at least one of min, max and maxNullFraction',
    },
    { rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not be above max' },
  ],
);

export const FeatureSetSpec = withRules(
  z.strictObject({
    entities: listMap(keyColumn, 8, ['name']).min(1).describe('The columns that say whose feature it is.'),
    source: z.strictObject({ files }).describe('Where the rows come from.'),
    transform: z
      .strictObject({ sql: sqlText })
      .optional()
      .describe('Turns the source into rows of entities, times and features.'),
    time: z
      .strictObject({
        event: columnName.describe('When it was so: a timestamp column (without a zone it is taken as UTC).'),
        known: columnName.optional().describe('When it became known, if later. Default: the event time.'),
      })
      .describe('A row is used for a prediction at t only if both its times are at or before t.'),
    features: listMap(featureColumn, 256, ['name']).min(1).describe('The columns that models may use.'),
    ttl: matching(
      /^(Unlimited|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$/,
      32,
      'must be Unlimited or a Go duration such as 3h or 168h (there is no unit for days: write 24h)',
    ).describe('How far back a join may look, as a Go duration such as 3h, or Unlimited.'),
    checks: z.array(featureCheck).max(256).default([]).describe('Checks of every materialisation.'),
    store: storeReference,
    resources: resources.optional(),
    run,
  }),
  [
    {
      rule: '!has(self.checks) || self.checks.all(c, self.features.exists(f, f.name == c.feature))',
      message: 'every check must name a feature of this FeatureSet',
    },
    {
      rule: '!self.features.exists(f, self.entities.exists(e, e.name == f.name))',
      message: 'a feature must not have the name of an entity',
    },
  ],
);
export type FeatureSetSpec = z.infer<typeof FeatureSetSpec>;

export const FeatureSetStatus = z.strictObject({
  ...baseStatus,
  definition: z.string().max(64).optional().describe('Digest of entities, source, transform, time and features.'),
  materialization: z
    .strictObject({
      definition: z.string().max(64),
      run: z.number().int(),
      path: z.string().max(1024).describe('Folder inside the Store.'),
      rows: z.number().int(),
      bytes: z.number().int(),
      digest,
      watermark: z.strictObject({ event: z.string().max(64), known: z.string().max(64) }).optional(),
    })
    .optional()
    .describe('The newest finished materialisation.'),
});
export type FeatureSetStatus = z.infer<typeof FeatureSetStatus>;

export type FeatureSet = CustomObject<'FeatureSet', FeatureSetSpec, FeatureSetStatus>;

export const featureSetDefinition: KindDefinition = {
  kind: 'FeatureSet',
  plural: 'featuresets',
  singular: 'featureset',
  shortName: 'slfs',
  description: 'Features of some entities over time: a source, a transform in SQL, and when each row became known.',
  spec: FeatureSetSpec,
  status: FeatureSetStatus,
  rules: [PARENT_NAME_RULE],
  columns: [
    ...READY_COLUMNS,
    { name: 'Rows', type: 'integer', jsonPath: '.status.materialization.rows' },
    {
      name: 'Watermark',
      type: 'date',
      jsonPath: '.status.materialization.watermark.event',
      description: 'Age of the newest row',
    },
    AGE_COLUMN,
  ],
};
