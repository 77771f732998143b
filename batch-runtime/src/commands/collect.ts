import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CollectRequest, CollectResult } from '@slipway/crds/batch';
import { copyInto, fail } from '../files/copy.ts';

/** Waits until the pod's work is over, then takes what it left to the Store, in a folder of the pod's own index. */
export async function collect(
  request: CollectRequest,
  index: number,
  over: () => Promise<void>,
): Promise<CollectResult> {
  const target = join(request.runDir, String(index));
  const end = over();
  // At once, so that a Store that cannot be written ends the pod before hours of training, not after.
  await mkdir(target, { recursive: true }).catch((cause: unknown) => fail(cause, target));
  await end;
  const output = await copyInto(request.outputDir, target);
  const logs = await copyInto(request.logDir, join(target, 'logs'));
  return { ok: true, files: output.files + logs.files, bytes: output.bytes + logs.bytes };
}
