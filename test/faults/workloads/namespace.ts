/** A namespace is deleted while a service runs and Jobs work: nothing keeps it, not even the finalizer of a version in use. */
import { DIGESTS } from '../driver/pod-script.ts';
import { firstOf } from '../driver/workload.ts';
import type { Workload } from '../driver/workload.ts';
import { awaitsWork } from './cascade.ts';
import { applyModelVersion, serveFirstVersion } from './serve.ts';
import { featureSet } from './train.ts';

export const workload: Workload = {
  name: 'namespace',
  sampled: 1,
  steps: [
    {
      name: 'serve, and begin more',
      setsScene: true,
      async act(world) {
        await serveFirstVersion.act(world);
        // Pods of owners with such names never end: see `cascade`.
        await world.apply('FeatureSet', 'slow-weather', { spec: featureSet });
        await applyModelVersion(world, 'slow-delay', DIGESTS.two);
      },
      pending: (world) => firstOf(serveFirstVersion.pending(world), awaitsWork(world, ['slow-weather', 'slow-delay'])),
    },
    {
      // Kubernetes deletes the pods first, and waits for half of the longest time that they may take.
      name: 'delete the namespace',
      endsAll: true,
      act: (world) => world.deleteNamespace(),
      pending: (world) => firstOf(...world.objects().map(({ kind, metadata }) => `${kind} ${metadata.name} is left`)),
    },
  ],
};
