import { z } from 'zod';
import { AGE_COLUMN, baseStatus, PARENT_NAME_RULE, READY_COLUMNS, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

export const StoreSpec = z.strictObject({
  uri: withRules(
    z
      .string()
      .min(1)
      .max(512)
      .describe(
        'Where the bytes live: pvc://CLAIM or pvc://CLAIM/PATH, a PersistentVolumeClaim of the same namespace.',
      ),
    [
      {
        rule: "self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?$')",
        message: 'must be pvc://CLAIM or pvc://CLAIM/PATH with the name of a PersistentVolumeClaim in this namespace',
      },
      { rule: "!self.split('/').exists(part, part == '..')", message: 'must not contain ".."' },
    ],
  ),
  access: z
    .enum(['ReadWrite', 'ReadOnly'])
    .default('ReadWrite')
    .describe('ReadOnly: Slipway reads from it and refuses to write features, datasets, runs or models to it.'),
});
export type StoreSpec = z.infer<typeof StoreSpec>;

export const StoreStatus = z.strictObject({
  ...baseStatus,
  claim: z
    .strictObject({
      name: z.string().max(253),
      phase: z.string().max(32).optional(),
      capacity: z.string().max(32).optional(),
    })
    .optional()
    .describe('The PersistentVolumeClaim as it was last seen.'),
});
export type StoreStatus = z.infer<typeof StoreStatus>;

export type Store = CustomObject<'Store', StoreSpec, StoreStatus>;

export const storeDefinition: KindDefinition = {
  kind: 'Store',
  plural: 'stores',
  singular: 'store',
  shortName: 'slst',
  description:
    'Where bytes live, and how pods of the same namespace reach them. The operator itself never opens a Store.',
  spec: StoreSpec,
  status: StoreStatus,
  rules: [PARENT_NAME_RULE],
  columns: [{ name: 'URI', type: 'string', jsonPath: '.spec.uri' }, ...READY_COLUMNS, AGE_COLUMN],
};
