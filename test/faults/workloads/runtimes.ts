/** A model server of other people: what serves stays as it is while its ServingRuntime changes, goes and comes back. */
import type { Json } from '../driver/api.ts';
import type { Moment } from '../driver/moments.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyStore, awaitsPods } from './serve.ts';

const RUNTIME = 'trees';

function applyRuntime(world: World, image: string): Promise<void> {
  const env = [{ name: 'IMAGE', value: image }];
  const spec = { image, formats: [{ name: 'LightGBM' }], ports: { http: 7000, grpc: 7001 }, env };
  return world.apply('ServingRuntime', RUNTIME, { spec });
}

function applyService(world: World, refresh?: string): Promise<void> {
  const runtime = { kind: 'ServingRuntime', name: RUNTIME };
  const spec = { modelVersion: { name: 'delay-1' }, runtime, ...(refresh === undefined ? {} : { refresh }) };
  return world.apply('InferenceService', 'flights', { spec });
}

function imagesOf(objects: readonly Json[]): readonly string[] {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  return deployments.map(({ spec }) => {
    const template = spec?.['template'] as { readonly spec: { readonly containers: readonly { image: string }[] } };
    return template.spec.containers[0]?.image ?? '';
  });
}

/** Why it is not served by this image, from this many revisions in all, or does not say which image there is by now. */
function awaitsImage(
  world: World,
  image: string,
  { revisions, behind, ready = 'UpToDate' }: { revisions: number; behind?: string; ready?: string },
): string | undefined {
  const service = world.get('InferenceService', 'flights');
  const runtime = (service?.status?.['runtime'] ?? {}) as { readonly image?: string; readonly behind?: string };
  return firstOf(
    awaitsCondition(service, 'Ready', ready === 'UpToDate' ? 'True' : 'False', ready),
    awaitsCondition(service, 'Serving', 'True'),
    runtime.image === image ? undefined : `flights tells of the image ${runtime.image}, not ${image}`,
    runtime.behind === behind ? undefined : `flights is behind ${runtime.behind}, not ${behind}`,
    imagesOf(world.objects()).join() === image ? undefined : `the pods have ${imagesOf(world.objects()).join()}`,
    awaitsRevisions(world, revisions),
    awaitsPods(world, 1),
  );
}

function awaitsRevisions(at: Pick<World, 'objects'>, wanted: number): string | undefined {
  const kept = at.objects().filter(({ kind }) => kind === 'ControllerRevision');
  return kept.length === wanted ? undefined : `there are ${kept.length} revisions; wanted ${wanted}`;
}

/** Nobody asked for another revision. */
function staysWith(image: string, revisions: number): (moment: Moment) => string | undefined {
  return (moment) => {
    const images = imagesOf(moment.objects()).join();
    return firstOf(
      images === image ? undefined : `the Deployments have the images ${images}; wanted ${image}`,
      awaitsRevisions(moment, revisions),
    );
  };
}

export const workload: Workload = {
  name: 'runtimes',
  sampled: 1,
  steps: [
    {
      name: 'serve with a runtime',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        await applyRuntime(world, 'trees:1');
        const artifact = { path: 'models/delay-1', digest: DIGESTS.one, format: 'LightGBM' };
        await world.apply('ModelVersion', 'delay-1', { spec: { artifact } });
        await applyService(world);
      },
      pending: (world) => awaitsImage(world, 'trees:1', { revisions: 1 }),
    },
    {
      name: 'change the runtime while it serves',
      act: (world) => applyRuntime(world, 'trees:2'),
      pending: (world) => awaitsImage(world, 'trees:1', { revisions: 1, behind: 'trees:2' }),
      always: staysWith('trees:1', 1),
    },
    {
      name: 'refresh the service',
      act: (world) => applyService(world, 'a'),
      pending: (world) => awaitsImage(world, 'trees:2', { revisions: 2 }),
    },
    {
      name: 'delete the runtime while it serves',
      act: (world) => world.delete('ServingRuntime', RUNTIME),
      pending: (world) =>
        firstOf(
          world.get('ServingRuntime', RUNTIME) === undefined ? undefined : 'the runtime is still there',
          awaitsImage(world, 'trees:2', { revisions: 2 }),
        ),
      always: staysWith('trees:2', 2),
    },
    {
      name: 'refresh the service without a runtime',
      act: (world) => applyService(world, 'b'),
      pending: (world) => awaitsImage(world, 'trees:2', { revisions: 2, ready: 'RuntimeNotFound' }),
      always: staysWith('trees:2', 2),
    },
    {
      name: 'make the runtime again',
      act: (world) => applyRuntime(world, 'trees:3'),
      pending: (world) => awaitsImage(world, 'trees:3', { revisions: 3 }),
    },
  ],
};
