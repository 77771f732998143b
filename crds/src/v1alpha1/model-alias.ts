import { z } from 'zod';
import { AGE_COLUMN, baseStatus, matching, objectName, READY_COLUMNS, reference } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';

/** The user that says so, as the API server knows users. */
export const signer = z.string().min(1).max(253);

export const evidence = matching(
  /^https:\/\/[^\s/]+(\/\S*)?$/,
  1024,
  'must be an https:// link to where it was decided, such as a merge request',
).describe('Link to where it was decided. An applier that signs for somebody else must give one.');

/** How far the name in `spec.by` can be believed. */
export const signature = z
  .enum(['Verified', 'Attested', 'Unverified'])
  .describe(
    'How far spec.by can be believed. Verified: the API server saw that user. Attested: there is evidence, which that user or a trusted applier gave. Unverified: nobody has checked.',
  );
export type Signature = z.infer<typeof signature>;

export const aliasName = matching(
  /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  22,
  'must be a word of at most 22 of a-z, 0-9 and "-", beginning with a letter, such as champion',
);

/** The name of the ModelAlias for an alias of a Model. */
export function modelAliasName({ name, alias }: { readonly name: string; readonly alias: string }): string {
  return `${name}.${alias}`;
}

export const ModelAliasSpec = z.strictObject({
  model: reference('The Model that the alias belongs to.'),
  alias: aliasName.describe('The alias, for example champion. The object is called <model>.<alias>.'),
  modelVersion: reference('The ModelVersion that the alias means. Changing it is what moves the alias.'),
  by: signer
    .optional()
    .describe('Who says so: the user that applies it, or the one for whom a trusted applier does, with evidence.'),
  evidence: evidence.optional(),
});
export type ModelAliasSpec = z.infer<typeof ModelAliasSpec>;

const move = z.strictObject({
  at: z.string().max(64).meta({ format: 'date-time' }).describe('When the operator saw it.'),
  modelVersion: objectName.describe('What it meant from then on.'),
  by: signer.optional().describe('Who said so.'),
  signature,
});
export type AliasMove = z.infer<typeof move>;

/** How many moves the status remembers. */
export const MAX_MOVES = 20;

export const ModelAliasStatus = z.strictObject({
  ...baseStatus,
  by: signature.optional(),
  history: z
    .array(move)
    .max(MAX_MOVES)
    .optional()
    .describe('Who moved it to which version and when, the newest first. For people: nothing depends on it.'),
});
export type ModelAliasStatus = z.infer<typeof ModelAliasStatus>;
export type ModelAlias = CustomObject<'ModelAlias', ModelAliasSpec, ModelAliasStatus>;

export const modelAliasDefinition: KindDefinition = {
  kind: 'ModelAlias',
  plural: 'modelaliases',
  singular: 'modelalias',
  shortName: 'slma',
  description: 'A name such as champion for one version of a Model, who gave it, and what it meant before.',
  spec: ModelAliasSpec,
  status: ModelAliasStatus,
  rules: [
    {
      rule: "self.metadata.name == self.spec.model.name + '.' + self.spec.alias",
      message:
        'metadata.name must be <spec.model.name>.<spec.alias>, such as flights-delay.champion: so there is one object for each alias of a Model',
    },
  ],
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.spec.modelVersion.name' },
    { name: 'By', type: 'string', jsonPath: '.spec.by' },
    { name: 'Signature', type: 'string', jsonPath: '.status.by' },
    ...READY_COLUMNS,
    AGE_COLUMN,
  ],
};
