import { z } from 'zod';
import { AGE_COLUMN, baseStatus, digest, READY_COLUMNS, reference, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

const rowCounts = z.strictObject({
  train: z.number().int().min(0).describe('Rows to learn from.'),
  validation: z.number().int().min(0).describe('Rows to tune with.'),
  test: z.number().int().min(0).describe('Rows that no training container sees.'),
});

export const DatasetVersionSpec = withRules(
  z.strictObject({
    dataset: reference('The Dataset that it was made by.'),
    number: z.number().int().min(1).describe('Number of this version of its Dataset.'),
    recipe: z.string().max(64).describe('Digest of the recipe and of the run it was asked for.'),
    artifact: z
      .strictObject({
        store: reference('The Store that holds it.'),
        path: z.string().max(1024).describe('Its folder inside the Store.'),
        digest,
        bytes: z.number().int().min(0).describe('Size of all files.'),
      })
      .describe('Where its files are.'),
    rows: rowCounts.describe('Rows of each split.'),
    dropped: z
      .record(z.string().max(63), z.number().int().min(0))
      .default({})
      .describe('Rows left out, counted by reason.'),
    features: z
      .array(
        z.strictObject({
          featureSet: z.string().max(63).describe('Name of the FeatureSet.'),
          definition: z.string().max(64).describe('Digest of its definition.'),
          path: z.string().max(1024).describe('Folder of the materialisation inside the Store.'),
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
