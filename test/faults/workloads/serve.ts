/** A service over its life: it starts, changes to a second version of the model, and goes. */
import { DIGESTS } from '../driver/pod-script.ts';
import type { Step, Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';

export async function applyStore(world: World): Promise<void> {
  const resources = { requests: { storage: '1Gi' } };
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources };
  await world.apply('PersistentVolumeClaim', 'lake', { spec });
  await world.apply('Store', 'default', { spec: { uri: 'pvc://lake/team' } });
}

export function applyModelVersion(world: World, name: string, digest: string): Promise<void> {
  return world.apply('ModelVersion', name, { spec: { artifact: { path: `models/${name}`, digest, format: 'Onnx' } } });
}

export function applyService(world: World, version: string): Promise<void> {
  return world.apply('InferenceService', 'flights', { spec: { modelVersion: { name: version } } });
}

/** Why the service does not serve this version alone, with one pod, yet. */
export function awaitsServing(world: World, version: string): string | undefined {
  return firstOf(
    awaitsCondition(world.get('InferenceService', 'flights'), 'Ready', 'True'),
    awaitsStable(world, version),
    awaitsPods(world, 1),
  );
}

/** Why requests go to another version, or may go to another soon. */
export function awaitsStable(world: World, version: string): string | undefined {
  const service = world.get('InferenceService', 'flights');
  const { stable, candidate } = (service?.status ?? {}) as Record<
    'stable' | 'candidate',
    { modelVersion: string } | undefined
  >;
  return firstOf(
    awaitsCondition(service, 'Serving', 'True'),
    stable?.modelVersion === version ? undefined : `flights serves ${stable?.modelVersion}, not ${version}`,
    candidate === undefined ? undefined : `flights still has the candidate ${candidate.modelVersion}`,
  );
}

/** Why the service has not so many pods, all of which run, or a status does not tell of all of them yet. */
export function awaitsPods(world: World, wanted: number): string | undefined {
  const pods = world
    .objects()
    .filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.['slipway.dev/inferenceservice'] === 'flights');
  const phases = pods.map(({ status }) => status?.['phase']);
  const told = world.get('InferenceService', 'flights')?.status?.['replicas'];
  const ready = world
    .objects()
    .filter(({ kind }) => kind === 'Deployment')
    .reduce((sum, { status }) => sum + Number(status?.['readyReplicas'] ?? 0), 0);
  return firstOf(
    pods.length === wanted && phases.every((phase) => phase === 'Running')
      ? undefined
      : `flights has pods that are ${phases.join(', ') || 'none'}; wanted ${wanted} Running`,
    ready === wanted ? undefined : `the Deployments tell of ${ready} ready pods; wanted ${wanted}`,
    told === wanted ? undefined : `flights tells of ${String(told)} pods; wanted ${wanted}`,
  );
}

export const serveFirstVersion: Step = {
  name: 'serve the first version',
  async act(world) {
    await applyStore(world);
    await applyModelVersion(world, 'delay-1', DIGESTS.one);
    await applyService(world, 'delay-1');
  },
  pending: (world) =>
    firstOf(
      awaitsCondition(world.get('Store', 'default'), 'Ready', 'True'),
      awaitsCondition(world.get('ModelVersion', 'delay-1'), 'Ready', 'True'),
      awaitsServing(world, 'delay-1'),
    ),
};

/** Why something is still there that the operator made; what people applied, they delete. */
export function awaitsNothingLeft(world: World): string | undefined {
  const left = world
    .objects()
    .filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by'] === 'slipway');
  const first = left[0];
  return first === undefined ? undefined : `${first.kind} ${first.metadata.name} is still there`;
}

export const workload: Workload = {
  name: 'serve',
  sampled: 5,
  steps: [
    serveFirstVersion,
    {
      name: 'serve the second version',
      async act(world) {
        await applyModelVersion(world, 'delay-2', DIGESTS.two);
        await applyService(world, 'delay-2');
      },
      pending: (world) =>
        firstOf(
          awaitsCondition(world.get('ModelVersion', 'delay-2'), 'Ready', 'True'),
          awaitsServing(world, 'delay-2'),
        ),
    },
    {
      name: 'delete the service',
      act: (world) => world.delete('InferenceService', 'flights'),
      pending: (world) =>
        firstOf(
          world.get('InferenceService', 'flights') === undefined ? undefined : 'flights is still there',
          world.get('Service', 'flights') === undefined ? undefined : 'Service flights is still there',
          ...world
            .objects()
            .map(({ kind, metadata }) =>
              ['Deployment', 'ReplicaSet', 'ControllerRevision'].includes(kind)
                ? `${kind} ${metadata.name} is still there`
                : undefined,
            ),
        ),
    },
    {
      name: 'delete the versions',
      async act(world) {
        await world.delete('ModelVersion', 'delay-1');
        await world.delete('ModelVersion', 'delay-2');
        await world.delete('Store', 'default');
      },
      pending: (world) =>
        firstOf(
          ...['delay-1', 'delay-2'].map((name) =>
            world.get('ModelVersion', name) === undefined ? undefined : `ModelVersion ${name} is still there`,
          ),
          world.get('Store', 'default') === undefined ? undefined : 'Store default is still there',
          awaitsNothingLeft(world),
        ),
    },
  ],
};
