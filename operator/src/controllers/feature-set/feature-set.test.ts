/** Identity, plan and status of a FeatureSet, from the same observations. */
import type { MaterialiseResult } from '@slipway/crds/batch';
import type { Job } from '@slipway/kube';
import { TransientError } from '@slipway/kube';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aFeatureSet } from '../../testing/data-fixtures.ts';
import { aStore, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { buildMaterialiseJob, materialiseJobName } from './build-materialise-job.ts';
import { usableMaterialization } from './checks.ts';
import { definitionDigest, materializationPath } from './definition.ts';
import { newestMaterialization } from './materialization.ts';
import type { ObservedFeatureSet } from './observe.ts';
import { planFeatureSet } from './plan.ts';
import { featureSetStatus } from './status.ts';

const RESULT: MaterialiseResult = {
  ok: true,
  path: 'team/features/weather/x/1',
  rows: 10,
  bytes: 99,
  digest: `sha256:${'d'.repeat(64)}`,
  watermark: { event: '2013-12-30T23:00:00Z', known: '2013-12-30T23:00:00Z' },
  warnings: [],
};
const stores = { source: aStore(), output: aStore() };
const weather = aFeatureSet();

/** A Job of the FeatureSet, perhaps finished with a result. */
function jobOf(featureSet = weather, result?: object): Job {
  const job = buildMaterialiseJob(featureSet, stores, WORKLOADS);
  const annotations = result === undefined ? {} : { 'slipway.dev/result': JSON.stringify(result) };
  return {
    ...job,
    metadata: { ...job.metadata, uid: 'j', annotations: { ...job.metadata.annotations, ...annotations } },
  };
}

function observed(more: Partial<ObservedFeatureSet> = {}): ObservedFeatureSet {
  const featureSet = more.featureSet ?? weather;
  const jobs = more.jobs ?? [];
  const definition = definitionDigest(featureSet.spec);
  return {
    featureSet,
    source: { store: aStore() },
    output: { store: aStore() },
    definition,
    current: { job: undefined, pods: [], outcome: { state: 'absent' } },
    newest: newestMaterialization(jobs, definition),
    jobs,
    ...more,
  };
}

const current = (outcome: ObservedFeatureSet['current']['outcome'], job = jobOf()) => ({ job, pods: [], outcome });
const made = (job = jobOf(weather, RESULT)) => ({
  current: current({ state: 'succeeded', result: RESULT }, job),
  jobs: [job],
});
const failed = (reason: string) => current({ state: 'failed', reason, message: 'It is so.', retryable: false });
const names = (plan: ReturnType<typeof planFeatureSet>) => plan.prune.map(({ object }) => object.metadata.name);

describe('definitionDigest', () => {
  it.each<[string, object, boolean]>([
    ['the transform', { transform: { sql: 'SELECT 1' } }, true],
    ['an entity', { entities: [{ name: 'origin', type: 'Int64' }] }, true],
    ['the source', { source: { files: { store: { name: 'lake' }, path: 'weather/*.csv', format: 'Csv' } } }, true],
    ['the known time', { time: { event: 'time_hour', known: 'seen' } }, true],
    ['the type of a feature', { features: [{ name: 'temp', type: 'Float64' }] }, true],
    ['ttl', { ttl: '9h' }, false],
    ['run', { run: 4 }, false],
    ['a description', { features: [{ name: 'temp', type: 'Float32', description: 'in Fahrenheit' }] }, false],
    ['a check', { checks: [{ feature: 'temp', min: 0, maxBadFraction: 0, onBad: 'Keep', onFailure: 'Warn' }] }, false],
    ['resources', { resources: { limits: { memory: '1Gi' } } }, false],
  ])('%s changes it or not', (_, spec, changes) => {
    const digest = definitionDigest(aFeatureSet('weather', spec).spec);
    expect(digest !== definitionDigest(weather.spec)).toBe(changes);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not depend on the order of keys in the YAML', () => {
    const keys = Object.keys(weather.spec) as (keyof typeof weather.spec)[];
    fc.assert(
      fc.property(fc.shuffledSubarray(keys, { minLength: keys.length }), (order) => {
        const spec = Object.fromEntries(order.map((key) => [key, weather.spec[key]])) as unknown as typeof weather.spec;
        expect(definitionDigest(spec)).toBe(definitionDigest(weather.spec));
      }),
    );
  });
});

describe('materialiseJobName', () => {
  it('fits and differs for any two names and runs', () => {
    const name = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
    const run = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(name, name, run, run, (a, b, runA, runB) => {
        const nameA = materialiseJobName(aFeatureSet(a, { run: runA }), stores);
        const nameB = materialiseJobName(aFeatureSet(b, { run: runB }), stores);
        expect(nameA.length).toBeLessThanOrEqual(63);
        expect(nameA === nameB).toBe(a === b && runA === runB);
      }),
    );
  });

  it('is another one with other checks and another Store, and the same with another ttl', () => {
    const name = materialiseJobName(weather, stores);
    const checks = [{ feature: 'temp', min: 0, maxBadFraction: 0, onBad: 'Keep', onFailure: 'Warn' }] as const;
    expect(materialiseJobName(aFeatureSet('weather', { checks: [...checks] }), stores)).not.toBe(name);
    expect(materialiseJobName(weather, { ...stores, output: aStore({ uri: 'pvc://other/team' }) })).not.toBe(name);
    expect(materialiseJobName(aFeatureSet('weather', { ttl: '9h' }), stores)).toBe(name);
  });

  it('writes into another folder with other checks', () => {
    const checks = [{ feature: 'temp', min: 0, maxBadFraction: 0, onBad: 'Keep' as const, onFailure: 'Warn' as const }];
    const path = materializationPath('weather', weather.spec);
    expect(path).toMatch(/^features\/weather\/[0-9a-f]{16}\/1$/);
    expect(materializationPath('weather', { ...weather.spec, checks })).toMatch(/\/1-[0-9a-f]{6}$/);
  });
});

describe('planFeatureSet', () => {
  const old = jobOf(aFeatureSet('weather', { transform: { sql: 'SELECT old' } }));
  const oldDone = jobOf(aFeatureSet('weather', { transform: { sql: 'SELECT old' } }), RESULT);

  it('starts a Job that reads one Store and writes the other', () => {
    const { create } = planFeatureSet(observed(), WORKLOADS);
    expect(create?.metadata.name).toBe(materialiseJobName(weather, stores));
    expect(create?.metadata.labels?.['slipway.dev/featureset']).toBe('weather');
  });

  it('starts no second one while there is one, or without a Store', () => {
    expect(planFeatureSet(observed(made()), WORKLOADS)).toEqual({ create: undefined, prune: [] });
    const source = { problem: { reason: 'StoreNotFound', message: 'gone' } };
    expect(planFeatureSet(observed({ source, jobs: [old] }), WORKLOADS)).toEqual({ create: undefined, prune: [] });
  });

  it('replaces an unfinished Job of an older definition at once, and keeps a finished one until it is not needed', () => {
    const started = planFeatureSet(observed({ jobs: [old] }), WORKLOADS);
    expect(started.create).toBeDefined();
    expect(names(started)).toEqual([old.metadata.name]);
    expect(names(planFeatureSet(observed({ jobs: [oldDone] }), WORKLOADS))).toEqual([]);
    expect(names(planFeatureSet(observed({ ...made(), jobs: [oldDone] }), WORKLOADS))).toEqual([oldDone.metadata.name]);
  });

  it('keeps finished Jobs of the same definition: they are the record', () => {
    const earlier = jobOf(aFeatureSet('weather', { run: 7 }), RESULT);
    expect(names(planFeatureSet(observed({ ...made(), jobs: [earlier] }), WORKLOADS))).toEqual([]);
  });

  it('makes room for a Job with other resources where the present one failed, and only there', () => {
    const featureSet = aFeatureSet('weather', { resources: { limits: { memory: '4Gi' } } });
    const plan = planFeatureSet(observed({ featureSet, current: failed('OOMKilled'), jobs: [jobOf()] }), WORKLOADS);
    expect(plan).toMatchObject({
      create: undefined,
      prune: [{ object: { metadata: { name: jobOf().metadata.name } } }],
    });
    expect(names(planFeatureSet(observed({ featureSet, ...made() }), WORKLOADS))).toEqual([]);
  });
});

describe('featureSetStatus', () => {
  const conditions = (more: Partial<ObservedFeatureSet>) =>
    featureSetStatus(observed(more), { now: NOW })?.conditions.map(
      ({ type, status, reason }) => `${type} ${status} ${reason}`,
    );

  it.each<[string, Partial<ObservedFeatureSet>, string[]]>([
    ['before it starts', {}, ['Ready False Materializing', 'Reconciling True Materializing']],
    [
      'without a Store',
      { output: { problem: { reason: 'StoreReadOnly', message: 'no' } } },
      ['Ready False StoreReadOnly', 'Reconciling True StoreReadOnly'],
    ],
    [
      'while its image cannot be pulled',
      { current: current({ state: 'pending', reason: 'ImagePullFailed', message: 'no' }) },
      ['Ready False ImagePullFailed', 'Reconciling True ImagePullFailed'],
    ],
    ['when it is done', made(), ['Ready True Materialized']],
    ['when it failed', { current: failed('SqlInvalid') }, ['Ready False SqlInvalid', 'Stalled True SqlInvalid']],
    [
      'when checks refuse the first rows',
      { current: failed('CheckFailed') },
      ['Ready False CheckFailed', 'Stalled True CheckFailed', 'ChecksPassed False CheckFailed'],
    ],
    [
      'when checks refuse rows and there are older ones',
      { current: failed('CheckFailed'), jobs: [jobOf(weather, RESULT)] },
      ['Ready True KeptLast', 'ChecksPassed False CheckFailed'],
    ],
    [
      'with warnings',
      { current: current({ state: 'succeeded', result: { ...RESULT, warnings: ['1 value was set to null.'] } }) },
      ['Ready True Materialized', 'ChecksPassed False Warnings'],
    ],
  ])('%s', (_, more, wanted) => {
    expect(conditions(more)).toEqual(wanted);
  });

  it('tells what was made, and how to go on after a failure', () => {
    expect(featureSetStatus(observed(made()), { now: NOW })).toMatchObject({
      definition: definitionDigest(weather.spec),
      materialization: { rows: 10, run: 1, path: materializationPath('weather', weather.spec) },
    });
    const status = featureSetStatus(observed({ current: failed('SqlInvalid') }), { now: NOW });
    expect(status?.conditions[0]?.message).toBe(
      'It is so. A change of the spec starts it again; after putting files right, raise spec.run to 2.',
    );
  });

  it('is left alone by an error that says nothing about the FeatureSet', () => {
    const error = new TransientError('Timeout', 'no answer');
    expect(featureSetStatus(observed(), { now: NOW, error })).toBeUndefined();
  });
});

describe('usableMaterialization', () => {
  it('is the last good one when the source is gone, and none when the rows are', () => {
    const done = { ...made(), current: { job: undefined, pods: [], outcome: { state: 'absent' as const } } };
    const problem = { reason: 'StoreNotFound', message: 'gone' };
    expect(usableMaterialization(observed({ ...done, source: { problem } })).materialization?.rows).toBe(10);
    expect(usableMaterialization(observed({ ...done, output: { problem } })).why).toEqual(problem);
  });

  it('is none while the present materialisation is still made, also when there is an older one', () => {
    const running = current({ state: 'running' });
    expect(usableMaterialization(observed({ ...made(), current: running })).why?.reason).toBe('Materializing');
  });
});
