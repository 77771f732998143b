/** Wrong specs and their repair: nothing is deleted, and afterwards all is as if nothing had happened. */
import type { Json } from '../driver/api.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyModelVersion, applyService, awaitsServing, serveFirstVersion } from './serve.ts';

/** Pods that serve this version crash. */
const BROKEN_VERSION = 'delay-broken';
/** Services that have these names before the InferenceServices. */
const NOBODYS = 'nobodys';
const ANOTHERS = 'anothers';

export const workload: Workload = {
  name: 'mend',
  pods: ({ metadata: { labels }, spec }) =>
    labels?.['slipway.dev/modelversion'] === BROKEN_VERSION && spec?.containers[0]?.name !== 'batch'
      ? { kind: 'crashLoop', exitCode: 1, message: 'the model cannot be loaded' }
      : undefined,
  steps: [
    { ...serveFirstVersion, setsScene: true },
    {
      name: 'name a version that does not exist',
      act: (world) => applyService(world, 'nobody'),
      pending: (world) => {
        const service = world.get('InferenceService', 'flights');
        return firstOf(awaitsCondition(service, 'Ready', 'False'), awaitsCondition(service, 'Serving', 'True'));
      },
    },
    {
      name: 'go back',
      restores: serveFirstVersion.name,
      act: (world) => applyService(world, 'delay-1'),
      pending: (world) => awaitsServing(world, 'delay-1'),
    },
    {
      name: 'scale the Deployment by hand',
      restores: serveFirstVersion.name,
      async act(world) {
        for (const { kind, metadata } of world.objects()) {
          if (kind === 'Deployment') await world.apply(kind, metadata.name, { spec: { replicas: 0 } });
        }
      },
      pending: (world) => firstOf(...world.objects().map(awaitsReplica), awaitsServing(world, 'delay-1')),
    },
    {
      name: 'serve a version that crashes',
      async act(world) {
        await applyModelVersion(world, BROKEN_VERSION, DIGESTS.two);
        await applyService(world, BROKEN_VERSION);
      },
      pending: (world) => {
        const service = world.get('InferenceService', 'flights');
        return firstOf(
          awaitsCondition(world.get('ModelVersion', BROKEN_VERSION), 'Ready', 'True'),
          awaitsCondition(service, 'Stalled', 'True'),
          awaitsCondition(service, 'Serving', 'True'),
        );
      },
    },
    {
      name: 'go back while it crashes',
      restores: serveFirstVersion.name,
      act: (world) => applyService(world, 'delay-1'),
      pending: (world) => awaitsServing(world, 'delay-1'),
    },
    {
      name: "take names that are somebody else's",
      async act(world) {
        const { uid } = world.get('ModelVersion', 'delay-1')?.metadata ?? {};
        const controller = {
          apiVersion: 'slipway.dev/v1alpha1',
          kind: 'ModelVersion',
          name: 'delay-1',
          uid,
          controller: true,
        };
        await applyForeign(world, NOBODYS, {});
        await applyForeign(world, ANOTHERS, { ownerReferences: [controller] });
        for (const name of [NOBODYS, ANOTHERS])
          await world.apply('InferenceService', name, { spec: { modelVersion: { name: 'delay-1' } } });
      },
      pending: (world) =>
        firstOf(awaitsRefusal(world, NOBODYS, undefined), awaitsRefusal(world, ANOTHERS, 'ModelVersion')),
    },
  ],
};

function awaitsReplica({ kind, metadata, spec }: Json): string | undefined {
  if (kind !== 'Deployment' || spec?.['replicas'] === 1) return undefined;
  return `Deployment ${metadata.name} has ${String(spec?.['replicas'])} replicas; wanted 1`;
}

function applyForeign(world: World, name: string, metadata: object): Promise<void> {
  return world.apply('Service', name, {
    metadata: { name, namespace: world.namespace, ...metadata },
    spec: { ports: [{ port: 80 }] },
  });
}

function awaitsRefusal(world: World, name: string, owner: string | undefined): string | undefined {
  const is = world.get('Service', name)?.metadata.ownerReferences?.[0]?.kind;
  return firstOf(
    awaitsCondition(world.get('InferenceService', name), 'Ready', 'False', 'NameTaken'),
    is === owner ? undefined : `Service ${name} belongs to ${is}, not ${owner}`,
  );
}
