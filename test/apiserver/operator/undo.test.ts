/** A person goes back to an earlier revision, on a real API server: at once, for as long as the spec asks for the same, and in words where it is not possible. */
import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { builtin, controllerOf } from '@slipway/kube';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
const CANARY = {
  scaling: { replicas: 4 },
  rollout: { strategy: 'Canary', canary: { steps: [{ weight: 25, atLeast: '1h' }] }, acceptAgain: [digestOf(2)] },
};

beforeAll(async () => {
  harness = await startHarness(podScript);
  operator = harness.startOperator();
  const versions = [1, 2, 3].map((number) => modelVersion(NS, `delay-${number}`, digestOf(number)));
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), ...versions);
  for (const version of ['delay-1', 'delay-2']) {
    await harness.apply(inferenceService(NS, version));
    await serves({ [version]: 100 });
    await says('UpToDate=True UpToDate');
  }
});
afterAll(() => harness?.stop());

async function revisions(): Promise<Record<string, string>> {
  const { items } = await harness.client.list(builtin.ControllerRevision, { namespace: NS });
  return Object.fromEntries(
    items.map(({ metadata }) => [metadata.name, metadata.labels?.['slipway.dev/modelversion'] ?? '']),
  );
}

async function revisionOf(version: string): Promise<string> {
  const found = Object.entries(await revisions()).find(([, served]) => served === version);
  return found?.[0] ?? 'none';
}

async function serves(wanted: Readonly<Record<string, number>>): Promise<void> {
  await eventually(
    JSON.stringify(wanted),
    async () => {
      const versions = await revisions();
      const { spec } = (await harness.get<TrafficRoute>(kinds.TrafficRoute, KEY)) ?? {};
      const weights = (spec?.backends ?? []).map(({ revision, weight }) => [versions[revision] ?? revision, weight]);
      return stableJson(Object.fromEntries(weights)) === stableJson(wanted);
    },
    PATIENCE,
  );
}

async function says(condition: string): Promise<void> {
  await eventually(
    condition,
    async () => {
      const found = await harness.get<InferenceService>(kinds.InferenceService, KEY);
      if (found?.status?.observedGeneration !== found?.metadata.generation) return false;
      return found?.status?.conditions?.some(({ type, status, reason }) => `${type}=${status} ${reason}` === condition);
    },
    PATIENCE,
  );
}

/** As a person at a terminal would. */
async function goesBack(name: string, to: string, service = 'flights'): Promise<void> {
  const spec = { inferenceService: { name: service }, to: { revision: to }, cause: 'Undo' };
  const object = { apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelRollout', metadata: { namespace: NS, name }, spec };
  await harness.client.create(kinds.ModelRollout, object as ModelRollout, { fieldManager: 'kubectl-create' });
}

async function tells(name: string, reason: string): Promise<ModelRollout> {
  return eventually(
    `${name} tells ${reason}`,
    async () => {
      const found = await harness.get<ModelRollout>(kinds.ModelRollout, { namespace: NS, name });
      return found?.status?.conditions?.some((one) => one.type === 'Ready' && one.reason === reason) === true && found;
    },
    PATIENCE,
  );
}

it('goes back at once, and stays there over a restart', async () => {
  await goesBack('flights-back', await revisionOf('delay-1'));
  await serves({ 'delay-1': 100 });
  await says('UpToDate=False Undone');
  await says('Stalled=True Undone');
  const done = await tells('flights-back', 'Promoted');
  expect(controllerOf(done)).toMatchObject({ kind: 'InferenceService', name: 'flights' });

  await operator.kill();
  operator = harness.startOperator();
  await harness.apply(inferenceService(NS, 'delay-2', { scaling: { replicas: 3 } }));
  await says('UpToDate=False Undone');
  await serves({ 'delay-1': 100 });
});

it('does not let the model come back with another change', async () => {
  await harness.apply(inferenceService(NS, 'delay-2', { refresh: 'another' }));
  await says('Stalled=True PreviouslyRolledBack');
  await serves({ 'delay-1': 100, 'delay-2': 0 });
});

it('ends a canary that is on its way', async () => {
  await harness.apply(inferenceService(NS, 'delay-3', CANARY));
  await serves({ 'delay-1': 75, 'delay-3': 25 });
  await goesBack('flights-away', await revisionOf('delay-1'));
  await serves({ 'delay-1': 100 });
  await says('UpToDate=False Undone');
  await tells('flights-away', 'Withdrawn');
});

it('tells what is not possible', async () => {
  await goesBack('flights-nowhere', 'flights-0');
  const refused = await tells('flights-nowhere', 'UndoRefused');
  expect(refused.status?.outcome).toBe('Refused');
  expect(JSON.stringify(refused.status)).toContain('has no revision \\"flights-0\\" any more');
  await serves({ 'delay-1': 100 });

  const second = await revisionOf('delay-2');
  await harness.client.delete(kinds.ModelVersion, { namespace: NS, name: 'delay-2' });
  await eventually('delay-2 is gone', async () => {
    const found = await harness.get(kinds.ModelVersion, { namespace: NS, name: 'delay-2' });
    return found === undefined;
  });
  await goesBack('flights-gone', second);
  expect(JSON.stringify((await tells('flights-gone', 'UndoRefused')).status)).toContain('delay-2\\" is deleted');

  await goesBack('of-nobody', 'nobody-1', 'nobody');
  await tells('of-nobody', 'InferenceServiceNotFound');
  await expect(goesBack('flights-77', 'flights-0')).rejects.toThrow('must not end in a dash and a number');
});
