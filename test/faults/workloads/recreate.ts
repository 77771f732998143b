/** What is deleted and made again at once, under its old name: it must end as if it were the first, with children of its own. */
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyModelVersion, applyService, awaitsServing, DIGESTS, serveFirstVersion } from './serve.ts';
import { applyTraining, isProduced, train } from './train.ts';

const UNUSED = 'delay-unused';
const FIRST = 'serve and train';

function isThere(world: World): string | undefined {
  return firstOf(
    serveFirstVersion.pending(world),
    awaitsCondition(world.get('ModelVersion', UNUSED), 'Ready', 'True'),
    train.pending(world),
  );
}

async function deleteProduced(world: World): Promise<void> {
  for (const object of world.objects().filter(isProduced)) await world.delete(object.kind, object.metadata.name);
}

export const recreate: Workload = {
  name: 'recreate',
  steps: [
    {
      name: FIRST,
      async act(world) {
        await serveFirstVersion.act(world);
        await applyModelVersion(world, UNUSED, DIGESTS.two);
        await train.act(world);
      },
      pending: isThere,
    },
    {
      name: 'a new service',
      restores: FIRST,
      async act(world) {
        await world.delete('InferenceService', 'flights');
        await applyService(world, 'delay-1');
      },
      pending: (world) => firstOf(awaitsServing(world, 'delay-1'), isThere(world)),
    },
    {
      name: 'a new version',
      restores: FIRST,
      async act(world) {
        await world.delete('ModelVersion', UNUSED);
        await applyModelVersion(world, UNUSED, DIGESTS.two);
      },
      pending: isThere,
    },
    {
      name: 'a new training, and nothing of what the old one made',
      restores: FIRST,
      async act(world) {
        await world.delete('TrainingJob', 'delay-xgb');
        await deleteProduced(world);
        await applyTraining(world, 6);
      },
      pending: isThere,
    },
    {
      // It finds its work done.
      name: 'a new training, and the model of the old one',
      async act(world) {
        await world.delete('TrainingJob', 'delay-xgb');
        await applyTraining(world, 6);
      },
      pending: isThere,
    },
  ],
};
