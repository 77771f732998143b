/** Plan and status of the evaluation of a ModelVersion, from the same observations. */
import type { Model } from '@slipway/crds';
import type { EvaluateResult } from '@slipway/crds/batch';
import type { Job } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import type { JobOutcome } from '../../../jobs/job-outcome.ts';
import { aDatasetVersion, aGate, aModel, anEvaluation } from '../../../testing/data-fixtures.ts';
import { aJob, aModelVersion, aStore, DIGEST, NOW, WORKLOADS } from '../../../testing/fixtures.ts';
import type { ObservedModelVersion } from '../observe.ts';
import { planModelVersion } from '../plan.ts';
import { modelVersionStatus } from '../status.ts';
import { buildEvaluateJob, evaluateJobName } from './build-job.ts';
import { buildEvidence, readEvidence } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import type { ReadyInputs, ResolvedInputs } from './inputs.ts';

const model = { name: 'delay' };
const version = aModelVersion('delay-2', { creationTimestamp: '2026-11-23T09:00:00Z' }, { model });
const store = aStore();
const champion = { version: aModelVersion('delay-1', {}, { model }), store };
const inputs: ReadyInputs = {
  candidate: { version, store },
  champions: [
    { alias: 'champion', meant: champion },
    { alias: 'last', meant: champion },
    { alias: 'next', meant: { version, store } },
    { alias: 'none', meant: undefined },
  ],
  dataset: { version: aDatasetVersion(), store },
  output: store,
};
const result: EvaluateResult = {
  ok: true,
  rows: 10,
  models: [
    { name: 'delay-2', digest: DIGEST, metrics: { 'test.auc': 0.7 } },
    { name: 'delay-1', digest: DIGEST, metrics: { 'test.auc': 0.8 } },
  ],
  warnings: [],
};
const gates = [aGate({ min: 0.75 })];

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('It is not there.');
  return value;
}

interface Scene {
  readonly spec?: Partial<Model['spec']>;
  readonly verified?: boolean;
  readonly job?: Job;
  readonly outcome?: JobOutcome<EvaluateResult>;
  readonly evidence?: Evidence;
  readonly resolved?: ResolvedInputs;
  readonly jobs?: readonly Job[];
  readonly othersAtWork?: number;
}

function observed(scene: Scene = {}): ObservedModelVersion {
  const { spec = { evaluation: anEvaluation(), gates }, verified = true, outcome = { state: 'absent' } } = scene;
  const asked = aModel(spec);
  const signature = { inputs: [], outputs: [] };
  const evaluation = asked.spec.evaluation && {
    evaluation: asked.spec.evaluation,
    evidence: scene.evidence,
    current: { job: scene.job, pods: [], outcome },
    inputs: scene.resolved ?? { ready: inputs },
    othersAtWork: scene.othersAtWork ?? 0,
  };
  return {
    version,
    found: { store },
    verification: {
      job: aJob(),
      pods: [],
      outcome: verified
        ? { state: 'succeeded', result: { ok: true, digest: DIGEST, bytes: 1, signature } }
        : { state: 'absent' },
    },
    evaluation: { model: asked, asked: evaluation },
    decisions: { all: [], areSignaturesChecked: true },
    counterpart: undefined,
    jobs: scene.jobs ?? [],
    users: [],
  };
}

const job = buildEvaluateJob({ model: aModel(), evaluation: anEvaluation(), inputs }, WORKLOADS);
const unrelated: Job = { ...job, metadata: { ...job.metadata, name: 'delay-2-evaluate-000000' } };
const record = there(buildEvidence(version, anEvaluation(), { job, result }));
const evidence = there(readEvidence(record));
const plan = (scene: Scene) => planModelVersion(observed(scene), WORKLOADS, NOW);

describe('the Job of an evaluation', () => {
  const container = job.spec?.template.spec?.containers[0];
  const request = JSON.parse(container?.env?.[0]?.value ?? '{}') as Record<string, unknown>;

  it('scores the version first, and what the aliases mean once each', () => {
    expect((request['models'] as { name: string }[]).map(({ name }) => name)).toEqual(['delay-2', 'delay-1']);
  });

  it('has the rows verified by digest, and writes beside other evaluations', () => {
    expect(request).toMatchObject({
      datasetDir: '/stores/default/team/datasets/flights/x',
      datasetDigest: DIGEST,
      outputDir: expect.stringMatching(/^\/stores\/default\/team\/evaluations\/delay\/delay-2\/[0-9a-f]{10}$/),
    });
  });

  it('has one name for one question, in whatever order and with whatever resources', () => {
    const names = [
      anEvaluation({ metrics: ['Auc', 'F1'], rescore: ['a', 'b'] }),
      anEvaluation({ metrics: ['F1', 'Auc'], rescore: ['b', 'a'], resources: { limits: { memory: '8Gi' } } }),
      anEvaluation({ metrics: ['Auc'] }),
    ].map((evaluation) => evaluateJobName(version, evaluation));

    expect(new Set(names).size).toBe(2);
    expect(names[0]).toBe(names[1]);
  });
});

describe('the plan of an evaluation', () => {
  it('makes a Job once the bytes are verified', () => {
    expect(plan({}).evaluate?.job.metadata.name).toBe(job.metadata.name);
    expect(plan({ verified: false }).evaluate).toBeUndefined();
  });

  it('makes none while three other versions of the Model are at work', () => {
    expect(plan({ othersAtWork: 2 }).evaluate).toBeDefined();
    expect(plan({ othersAtWork: 3 }).evaluate).toBeUndefined();
  });

  it('makes none while something is missing, or where none is asked for', () => {
    expect(plan({ resolved: { problem: { reason: 'DatasetNotFound', message: 'gone' } } }).evaluate).toBeUndefined();
    expect(plan({ spec: { gates: [aGate({ sources: ['Declared'], min: 0 })] } }).evaluate).toBeUndefined();
  });

  it('keeps what was found, with what it was compared with', () => {
    const { apply, evaluate } = plan({ job, outcome: { state: 'succeeded', result } });

    expect(evaluate).toBeUndefined();
    expect(apply.map(({ object }) => object)).toEqual([record]);
    expect(evidence).toEqual({
      datasetVersion: 'flights-1-aaaaaa',
      champions: [
        { alias: 'champion', modelVersion: 'delay-1' },
        { alias: 'last', modelVersion: 'delay-1' },
        { alias: 'next', modelVersion: 'delay-2' },
        { alias: 'none' },
      ],
      rows: 10,
      metrics: { 'test.auc': 0.7 },
      rescored: { 'delay-1': { 'test.auc': 0.8 }, 'delay-2': { 'test.auc': 0.7 } },
    });
  });

  it('asks nothing again that was answered, also when the Job is gone', () => {
    expect(plan({ evidence })).toMatchObject({ apply: [], evaluate: undefined, prune: [] });
  });

  it('stops a Job that is at work on what is no longer asked, and keeps one that has ended', () => {
    const ended = aJob({
      metadata: { ...unrelated.metadata, name: 'ended', annotations: { 'slipway.dev/result': '{"ok":true}' } },
    });
    const names = plan({ job, outcome: { state: 'running' }, jobs: [job, unrelated, ended] }).prune.map(
      ({ object }) => object.metadata.name,
    );

    expect(names).toEqual([unrelated.metadata.name]);
  });

  it('tries again what failed, after a while, and at once with other resources', () => {
    const failed = { state: 'failed', reason: 'OOMKilled', message: 'm', retryable: true } as const;
    const made = (at: string) => ({ ...job, metadata: { ...job.metadata, creationTimestamp: at } });
    const young = plan({ job: made('2026-11-23T09:59:58Z'), outcome: failed });
    const old = plan({ job: made('2026-11-23T09:00:00Z'), outcome: failed });
    const larger = anEvaluation({ resources: { limits: { memory: '8Gi' } } });
    const resized = plan({ job: made('2026-11-23T09:59:58Z'), outcome: failed, spec: { evaluation: larger } });

    expect([young, old, resized].map(({ prune }) => prune.length)).toEqual([0, 1, 1]);
    expect(young.lookAgainMs).toBeGreaterThan(0);
  });
});

describe('the status of an evaluation', () => {
  const status = (scene: Scene) => modelVersionStatus(observed(scene), { now: NOW });
  const told = (scene: Scene) =>
    status(scene)
      ?.conditions.filter(({ type }) => ['Evaluated', 'GatesPassed'].includes(type))
      .map(({ type, status: is, reason }) => `${type} ${is} ${reason}`);

  it.each<[string, Scene, string[]]>([
    ['nothing asked', { spec: {} }, ['GatesPassed True NoGates']],
    [
      'not verified yet',
      { verified: false },
      ['Evaluated Unknown WaitingForVerification', 'GatesPassed Unknown WaitingForVerification'],
    ],
    [
      'no Dataset',
      { resolved: { problem: { reason: 'DatasetNotFound', message: 'gone' } } },
      ['Evaluated Unknown DatasetNotFound', 'GatesPassed Unknown DatasetNotFound'],
    ],
    [
      'three others at work',
      { othersAtWork: 3 },
      ['Evaluated Unknown WaitingForTurn', 'GatesPassed Unknown WaitingForTurn'],
    ],
    [
      'at work',
      { job, outcome: { state: 'running' } },
      ['Evaluated Unknown Evaluating', 'GatesPassed Unknown Evaluating'],
    ],
    [
      'a pod that does not start',
      { job, outcome: { state: 'pending', reason: 'ImagePullFailed', message: 'no image' } },
      ['Evaluated Unknown ImagePullFailed', 'GatesPassed Unknown ImagePullFailed'],
    ],
    [
      'a Job that failed: no verdict',
      { job, outcome: { state: 'failed', reason: 'SplitEmpty', message: 'm', retryable: false } },
      ['Evaluated False SplitEmpty', 'GatesPassed Unknown SplitEmpty'],
    ],
    ['found not good enough', { evidence }, ['Evaluated True Evaluated', 'GatesPassed False GateFailed']],
    [
      'found good enough',
      { spec: { evaluation: anEvaluation(), gates: [aGate({ min: 0.6 })] }, evidence },
      ['Evaluated True Evaluated', 'GatesPassed True GatesPassed'],
    ],
    [
      'measured, with nothing to pass',
      { spec: { evaluation: anEvaluation() }, job, outcome: { state: 'running' } },
      ['Evaluated Unknown Evaluating', 'GatesPassed True NoGates'],
    ],
  ])('with %s', (_, scene, expected) => {
    expect(told(scene)).toEqual(expected);
  });

  it('is not known where the Model is missing, which would say what has to be passed', () => {
    const without = { ...observed(), evaluation: { model: undefined, asked: undefined } };
    const conditions = modelVersionStatus(without, { now: NOW })?.conditions ?? [];

    expect(conditions.find(({ type }) => type === 'GatesPassed')).toMatchObject({
      status: 'Unknown',
      reason: 'ModelNotFound',
    });
  });

  it('tells every number and its source, what it was compared with, and each verdict', () => {
    expect(status({ evidence })).toMatchObject({
      metrics: [{ name: 'test.auc', value: 0.7, source: 'Evaluation' }],
      evaluation: {
        datasetVersion: 'flights-1-aaaaaa',
        rows: 10,
        compared: [
          { alias: 'champion', modelVersion: 'delay-1', metrics: [{ name: 'test.auc', value: 0.8 }] },
          { alias: 'last' },
          { alias: 'next' },
          { alias: 'none', metrics: [] },
        ],
      },
      gates: [{ name: 'auc', verdict: 'Failed', message: 'test.auc is 0.7, and must not be below 0.75.' }],
    });
  });
});
