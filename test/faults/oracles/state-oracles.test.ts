import { describe, expect, it } from 'vitest';
import type { Json } from '../driver/api.ts';
import {
  adopted,
  contradictions,
  createdCounts,
  createdTooOften,
  orphans,
  reusedNumbers,
  uncountedPods,
  unobserved,
} from './state-oracles.ts';

function service(meta: object, status: object = {}): Json {
  const metadata = { name: 'flights', uid: 'u1', generation: 2, ...meta };
  return { apiVersion: 'slipway.dev/v1alpha1', kind: 'InferenceService', metadata, status: { ...status } };
}

function child(ownerUid: string): Json {
  const ownerReferences = [{ kind: 'InferenceService', name: 'flights', uid: ownerUid }];
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'flights-1', uid: 'u2', ownerReferences } };
}

it('an orphan is a child whose owner has another uid, also when the name is right', () => {
  expect(orphans([service({}), child('u1')])).toEqual([]);
  expect(orphans([service({ uid: 'new' }), child('u1')])[0]).toContain('Deployment/flights-1 is an orphan');
});

it('a child that is older than its owner was adopted', () => {
  const owner = (creationTimestamp: string) => service({ creationTimestamp });
  const old = { ...child('u1'), metadata: { ...child('u1').metadata, creationTimestamp: '2026-01-01T00:00:01Z' } };

  expect(adopted([owner('2026-01-01T00:00:01Z'), old])).toEqual([]);
  expect(adopted([owner('2026-01-01T00:00:02Z'), old])).toEqual([
    'Deployment/flights-1 is older than its owner InferenceService flights',
  ]);
});

it('a number that two produced versions got shows, one that a person wrote does not', () => {
  const version = (uid: string, labels: Readonly<Record<string, string>>): Json => ({
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'ModelVersion',
    metadata: { name: 'delay-1', uid, labels },
    spec: { number: 1, model: { name: 'delay' } },
  });
  const produced = { 'slipway.dev/producer-uid': 'p' };

  expect(reusedNumbers([version('a', produced), version('b', {})])).toEqual([]);
  expect(reusedNumbers([version('a', produced), version('b', produced)])).toEqual([
    'ModelVersion 1 of delay was given 2 times',
  ]);
});

it('a pod that has ended counts when its Job has taken note of it', () => {
  const pod = (phase: string, finalizers: readonly string[]): Json => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'build-1', finalizers },
    status: { phase },
  });
  const job = (uids: object): Json => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'build' },
    status: { uncountedTerminatedPods: uids },
  });
  const tracked = ['batch.kubernetes.io/job-tracking'];

  expect(uncountedPods([pod('Running', tracked), pod('Succeeded', []), job({})])).toEqual([]);
  expect(uncountedPods([pod('Failed', tracked), job({ succeeded: ['u1'] })])).toEqual([
    'Pod/build-1 has ended, and its Job has not counted it',
    'Job/build has not counted its pods',
  ]);
});

describe('unobserved', () => {
  it.each<[string, Json, number]>([
    ['a status of the present generation', service({}, { observedGeneration: 2 }), 0],
    ['a status of an older generation', service({}, { observedGeneration: 1 }), 1],
    ['an object that is being deleted', service({ deletionTimestamp: 'now' }, { observedGeneration: 1 }), 0],
    ['an object of others', child('u1'), 0],
  ])('%s', (_, object, count) => {
    expect(unobserved([object])).toHaveLength(count);
  });
});

describe('contradictions', () => {
  const conditions = (...types: string[]) =>
    service({}, { conditions: types.map((type) => ({ type, status: 'True' })) });

  it.each<[string, Json, number]>([
    ['Ready', conditions('Ready', 'Serving'), 0],
    ['Ready and Stalled', conditions('Ready', 'Stalled'), 1],
    ['a condition twice', conditions('Ready', 'Ready'), 1],
  ])('%s', (_, object, count) => {
    expect(contradictions([object])).toHaveLength(count);
  });
});

it('an object that was made again shows, one that was made less often does not', () => {
  const once = createdCounts([child('u1')]);
  const twice = createdCounts([child('u1'), child('u1')]);

  expect(createdTooOften(once, twice)).toEqual(['Deployment/flights-1 was made 2 times; without a fault 1 times']);
  expect(createdTooOften(twice, once)).toEqual([]);
});
