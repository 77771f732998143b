import type { ModelVersion, Store } from '@slipway/crds';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { buildBatchJob } from '../../jobs/build-batch-job.ts';
import { parseStoreUri, pathInStore } from '../../jobs/store-mount.ts';
import { childName, shortHash } from '../../names.ts';

/** A Store that now points elsewhere asks for another verification, so for another Job; a new image of ours does not. */
export function verifyJobName(version: DeepReadonly<ModelVersion>, store: DeepReadonly<Store>): string {
  const claim = parseStoreUri(store.spec.uri)?.claim;
  const identity = shortHash({ uid: version.metadata.uid, claim, request: verifyRequest(version, store) }, 6);
  return childName(version.metadata.name, `verify-${identity}`);
}

export function buildVerifyJob(
  version: DeepReadonly<ModelVersion>,
  store: DeepReadonly<Store>,
  config: WorkloadConfig,
): Job {
  const { name, namespace = '' } = version.metadata;
  return buildBatchJob({
    owner: { kind: 'ModelVersion', name, namespace },
    name: verifyJobName(version, store),
    command: 'verify-model',
    request: verifyRequest(version, store),
    stores: [{ store, access: 'read' }],
    config,
  });
}

function verifyRequest(version: DeepReadonly<ModelVersion>, store: DeepReadonly<Store>) {
  const { path, digest, format } = version.spec.artifact;
  return { dir: pathInStore(store, path), digest, format };
}
