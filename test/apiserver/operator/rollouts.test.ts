/** Changes of one service, step by step, on a real API server: approved, paused, aborted, tried again, replaced, and forgotten. */
import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { KubeKind } from '@slipway/kube';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { stableJson } from '../../../operator/src/names.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'team';
const KEY = { namespace: NS, name: 'flights' };
/** Before a wait is called too long on a machine that has much to do. */
const PATIENCE = 90;
let harness: Harness;
let operator: OperatorProcess;

const digestOf = (number: number) => `sha256:${String(number).repeat(64)}`;
const canary = (steps: readonly object[], more: object = {}) => ({
  scaling: { replicas: 4 },
  rollout: { strategy: 'Canary', canary: { steps }, ...more },
});
const TO_A_QUARTER = canary([{ weight: 25, atLeast: '1h' }]);

beforeAll(async () => {
  harness = await startHarness(podScript);
  operator = harness.startOperator();
  const versions = [1, 2, 3, 4, 5].map((number) => modelVersion(NS, `delay-${number}`, digestOf(number)));
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), ...versions);
});
afterAll(() => harness?.stop());

const service = () => harness.get<InferenceService>(kinds.InferenceService, KEY);
const route = () => harness.get<TrafficRoute>(kinds.TrafficRoute, KEY);
const rollout = (name: string) => harness.get<ModelRollout>(kinds.ModelRollout, { namespace: NS, name });

/** The versions that the route lists, with their weights. */
async function weights(): Promise<Record<string, number>> {
  const { items } = await harness.client.list(builtin.ControllerRevision, { namespace: NS });
  const versionOf = (name: string) =>
    items.find(({ metadata }) => metadata.name === name)?.metadata.labels?.['slipway.dev/modelversion'] ?? name;
  const backends = (await route())?.spec.backends ?? [];
  return Object.fromEntries(backends.map(({ revision, weight }) => [versionOf(revision), weight]));
}

async function pods(): Promise<Record<string, number | undefined>> {
  const { items } = await harness.client.list(builtin.Deployment, { namespace: NS });
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.labels?.['slipway.dev/modelversion'] ?? '', spec?.replicas]),
  );
}

/** `Ready=True UpToDate` and so on. */
async function conditions(): Promise<string[]> {
  const found = await service();
  const isCurrent = found?.status?.observedGeneration === found?.metadata.generation;
  return isCurrent
    ? (found?.status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
    : [];
}

async function says(condition: string): Promise<void> {
  await eventually(condition, async () => (await conditions()).includes(condition), PATIENCE);
}

async function splits(wanted: Readonly<Record<string, number>>): Promise<void> {
  await eventually(JSON.stringify(wanted), async () => stableJson(await weights()) === stableJson(wanted), PATIENCE);
}

async function ends(name: string, outcome: string): Promise<ModelRollout> {
  return eventually(
    `${name} is ${outcome}`,
    async () => {
      const found = await rollout(name);
      return found?.status?.outcome === outcome && found;
    },
    PATIENCE,
  );
}

/** As a person at a terminal would. */
async function patch(name: string, spec: object): Promise<{ code: number | null; stderr: string }> {
  const args = ['patch', '-n', NS, `modelrollout/${name}`, '--type=merge', '-p', JSON.stringify({ spec })];
  return harness.plane.kubectl(args);
}

async function asks(name: string, spec: object): Promise<void> {
  expect(await patch(name, spec)).toMatchObject({ code: 0 });
}

describe('a change of a service', () => {
  it('has no steps where nothing serves yet', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', TO_A_QUARTER));
    await says('UpToDate=True UpToDate');
    expect(await weights()).toEqual({ 'delay-1': 100 });
    expect(await rollout('flights-1')).toBeUndefined();
  });

  it('goes step by step, each with its pods, and waits for a person where it shall', async () => {
    const steps = [
      { mirrorPercent: 30, atLeast: '1s' },
      { weight: 25, atLeast: '1s' },
      { weight: 50, waitFor: 'Promotion' },
    ];
    await harness.apply(inferenceService(NS, 'delay-2', canary(steps)));
    await says('Ready=True WaitingForPromotion');
    expect(await weights()).toEqual({ 'delay-1': 50, 'delay-2': 50 });
    expect(await pods()).toEqual({ 'delay-1': 4, 'delay-2': 2 });
    const [waiting] = [await rollout('flights-1')];
    expect(waiting?.spec).toMatchObject({ cause: 'SpecChange', state: 'Running', verdict: 'Auto', try: 1 });
    await eventually(
      'its status tells the step',
      async () => (await rollout('flights-1'))?.status?.observedWeight === 50,
    );
    expect((await rollout('flights-1'))?.status).toMatchObject({ step: 3, steps: 4, weight: 50 });

    await asks('flights-1', { approvedStep: 3 });
    await says('UpToDate=True UpToDate');
    expect(await weights()).toEqual({ 'delay-2': 100 });
    const done = await ends('flights-1', 'Promoted');
    expect(done.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Ready=True',
      'Succeeded=True',
    ]);
    await eventually('the old pods are gone', async () => Object.keys(await pods()).join() === 'delay-2', PATIENCE);
  });

  it('is paused, also over the end of the operator and of its own ModelRollout', async () => {
    await harness.apply(inferenceService(NS, 'delay-3', TO_A_QUARTER));
    await splits({ 'delay-2': 75, 'delay-3': 25 });
    await says('Ready=True RolloutInProgress');
    await asks('flights-2', { state: 'Paused' });
    await says('Ready=True RolloutPaused');

    await operator.kill();
    const uid = (await rollout('flights-2'))?.metadata.uid;
    await harness.client.delete(kinds.ModelRollout, { namespace: NS, name: 'flights-2' });
    operator = harness.startOperator();
    const again = await eventually(
      'it is made again',
      async () => {
        const found = await rollout('flights-2');
        return found !== undefined && found.metadata.uid !== uid && found;
      },
      PATIENCE,
    );
    expect(again.spec).toMatchObject({ state: 'Paused', cause: 'SpecChange' });
    expect(await weights()).toEqual({ 'delay-2': 75, 'delay-3': 25 });
  });

  it('goes back at once when it is aborted, and tells', async () => {
    await asks('flights-2', { verdict: 'Abort' });
    await splits({ 'delay-2': 100 });
    await says('Stalled=True RolloutAborted');
    expect(await conditions()).toEqual(
      expect.arrayContaining([
        'Ready=False RolloutAborted',
        'Serving=True StableServes',
        'UpToDate=False RolloutAborted',
      ]),
    );
    await ends('flights-2', 'Aborted');
    await eventually('the candidate is gone', async () => Object.keys(await pods()).join() === 'delay-2', PATIENCE);
    const { stderr } = await patch('flights-2', { verdict: 'Auto' });
    expect(stderr).toContain('to leave verdict: Abort raise try in the same change');
  });

  it('is tried again when a person says so, and promoted', async () => {
    await asks('flights-2', { verdict: 'Auto', state: 'Running', try: 2 });
    await splits({ 'delay-2': 75, 'delay-3': 25 });
    await asks('flights-2', { verdict: 'Promote' });
    await says('UpToDate=True UpToDate');
    expect(await weights()).toEqual({ 'delay-3': 100 });
    await ends('flights-2', 'Promoted');
  });

  it('makes room for a newer one, and ends when what serves is asked for again', async () => {
    await harness.apply(inferenceService(NS, 'delay-4', TO_A_QUARTER));
    await splits({ 'delay-3': 75, 'delay-4': 25 });
    await operator.kill();
    await harness.apply(inferenceService(NS, 'delay-5', TO_A_QUARTER));
    operator = harness.startOperator();
    await splits({ 'delay-3': 75, 'delay-5': 25 });
    await ends('flights-3', 'Superseded');
    expect((await rollout('flights-4'))?.spec.inferenceService.name).toBe('flights');

    await harness.apply(inferenceService(NS, 'delay-3', TO_A_QUARTER));
    await says('UpToDate=True UpToDate');
    expect(await weights()).toEqual({ 'delay-3': 100 });
    await ends('flights-4', 'Withdrawn');
  });

  it('starts no model by itself that was rolled back here', async () => {
    await harness.apply(inferenceService(NS, 'delay-4', TO_A_QUARTER));
    await splits({ 'delay-3': 75, 'delay-4': 25 });
    await asks('flights-5', { verdict: 'Abort' });
    await splits({ 'delay-3': 100 });
    await harness.apply(inferenceService(NS, 'delay-4', { ...TO_A_QUARTER, refresh: 'another' }));
    await says('Stalled=True PreviouslyRolledBack');
    expect(await weights()).toEqual({ 'delay-3': 100, 'delay-4': 0 });

    const accepted = { ...canary([{ weight: 25, atLeast: '1h' }], { acceptAgain: [digestOf(4)] }), refresh: 'another' };
    await harness.apply(inferenceService(NS, 'delay-4', accepted));
    await splits({ 'delay-3': 75, 'delay-4': 25 });
  });

  it('writes nothing while nothing moves', async () => {
    await says('Ready=True RolloutInProgress');
    await eventually('the old candidate is gone', async () => Object.keys(await pods()).length === 2, PATIENCE);
    await sleep(3000);
    const before = await resourceVersions();
    await sleep(4000);
    expect(await resourceVersions()).toEqual(before);
  });
});

async function resourceVersions(): Promise<Record<string, string | undefined>> {
  const all = [...Object.values(kinds), builtin.Pod, builtin.Deployment, builtin.Service, builtin.ControllerRevision];
  const lists = await Promise.all(all.map((kind) => harness.client.list(kind as KubeKind, { namespace: NS })));
  return Object.fromEntries(
    lists.flatMap(({ items }) =>
      items.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]),
    ),
  );
}
