/** From a FeatureSet to a ModelVersion on a real API server; pods are played, and the operator is a process of its own. */
import { builtin } from '@slipway/kube';
import type { DatasetVersion, ModelVersion } from '@slipway/crds';
import type { Job } from '@slipway/kube';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from '../operator/harness.ts';
import type { Harness, OperatorProcess } from '../operator/harness.ts';
import { code, dataset, featureSet, requestOf, script, trainingJob } from './objects.ts';
import { worldOf } from './world.ts';
import type { World } from './world.ts';

const NS = 'team';
let harness: Harness;
let operator: OperatorProcess;
let world: World;

beforeAll(async () => {
  harness = await startHarness(script());
  operator = harness.startOperator();
  world = worldOf(harness, NS);
});
afterAll(() => harness?.stop());

const settle = () => sleep(2000);
const jobNames = async () => (await world.jobs()).map(({ metadata }) => metadata.name);
const request = (job: Job | undefined) => requestOf({ ...(job as Job), spec: job?.spec?.template.spec } as never);

describe('the way from data to a model', () => {
  it('applies everything at once, in any order, and ends with one ModelVersion', async () => {
    await harness.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NS } }, trainingJob(NS), dataset(NS));
    await world.reason(kinds.TrainingJob, 'xgb', 'CodeNotFound');
    await world.prepareTraining();

    const { object: job } = await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
    const datasetVersion = (await world.datasetVersions())[0] as DatasetVersion;
    const versions = await world.modelVersions();
    const version = versions[0] as ModelVersion;

    expect(datasetVersion.metadata.name).toMatch(/^flights-1-[0-9a-f]{6}$/);
    expect(datasetVersion.spec).toMatchObject({
      number: 1,
      rows: { train: 70, validation: 20, test: 10 },
      dropped: { labelNull: 3 },
      features: [{ featureSet: 'weather' }],
    });
    expect(datasetVersion.spec.artifact.path).toMatch(/^datasets\/flights\//);
    expect(versions).toHaveLength(1);
    expect(version.metadata.name).toMatch(/^delay-1-[0-9a-f]{6}$/);
    expect(version.metadata).not.toHaveProperty('ownerReferences');
    expect(version.metadata.labels).toMatchObject({ 'slipway.dev/producer-uid': job.metadata.uid });
    expect(version.spec).toMatchObject({
      model: { name: 'delay' },
      number: 1,
      parameters: { depth: 6, eta: 0.1, objective: 'logistic' },
      metrics: [{ name: 'validation.auc', value: 0.73 }],
      lineage: { trainingJob: 'xgb', attempt: 1, datasetVersion: datasetVersion.metadata.name },
    });
    expect(job.status).toMatchObject({
      attempt: 1,
      run: version.spec.lineage?.run,
      datasetVersion: datasetVersion.metadata.name,
      output: { path: `runs/${job.metadata.uid}/1`, modelVersion: version.metadata.name },
      metrics: [{ name: 'validation.auc', value: 0.73 }],
    });
  });

  it('shows in the Model and in the FeatureSet what there is', async () => {
    await eventually('materialise, build, attempt, publish, verify', async () => (await jobNames()).length === 5);
    const model = await eventually('the Model counts it', async () => {
      const found = await world.model();
      return found?.status?.versions === 1 && found;
    });
    expect(model.status?.latest).toEqual({ name: (await world.modelVersions())[0]?.metadata.name, number: 1 });
    const { condition } = await world.reason(kinds.FeatureSet, 'weather', 'Materialized');
    expect(condition.message).toBe('26115 rows, the newest of 2013-12-30T23:00:00Z.');
  });

  it('tells what happened in Events, once each', async () => {
    const wanted = {
      FeatureSet: ['Materialized'],
      Dataset: ['DatasetVersionCreated'],
      TrainingJob: ['AttemptStarted', 'Published'],
    };
    for (const [kind, reasons] of Object.entries(wanted)) {
      await eventually(`Events of the ${kind}`, async () => {
        const seen = await world.eventReasons(kind);
        return reasons.every((reason) => seen.filter((each) => each === reason).length === 1);
      });
    }
  });

  it('makes an Indexed Job whose pods find each other', async () => {
    const [attempt] = await world.jobs('trainer');
    const pod = attempt?.spec?.template.spec;
    const variables = Object.fromEntries((pod?.containers[0]?.env ?? []).map(({ name, value }) => [name, value]));

    expect(attempt?.spec).toMatchObject({ completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimit: 0 });
    expect(pod?.subdomain).toBe('xgb-nodes');
    expect(variables).toMatchObject({
      SLIPWAY_PARAMETERS: '{"depth":6,"eta":0.1,"objective":"logistic"}',
      PARAM_DEPTH: '6',
      DMLC_TRACKER_URI: 'xgb-1-0.xgb-nodes',
      DMLC_NUM_WORKER: '2',
    });
  });

  it('writes nothing at rest, also after every status was wiped and the operator was started again', async () => {
    await eventually('the version is verified', async () => (await world.modelVersions())[0]?.status?.bytes === 42);
    const works = await jobNames();
    await world.wipeStatuses();
    await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
    await world.reason(kinds.Dataset, 'flights', 'Built');
    await world.reason(kinds.FeatureSet, 'weather', 'Materialized');
    await settle();
    expect(await jobNames()).toEqual(works);
    const before = await world.fingerprint();

    await operator.stop();
    operator = harness.startOperator();
    await settle();
    await settle();

    expect(await world.fingerprint()).toEqual(before);
    expect(await world.modelVersions()).toHaveLength(1);
  });

  it('does not train again when the Dataset gets a new version, or when only ttl changes', async () => {
    await harness.apply(featureSet(NS, 'weather', { ttl: '6h' }), dataset(NS, { run: 2 }));
    await eventually('there is a second DatasetVersion', async () => (await world.datasetVersions()).length === 2);
    await settle();

    expect((await world.datasetVersions()).map(({ spec }) => spec.number)).toEqual([1, 2]);
    expect(await world.jobs('trainer')).toHaveLength(1);
    expect(await world.modelVersions()).toHaveLength(1);
  });

  it('trains again when the code, a parameter or run changes, and numbers go on', async () => {
    await harness.apply(code(NS, 'print("better")'));
    await eventually('a second version', async () => (await world.modelVersions()).length === 2);
    await harness.apply(trainingJob(NS, { parameters: { depth: 8 } }));
    await eventually('a third version', async () => (await world.modelVersions()).length === 3);
    await harness.apply(trainingJob(NS, { parameters: { depth: 8 }, run: 2 }));
    await eventually('a fourth version', async () => (await world.modelVersions()).length === 4);

    const { object } = await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
    expect(object.status?.attempt).toBe(4);
    expect((await world.modelVersions()).map(({ spec }) => spec.number)).toEqual([1, 2, 3, 4]);
    expect((await world.modelVersions()).map(({ spec }) => spec.lineage?.attempt)).toEqual([1, 2, 3, 4]);
    expect((await world.jobs('trainer')).map(({ metadata }) => metadata.name)).toEqual(['xgb-4']);
  });

  it('finds its own work again when the spec goes back to what it was', async () => {
    await harness.apply(trainingJob(NS, { parameters: { depth: 8 } }));
    await eventually('it names the third version', async () => {
      const { object } = await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
      return object.status?.output?.modelVersion?.startsWith('delay-3-') ?? false;
    });
    await settle();
    expect(await world.modelVersions()).toHaveLength(4);
  });

  it('starts a changed FeatureSet at once and builds the next DatasetVersion with it', async () => {
    await harness.apply(featureSet(NS, 'weather', { transform: { sql: 'SELECT * FROM source' } }));
    await world.reason(kinds.FeatureSet, 'weather', 'Materialized');
    const { condition } = await world.reason(kinds.Dataset, 'flights', 'Built');
    expect(condition.message).toContain('raise spec.run to 3');
    await harness.apply(dataset(NS, { run: 3 }));
    await eventually('a third version', async () => (await world.datasetVersions()).length === 3);

    const versions = (await world.datasetVersions()).sort((a, b) => a.spec.number - b.spec.number);
    expect(versions.map(({ spec }) => spec.number)).toEqual([1, 2, 3]);
    expect(versions[2]?.spec.features[0]?.definition).not.toBe(versions[1]?.spec.features[0]?.definition);
    const jobs = (
      await harness.client.list(builtin.Job, { namespace: NS, labelSelector: 'slipway.dev/featureset=weather' })
    ).items;
    expect(jobs.map((job) => request(job)['sql'])).toEqual(['SELECT * FROM source']);
  });

  it('loses what it owns and keeps what it produced when it is deleted', async () => {
    await harness.client.delete(kinds.TrainingJob, { namespace: NS, name: 'xgb' });
    await harness.client.delete(kinds.Dataset, { namespace: NS, name: 'flights' });
    await harness.client.delete(kinds.FeatureSet, { namespace: NS, name: 'weather' });
    await eventually('the Jobs are collected', async () =>
      (await jobNames()).every((name) => name.includes('-verify-')),
    );
    await eventually('the Service is collected', async () => {
      const service = await harness.get(builtin.Service, { namespace: NS, name: 'xgb-nodes' });
      return service === undefined;
    });

    expect(await world.modelVersions()).toHaveLength(4);
    expect(await world.datasetVersions()).toHaveLength(3);
  });

  it('knows its work when it is created again', async () => {
    await harness.apply(trainingJob(NS, { parameters: { depth: 8 }, run: 2 }), dataset(NS, { run: 3 }));
    const { object, condition } = await world.reason(kinds.TrainingJob, 'xgb', 'AlreadyProduced', 'Succeeded');
    await world.reason(kinds.Dataset, 'flights', 'Built');
    await settle();

    expect(condition.status).toBe('True');
    expect(object.status?.output?.modelVersion).toMatch(/^delay-4-/);
    expect((await jobNames()).every((name) => name.includes('-verify-'))).toBe(true);
    expect(await world.modelVersions()).toHaveLength(4);
    expect(await world.datasetVersions()).toHaveLength(3);
  });

  it('stops with ImageNotPinned where the image may have changed since', async () => {
    const loose = { image: 'registry.example/trainer:dev', run: 7 };
    await harness.apply(featureSet(NS), trainingJob(NS, loose));
    await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
    await harness.client.delete(kinds.TrainingJob, { namespace: NS, name: 'xgb' });
    await eventually('it is gone', async () => (await world.jobs('trainer')).length === 0);
    const made = (await world.modelVersions()).length;

    await harness.apply(trainingJob(NS, loose));
    const { condition } = await world.reason(kinds.TrainingJob, 'xgb', 'ImageNotPinned');
    await settle();
    expect(condition.message).toContain('raise spec.run to 8');
    expect(await world.jobs('trainer')).toHaveLength(0);

    await harness.apply(trainingJob(NS, { ...loose, run: 8 }));
    await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
    expect(await world.modelVersions()).toHaveLength(made + 1);
  });

  it('gives two TrainingJobs of one Model different numbers', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const made = (await world.modelVersions()).length;
    await harness.apply(
      ...names.map((name, index) => trainingJob(NS, { parameters: { depth: index }, nodes: 1 }, name)),
    );
    await Promise.all(names.map((name) => world.reason(kinds.TrainingJob, name, 'Published', 'Succeeded')));

    const versions = await world.modelVersions();
    expect(versions).toHaveLength(made + names.length);
    expect(new Set(versions.map(({ spec }) => spec.number)).size).toBe(versions.length);
  });

  it('leaves a ModelVersion deleted that a person deleted', async () => {
    const name = (await world.trainingJob('a'))?.status?.output?.modelVersion ?? '';
    const made = (await world.modelVersions()).length;
    await harness.client.delete(kinds.ModelVersion, { namespace: NS, name });
    await eventually('it says so', async () => {
      const { condition } = await world.reason(kinds.TrainingJob, 'a', 'Published', 'Succeeded');
      return condition.message.includes('was deleted since');
    });
    expect(await world.modelVersions()).toHaveLength(made - 1);
  });
});
