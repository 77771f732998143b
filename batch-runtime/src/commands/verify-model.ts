import { stat } from 'node:fs/promises';
import type { VerifyModelRequest, VerifyModelResult } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { digestOf } from '@slipway/crds/digest';
import { pathInStore } from '../files/store-path.ts';
import { onnxFileOf } from '../model/find-model.ts';
import { openModel } from '../model/open-model.ts';
import { digestMismatch } from './fetch.ts';

/** Checks that the bytes of a model are those that its digest names, and that they can be opened. */
export async function verifyModel({ dir, digest }: VerifyModelRequest): Promise<VerifyModelResult> {
  await stat(dir).catch(() => {
    throw new BatchError(
      'FileNotFound',
      `There is no ${pathInStore(dir)} in the Store; put the model there, or name where it is`,
    );
  });
  const found = await digestOf(dir);
  if (found.digest !== digest) throw digestMismatch(dir, digest, found.digest);
  const signature = await openModel(await onnxFileOf(dir));
  return { ok: true, digest, bytes: found.bytes, signature };
}
