/** What goes wrong between data and model, how it shows, and that mending the YAML is all that a person has to do. */
import { builtin } from '@slipway/kube';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import type { PodFate } from '../operator/kubelet.ts';
import {
  commandOf,
  dataset,
  featureSet,
  isTrainer,
  rankOf,
  refused,
  requestOf,
  script,
  trainingJob,
} from './objects.ts';
import { worldOf } from './world.ts';
import type { World } from './world.ts';

const NS = 'team';
let harness: Harness;
let world: World;
/** By name of the FeatureSet, Dataset or TrainingJob that a pod works for. */
const fates = new Map<string, (pod: Parameters<typeof isTrainer>[0]) => PodFate | undefined>();

beforeAll(async () => {
  harness = await startHarness(
    script((pod) => fates.get(pod.metadata.labels?.['app.kubernetes.io/instance'] ?? '')?.(pod)),
  );
  harness.startOperator();
  world = worldOf(harness, NS);
  await world.prepareTraining();
  await world.reason(kinds.Dataset, 'flights', 'Built');
});
afterAll(() => harness?.stop());

const RUNS: PodFate = { kind: 'run', ready: true };
const failing = (fate: Omit<Extract<PodFate, { kind: 'fail' }>, 'kind'>): PodFate => ({ kind: 'fail', ...fate });
const training = (fate: PodFate) => (pod: Parameters<typeof isTrainer>[0]) => (isTrainer(pod) ? fate : undefined);
const jobsOf = async (name: string) =>
  (await world.jobs()).filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance'] === name);

/** Events are written beside the work, so they come a moment after it. */
async function hasEvent(kind: string, reason: string): Promise<void> {
  await eventually(`an Event ${reason}`, async () => (await world.eventReasons(kind)).includes(reason));
}

async function isFailed(name: string, reason: string): Promise<string> {
  const { object, condition } = await world.reason(kinds.TrainingJob, name, reason, 'Failed');
  const of = (type: string) => object.status?.conditions?.find((each) => each.type === type);
  expect(condition.status).toBe('True');
  expect(of('Ready')).toMatchObject({ status: 'False', reason });
  expect(of('Stalled')).toMatchObject({ status: 'True', reason });
  await hasEvent('TrainingJob', reason);
  return condition.message;
}

async function isPublished(name: string, attempt: number): Promise<void> {
  const { object } = await world.reason(kinds.TrainingJob, name, 'Published', 'Succeeded');
  expect(object.status?.attempt).toBe(attempt);
  expect((await world.modelVersions()).filter(({ spec }) => spec.lineage?.trainingJob === name)).toHaveLength(1);
}

describe('a FeatureSet', () => {
  it('says what Job and Store say, and starts again when the YAML is mended', async () => {
    fates.set('files', (pod) =>
      (requestOf(pod)['source'] as { path: string }).path === 'weather/*.csv'
        ? undefined
        : refused('FileNotFound', 'No file matches wether/*.csv in Store default.'),
    );
    await harness.apply(featureSet(NS, 'files', { source: { files: { path: 'wether/*.csv', format: 'Csv' } } }));
    const { condition } = await world.reason(kinds.FeatureSet, 'files', 'FileNotFound', 'Stalled');
    expect(condition.message).toContain('No file matches wether/*.csv in Store default.');
    await world.reason(kinds.FeatureSet, 'files', 'FileNotFound');
    await hasEvent('FeatureSet', 'FileNotFound');

    await harness.apply(featureSet(NS, 'files'));
    await world.reason(kinds.FeatureSet, 'files', 'Materialized');
    expect(await jobsOf('files')).toHaveLength(1);
  });

  it('waits for its Stores and refuses to write into one that is ReadOnly', async () => {
    await harness.apply(featureSet(NS, 'stores', { store: { name: 'archive' } }));
    const { condition } = await world.reason(kinds.FeatureSet, 'stores', 'StoreNotFound');
    expect(condition.message).toContain('There is no Store "archive"');

    const archive = { apiVersion: 'slipway.dev/v1alpha1', kind: 'Store', metadata: { name: 'archive', namespace: NS } };
    await harness.apply({ ...archive, spec: { uri: 'pvc://models/old', access: 'ReadOnly' } });
    await world.reason(kinds.FeatureSet, 'stores', 'StoreReadOnly');
    expect(await jobsOf('stores')).toHaveLength(0);

    await harness.apply({ ...archive, spec: { uri: 'pvc://models/old' } });
    await world.reason(kinds.FeatureSet, 'stores', 'Materialized');
  });

  it('keeps the last good rows when checks refuse new ones', async () => {
    await harness.apply(featureSet(NS, 'checked'));
    const { object: before } = await world.reason(kinds.FeatureSet, 'checked', 'Materialized');
    fates.set('checked', () => refused('CheckFailed', 'temp: 4 % of the rows are null, allowed is 1 %.'));
    await harness.apply(featureSet(NS, 'checked', { run: 2 }));
    const { object, condition } = await world.reason(kinds.FeatureSet, 'checked', 'KeptLast');

    expect(condition.status).toBe('True');
    expect(object.status?.materialization).toEqual(before.status?.materialization);
    expect(object.status?.conditions?.find(({ type }) => type === 'ChecksPassed')).toMatchObject({
      status: 'False',
      reason: 'CheckFailed',
      message: 'temp: 4 % of the rows are null, allowed is 1 %.',
    });
  });

  it('does not wait for a stuck pod of an older definition', async () => {
    const stuck = { kind: 'waitsFor', reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' } as const;
    fates.set('stuck', (pod) => (requestOf(pod)['sql'] === undefined ? stuck : undefined));
    await harness.apply(featureSet(NS, 'stuck'));
    await world.reason(kinds.FeatureSet, 'stuck', 'ImagePullFailed');

    await harness.apply(featureSet(NS, 'stuck', { transform: { sql: 'SELECT 1' } }));
    await world.reason(kinds.FeatureSet, 'stuck', 'Materialized');
    expect(await jobsOf('stuck')).toHaveLength(1);
  });

  it('tries again with more memory when it had too little', async () => {
    fates.set('hungry', (pod) =>
      pod.spec?.containers[0]?.resources?.limits?.['memory'] === '4Gi'
        ? undefined
        : failing({ exitCode: 137, reason: 'OOMKilled' }),
    );
    await harness.apply(featureSet(NS, 'hungry', { resources: { limits: { memory: '1Gi' } } }));
    await eventually('it says so', async () => {
      const ready = (await world.featureSet('hungry'))?.status?.conditions?.[0];
      return ready?.reason === 'OOMKilled' && ready.message.includes('its limit of 1Gi');
    });
    await harness.apply(featureSet(NS, 'hungry', { resources: { limits: { memory: '4Gi' } } }));
    await world.reason(kinds.FeatureSet, 'hungry', 'Materialized');
  });
});

describe('a Dataset', () => {
  const named = (name: string, more: object) => ({ ...dataset(NS, more), metadata: { name, namespace: NS } });

  it('names the FeatureSet, key or feature that is wrong', async () => {
    await harness.apply(named('d1', { features: [{ featureSet: { name: 'whether' } }] }));
    await harness.apply(named('d2', { features: [{ featureSet: { name: 'weather' }, select: ['temperature'] }] }));
    await harness.apply(named('d3', { rows: { ...rows, keys: ['carrier'] } }));

    const unknown = await world.reason(kinds.Dataset, 'd1', 'FeatureSetNotFound');
    const feature = await world.reason(kinds.Dataset, 'd2', 'FeatureNotFound');
    const key = await world.reason(kinds.Dataset, 'd3', 'KeyNotFound');
    expect(unknown.condition.message).toContain('There is no FeatureSet "whether"');
    expect(feature.condition.message).toBe('FeatureSet "weather" has no feature "temperature". It has: temp.');
    expect(key.condition.message).toContain('joined by "origin"');
  });

  const { rows } = dataset(NS).spec;

  it('shows what the build says, and builds the mended recipe', async () => {
    fates.set('leaky', (pod) =>
      JSON.stringify(requestOf(pod)['rows']).includes('arr_delay')
        ? refused('LabelLeak', 'Column "arr_delay" tells the label in all rows.')
        : undefined,
    );
    await harness.apply(named('leaky', { rows: { ...rows, request: ['arr_delay'] } }));
    const { condition } = await world.reason(kinds.Dataset, 'leaky', 'LabelLeak');
    expect(condition.message).toContain('Column "arr_delay" tells the label in all rows.');

    await harness.apply(named('leaky', { rows }));
    const { object } = await world.reason(kinds.Dataset, 'leaky', 'Built');
    expect(object.status?.latest?.name).toMatch(/^leaky-1-/);
  });
});

describe('a TrainingJob', () => {
  it('names what is missing or wrong before it starts', async () => {
    await harness.apply(
      trainingJob(NS, { code: { configMap: { name: 'nowhere' } } }, 'no-code'),
      trainingJob(NS, { output: { model: { name: 'nothing' } } }, 'no-model'),
      trainingJob(NS, { dataset: { name: 'nobody' } }, 'no-dataset'),
      trainingJob(NS, { dataset: { name: 'flights', version: 'flights-9-aaaaaa' } }, 'no-version'),
      trainingJob(NS, { parameters: { depth: [1, 2] } }, 'list'),
      trainingJob(NS, { parameters: { 'a-b': 1, 'a.b': 2 } }, 'twice'),
    );
    await world.reason(kinds.TrainingJob, 'no-code', 'CodeNotFound');
    await world.reason(kinds.TrainingJob, 'no-model', 'ModelNotFound');
    await world.reason(kinds.TrainingJob, 'no-dataset', 'DatasetNotFound');
    await world.reason(kinds.TrainingJob, 'no-version', 'DatasetVersionNotFound');
    const { condition } = await world.reason(kinds.TrainingJob, 'list', 'ParameterInvalid');
    expect(condition.message).toContain('spec.parameters.depth is a list; parameters are numbers and strings.');
    const twice = await world.reason(kinds.TrainingJob, 'twice', 'ParameterInvalid');
    expect(twice.condition.message).toContain('spec.parameters.a-b and spec.parameters.a.b would both be $PARAM_A_B');
    expect(await jobsOf('list')).toHaveLength(0);
  });

  it('says with which code and words a training ended, and trains again when the YAML is mended', async () => {
    fates.set('crash', (pod) => {
      if (!isTrainer(pod) || pod.spec?.containers[0]?.command?.[1] === 'fixed.py') return undefined;
      return rankOf(pod) === 1
        ? failing({ exitCode: 2, message: 'Traceback\nValueError: depth must be positive', container: 'trainer' })
        : RUNS;
    });
    await harness.apply(trainingJob(NS, {}, 'crash'));
    const message = await isFailed('crash', 'TrainerFailed');
    expect(message).toContain('of the pod of rank 1 ended with exit code 2');
    expect(message).toContain('ValueError: depth must be positive');
    expect(message).toContain('raise spec.run to 2');
    await hasEvent('TrainingJob', 'AttemptFailed');

    await sleep(1500);
    expect((await world.trainingJob('crash'))?.status?.attempt).toBe(1); // it is not repeated by itself
    await harness.apply(trainingJob(NS, { command: ['python', 'fixed.py'] }, 'crash'));
    await isPublished('crash', 2);
  });

  it('says that memory ran out, with the limit, and takes a higher one', async () => {
    fates.set('oom', (pod) =>
      isTrainer(pod) && pod.spec?.containers[0]?.resources?.limits?.['memory'] === '64Mi'
        ? failing({ exitCode: 137, reason: 'OOMKilled', container: 'trainer' })
        : undefined,
    );
    await harness.apply(trainingJob(NS, { resources: { limits: { memory: '64Mi' } } }, 'oom'));
    expect(await isFailed('oom', 'OOMKilled')).toContain('its limit of 64Mi');
    const { object } = await world.reason(kinds.TrainingJob, 'oom', 'OOMKilled');

    await harness.apply(trainingJob(NS, { resources: { limits: { memory: '1Gi' } } }, 'oom'));
    await isPublished('oom', 2);
    // The same run: memory does not change what comes out.
    expect((await world.trainingJob('oom'))?.status?.run).toBe(object.status?.run);
  });

  it('replaces at once an attempt whose image does not exist', async () => {
    fates.set('image', (pod) =>
      isTrainer(pod) && pod.spec?.containers[0]?.image === 'registry.example/tariner:1'
        ? { kind: 'waitsFor', reason: 'ErrImagePull', message: 'not found', container: 'trainer' }
        : undefined,
    );
    await harness.apply(trainingJob(NS, { image: 'registry.example/tariner:1' }, 'image'));
    const { condition } = await world.reason(kinds.TrainingJob, 'image', 'ImagePullFailed');
    expect(condition.message).toContain('Image "registry.example/tariner:1" of container "trainer" cannot be pulled');

    await harness.apply(trainingJob(NS, {}, 'image'));
    await isPublished('image', 2);
    expect((await jobsOf('image')).map(({ metadata }) => metadata.name)).toEqual(['image-2', 'image-publish-2']);
  });

  it('says that no node takes it', async () => {
    const message = '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.';
    fates.set('big', (pod) =>
      isTrainer(pod) && pod.spec?.containers[0]?.resources?.requests?.['cpu'] === '500'
        ? { kind: 'unschedulable', message }
        : undefined,
    );
    await harness.apply(trainingJob(NS, { resources: { requests: { cpu: '500' } } }, 'big'));
    const { condition } = await world.reason(kinds.TrainingJob, 'big', 'Unschedulable');
    expect(condition.message).toContain('1 Insufficient cpu.');

    await harness.apply(trainingJob(NS, { resources: { requests: { cpu: '1' } } }, 'big'));
    await isPublished('big', 2);
  });

  it('ends an attempt that runs longer than it may', async () => {
    fates.set('slow', training(RUNS));
    await harness.apply(trainingJob(NS, { limits: { runningTime: '1s' } }, 'slow'));
    expect(await isFailed('slow', 'DeadlineExceeded')).toContain('longer than spec.limits.runningTime, 1 s');
  });

  it.each([
    ['none', refused('ModelMissing', 'There is no model.onnx and no model/ in the output.'), 'ModelMissing'],
    ['two', refused('ModelAmbiguous', 'There are model.onnx and model/a.onnx in the output.'), 'ModelAmbiguous'],
    ['broken', refused('ModelInvalid', 'model.onnx cannot be opened: Protobuf parsing failed.'), 'ModelInvalid'],
  ])('tells of an output with %s model', async (name, fate, reason) => {
    fates.set(name, (pod) => (commandOf(pod) === 'publish-model' ? fate : undefined));
    await harness.apply(trainingJob(NS, {}, name));
    const message = await isFailed(name, reason);
    expect(message).toContain(`The output of attempt 1 cannot be published: `);

    fates.delete(name);
    await harness.apply(trainingJob(NS, { args: ['--fixed'] }, name));
    await isPublished(name, 2);
  });

  it('fails when the sidecar says nothing, or that the Store is full', async () => {
    fates.set('mute', training({ kind: 'succeed', message: '', container: 'collect' }));
    const full = JSON.stringify({ ok: false, reason: 'StoreFull', message: 'No space is left in Store default.' });
    fates.set('full', training({ kind: 'succeed', message: full, container: 'collect' }));
    await harness.apply(trainingJob(NS, {}, 'mute'), trainingJob(NS, {}, 'full'));
    await isFailed('mute', 'OutputMissing');
    expect(await isFailed('full', 'StoreFull')).toContain('No space is left in Store default.');
  });

  it('starts another attempt when the cluster takes a pod away, on the same data', async () => {
    fates.set('evicted', (pod) =>
      isTrainer(pod) && pod.metadata.labels?.['slipway.dev/attempt'] === '1' ? RUNS : undefined,
    );
    await harness.apply(trainingJob(NS, {}, 'evicted'));
    await world.reason(kinds.TrainingJob, 'evicted', 'Running');
    const [pod] = (await world.trainerPods()).filter(({ metadata }) => metadata.name.startsWith('evicted-1-'));
    const conditions = [
      { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: 'low on memory' },
    ];
    const status = { phase: 'Failed', reason: 'Evicted', conditions };
    const key = { namespace: NS, name: pod?.metadata.name ?? '' };
    await harness.client.mergePatch(builtin.Pod, key, { status }, { fieldManager: 'kubelet', subresource: 'status' });

    await isPublished('evicted', 2);
    await hasEvent('TrainingJob', 'AttemptFailed');
  });

  it('has no pods while suspended, and starts a fresh attempt afterwards', async () => {
    fates.set('pause', training(RUNS));
    await harness.apply(trainingJob(NS, { suspend: true }, 'pause'));
    const { condition } = await world.reason(kinds.TrainingJob, 'pause', 'Suspended');
    expect(condition.status).toBe('True');
    expect(await jobsOf('pause')).toHaveLength(0);

    await harness.apply(trainingJob(NS, {}, 'pause'));
    await world.reason(kinds.TrainingJob, 'pause', 'Running');
    await harness.apply(trainingJob(NS, { suspend: true }, 'pause'));
    await world.reason(kinds.TrainingJob, 'pause', 'Suspended');
    await eventually('its pods are gone', async () => {
      return (await world.trainerPods()).every(({ metadata }) => !metadata.name.startsWith('pause-'));
    });

    fates.delete('pause');
    await harness.apply(trainingJob(NS, {}, 'pause'));
    await isPublished('pause', 2);
  });

  it('replaces a running attempt when the run is another one, and leaves it alone when only resources change', async () => {
    fates.set('running', (pod) => (isTrainer(pod) && pod.spec?.containers[0]?.args === undefined ? RUNS : undefined));
    await harness.apply(trainingJob(NS, {}, 'running'));
    await world.reason(kinds.TrainingJob, 'running', 'Running');
    await harness.apply(trainingJob(NS, { resources: { limits: { memory: '2Gi' } } }, 'running'));
    const { object, condition } = await world.reason(kinds.TrainingJob, 'running', 'Running');
    expect(object.status?.attempt).toBe(1);
    expect(condition.message).toContain('count from the next attempt on');

    await harness.apply(trainingJob(NS, { args: ['--more'] }, 'running'));
    await isPublished('running', 2);
    expect((await jobsOf('running')).map(({ metadata }) => metadata.name)).toEqual(['running-2', 'running-publish-2']);
  });

  it('shows what the API server says of fields that it refuses', async () => {
    await harness.apply(trainingJob(NS, { resources: { requests: { cpu: 'plenty' } } }, 'refused'));
    const { condition } = await eventually('it says so', async () => {
      const found = (await world.trainingJob('refused'))?.status?.conditions?.find(({ type }) => type === 'Ready');
      return found?.message.includes('quantit') && { condition: found };
    });
    expect(condition.status).toBe('False');
    await harness.apply(trainingJob(NS, {}, 'refused'));
    await isPublished('refused', 1);
  });
});
