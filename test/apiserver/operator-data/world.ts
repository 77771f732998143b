/** Looks at one namespace as a person would: objects, conditions, Events. */
import type { Dataset, DatasetVersion, FeatureSet, Model, ModelVersion, TrainingJob } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { Job, KubeKind, KubeObject, Pod } from '@slipway/kube';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { claim, namespaceNamed, store } from '../operator/objects.ts';
import { code, dataset, featureSet, model } from './objects.ts';

interface WithConditions extends KubeObject {
  status?: {
    observedGeneration?: number | undefined;
    conditions?: readonly { type: string; status: string; reason: string; message: string }[] | undefined;
  };
}

/** A machine that runs everything at once needs its time. */
const SECONDS = 90;

export type World = ReturnType<typeof worldOf>;

export function worldOf(harness: Harness, namespace: string) {
  const { client } = harness;
  const at = (name: string) => ({ namespace, name });

  async function list<T extends KubeObject>(kind: KubeKind<T>): Promise<T[]> {
    const { items } = await client.list(kind, { namespace });
    return items.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** The object once a condition of it has the reason, for the spec that it has now. */
  async function reason<T extends WithConditions>(kind: KubeKind<T>, name: string, wanted: string, type = 'Ready') {
    let seen = '';
    const found = await eventually(
      `${kind.kind} ${name}: ${type} with reason ${wanted}`,
      async () => {
        const object = await harness.get(kind, at(name));
        if (object?.status === undefined) return undefined;
        const condition = object.status.conditions?.find((each) => each.type === type);
        seen = JSON.stringify(condition ?? object.status.conditions);
        const isCurrent = object.status.observedGeneration === object.metadata.generation;
        return isCurrent && condition?.reason === wanted && { object, condition };
      },
      SECONDS,
    ).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; last seen: ${seen}`);
    });
    return found;
  }

  return {
    namespace,
    reason,
    /** Namespace, volume, Store. */
    prepare: () => harness.apply(namespaceNamed(namespace), claim(namespace), store(namespace)),
    /** All that a training needs. */
    prepareTraining: () =>
      harness.apply(
        namespaceNamed(namespace),
        claim(namespace),
        store(namespace),
        featureSet(namespace),
        dataset(namespace),
        model(namespace),
        code(namespace),
      ),
    featureSet: (name = 'weather') => harness.get<FeatureSet>(kinds.FeatureSet, at(name)),
    dataset: () => harness.get<Dataset>(kinds.Dataset, at('flights')),
    model: () => harness.get<Model>(kinds.Model, at('delay')),
    trainingJob: (name = 'xgb') => harness.get<TrainingJob>(kinds.TrainingJob, at(name)),
    datasetVersions: () => list<DatasetVersion>(kinds.DatasetVersion),
    modelVersions: () => list<ModelVersion>(kinds.ModelVersion),
    jobs: (role?: string) =>
      list<Job>(builtin.Job).then((jobs) =>
        jobs.filter(({ metadata }) => role === undefined || metadata.labels?.['slipway.dev/role'] === role),
      ),
    trainerPods: () =>
      list<Pod>(builtin.Pod).then((pods) =>
        pods.filter(
          ({ metadata }) =>
            metadata.labels?.['slipway.dev/role'] === 'trainer' && metadata.deletionTimestamp === undefined,
        ),
      ),
    eventReasons: async (kind: string) =>
      (await list(builtin.Event)).filter((event) => event.regarding?.kind === kind).map((event) => event.reason),
    /** Removes the whole status of every object of ours. */
    async wipeStatuses(): Promise<void> {
      const { FeatureSet, Dataset, DatasetVersion, Model, ModelVersion, TrainingJob } = kinds;
      const all: KubeKind[] = [FeatureSet, Dataset, DatasetVersion, Model, ModelVersion, TrainingJob];
      for (const kind of all) {
        for (const { metadata } of await list(kind)) {
          const options = { fieldManager: 'vandal', subresource: 'status' };
          await client.mergePatch(kind, at(metadata.name), { status: null }, options);
        }
      }
    },
    /** Kind, name, uid and resourceVersion of everything in the namespace that we make or own: equal twice means nothing wrote. */
    async fingerprint(): Promise<string[]> {
      const all = await Promise.all(
        [builtin.Job, builtin.Service, ...Object.values(kinds)].map((kind) => list<KubeObject>(kind as KubeKind)),
      );
      return all
        .flat()
        .map(({ kind, metadata: { name, uid, resourceVersion } }) => `${kind} ${name} ${uid} ${resourceVersion}`);
    },
  };
}
