import type { Cache, KubeObject } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import type { SigningCaches } from './deps.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from './kinds.ts';
import { checkedSince, signatureOf } from './signature.ts';
import { anApproval, aModelAlias } from './testing/data-fixtures.ts';

const NAME = 'slipway-signatures';
const EARLY = '2026-11-23T08:00:00Z';
const LATE = '2026-11-23T09:00:00Z';
const SINCE = Date.parse('2026-11-23T09:00:10Z');

function cacheWith<T extends KubeObject>(object: T | undefined): Cache<T> {
  return {
    get: ({ name }: { name: string }) => (object?.metadata.name === name ? object : undefined),
  } as unknown as Cache<T>;
}

function signing(more: { policy?: object; binding?: object; bound?: object } = {}): SigningCaches {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const policy: ValidatingAdmissionPolicy = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: NAME, creationTimestamp: EARLY },
    ...more.policy,
  };
  const binding: ValidatingAdmissionPolicyBinding = {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: NAME, creationTimestamp: LATE },
    spec: { policyName: NAME, validationActions: ['Deny'], ...more.bound },
    ...more.binding,
  };
  return { name: NAME, policies: cacheWith(policy), bindings: cacheWith(binding) };
}

describe('checkedSince', () => {
  const other = { metadata: { name: 'other', creationTimestamp: EARLY } };

  it.each([
    ['the API server has had time to hear of both', signing(), SINCE],
    [
      'the later of the two counts',
      signing({
        policy: { metadata: { name: NAME, creationTimestamp: LATE } },
        binding: { metadata: { name: NAME, creationTimestamp: EARLY } },
      }),
      SINCE,
    ],
    ['an install without the policy', undefined, undefined],
    ['the policy is gone', signing({ policy: other }), undefined],
    ['the binding is gone', signing({ binding: other }), undefined],
    ['the binding binds another policy', signing({ bound: { policyName: 'other' } }), undefined],
    ['the binding only warns', signing({ bound: { validationActions: ['Warn', 'Audit'] } }), undefined],
  ])('%s', (_, caches, expected) => {
    expect(checkedSince(caches)).toBe(expected);
  });
});

describe('signatureOf', () => {
  const at = (creationTimestamp: string, more: object = {}) => ({ creationTimestamp, ...more });
  const young = at('2026-11-23T09:00:10Z');
  const old = at('2026-11-23T09:00:09Z');
  const evidence = 'https://git.acme.io/models/merge/7';

  it.each([
    ['signed under the policy', aModelAlias({ by: 'ana' }, young), 'Verified'],
    ['signed under the policy, with evidence', aModelAlias({ by: 'ana', evidence }, young), 'Attested'],
    ['an Approval, too', anApproval({}, young), 'Verified'],
    ['created before the policy was in force', aModelAlias({ by: 'ana' }, old), 'Unverified'],
    ['created before, whatever evidence it has', anApproval({ evidence }, old), 'Unverified'],
    ['signed by nobody', aModelAlias({}, young), 'Unverified'],
  ] as const)('%s', (_, object, expected) => {
    expect(signatureOf(object, SINCE)).toBe(expected);
  });

  it('believes nothing where no policy is', () => {
    expect(signatureOf(anApproval({}, young), undefined)).toBe('Unverified');
  });

  it.each([
    ['keeps what was found out about this spec', 2, 'Verified', 'Verified'],
    ['looks again at a spec that changed since', 1, 'Verified', 'Unverified'],
    ['looks again at what it could not believe', 2, 'Unverified', 'Unverified'],
  ] as const)('%s, when the policy is gone', (_, observedGeneration, by, expected) => {
    const alias = { ...aModelAlias({ by: 'ana' }, at(EARLY, { generation: 2 })), status: { observedGeneration, by } };

    expect(signatureOf(alias, undefined)).toBe(expected);
  });
});
