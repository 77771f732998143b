import type { FeatureSet, Store } from '@slipway/crds';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { buildBatchJob } from '../../jobs/build-batch-job.ts';
import type { BatchRequest } from '../../jobs/build-batch-job.ts';
import { resourcesAnnotation } from '../../jobs/replaced-for-resources.ts';
import { parseStoreUri, pathInStore } from '../../jobs/store-mount.ts';
import { DEFINITION_LABEL } from '../../labels.ts';
import { childName, shortHash } from '../../names.ts';
import { definitionDigest, materializationPath } from './definition.ts';
import { MATERIALIZATION_ANNOTATION } from './materialization.ts';

export interface FeatureSetStores {
  readonly source: DeepReadonly<Store>;
  readonly output: DeepReadonly<Store>;
}

/**
 * `<name>-<8 digits>-<run>`. The digits stand for all that makes another materialisation: definition, checks, and where the
 * Stores lie, so that the fix of any of them starts at once. Not for `ttl` and `resources`.
 */
export function materialiseJobName(featureSet: DeepReadonly<FeatureSet>, stores: FeatureSetStores): string {
  const request = materialiseRequest(featureSet, stores);
  const claims = [stores.source, stores.output].map((store) => parseStoreUri(store.spec.uri)?.claim);
  const identity = shortHash({ definition: request.definition, request: identityOf(request), claims }, 8);
  return childName(featureSet.metadata.name, `${identity}-${featureSet.spec.run}`);
}

function identityOf({ source, checks, outputDir }: BatchRequest<'materialise'>) {
  return { source, checks, outputDir };
}

export function buildMaterialiseJob(
  featureSet: DeepReadonly<FeatureSet>,
  stores: FeatureSetStores,
  config: WorkloadConfig,
): Job {
  const { name, namespace = '' } = featureSet.metadata;
  const { run, resources, store } = featureSet.spec;
  const definition = definitionDigest(featureSet.spec);
  const asked = { definition, run, store: store.name, path: materializationPath(name, featureSet.spec) };
  return buildBatchJob({
    owner: { kind: 'FeatureSet', name, namespace },
    name: materialiseJobName(featureSet, stores),
    labels: { [DEFINITION_LABEL]: definition.slice(0, 16) },
    annotations: { [MATERIALIZATION_ANNOTATION]: JSON.stringify(asked), ...resourcesAnnotation(resources) },
    command: 'materialise',
    request: materialiseRequest(featureSet, stores),
    stores: [
      { store: stores.source, access: 'read' },
      { store: stores.output, access: 'write' },
    ],
    resources,
    config,
  });
}

export function materialiseRequest(
  { metadata: { name }, spec }: DeepReadonly<FeatureSet>,
  { source, output }: FeatureSetStores,
): BatchRequest<'materialise'> {
  const { path, format } = spec.source.files;
  return structuredClone({
    featureSet: name,
    definition: definitionDigest(spec),
    run: spec.run,
    source: { dir: pathInStore(source, ''), path, format },
    ...(spec.transform === undefined ? {} : { sql: spec.transform.sql }),
    time: spec.time,
    entities: spec.entities,
    features: spec.features,
    checks: spec.checks,
    outputDir: pathInStore(output, materializationPath(name, spec)),
  }) as BatchRequest<'materialise'>;
}
