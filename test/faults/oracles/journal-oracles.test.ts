import { describe, expect, it } from 'vitest';
import { parseApiRequest } from '../proxy/api-request.ts';
import { createJournal } from '../proxy/journal.ts';
import type { Entry } from '../proxy/journal.ts';
import {
  deletesOfProduced,
  hammering,
  invalidRequests,
  overlappingWrites,
  refusals,
  secretAccess,
  tooManyWrites,
  unguardedWrites,
  unusedGrants,
  writesOf,
} from './journal-oracles.ts';

const PODS = '/api/v1/namespaces/team/pods';
const STATUS = '/apis/slipway.dev/v1alpha1/namespaces/team/stores/a/status';
const SCALE = '/apis/slipway.dev/v1alpha1/namespaces/team/inferenceservices/a/scale';

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

/** One request, from its arrival to its answer. */
function sent(
  method: string,
  path: string,
  { status = 200, body = {}, answer = {} }: { status?: number; body?: object; answer?: object } = {},
) {
  const request = parseApiRequest(method, path, method === 'PATCH' ? 'application/apply-patch+yaml' : '');
  return {
    request,
    userAgent: '',
    body: Buffer.from(JSON.stringify(body)),
    status,
    response: Buffer.from(JSON.stringify(answer)),
    fault: '',
  };
}

it('two writes to one thing that run beside each other are found, one after the other is not', () => {
  const journal = createJournal(() => 0);
  const write = sent('PATCH', STATUS);
  journal.answered({ ...write, mark: journal.arrived() });
  journal.answered({ ...write, mark: journal.arrived() });
  expect(overlappingWrites(journal.entries)).toEqual([]);

  const [first, second] = [journal.arrived(), journal.arrived()];
  journal.answered({ ...write, mark: first });
  journal.answered({ ...write, mark: second });
  expect(overlappingWrites(journal.entries)).toEqual(['two at a time: apply stores/status a of life 1']);
});

it.each([
  ['without a pause', 10, 1],
  ['with pauses', 100, 0],
])('failures in a row %s', (_, pauseMs, found) => {
  let now = 0;
  const journal = createJournal(() => now);
  for (let attempt = 0; attempt < 8; attempt++, now += pauseMs)
    journal.answered({ ...sent('PATCH', STATUS, { status: 503 }), mark: journal.arrived() });

  expect(hammering(journal.entries)).toHaveLength(found);
});

it('a delete insists on a uid, a status and a number of pods on a version', () => {
  const journal = createJournal(() => 0);
  const seen = { uid: 'u', resourceVersion: '7' };
  for (const body of [{ preconditions: seen }, { preconditions: {} }])
    journal.answered({ ...sent('DELETE', `${PODS}/a`, { body }), mark: journal.arrived() });
  for (const path of [STATUS, SCALE])
    for (const body of [{ metadata: seen }, { metadata: { uid: 'u' } }])
      journal.answered({ ...sent('PATCH', path, { body }), mark: journal.arrived() });

  expect(unguardedWrites(journal.entries)).toEqual([
    'does not insist on what it has seen: delete pods a',
    'does not insist on what it has seen: apply stores/status a',
    'does not insist on what it has seen: apply inferenceservices/scale a',
  ]);
});

it('the operator deletes no version but those that retention lets go', () => {
  const versions = '/apis/slipway.dev/v1alpha1/namespaces/team/modelversions';
  const journal = journalOf(
    ['DELETE', `${versions}/a`, 200],
    ['DELETE', `${versions}/b`, 200],
    ['DELETE', `${PODS}/c`, 200],
  );

  expect(deletesOfProduced(journal, ['a'])).toEqual([
    'deleted what was produced: [1] delete modelversions b 200 (effective)',
  ]);
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

it.each([
  ['NamespaceTerminating', 0],
  ['Other', 1],
])('a refusal in a namespace that is being deleted says nothing about the rules: %s', (reason, found) => {
  const journal = createJournal(() => 0);
  const refused = sent('PATCH', STATUS, { status: 403, answer: { details: { causes: [{ reason }] } } });
  journal.answered({ ...refused, mark: journal.arrived() });

  expect(refusals(journal.entries)).toHaveLength(found);
});
