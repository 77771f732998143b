/** What is deleted and made again at once, under its old name: it must end as if it were the first, with children of its own. */
import type { Json } from '../driver/api.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyModelVersion, applyService, awaitsServing, serveFirstVersion } from './serve.ts';
import { applyTraining, isProduced, train } from './train.ts';

const UNUSED = 'delay-unused';
const FIRST = 'serve and train';

function isThere(world: World): string | undefined {
  return firstOf(
    serveFirstVersion.pending(world),
    awaitsCondition(world.get('ModelVersion', UNUSED), 'Ready', 'True'),
    train.pending(world),
    ...world.objects().map(awaitsEnd),
  );
}

/** The operator may know a result a moment before Kubernetes has written the end of the Job, on a busy machine by more than the quiet time. */
function awaitsEnd({ kind, metadata, status }: Json): string | undefined {
  if (kind !== 'Job' || status?.['completionTime'] !== undefined) return undefined;
  return `Job ${metadata.name} has not ended`;
}

async function deleteProduced(world: World): Promise<void> {
  for (const object of world.objects().filter(isProduced)) await world.delete(object.kind, object.metadata.name);
}

export const workload: Workload = {
  name: 'recreate',
  sampled: 1,
  steps: [
    {
      name: FIRST,
      setsScene: true,
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
