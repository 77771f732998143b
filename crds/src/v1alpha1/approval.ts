import { z } from 'zod';
import { AGE_COLUMN, baseStatus, READY_COLUMNS, reference, withRules } from './common.ts';
import type { KindDefinition } from './common.ts';
import type { CustomObject } from './custom-object.ts';
import { evidence, signature, signer } from './model-alias.ts';

export const ApprovalSpec = withRules(
  z.strictObject({
    modelVersion: reference('The ModelVersion that was judged.'),
    decision: z.enum(['Approved', 'Rejected']).describe('What was decided.'),
    by: signer.describe(
      'Who decided: the user that applies it, or the one for whom a trusted applier does, with evidence.',
    ),
    evidence: evidence.optional(),
    reason: z.string().min(1).max(1024).optional().describe('Why, in words for people.'),
  }),
  [
    {
      rule: 'self == oldSelf',
      message: 'an Approval is immutable; delete it to take it back, and make a new one to decide otherwise',
    },
  ],
);
export type ApprovalSpec = z.infer<typeof ApprovalSpec>;

export const ApprovalStatus = z.strictObject({ ...baseStatus, by: signature.optional() });
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;
export type Approval = CustomObject<'Approval', ApprovalSpec, ApprovalStatus>;

export const approvalDefinition: KindDefinition = {
  kind: 'Approval',
  plural: 'approvals',
  singular: 'approval',
  shortName: 'slap',
  description: 'What one person decided about a ModelVersion. It never changes.',
  spec: ApprovalSpec,
  status: ApprovalStatus,
  rules: [
    {
      rule: "self.metadata.name.startsWith(self.spec.modelVersion.name + '.') && self.metadata.name.size() <= 127",
      message:
        'metadata.name must be <spec.modelVersion.name>.<who>, such as flights-delay-3-7f3a2c.ana, and have at most 127 characters',
    },
  ],
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.spec.modelVersion.name' },
    { name: 'Decision', type: 'string', jsonPath: '.spec.decision' },
    { name: 'By', type: 'string', jsonPath: '.spec.by' },
    { name: 'Signature', type: 'string', jsonPath: '.status.by' },
    ...READY_COLUMNS,
    AGE_COLUMN,
  ],
};
