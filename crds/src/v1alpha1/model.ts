import { z } from 'zod';
import { AGE_COLUMN, baseStatus, PARENT_NAME_RULE, READY_COLUMNS, storeReference } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

export const ModelSpec = z.strictObject({
  store: storeReference.describe('Where its versions are published. Default: the Store named "default".'),
});
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
  description: 'A name for the versions of one model, and where they are published.',
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
