import { join } from 'node:path';
import type { PublishModelRequest, PublishModelResult } from '@slipway/crds/batch';
import { copyInto } from '../files/copy.ts';
import { digestOf } from '../files/digest.ts';
import { createBuildFolder, publishFile, publishFolder } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { findTrainedModel } from '../model/find-model.ts';
import { readMetrics } from '../model/metrics.ts';
import { openModel } from '../model/open-model.ts';

/**
 * Makes what a training wrote a model of the Store: `models/sha256-<digest>/`, made in one step, never changed. Doing it twice,
 * or at the same time, ends in the same folder.
 */
export async function publishModel({ runDir, modelsDir }: PublishModelRequest): Promise<PublishModelResult> {
  const { artifact, onnxFile } = await findTrainedModel(runDir);
  const metrics = await readMetrics(runDir);
  const signature = await openModel(onnxFile);
  const built = await createBuildFolder(join(modelsDir, 'model'));
  await copyInto(artifact, built);
  const { digest, files, bytes } = await digestOf(built);
  const folder = join(modelsDir, digest.replace(':', '-'));
  await publishFolder(built, folder);
  await publishFile(`${folder}.manifest.json`, JSON.stringify({ digest, bytes, files, signature }, undefined, 2));
  return { ok: true, path: pathInStore(folder), digest, bytes, signature, metrics };
}
