import { describe, expect, it } from 'vitest';
import { parseApiRequest } from './api-request.ts';
import type { ApiRequest } from './api-request.ts';
import { decide, describeFault, isMatch } from './plan.ts';
import type { Action, Counts, Match, Plan } from './plan.ts';

const services = '/apis/slipway.dev/v1alpha1/namespaces/team/inferenceservices';
const applyStatus = parseApiRequest('PATCH', `${services}/a/status`, 'application/apply-patch+yaml');
const apply = parseApiRequest('PATCH', `${services}/a`, 'application/apply-patch+yaml');
const list = parseApiRequest('GET', services);

/** Which of the requests are struck, and by what. */
function strikes(plan: Plan, requests: readonly ApiRequest[]): (Action['kind'] | undefined)[] {
  let counts: Counts = [];
  return requests.map((request) => {
    const decision = decide(plan, counts, request);
    counts = decision.counts;
    return decision.fault?.action.kind;
  });
}

function planOf(...faults: readonly [Match, Action][]): Plan {
  return { name: 'test', faults: faults.map(([match, action]) => ({ match, action })) };
}

describe('isMatch', () => {
  it.each<[string, Match, ApiRequest, boolean]>([
    ['everything without a condition', {}, list, true],
    ['a write', { verb: 'write' }, apply, true],
    ['no read as a write', { verb: 'write' }, list, false],
    ['only its own verb', { verb: 'patch' }, apply, false],
    ['only its own name', { verb: 'apply', name: 'b' }, apply, false],
    ['a name that a pattern fits', { name: 'a-verify-*-2' }, { ...apply, name: 'a-verify-445af1-2' }, true],
    ['no name that only begins like the pattern', { name: 'a-*-2' }, { ...apply, name: 'a-445af1-3' }, false],
    ['no name that is too short for the pattern', { name: 'ab*ba' }, { ...apply, name: 'aba' }, false],
    ['a status write by its subresource', { subresource: 'status' }, applyStatus, true],
    ['no status write where the object itself is meant', { subresource: '' }, applyStatus, false],
    ['no other group', { group: 'apps', resource: 'inferenceservices' }, apply, false],
  ])('takes %s', (_, match, request, wanted) => {
    expect(isMatch(match, request)).toBe(wanted);
  });
});

describe('decide', () => {
  it('strikes the nth request that matches and no other', () => {
    const second = planOf([{ verb: 'apply', subresource: '', nth: 2 }, { kind: 'dropAck' }]);

    expect(strikes(second, [apply, applyStatus, list, apply, apply])).toEqual([
      undefined,
      undefined,
      undefined,
      'dropAck',
      undefined,
    ]);
  });

  it('strikes several in a row', () => {
    expect(strikes(planOf([{ verb: 'list', nth: 2, times: 2 }, { kind: 'reset' }]), [list, list, list, list])).toEqual([
      undefined,
      'reset',
      'reset',
      undefined,
    ]);
  });

  it('strikes every request where no number is given', () => {
    expect(strikes(planOf([{ verb: 'list' }, { kind: 'reset' }]), [list, apply, list])).toEqual([
      'reset',
      undefined,
      'reset',
    ]);
  });

  it('counts a request for every fault that it matches, also when another strikes', () => {
    const both = planOf(
      [{ verb: 'write', nth: 1 }, { kind: 'killBefore' }],
      [{ verb: 'apply', nth: 2 }, { kind: 'killAfter' }],
    );

    expect(strikes(both, [apply, apply])).toEqual(['killBefore', 'killAfter']);
  });

  it('leaves everything alone without faults', () => {
    expect(strikes(planOf(), [list, apply])).toEqual([undefined, undefined]);
  });
});

it('a fault tells what it does in one line', () => {
  const match = { verb: 'apply', resource: 'services', subresource: '', name: 'flights', nth: 2 } as const;

  expect(describeFault({ match, action: { kind: 'status', code: 429 } })).toBe('status(429) apply services flights #2');
});
