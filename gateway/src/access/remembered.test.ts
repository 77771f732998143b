import { expect, it } from 'vitest';
import { standingOf } from './remembered.ts';
import type { Remembered } from './remembered.ts';
import { isAllowedAccount, serviceAccountOf } from './service-account.ts';
import { TokenCache } from './token-cache.ts';

const accepted = { serviceAccount: { namespace: 'web', name: 'checkout' } };
const rejected = { serviceAccount: undefined };

it.each<[string, Partial<Remembered>, number, string]>([
  ['just accepted', {}, 1000, 'use'],
  ['a while ago', {}, 30_000, 'use-and-ask'],
  ['a minute ago', {}, 60_000, 'ask'],
  ['a minute ago, but the API server was away a moment ago', { askAgainAt: 61_000 }, 60_000, 'use'],
  ['a minute ago, and the API server was left alone long enough', { askAgainAt: 61_000 }, 61_000, 'ask'],
  ['longer ago than the API server may be away', { askAgainAt: 700_000 }, 600_000, 'forget'],
  ['expired', { expiresAt: 5000 }, 5000, 'forget'],
  ['expired while the API server is away', { expiresAt: 5000, askAgainAt: 10_000 }, 5000, 'forget'],
  ['just rejected', { review: rejected }, 9_999, 'use'],
  ['rejected a while ago', { review: rejected }, 10_000, 'forget'],
])('a token that was %s: %j, %d ms later: %s', (_, more, now, standing) => {
  const remembered = { review: accepted, reviewedAt: 0, expiresAt: 3_600_000, askAgainAt: 0, ...more };
  expect(standingOf(remembered, now)).toBe(standing);
});

it('the cache is bounded, and rejected tokens drive out no accepted ones', () => {
  const cache = new TokenCache();
  const remembered = { reviewedAt: 0, expiresAt: 1, askAgainAt: 0 };
  for (let index = 0; index < 10_001; index += 1) cache.set(`good-${index}`, { ...remembered, review: accepted });
  for (let index = 0; index < 20_000; index += 1) cache.set(`bad-${index}`, { ...remembered, review: rejected });

  expect(cache.size).toBe(11_000);
  expect([cache.get('good-0'), cache.get('bad-0')]).toEqual([undefined, undefined]);
  expect(cache.get('good-10000')?.review).toBe(accepted);
  cache.set('good-10000', { ...remembered, review: rejected });
  expect(cache.get('good-10000')?.review).toBe(rejected);
});

it.each([
  ['system:serviceaccount:web:checkout', { namespace: 'web', name: 'checkout' }],
  ['ana@acme.io', undefined],
  ['system:node:a', undefined],
  ['system:serviceaccount:web:', undefined],
])('%s is the service account %j', (username, serviceAccount) => {
  expect(serviceAccountOf(username)).toEqual(serviceAccount);
});

it('a service account is let in by name or by its namespace', () => {
  const access = {
    serviceAccounts: new Set(['web/checkout']),
    namespaces: new Set(['team-a']),
    certificateNames: new Set<string>(),
  };
  const isIn = (namespace: string, name: string) => isAllowedAccount(access, { namespace, name });

  expect([isIn('web', 'checkout'), isIn('team-a', 'anybody')]).toEqual([true, true]);
  expect([isIn('web', 'other'), isIn('web2', 'checkout'), isIn('team', 'a')]).toEqual([false, false, false]);
});
