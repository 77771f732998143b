/** The operator dies after each single write of a training, and the end is always the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { startDoomedOperator } from './doomed-operator.ts';
import type { Doom, DoomedOperator } from './doomed-operator.ts';
import { script, trainingJob } from './objects.ts';
import { worldOf } from './world.ts';
import type { World } from './world.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness(script());
});
afterAll(() => harness?.stop());

/** What is left of a run once names of objects that differ from run to run are out. */
async function endState(world: World) {
  const { object } = await world.reason(kinds.TrainingJob, 'xgb', 'Published', 'Succeeded');
  const versions = await world.modelVersions();
  return {
    conditions: object.status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    jobs: (await world.jobs()).map(({ metadata }) => metadata.name).filter((name) => name.startsWith('xgb-')),
    versions: versions.length,
    isNamed: versions[0]?.metadata.name === object.status?.output?.modelVersion,
    attempts: versions.map(({ spec }) => spec.lineage?.attempt),
    datasets: (await world.datasetVersions()).length,
    metrics: object.status?.metrics,
  };
}

/** One training in a namespace of its own; the first operator dies at a write, the second goes on. */
async function trainThroughDeath(namespace: string, doom: Doom): Promise<{ state: object; died: boolean }> {
  const world = worldOf(harness, namespace);
  await world.prepareTraining();
  const first = startDoomedOperator(harness.client, namespace, doom);
  await harness.apply(trainingJob(namespace));
  const state = endState(world).catch((cause: unknown) => cause);
  await Promise.race([first.ended, state]);
  if (!first.isDead()) {
    await first.stop();
    return { state: (await state) as object, died: false };
  }
  const second: DoomedOperator = startDoomedOperator(harness.client, namespace, { ...doom, at: undefined });
  const result = await state;
  await second.stop();
  if (result instanceof Error) throw result;
  return { state: result as object, died: true };
}

const expected = {
  conditions: ['Ready True Published', 'Succeeded True Published'],
  jobs: ['xgb-1', 'xgb-publish-1'],
  versions: 1,
  isNamed: true,
  attempts: [1],
  datasets: 1,
  metrics: [{ name: 'validation.auc', value: 0.73 }],
};

describe.each([
  ['training-job.lifecycle', 'slipway.dev/training-job.lifecycle'],
  ['dataset.lifecycle', 'slipway.dev/dataset.lifecycle'],
])('%s', (name, fieldManager) => {
  // To die before a write is to die after the one before it.
  it('ends in the same state whichever write it dies after', { timeout: 900_000 }, async () => {
    const ends: Record<string, object> = {};
    for (let at = 1; ; at += 1) {
      const { state, died } = await trainThroughDeath(`${name.split('.')[0]}-${at}`, { at, fieldManager });
      ends[`write ${at}`] = state;
      if (!died) break;
      expect(at, 'a training needs no more writes than this').toBeLessThan(40);
    }
    expect(Object.keys(ends).length).toBeGreaterThan(4);
    for (const [write, state] of Object.entries(ends)) expect(state, write).toEqual(expected);
  });
});
