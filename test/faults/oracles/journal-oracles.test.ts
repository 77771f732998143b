import { describe, expect, it } from 'vitest';
import { parseApiRequest } from '../proxy/api-request.ts';
import { createJournal } from '../proxy/journal.ts';
import type { Entry } from '../proxy/journal.ts';
import { invalidRequests, refusals, secretAccess, tooManyWrites, unusedGrants, writesOf } from './journal-oracles.ts';

const PODS = '/api/v1/namespaces/team/pods';
const STATUS = '/apis/slipway.dev/v1alpha1/namespaces/team/stores/a/status';

function journalOf(
  ...requests: readonly (readonly [method: string, path: string, status: number])[]
): readonly Entry[] {
  const journal = createJournal(() => 0);
  for (const [method, path, status] of requests) {
    const request = parseApiRequest(method, path, method === 'PATCH' ? 'application/apply-patch+yaml' : '');
    const nothing = Buffer.alloc(0);
    journal.answered({ mark: 0, request, userAgent: '', body: nothing, status, response: nothing, fault: '' });
  }
  return journal.entries;
}

it('reading a Secret is a problem, whether or not it was allowed', () => {
  expect(secretAccess(journalOf(['GET', '/api/v1/namespaces/team/secrets/a', 403], ['GET', PODS, 200]))).toHaveLength(
    1,
  );
});

it('a refusal is said once, however often it was tried', () => {
  expect(refusals(journalOf(['GET', PODS, 403], ['GET', PODS, 403], ['GET', `${PODS}/a`, 404]))).toEqual([
    'was forbidden to list pods ',
  ]);
});

it('a conflict is no invalid request, an unknown field is', () => {
  expect(invalidRequests(journalOf(['PATCH', STATUS, 409], ['PATCH', STATUS, 422]))).toHaveLength(1);
});

it('writes to one object are counted, those of Leases and Events are not', () => {
  const lease = '/apis/coordination.k8s.io/v1/namespaces/team/leases/a';
  const journal = journalOf(['PATCH', STATUS, 200], ['PATCH', STATUS, 200], ['PUT', lease, 200], ['GET', PODS, 200]);

  expect(writesOf(journal)).toHaveLength(2);
  expect(tooManyWrites(journal, 1)).toEqual(['2 times: apply stores/status a; at most 1']);
  expect(tooManyWrites(journal, 2)).toEqual([]);
});

describe('unusedGrants', () => {
  it('names a right that no run used', () => {
    const rules = [
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'delete'] },
      { apiGroups: ['slipway.dev'], resources: ['stores/status'], verbs: ['patch'] },
    ];

    expect(unusedGrants(rules, [journalOf(['GET', PODS, 200]), journalOf(['PATCH', STATUS, 200])])).toEqual([
      '/pods delete',
    ]);
  });
});
