import type { Dataset } from '@slipway/crds';
import type { DeepReadonly, Job } from '@slipway/kube';
import { z } from 'zod';
import type { WorkloadConfig } from '../../deps.ts';
import { buildBatchJob } from '../../jobs/build-batch-job.ts';
import type { BatchRequest } from '../../jobs/build-batch-job.ts';
import { parseJson } from '../../parse-json.ts';
import { resourcesAnnotation } from '../../jobs/replaced-for-resources.ts';
import { parseStoreUri, pathInStore } from '../../jobs/store-mount.ts';
import { RECIPE_LABEL } from '../../labels.ts';
import { childName, shortHash } from '../../names.ts';
import type { ReadyFeature, ReadyInputs } from './inputs.ts';
import { recipeDigest } from './recipe.ts';

/** JSON on the Job: the recipe it follows, and the materialisations that were pinned before it started. */
const BUILD_ANNOTATION = 'slipway.dev/build';

const Build = z.object({
  recipe: z.string(),
  features: z.array(z.object({ featureSet: z.string(), definition: z.string(), path: z.string(), digest: z.string() })),
});
export type Build = z.infer<typeof Build>;

export function buildOf(job: DeepReadonly<Job>): Build | undefined {
  const parsed = Build.safeParse(parseJson(job.metadata.annotations?.[BUILD_ANNOTATION]));
  return parsed.success ? parsed.data : undefined;
}

/** `<name>-build-<8 digits>`: the digits stand for the recipe, the pinned materialisations, and where the Stores lie. */
export function buildJobName(dataset: DeepReadonly<Dataset>, inputs: ReadyInputs): string {
  const { rows, output, features } = inputs;
  const claims = [rows, output, ...features.map(({ store }) => store)].map(
    (store) => parseStoreUri(store.spec.uri)?.claim,
  );
  const digests = features.map(({ materialization }) => materialization.digest);
  const identity = { run: dataset.spec.run, request: buildRequest(dataset, inputs), digests, claims };
  return childName(dataset.metadata.name, `build-${shortHash(identity, 8)}`);
}

export function buildDatasetJob(dataset: DeepReadonly<Dataset>, inputs: ReadyInputs, config: WorkloadConfig): Job {
  const { name, namespace = '' } = dataset.metadata;
  const { resources } = dataset.spec;
  const recipe = recipeDigest(dataset.spec);
  const build: Build = { recipe, features: inputs.features.map(pinOf) };
  return buildBatchJob({
    owner: { kind: 'Dataset', name, namespace },
    name: buildJobName(dataset, inputs),
    labels: { [RECIPE_LABEL]: recipe.slice(0, 16) },
    annotations: { [BUILD_ANNOTATION]: JSON.stringify(build), ...resourcesAnnotation(resources) },
    command: 'build-dataset',
    request: buildRequest(dataset, inputs),
    stores: [
      { store: inputs.rows, access: 'read' },
      ...inputs.features.map(({ store }) => ({ store, access: 'read' as const })),
      { store: inputs.output, access: 'write' },
    ],
    resources,
    config,
  });
}

function pinOf({ featureSet, materialization: { definition, path, digest } }: ReadyFeature): Build['features'][number] {
  return { featureSet: featureSet.metadata.name, definition, path, digest };
}

export function buildRequest(
  { metadata: { name }, spec }: DeepReadonly<Dataset>,
  { rows, output, features }: ReadyInputs,
): BatchRequest<'build-dataset'> {
  const { files, transform, keys, at, request, label } = spec.rows;
  return structuredClone({
    dataset: name,
    rows: {
      source: { dir: pathInStore(rows, ''), path: files.path, format: files.format },
      ...(transform === undefined ? {} : { sql: transform.sql }),
      keys,
      at,
      request,
      label,
    },
    features: features.map(featureRequest),
    split: spec.split,
    outputParent: pathInStore(output, `datasets/${name}`),
  }) as BatchRequest<'build-dataset'>;
}

function featureRequest({ featureSet: { metadata, spec }, materialization, store, select }: ReadyFeature) {
  const chosen = spec.features.filter((feature) => select === undefined || select.includes(feature.name));
  return {
    featureSet: metadata.name,
    dir: pathInStore(store, materialization.path),
    entities: spec.entities,
    ttl: spec.ttl,
    select: chosen.map(({ name, type, window }) => ({ name, type, ...(window === undefined ? {} : { window }) })),
  };
}
