import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CollectRequest, CollectResult } from '@slipway/crds/batch';
import { copyInto, fail } from '../files/copy.ts';
import { publishFolder, withBuildFolder } from '../files/publish.ts';

/**
 * Waits until the pod's work is over, then takes what it left to the Store, in a folder of the pod's own index that appears in
 * one step: whoever finds it finds all of it.
 */
export async function collect(
  request: CollectRequest,
  index: number,
  over: () => Promise<void>,
): Promise<CollectResult> {
  const target = join(request.runDir, String(index));
  const end = over();
  // At once, so that a Store that cannot be written ends the pod before hours of training, not after.
  await mkdir(request.runDir, { recursive: true }).catch((cause: unknown) => fail(cause, request.runDir));
  await writeFile(request.readyFile, '');
  return withBuildFolder(target, async (built) => {
    await end;
    const logs = await copyInto(request.logDir, join(built, 'logs'));
    const output = await copyInto(request.outputDir, built);
    if (!(await publishFolder(built, target))) await replaceFolder(built, target);
    return { ok: true, files: output.files + logs.files, bytes: output.bytes + logs.bytes };
  });
}

/** A sidecar that was started again takes the newer output; the older one gives way. */
async function replaceFolder(built: string, target: string): Promise<void> {
  const old = `${built}-old`;
  await rename(target, old);
  await rename(built, target);
  await rm(old, { recursive: true, force: true });
}
