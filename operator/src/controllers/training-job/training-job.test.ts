/** State, plan and status of a TrainingJob, from the same observations. */
import type { PublishModelResult } from '@slipway/crds/batch';
import type { Job } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aDatasetVersion, aModel, aTrainingJob, PINNED_IMAGE } from '../../testing/data-fixtures.ts';
import { aStore, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import type { AttemptRecord } from './attempt.ts';
import { buildAttemptJob, buildPublishJob } from './build-children.ts';
import { buildModelVersion } from './build-model-version.ts';
import type { TrainingInputs } from './build-training-pod.ts';
import { identityOf } from './identity.ts';
import type { CurrentAttempt, ObservedTrainingJob } from './observe.ts';
import { planTrainingJob } from './plan.ts';
import { MAX_RESTARTS, trainingState } from './state.ts';
import { trainingJobStatus } from './status.ts';

const ready: TrainingInputs = { datasetVersion: aDatasetVersion(), datasetStore: aStore(), modelStore: aStore() };
const xgb = aTrainingJob();
const PUBLISHED: PublishModelResult = {
  ok: true,
  path: 'team/models/sha256-7f',
  digest: `sha256:${'7f3a2c'.padEnd(64, '0')}`,
  bytes: 42,
  signature: { inputs: [], outputs: [] },
  metrics: { 'validation.auc': 0.73, 'train.auc': 0.8 },
};

function recordOf(number: number, more: Partial<AttemptRecord> = {}, of = xgb): AttemptRecord {
  const { spec, template } = identityOf(of.spec, undefined);
  const base = {
    number,
    spec,
    code: 'none',
    template,
    run: `sha256:${'r'.repeat(64)}`,
    datasetVersion: 'flights-1-aaaaaa',
  };
  return { ...base, restarts: 0, ...more };
}

function jobOf(record: AttemptRecord, more: Partial<Job> = {}): Job {
  const job = buildAttemptJob({ trainingJob: xgb, attempt: record.number, inputs: ready, config: WORKLOADS }, record);
  return { ...job, metadata: { ...job.metadata, uid: `job-${record.number}` }, ...more };
}

function publishJobOf(number: number): Job {
  const job = buildPublishJob({ trainingJob: xgb, attempt: number, modelStore: aStore(), config: WORKLOADS });
  return { ...job, metadata: { ...job.metadata, uid: `publish-${number}` } };
}

function attempt(outcome: CurrentAttempt['outcome'], more: Partial<CurrentAttempt> = {}): CurrentAttempt {
  const record = more.record ?? recordOf(3);
  const publish = { job: undefined, pods: [], outcome: { state: 'absent' as const } };
  return {
    record,
    job: jobOf(record),
    pods: [],
    outcome,
    publish,
    version: undefined,
    deletedVersion: undefined,
    ...more,
  };
}

function observed(more: Partial<ObservedTrainingJob> = {}): ObservedTrainingJob {
  const trainingJob = more.trainingJob ?? xgb;
  return {
    trainingJob,
    identity: identityOf(trainingJob.spec, undefined),
    current: undefined,
    lastAttempt: more.current?.record.number ?? 0,
    produced: undefined,
    model: aModel(),
    modelStore: { store: aStore() },
    inputs: { ready },
    modelVersions: [],
    jobs: more.current === undefined ? [] : [more.current.job],
    ...more,
  };
}

const collected = { state: 'succeeded', result: { ok: true, files: 3, bytes: 42 } } as const;
const failure = (retryable: boolean) =>
  ({ state: 'failed', reason: 'TrainerFailed', message: 'It broke.', retryable }) as const;
const pending = { state: 'pending', reason: 'ImagePullFailed', message: 'No such image.' } as const;
const suspended = aTrainingJob({ suspend: true });
const bigger = aTrainingJob({ resources: { limits: { memory: '4Gi' } } });
const publishing = (outcome: CurrentAttempt['publish']['outcome']) =>
  attempt(collected, { publish: { job: publishJobOf(3), pods: [], outcome } });
const version = (uid: string) => {
  const trainingJob = { ...xgb, metadata: { ...xgb.metadata, uid } };
  return buildModelVersion({ trainingJob, record: recordOf(3), store: aStore(), result: PUBLISHED }, 5);
};
const unpinned = aTrainingJob({ image: 'registry.example/trainer:dev' });
const stopped = (record = recordOf(3)) => ({ ...jobOf(record), spec: { ...jobOf(record).spec, suspend: true } }) as Job;

describe('trainingState', () => {
  it.each<[string, Partial<ObservedTrainingJob>, object]>([
    ['starts with attempt 1', {}, { phase: 'starting', number: 1, restarts: 0 }],
    ['never uses a number again', { lastAttempt: 7 }, { phase: 'starting', number: 8 }],
    [
      'waits for what is missing',
      { inputs: { problem: { reason: 'X', message: '' }, invalid: false } },
      { phase: 'blocked' },
    ],
    ['waits while suspended', { trainingJob: suspended }, { phase: 'suspended', stop: undefined }],
    ['trains', { current: attempt({ state: 'running' }) }, { phase: 'training', runs: true }],
    ['shows what a pod waits for', { current: attempt(pending) }, { phase: 'training', trouble: pending }],
    [
      'replaces a stuck attempt that would now be another one',
      { trainingJob: bigger, current: attempt(pending) },
      { phase: 'starting', number: 4 },
    ],
    [
      'lets a running attempt run when only its pods would differ',
      { trainingJob: bigger, current: attempt({ state: 'running' }) },
      { phase: 'training' },
    ],
    ['does not repeat a failure', { current: attempt(failure(false)) }, { phase: 'failed' }],
    [
      'tries again with other resources',
      { trainingJob: bigger, current: attempt(failure(false)) },
      { phase: 'starting', number: 4, restarts: 0 },
    ],
    [
      'replaces what the cluster took away',
      { current: attempt(failure(true)) },
      { phase: 'starting', number: 4, restarts: 1 },
    ],
    [
      'gives up after too many of them',
      { current: attempt(failure(true), { record: recordOf(3, { restarts: MAX_RESTARTS }) }) },
      { phase: 'failed' },
    ],
    [
      'stops a running attempt',
      { trainingJob: suspended, current: attempt({ state: 'running' }) },
      { phase: 'suspended', stop: { metadata: { name: 'xgb-3' } } },
    ],
    [
      'stops it once',
      { trainingJob: suspended, current: attempt(pending, { job: stopped() }) },
      { phase: 'suspended', stop: undefined },
    ],
    ['starts afresh after a stop', { current: attempt(pending, { job: stopped() }) }, { phase: 'starting', number: 4 }],
    ['publishes', { current: attempt(collected) }, { phase: 'publishing', result: undefined }],
    [
      'does not publish while suspended',
      { trainingJob: suspended, current: attempt(collected) },
      { phase: 'suspended' },
    ],
    [
      'says why a model cannot be published',
      { current: publishing({ ...failure(false), reason: 'ModelMissing' }) },
      { phase: 'publishFailed' },
    ],
    [
      'has a result to number',
      { current: publishing({ state: 'succeeded', result: PUBLISHED }) },
      { phase: 'publishing', result: PUBLISHED },
    ],
    [
      'is done',
      { current: attempt(collected, { version: version('uid-of-xgb') }) },
      { phase: 'published', name: 'delay-5-7f3a2c' },
    ],
    [
      'is done when the version was deleted',
      { current: attempt(collected, { deletedVersion: 'delay-1' }) },
      { phase: 'published', name: 'delay-1', version: undefined },
    ],
    [
      'knows its own work without its Jobs',
      { produced: version('uid-of-xgb'), trainingJob: { ...unpinned } },
      { phase: 'published' },
    ],
    ['finds the work of a namesake', { produced: version('another') }, { phase: 'alreadyProduced' }],
    [
      'does not trust an image that may have changed',
      { produced: version('another'), trainingJob: unpinned },
      { phase: 'notPinned' },
    ],
  ])('%s', (_, more, wanted) => {
    expect(trainingState(observed(more))).toMatchObject(wanted);
  });
});

describe('planTrainingJob', () => {
  const plan = (more: Partial<ObservedTrainingJob>) => planTrainingJob(observed(more), WORKLOADS);
  const pruned = (more: Partial<ObservedTrainingJob>) => plan(more).prune.map(({ object }) => object.metadata.name);
  const old = jobOf(recordOf(2));
  const oldDone = jobOf(recordOf(2), { status: { conditions: [{ type: 'Complete', status: 'True' }] } });

  it('makes the Service first, then the attempt', () => {
    const { apply, create } = plan({});
    expect(apply.map(({ object }) => object.metadata.name)).toEqual(['xgb-nodes']);
    expect(create?.metadata.name).toBe('xgb-1');
  });

  it('records on the Job what the attempt was made of', () => {
    const record = JSON.parse(plan({}).create?.metadata.annotations?.['slipway.dev/training'] ?? '{}') as AttemptRecord;
    expect(record).toMatchObject({ number: 1, datasetVersion: 'flights-1-aaaaaa', restarts: 0, code: 'none' });
    expect(record.run).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('replaces every older attempt when a new one starts, running or not', () => {
    expect(pruned({ jobs: [old, publishJobOf(2)], lastAttempt: 2 })).toEqual(['xgb-2', 'xgb-publish-2']);
  });

  it("ends what still runs for yesterday's spec while the new one cannot start, and keeps what has ended", () => {
    const inputs = { problem: { reason: 'X', message: '' }, invalid: false } as const;
    expect(pruned({ inputs, jobs: [old] })).toEqual(['xgb-2']);
    expect(pruned({ inputs, jobs: [oldDone] })).toEqual([]);
  });

  it('publishes rank 0 of the attempt, once', () => {
    const { create } = plan({ current: attempt(collected) });
    expect(create?.metadata.name).toBe('xgb-publish-3');
    expect(create?.spec?.template.spec?.containers[0]?.env?.[0]?.value).toContain(
      '/stores/default/team/runs/uid-of-xgb/3/0',
    );
    expect(plan({ current: publishing({ state: 'running' }) }).create).toBeUndefined();
  });

  it('makes a version that tells where it comes from, and that nobody owns', () => {
    const made = plan({ current: publishing({ state: 'succeeded', result: PUBLISHED }) }).publish?.build(5);
    expect(made?.metadata).toMatchObject({
      name: 'delay-5-7f3a2c',
      labels: { 'slipway.dev/producer-uid': 'uid-of-xgb', 'slipway.dev/model': 'delay' },
    });
    expect(made?.spec).toEqual({
      model: { name: 'delay' },
      number: 5,
      artifact: { store: { name: 'default' }, path: 'models/sha256-7f', digest: PUBLISHED.digest, format: 'Onnx' },
      parameters: { depth: 6 },
      metrics: [
        { name: 'train.auc', value: 0.8 },
        { name: 'validation.auc', value: 0.73 },
      ],
      lineage: {
        trainingJob: 'xgb',
        run: `sha256:${'r'.repeat(64)}`,
        attempt: 3,
        datasetVersion: 'flights-1-aaaaaa',
        image: PINNED_IMAGE,
      },
    });
  });

  it('makes nothing new when it is done', () => {
    const done = attempt(collected, { version: version('uid-of-xgb') });
    expect(plan({ current: done })).toMatchObject({
      create: undefined,
      suspend: undefined,
      publish: undefined,
      prune: [],
    });
  });

  it('keeps the highest number on the Service, for the day on which the Jobs are gone', () => {
    const [service] = plan({ lastAttempt: 7, produced: version('uid-of-xgb') }).apply;
    expect(service?.object.metadata.annotations).toEqual({ 'slipway.dev/last-attempt': '7' });
    expect(plan({ produced: version('another') }).apply).toEqual([]);
  });
});

describe('trainingJobStatus', () => {
  const conditions = (more: Partial<ObservedTrainingJob>) =>
    trainingJobStatus(observed(more), { now: NOW })?.conditions.map(
      ({ type, status, reason }) => `${type} ${status} ${reason}`,
    );

  it.each<[string, Partial<ObservedTrainingJob>, string[]]>([
    ['is on its way', {}, ['Ready False Starting', 'Reconciling True Starting']],
    ['is Ready once pods run', { current: attempt({ state: 'running' }) }, ['Ready True Running']],
    ['is Ready while suspended on purpose', { trainingJob: suspended }, ['Ready True Suspended']],
    [
      'can only be mended in the spec',
      { inputs: { problem: { reason: 'ParameterInvalid', message: '' }, invalid: true } },
      ['Ready False ParameterInvalid', 'Stalled True ParameterInvalid'],
    ],
    [
      'failed',
      { current: attempt(failure(false)) },
      ['Ready False TrainerFailed', 'Stalled True TrainerFailed', 'Failed True TrainerFailed'],
    ],
    ['publishes', { current: attempt(collected) }, ['Ready True Publishing']],
    [
      'succeeded',
      { current: attempt(collected, { version: version('uid-of-xgb') }) },
      ['Ready True Published', 'Succeeded True Published'],
    ],
    [
      'found its work',
      { produced: version('other') },
      ['Ready True AlreadyProduced', 'Succeeded True AlreadyProduced'],
    ],
    [
      'does not know',
      { produced: version('other'), trainingJob: unpinned },
      ['Ready False ImageNotPinned', 'Stalled True ImageNotPinned'],
    ],
  ])('%s', (_, more, wanted) => {
    expect(conditions(more)).toEqual(wanted);
  });

  it('tells the facts of the attempt, and later those of the version', () => {
    const current = attempt(collected, { version: version('uid-of-xgb') });
    expect(trainingJobStatus(observed({ current }), { now: NOW })).toMatchObject({
      attempt: 3,
      datasetVersion: 'flights-1-aaaaaa',
      output: { path: 'runs/uid-of-xgb/3', modelVersion: 'delay-5-7f3a2c' },
      metrics: [
        { name: 'train.auc', value: 0.8 },
        { name: 'validation.auc', value: 0.73 },
      ],
    });
  });

  it('says how to go on after a failure', () => {
    const [ready_] = trainingJobStatus(observed({ current: attempt(failure(false)) }), { now: NOW })?.conditions ?? [];
    expect(ready_?.message).toBe(
      'Attempt 3: It broke. A change of the spec starts the next attempt; to try the same again, raise spec.run to 2.',
    );
    const lost = attempt(collected, { publish: { job: publishJobOf(3), pods: [], outcome: failure(true) } });
    const [again] = trainingJobStatus(observed({ current: lost }), { now: NOW })?.conditions ?? [];
    expect(again?.message).toContain('kubectl delete job xgb-publish-3');
  });
});
