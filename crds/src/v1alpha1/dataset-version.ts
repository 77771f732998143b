import { z } from 'zod';
import { AGE_COLUMN, baseStatus, digest, READY_COLUMNS, reference, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

const rowCounts = z.strictObject({
  train: z.number().int().min(0),
  validation: z.number().int().min(0),
  test: z.number().int().min(0),
});

export const DatasetVersionSpec = withRules(
  z.strictObject({
    dataset: reference('The Dataset that it was made by.'),
    number: z.number().int().min(1).describe('Number of this version of its Dataset.'),
    recipe: z.string().max(64).describe('Digest of the recipe and of the run it was asked for.'),
    artifact: z
      .strictObject({ store: reference('The Store that holds it.'), path: z.string().max(1024), digest, bytes: z.number().int().min(0) })
      .describe('Where its files are.'),
    rows: rowCounts.describe('Rows of each split.'),
    dropped: z.record(z.string().max(63), z.number().int().min(0)).default({}).describe('Rows left out, counted by reason.'),
    features: z
      .array(
        z.strictObject({
          featureSet: z.string().max(63),
          definition: z.string().max(64),
          path: z.string().max(1024),
          digest,
        }),
      )
      .max(64)
      .default([])
      .describe('The materialisations that were joined; pinned before the Job started.'),
  }),
  [{ rule: 'self == oldSelf', message: 'a DatasetVersion is immutable; change the Dataset to make a new one' }],
);
export type DatasetVersionSpec = z.infer<typeof DatasetVersionSpec>;
export const DatasetVersionStatus = z.strictObject({ ...baseStatus });
export type DatasetVersionStatus = z.infer<typeof DatasetVersionStatus>;
export type DatasetVersion = CustomObject<'DatasetVersion', DatasetVersionSpec, DatasetVersionStatus>;

export const datasetVersionDefinition: KindDefinition = {
  kind: 'DatasetVersion',
  plural: 'datasetversions',
  singular: 'datasetversion',
  shortName: 'sldv',
  description: 'Training data that never changes: files, digests, counts, and what it was made from.',
  spec: DatasetVersionSpec,
  status: DatasetVersionStatus,
  rules: [],
  columns: [
    { name: 'Dataset', type: 'string', jsonPath: '.spec.dataset.name' },
    ...READY_COLUMNS,
    { name: 'Train', type: 'integer', jsonPath: '.spec.rows.train' },
    { name: 'Validation', type: 'integer', jsonPath: '.spec.rows.validation' },
    { name: 'Test', type: 'integer', jsonPath: '.spec.rows.test' },
    AGE_COLUMN,
  ],
};
