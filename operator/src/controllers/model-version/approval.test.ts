import type { Approval, Model } from '@slipway/crds';
import type { Cache, KubeObject } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import type { SigningCaches } from '../../deps.ts';
import { aModel, anApproval } from '../../testing/data-fixtures.ts';
import { aModelVersion } from '../../testing/fixtures.ts';
import { approvedCondition, observeDecisions } from './approval.ts';

const MADE = '2026-11-23T09:00:00Z';
const BEFORE = '2026-11-23T08:59:59Z';

function approvalBy(who: string, spec: Partial<Approval['spec']> = {}, metadata: object = {}): Approval {
  const named = { name: `delay-1.${who}`, creationTimestamp: MADE, ...metadata };
  return { ...anApproval({ by: who, ...spec }, named), status: { by: 'Verified', observedGeneration: 1 } };
}

function unverified(approval: Approval): Approval {
  return { ...approval, status: { by: 'Unverified', observedGeneration: 1 } };
}

interface Scene {
  readonly model?: Model | undefined;
  readonly count?: number;
  readonly approvals?: readonly Approval[];
  /** Whether the installation checks who signs. */
  readonly isChecked?: boolean;
}

const nothing = { get: () => undefined } as unknown as Cache<KubeObject>;
const signing = { name: 'slipway-signatures', policies: nothing, bindings: nothing } as unknown as SigningCaches;

function told(scene: Scene): string {
  const { count = 1, approvals = [], isChecked = true } = scene;
  const model = 'model' in scene ? scene.model : aModel({ approval: { required: 'Always', count } });
  const version = aModelVersion('delay-1', { creationTimestamp: MADE }, { model: { name: 'delay' } });
  const cache = { byIndex: () => approvals } as unknown as Cache<Approval>;
  const decisions = observeDecisions({ approvals: cache, signing: isChecked ? signing : undefined }, version);
  const { status, reason, message } = approvedCondition({
    version,
    evaluation: { model, asked: undefined },
    decisions,
  });
  return `${status} ${reason}: ${message}`;
}

describe('Approved', () => {
  it.each<[string, Scene, string]>([
    ['a Model that does not ask', { model: aModel() }, 'True ApprovalNotRequired: Nobody has to approve it.'],
    [
      'a Model that asks nobody, whoever rejects',
      {
        model: aModel({ approval: { required: 'Never', count: 1 } }),
        approvals: [approvalBy('ana', { decision: 'Rejected' })],
      },
      'True ApprovalNotRequired: Nobody has to approve it.',
    ],
    [
      'no Model',
      { model: undefined },
      'Unknown ModelNotFound: There is no Model "delay" in this namespace, which says what its versions have to pass. Create it.',
    ],
    ['nobody', {}, 'Unknown WaitingForApproval: It waits for an Approval: 0 of 1 people have approved it.'],
    ['somebody', { approvals: [approvalBy('ana')] }, 'True Approved: Approved by ana.'],
    [
      'too few',
      { count: 2, approvals: [approvalBy('ana')] },
      'Unknown WaitingForApproval: It waits for an Approval: 1 of 2 people have approved it (ana).',
    ],
    [
      'one person twice',
      { count: 2, approvals: [approvalBy('ana'), approvalBy('ana', {}, { name: 'delay-1.ana-again' })] },
      'Unknown WaitingForApproval: It waits for an Approval: 1 of 2 people have approved it (ana).',
    ],
    [
      'two people',
      { count: 2, approvals: [approvalBy('bob'), approvalBy('ana')] },
      'True Approved: Approved by ana, bob.',
    ],
    [
      'one of three who rejects it',
      { approvals: [approvalBy('ana'), approvalBy('bob', { decision: 'Rejected', reason: 'Too slow.' })] },
      'False Rejected: It was rejected by bob (Approval delay-1.bob): Too slow.',
    ],
    [
      'a name that nobody has checked',
      { approvals: [unverified(approvalBy('ana'))] },
      'Unknown WaitingForApproval: It waits for an Approval: 0 of 1 people have approved it. Approval delay-1.ana does not count, because it is Unverified.',
    ],
    [
      'such a name, where no installation checks any',
      { approvals: [unverified(approvalBy('ana'))], isChecked: false },
      'True Approved: Approved by ana.',
    ],
    [
      'such a name that rejects it',
      { approvals: [approvalBy('ana'), unverified(approvalBy('bob', { decision: 'Rejected' }))] },
      'False Rejected: It was rejected by bob (Approval delay-1.bob).',
    ],
    [
      'an Approval of a version that had its name',
      { approvals: [approvalBy('ana', {}, { creationTimestamp: BEFORE })] },
      'Unknown WaitingForApproval: It waits for an Approval: 0 of 1 people have approved it. Approval delay-1.ana does not count, because it is older than this version.',
    ],
    [
      'a rejection of a version that had its name',
      { approvals: [approvalBy('ana'), approvalBy('bob', { decision: 'Rejected' }, { creationTimestamp: BEFORE })] },
      'True Approved: Approved by ana.',
    ],
    [
      'one that is taken back',
      { approvals: [approvalBy('ana', {}, { deletionTimestamp: MADE })] },
      'Unknown WaitingForApproval: It waits for an Approval: 0 of 1 people have approved it.',
    ],
  ])('by %s', (_, scene, expected) => {
    expect(told(scene)).toBe(expected);
  });

  it('is no question for a version of no Model', () => {
    const decisions = { all: [], areSignaturesChecked: true };
    const evaluation = { model: undefined, asked: undefined };

    expect(approvedCondition({ version: aModelVersion(), evaluation, decisions })).toMatchObject({
      status: 'True',
      reason: 'ApprovalNotRequired',
    });
  });
});
