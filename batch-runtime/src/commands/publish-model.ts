import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PublishModelRequest, PublishModelResult } from '@slipway/crds/batch';
import { copyInto } from '../files/copy.ts';
import { digestOf } from '@slipway/crds/digest';
import { publishFile, publishFolder, withBuildFolder } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { findTrainedModel } from '../model/find-model.ts';
import { readMetrics } from '../model/metrics.ts';
import { openModel } from '../model/open-model.ts';

/** What model servers look for. */
const MODEL_FILE = 'model.onnx';

/**
 * Makes what a training wrote a model of the Store: `models/sha256-<digest>/`, made in one step, never changed. Doing it twice,
 * or at the same time, ends in the same folder. The copy is what is opened, so that it holds all that the model needs.
 */
export async function publishModel({ runDir, modelsDir }: PublishModelRequest): Promise<PublishModelResult> {
  const { artifact, onnxFile } = await findTrainedModel(runDir);
  const metrics = await readMetrics(runDir);
  return withBuildFolder(join(modelsDir, 'model'), async (built) => {
    await copyInto(artifact, built);
    await rename(join(built, onnxFile.slice(artifact.length) || basename(artifact)), join(built, MODEL_FILE));
    const signature = await openModel(join(built, MODEL_FILE));
    const { digest, files, bytes } = await digestOf(built);
    const folder = join(modelsDir, digest.replace(':', '-'));
    await publishFolder(built, folder);
    await publishFile(`${folder}.manifest.json`, JSON.stringify({ digest, bytes, files, signature }, undefined, 2));
    return { ok: true, path: pathInStore(folder), digest, bytes, signature, metrics };
  });
}
