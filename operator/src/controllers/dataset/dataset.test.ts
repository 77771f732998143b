/** Recipe, inputs, plan and status of a Dataset, from the same observations. */
import type { BuildDatasetResult } from '@slipway/crds/batch';
import type { Job } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aDataset, aDatasetVersion, aFeatureSet } from '../../testing/data-fixtures.ts';
import { aStore, DIGEST, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { buildDatasetJob, buildJobName, buildRequest } from './build-dataset-job.ts';
import type { ReadyInputs } from './inputs.ts';
import { resolveInputs } from './inputs.ts';
import type { ObservedDataset, ObservedFeature } from './observe.ts';
import { planDataset } from './plan.ts';
import { recipeDigest } from './recipe.ts';
import { datasetStatus } from './status.ts';

const materialization = {
  definition: 'd'.repeat(64),
  run: 1,
  store: 'default',
  path: 'features/weather/dddddddddddddddd/1',
  rows: 10,
  bytes: 99,
  digest: DIGEST,
  warnings: [],
};
const RESULT: BuildDatasetResult = {
  ok: true,
  path: 'team/datasets/flights/abc',
  digest: `sha256:${'7f3a2c'.padEnd(64, '0')}`,
  bytes: 10,
  rows: { train: 7, validation: 2, test: 1 },
  dropped: { labelNull: 3 },
  warnings: [],
};
const dataset = aDataset();
const ready: ReadyInputs = {
  rows: aStore(),
  output: aStore(),
  features: [{ featureSet: aFeatureSet(), materialization, store: aStore(), select: undefined }],
};

function feature(more: Partial<ObservedFeature> = {}): ObservedFeature {
  return {
    name: 'weather',
    select: undefined,
    featureSet: aFeatureSet(),
    usable: { materialization },
    store: { store: aStore() },
    ...more,
  };
}

function observed(more: Partial<ObservedDataset> = {}): ObservedDataset {
  return {
    dataset,
    recipe: recipeDigest(dataset.spec),
    inputs: { ready },
    features: [feature()],
    versions: [],
    version: undefined,
    deletedVersion: undefined,
    current: { job: undefined, pods: [], outcome: { state: 'absent' } },
    jobs: [],
    ...more,
  };
}

function jobOf(of = dataset, more: Partial<Job['metadata']> = {}): Job {
  const job = buildDatasetJob(of, ready, WORKLOADS);
  return { ...job, metadata: { ...job.metadata, uid: 'j', ...more } };
}
const current = (outcome: ObservedDataset['current']['outcome']) => ({ job: jobOf(), pods: [], outcome });
const otherRecipe = jobOf(aDataset({ run: 9 }));

describe('recipeDigest', () => {
  it.each<[string, Partial<typeof dataset.spec>, boolean]>([
    ['run', { run: 2 }, true],
    ['the split', { split: { by: 'Time', validationFrom: '2013-10-01T00:00:00Z', gap: '0s' } }, true],
    ['a selected feature', { features: [{ featureSet: { name: 'weather' }, select: ['temp'] }] }, true],
    ['the rows', { rows: { ...dataset.spec.rows, request: ['distance'] } }, true],
    ['resources', { resources: { limits: { memory: '1Gi' } } }, false],
    ['the Store that it is written to', { store: { name: 'archive' } }, false],
  ])('%s changes it or not', (_, more, changes) => {
    expect(recipeDigest(aDataset(more).spec) !== recipeDigest(dataset.spec)).toBe(changes);
  });
});

describe('resolveInputs', () => {
  const stores = { dataset, rows: { store: aStore() }, output: { store: aStore() } };
  const problemOf = (...features: ObservedFeature[]) => resolveInputs({ ...stores, features }).problem;

  it('pins the materialisations when everything is there', () => {
    expect(resolveInputs({ ...stores, features: [feature()] }).ready?.features).toMatchObject([{ materialization }]);
  });

  it.each<[string, Partial<ObservedFeature>, string, string]>([
    [
      'a missing FeatureSet',
      { featureSet: undefined, usable: undefined, store: undefined },
      'FeatureSetNotFound',
      '"weather"',
    ],
    [
      'an entity that is no key',
      { featureSet: aFeatureSet('weather', { entities: [{ name: 'carrier', type: 'String' }] }) },
      'KeyNotFound',
      'joined by "carrier"',
    ],
    ['an unknown feature', { select: ['wind'] }, 'FeatureNotFound', 'has no feature "wind". It has: temp.'],
    [
      'a FeatureSet at work',
      { usable: { why: { reason: 'Materializing', message: '' } }, store: undefined },
      'WaitingForFeatureSets',
      'until FeatureSet "weather" is materialised',
    ],
    [
      'a FeatureSet that failed',
      { usable: { why: { reason: 'SqlInvalid', message: 'No such column.' } }, store: undefined },
      'FeatureSetNotReady',
      'FeatureSet "weather" is not materialised: No such column.',
    ],
  ])('names %s', (_, more, reason, words) => {
    const problem = problemOf(feature(more));
    expect(problem?.reason).toBe(reason);
    expect(problem?.message).toContain(words);
  });

  it('shows a failure rather than a wait, whatever the order', () => {
    const waits = feature({ usable: { why: { reason: 'Materializing', message: '' } }, store: undefined });
    const broken = feature({ usable: { why: { reason: 'SqlInvalid', message: 'No.' } }, store: undefined });
    expect(problemOf(waits, broken)?.reason).toBe('FeatureSetNotReady');
    expect(problemOf(broken, waits)?.reason).toBe('FeatureSetNotReady');
  });
});

describe('the build', () => {
  it('asks for the selected features with their ttl, from the pinned folder', () => {
    expect(buildRequest(dataset, ready)).toMatchObject({
      rows: { source: { dir: '/stores/default/team', path: 'flights/*.csv' } },
      features: [
        {
          featureSet: 'weather',
          dir: '/stores/default/team/features/weather/dddddddddddddddd/1',
          ttl: '3h',
          select: [{ name: 'temp', type: 'Float32' }],
        },
      ],
      outputParent: '/stores/default/team/datasets/flights',
    });
  });

  it('has another name when a materialisation, a ttl or a Store changes', () => {
    const changed = (more: Partial<ReadyInputs['features'][number]>): ReadyInputs => ({
      ...ready,
      features: ready.features.map((one) => ({ ...one, ...more })),
    });
    const all = [
      ready,
      changed({ materialization: { ...materialization, digest: `sha256:${'b'.repeat(64)}` } }),
      changed({ featureSet: aFeatureSet('weather', { ttl: '6h' }) }),
      { ...ready, output: aStore({ uri: 'pvc://models/elsewhere' }) },
    ];
    expect(new Set(all.map((inputs) => buildJobName(dataset, inputs))).size).toBe(all.length);
  });
});

describe('planDataset', () => {
  const names = (plan: ReturnType<typeof planDataset>) => plan.prune.map(({ object }) => object.metadata.name);

  it('starts nothing where there is a version of the recipe, whoever made it', () => {
    const plan = planDataset(observed({ version: aDatasetVersion(), jobs: [otherRecipe] }), WORKLOADS);
    expect(plan).toMatchObject({ create: undefined, publish: undefined });
    expect(names(plan)).toEqual([otherRecipe.metadata.name]);
  });

  it('builds once, and replaces the build of an older recipe that still runs', () => {
    const plan = planDataset(observed({ jobs: [otherRecipe] }), WORKLOADS);
    expect(plan.create?.metadata.name).toBe(buildJobName(dataset, ready));
    expect(names(plan)).toEqual([otherRecipe.metadata.name]);
    expect(planDataset(observed({ current: current({ state: 'running' }) }), WORKLOADS).create).toBeUndefined();
  });

  it('ends the build of an older recipe also while the new one cannot start', () => {
    const inputs = { problem: { reason: 'FeatureSetNotFound', message: '' } };
    expect(names(planDataset(observed({ inputs, jobs: [otherRecipe, jobOf()] }), WORKLOADS))).toEqual([
      otherRecipe.metadata.name,
    ]);
  });

  it('writes down on the Job which version it became, where an operator died before it could', () => {
    const version = aDatasetVersion();
    const marked = (more: Record<string, string>) => [
      jobOf(dataset, { annotations: { ...jobOf().metadata.annotations, ...more } }),
    ];
    const plan = (more: Record<string, string>) =>
      planDataset(observed({ version, versions: [version], jobs: marked(more) }), WORKLOADS).unnamed?.version;
    const number = { 'slipway.dev/version-number': String(version.spec.number) };
    expect(plan(number)).toBe(version.metadata.name);
    expect(plan({ ...number, 'slipway.dev/version-name': version.metadata.name })).toBeUndefined();
    expect(plan({})).toBeUndefined();
  });

  it('writes it down also while another recipe is asked for, because the Job counts again after a revert', () => {
    const version = aDatasetVersion();
    const annotations = { ...jobOf().metadata.annotations, 'slipway.dev/version-number': String(version.spec.number) };
    const jobs = [jobOf(dataset, { annotations })];
    const isAsked = { recipe: 'another', version: undefined, versions: [version] };
    expect(planDataset(observed({ ...isAsked, jobs }), WORKLOADS).unnamed).toEqual({
      job: jobs[0],
      version: version.metadata.name,
    });
  });

  it('records the result as a version that nobody owns, with what was pinned', () => {
    const { publish } = planDataset(observed({ current: current({ state: 'succeeded', result: RESULT }) }), WORKLOADS);
    expect(publish?.build(4)).toEqual({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'DatasetVersion',
      metadata: {
        name: 'flights-4-7f3a2c',
        namespace: 'team',
        labels: {
          'app.kubernetes.io/managed-by': 'slipway',
          'slipway.dev/producer-uid': 'uid-of-flights',
          'slipway.dev/recipe': recipeDigest(dataset.spec).slice(0, 16),
          'slipway.dev/dataset': 'flights',
        },
      },
      spec: {
        dataset: { name: 'flights' },
        number: 4,
        recipe: recipeDigest(dataset.spec),
        artifact: { store: { name: 'default' }, path: 'datasets/flights/abc', digest: RESULT.digest, bytes: 10 },
        rows: RESULT.rows,
        dropped: { labelNull: 3 },
        features: [{ featureSet: 'weather', definition: 'd'.repeat(64), path: materialization.path, digest: DIGEST }],
      },
    });
  });
});

describe('datasetStatus', () => {
  const first = (more: Partial<ObservedDataset>) => datasetStatus(observed(more), { now: NOW })?.conditions;

  it.each<[string, Partial<ObservedDataset>, string[]]>([
    ['while it builds', {}, ['Ready False Building', 'Reconciling True Building']],
    ['when it has a version', { version: aDatasetVersion() }, ['Ready True Built']],
    [
      'when a person deleted the version',
      { deletedVersion: 'x' },
      ['Ready False VersionDeleted', 'Stalled True VersionDeleted'],
    ],
    [
      'when the build failed',
      { current: current({ state: 'failed', reason: 'LabelLeak', message: 'It leaks.', retryable: false }) },
      ['Ready False LabelLeak', 'Stalled True LabelLeak'],
    ],
  ])('%s', (_, more, wanted) => {
    expect(first(more)?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual(wanted);
  });

  it('counts the rows, those that were left out, and says when a FeatureSet has moved on', () => {
    const features = [{ featureSet: 'weather', definition: 'e'.repeat(64), path: 'x', digest: DIGEST }];
    const version = aDatasetVersion(1, { dropped: { labelNull: 3, timeNull: 0 }, features });
    expect(first({ version })?.[0]?.message).toBe(
      'flights-1-aaaaaa: 70 rows to train, 20 to validate, 10 to test. Left out: 3 labelNull. Since then FeatureSet "weather" has got another definition; raise spec.run to 2 for a version with it.',
    );
  });

  it('keeps naming the newest version while another recipe is built', () => {
    const versions = [aDatasetVersion(2, { recipe: 'old' }), aDatasetVersion(1, { recipe: 'older' })];
    expect(datasetStatus(observed({ versions }), { now: NOW })?.latest?.name).toBe('flights-2-aaaaaa');
  });
});
